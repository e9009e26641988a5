/* SPDX-License-Identifier: BSD-2-Clause */
/* intake - see intake.h */
#include "posix/cli/intake.h"

void intake_init(struct intake *n, bool dots)
{
	*n = (struct intake){ .dots = dots };
}

/* Gives out what was held back, now that more of the line has come. */
static void release(struct intake *n, struct buf *out)
{
	if (n->dot)
		buf_put_byte(out, '.');
	if (n->cr)
		buf_put_byte(out, ' ');
	n->dot = n->cr = false;
}

static void end_line(struct intake *n, struct buf *out)
{
	if (n->dot && n->dots) {
		n->ended = true;
		return;
	}
	n->cr = false;
	release(n, out);
	buf_puts(out, "\r\n");
	n->line_started = false;
}

static void take(struct intake *n, uint8_t c, struct buf *out)
{
	if (c == '\n') {
		end_line(n, out);
		return;
	}
	if (c == '\r') {
		n->cr = true;
		return;
	}
	if (n->dot || n->cr)
		release(n, out);
	else if (c == '.' && !n->line_started && n->dots) {
		n->dot = n->line_started = true;
		return;
	}
	buf_put_byte(out, c);
	n->line_started = true;
}

void intake_feed(struct intake *n, struct span *in, struct buf *out)
{
	size_t i = 0;

	while (i < in->len && !n->ended && buf_room(out) >= INTAKE_ROOM)
		take(n, in->at[i++], out);
	*in = span_from(*in, i);
}

void intake_finish(struct intake *n, struct buf *out)
{
	if (!n->ended && (n->line_started || n->cr))
		end_line(n, out);
	n->ended = true;
}
