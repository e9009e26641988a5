/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/printable.h"

void printable_put(struct buf *b, struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		buf_put_byte(b, printable_byte(s.at[i]) ? s.at[i] : (uint8_t)'?');
}

bool printable_ok(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!printable_byte(s.at[i]))
			return false;
	return true;
}
