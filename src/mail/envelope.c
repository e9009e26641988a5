/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/envelope.h"

#include "mail/printable.h"
#include "mail/word.h"

void envelope_put(struct buf *b, enum envelope_kind kind, struct span text)
{
	/* A line end inside a text would be a line of its own: a recipient that
	 * nobody checked.  Addresses were parsed; this holds for any text. */
	buf_put_byte(b, (uint8_t)kind);
	printable_put(b, span_head(text, ADDRESS_MAX));
	buf_put_byte(b, '\n');
}

void envelope_reader_init(struct envelope_reader *r)
{
	r->rcpt_next = 0;
	r->len = 0;
}

static bool kind_known(uint8_t kind)
{
	return byte_in(kind, "SHOR");
}

enum status envelope_read(struct envelope_reader *r, struct span *in, struct envelope_item *out)
{
	size_t n = span_find(*in, '\n');
	bool whole = n < in->len;
	size_t i;

	if (n > sizeof(r->line) - r->len)
		return ST_CORRUPT;
	for (i = 0; i < n; i++) {
		if (!printable_byte(in->at[i]))
			return ST_CORRUPT;
		r->line[r->len++] = in->at[i];
	}
	span_skip(in, whole ? n + 1 : n);
	if (!whole)
		return ST_AGAIN;
	if (r->len == 0 || !kind_known(r->line[0]))
		return ST_CORRUPT;
	out->kind = (enum envelope_kind)r->line[0];
	out->text = span_make(r->line + 1, (size_t)r->len - 1);
	out->rcpt = r->rcpt_next;
	if (out->kind == ENVELOPE_RCPT)
		r->rcpt_next++;
	r->len = 0;
	return ST_OK;
}
