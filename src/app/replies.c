/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/replies.h"

#define REPLIES_ROW(name, code, a, b, c, text) { code, { a, b, c }, SPAN_INIT(text) },

const struct reply *say(enum say which)
{
	static const struct reply rows[SAY_COUNT] = { REPLIES(REPLIES_ROW) };

	return &rows[which];
}
