/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

/* In place of advice.c. */
void conf_wrong(struct conf_reader *r)
{
	conf_tell_with(r, "is wrong, or not in this build", "");
}

bool conf_text_ok(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((s.at[i] < ' ' && s.at[i] != '\t') || s.at[i] >= 0x7f)
			return false;
	return true;
}
