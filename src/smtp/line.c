/* SPDX-License-Identifier: BSD-2-Clause */
#include "smtp/line.h"

void line_init(struct line *l)
{
	l->len = 0;
	l->cr = l->bad = l->cut = l->skip = false;
	l->done = true;
}

bool line_fresh(const struct line *l)
{
	return l->done && !l->skip;
}

static enum line_result line_end(struct line *l)
{
	const bool skipped = l->skip;

	l->done = true;
	l->cr = l->skip = false;
	if (skipped)
		return LINE_MORE; /* was answered at its bare LF */
	if (l->cut)
		return LINE_LONG;
	return l->bad ? LINE_BAD : LINE_DONE;
}

static void octet_keep(struct line *l, uint8_t *array, size_t cap, uint8_t c)
{
	/* The CR before this octet was no line end. */
	l->bad |= l->cr || c == 0;
	l->cr = c == '\r';
	if (l->cr || l->skip)
		return;
	if (l->len < cap)
		array[l->len++] = c;
	else
		l->cut = true;
}

enum line_result line_read(struct line *l, uint8_t *array, size_t cap, bool lf_ends,
	struct span *in)
{
	enum line_result result = LINE_MORE;

	while (in->len > 0 && result == LINE_MORE) {
		const uint8_t c = in->at[0];

		span_skip(in, 1);
		if (l->done) {
			l->len = 0;
			l->bad = l->cut = l->done = false;
		}
		if (c != '\n') {
			octet_keep(l, array, cap, c);
		} else if (l->cr || lf_ends) {
			return line_end(l);
		} else {
			l->skip = true;
			result = LINE_BAD;
		}
	}
	return result;
}
