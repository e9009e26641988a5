/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/reply.h"

#include "mail/printable.h"

/* The walk:  FRESH -octet-> HEAD -line opens-> TAIL -LF-> HEAD ... -LF of the last line-> FRESH */
enum { FRESH, HEAD, TAIL, BROKEN };

void reply_enhanced_put(struct buf *b, const uint8_t enhanced[3])
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		if (i > 0)
			buf_put_byte(b, '.');
		buf_put_u32(b, enhanced[i]);
	}
}

void reply_put(struct buf *b, const struct reply *r)
{
	const size_t start = b->len;

	if (r->code > 0)
		buf_put_u32(b, r->code);
	if (r->enhanced[0] > 0) {
		if (b->len > start)
			buf_put_byte(b, ' ');
		reply_enhanced_put(b, r->enhanced);
	}
	if (r->text.len > 0) {
		if (b->len > start)
			buf_put_byte(b, ' ');
		printable_put(b, span_head(r->text, REPLY_TEXT_PUT_MAX));
	}
	buf_puts(b, "\r\n");
}

bool reply_enhanced_take(struct span *s, uint8_t enhanced[3])
{
	struct span rest = *s;
	uint32_t e[3];
	unsigned i;

	for (i = 0; i < 3; i++) {
		size_t n = span_find(rest, i < 2 ? '.' : ' ');

		if (n > 3 || !span_to_u32(span_head(rest, n), 255, &e[i]))
			return false;
		span_skip(&rest, n + 1);
	}
	if (e[0] != 2 && e[0] != 4 && e[0] != 5)
		return false;
	for (i = 0; i < 3; i++)
		enhanced[i] = (uint8_t)e[i];
	*s = rest;
	return true;
}

void reply_parser_init(struct reply_parser *p)
{
	p->code = 0;
	p->enhanced[0] = p->enhanced[1] = p->enhanced[2] = 0;
	p->text_len = 0;
	p->lines = 0;
	p->head_len = 0;
	p->line_len = 0;
	p->last = p->cr = false;
	p->state = FRESH;
}

static void text_add(struct reply_parser *p, uint8_t c)
{
	if (p->text_len < sizeof(p->text))
		p->text[p->text_len++] = c;
}

/* The head is "250", "250 text" or "250-text"; anything else is not SMTP. */
static bool head_code(const struct reply_parser *p, uint32_t *code, bool *last)
{
	const struct span head = span_make(p->head, p->head_len);
	const uint8_t separator = head.len > 3 ? head.at[3] : (uint8_t)' ';

	*last = separator == ' ';
	return span_to_u32(span_head(head, 3), 599, code) && head.len >= 3 && *code >= 200 &&
		(separator == ' ' || separator == '-');
}

/* The line's start is here: its code is checked, its text begins. */
static bool line_open(struct reply_parser *p)
{
	struct span text = span_from(span_make(p->head, p->head_len), 4);
	uint8_t enhanced[3];
	uint32_t code;
	unsigned i;

	p->state = TAIL;
	if (!head_code(p, &code, &p->last) || (p->lines > 0 && code != p->code))
		return false;
	p->code = (uint16_t)code;
	/* Servers repeat the enhanced code on every line: the first one counts,
	 * and only if it agrees with the code. */
	if (reply_enhanced_take(&text, enhanced) && p->enhanced[0] == 0 &&
		enhanced[0] == code / 100u)
		for (i = 0; i < 3; i++)
			p->enhanced[i] = enhanced[i];
	if (p->text_len > 0 && text.len > 0)
		text_add(p, ' ');
	for (i = 0; i < text.len; i++)
		text_add(p, text.at[i]);
	return true;
}

static bool octet_add(struct reply_parser *p, uint8_t c)
{
	if (!printable_byte(c))
		c = '?';
	if (++p->line_len > REPLY_READ_LINE_MAX)
		return false;
	if (p->state == TAIL) {
		text_add(p, c);
		return true;
	}
	p->head[p->head_len++] = c;
	return p->head_len < sizeof(p->head) || line_open(p);
}

static enum reply_result line_end(struct reply_parser *p)
{
	if (p->state == HEAD && !line_open(p))
		return REPLY_BROKEN;
	if (++p->lines > REPLY_READ_LINES_MAX)
		return REPLY_BROKEN;
	p->line_len = 0;
	p->cr = false;
	p->state = p->last ? FRESH : HEAD;
	return p->last ? REPLY_COMPLETE : REPLY_LINE;
}

/* The next line (or reply) begins: what was kept of the one before goes. */
static void line_begin(struct reply_parser *p)
{
	if (p->state == FRESH)
		reply_parser_init(p);
	if (p->line_len == 0)
		p->head_len = 0;
	if (p->state == FRESH)
		p->state = HEAD;
}

enum reply_result reply_parse(struct reply_parser *p, struct span *in)
{
	enum reply_result result = p->state == BROKEN ? REPLY_BROKEN : REPLY_MORE;
	uint8_t c;

	while (in->len > 0 && result == REPLY_MORE) {
		line_begin(p);
		c = in->at[0];
		span_skip(in, 1);
		if (c == '\n')
			result = line_end(p);
		else if ((p->cr && !octet_add(p, '\r')) || (c != '\r' && !octet_add(p, c)))
			result = REPLY_BROKEN;
		else
			p->cr = c == '\r';
	}
	if (result == REPLY_BROKEN)
		p->state = BROKEN;
	return result;
}

struct reply reply_parser_reply(const struct reply_parser *p)
{
	struct reply r = { .code = p->code, .text = { p->text, p->text_len } };
	unsigned i;

	for (i = 0; i < 3; i++)
		r.enhanced[i] = p->enhanced[i];
	return r;
}
