/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/form.h"

void form_put(struct buf *b, const char *form,
	void (*fill)(struct buf *b, char what, const void *of), const void *of)
{
	for (; *form != 0; form++) {
		if (*form == '%') {
			fill(b, *++form, of);
			continue;
		}
		if (*form == '\n')
			buf_put_byte(b, '\r');
		buf_put_byte(b, (uint8_t)*form);
	}
}
