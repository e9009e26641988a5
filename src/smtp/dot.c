/* SPDX-License-Identifier: BSD-2-Clause */
#include "smtp/dot.h"

#include "base/check.h"

/* What was seen just before:  LINE: CRLF, or the start.  DOT: that and ".".
 * DOT_CR: that and CR.  CR: CR.  CR_CR: a lone CR and CR.  TEXT: anything else.
 *
 *   TEXT -CR-> CR -LF-> LINE -.-> DOT -CR-> DOT_CR -LF-> the end
 *
 * A CRLF right behind a lone CR ends a line like any other, but whoever reads CR CR LF in
 * another way did not double the dot behind it: an end there is `doubtful`. */
enum { LINE, DOT, DOT_CR, CR, CR_CR, TEXT };

static bool is_legacy(const struct dot_decoder *d)
{
	return CONFIG_LEGACY_DEVICES && d->legacy;
}

void dot_decoder_init(struct dot_decoder *d, bool legacy)
{
	d->state = LINE;
	d->legacy = CONFIG_LEGACY_DEVICES && legacy;
	d->broken = false;
	d->doubtful = false;
	d->column = 0;
}

static void line_end_put(struct dot_decoder *d, struct buf *out)
{
	if (!d->broken)
		buf_puts(out, "\r\n");
	d->column = 0;
}

/* A lone CR or LF. */
static void bare(struct dot_decoder *d, struct buf *out)
{
	if (is_legacy(d))
		line_end_put(d, out);
	else
		d->broken = true;
}

static void octet_put(struct dot_decoder *d, struct buf *out, uint8_t c)
{
	if (d->broken)
		return;
	if (is_legacy(d) && d->column == BODY_LINE_MAX) {
		buf_puts(out, "\r\n ");
		d->column = 1;
	}
	buf_put_byte(out, c);
	d->column++; /* wraps for strangers, where nobody looks */
}

/* One octet inside a line, or its CR or LF. */
static void text(struct dot_decoder *d, struct buf *out, uint8_t c)
{
	const bool lone = d->state == CR || d->state == CR_CR || d->state == DOT_CR;

	if (lone)
		bare(d, out);
	d->state = TEXT;
	if (c == '\r')
		d->state = lone ? CR_CR : CR;
	else if (c == '\n')
		bare(d, out);
	else
		octet_put(d, out, c);
}

/* true: the end.  Puts at most DOT_ROOM_MIN octets. */
static bool dot_step(struct dot_decoder *d, struct buf *out, uint8_t c)
{
	if (d->state == DOT_CR && c == '\n')
		return true;
	if ((d->state == CR || d->state == CR_CR) && c == '\n') {
		line_end_put(d, out);
		d->doubtful = d->state == CR_CR;
		d->state = d->doubtful && is_legacy(d) ? TEXT : LINE;
	} else if (d->state == LINE && c == '.') {
		d->state = DOT;
	} else if (d->state == DOT && c == '\r') {
		d->state = DOT_CR;
	} else {
		text(d, out, c);
	}
	return false;
}

/* Octets up to the next CR or LF. */
static size_t plain_len(struct span s, size_t max)
{
	size_t n = 0;

	while (n < s.len && n < max && s.at[n] != '\r' && s.at[n] != '\n')
		n++;
	return n;
}

bool dot_decode(struct dot_decoder *d, struct span *in, struct buf *out)
{
	size_t n;
	uint8_t c;

	while (in->len > 0 && buf_room(out) >= DOT_ROOM_MIN) {
		if (d->state == TEXT && !is_legacy(d) && !d->broken) {
			n = plain_len(*in, buf_room(out));
			buf_put_max(out, *in, n);
			span_skip(in, n);
			if (in->len == 0 || buf_room(out) < DOT_ROOM_MIN)
				break;
		}
		c = in->at[0];
		span_skip(in, 1);
		if (dot_step(d, out, c))
			return true;
	}
	return false;
}

void dot_encoder_init(struct dot_encoder *e)
{
	e->line_start = true;
	e->cr = false;
}

/* A CR makes its CRLF at once, and an LF behind it nothing more. */
static void encode_octet(struct dot_encoder *e, struct buf *out, uint8_t c)
{
	const bool end = c == '\r' || c == '\n';

	if (end && !(e->cr && c == '\n'))
		buf_puts(out, "\r\n");
	if (!end) {
		if (e->line_start && c == '.')
			buf_put_byte(out, '.');
		buf_put_byte(out, c);
	}
	e->line_start = end;
	e->cr = c == '\r';
}

void dot_encode(struct dot_encoder *e, struct span *in, struct buf *out, size_t reserve)
{
	size_t n;

	while (in->len > 0 && buf_room(out) >= reserve + 2u) {
		n = e->line_start ? 0 : plain_len(*in, buf_room(out) - reserve);
		if (n == 0) {
			n = 1;
			encode_octet(e, out, in->at[0]);
		} else {
			buf_put_max(out, *in, n);
		}
		span_skip(in, n);
	}
}

void dot_encode_end(struct dot_encoder *e, struct buf *out)
{
	CHECK(buf_room(out) >= DOT_END_MAX);
	if (!e->line_start)
		buf_puts(out, "\r\n");
	buf_puts(out, ".\r\n");
}
