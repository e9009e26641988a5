/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/masquerade.h"

#include "mail/word.h"

#include <string.h>

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ---- addresses in a field's value -------------------------------------------- */

/* Index behind the quoted string, comment or literal that begins at i. */
static size_t skip_enclosed(struct span s, size_t i)
{
	const uint8_t open = s.at[i];
	const uint8_t close = open == '(' ? ')' : open == '[' ? ']' : open;
	size_t depth = 1;

	for (i++; i < s.len && depth > 0; i++) {
		if (s.at[i] == '\\')
			i++;
		else if (s.at[i] == close)
			depth--;
		else if (s.at[i] == '(' && open == '(')
			depth++; /* comments nest (RFC 5322 3.2.2), counted: no recursion */
	}
	return i < s.len ? i : s.len;
}

static bool opens(uint8_t c)
{
	return c == '"' || c == '(' || c == '[';
}

/* Index of the ">" that closes the "<" at i, or s.len. */
static size_t angle_end(struct span s, size_t i)
{
	for (i++; i < s.len && s.at[i] != '>';)
		i = opens(s.at[i]) ? skip_enclosed(s, i) : i + 1;
	return i;
}

/* One mailbox of an address list: where its address stands, and where the next begins. */
struct mailbox {
	size_t from, to, next;
	unsigned angles, words;
};

/* A word: everything up to a blank, a comment, an angle or a separator. */
static size_t word_end(struct span s, size_t i)
{
	while (i < s.len && !is_space(s.at[i]) && !byte_in(s.at[i], "(<,;:>"))
		i = opens(s.at[i]) ? skip_enclosed(s, i) : i + 1;
	return i;
}

/* Without angles the one word is the address; with one, what stands in it.  A
 * group's name (RFC 5322 3.4) ends at its colon and has no address. */
static struct mailbox mailbox_at(struct span s, size_t i)
{
	struct mailbox m = { 0 };

	while (i < s.len && !byte_in(s.at[i], ",;:")) {
		const uint8_t c = s.at[i];
		const size_t end = c == '<' ? angle_end(s, i) : word_end(s, i);

		if (c == '(') {
			i = skip_enclosed(s, i);
		} else if (c == '<') {
			m.angles++;
			m.from = i + 1;
			m.to = end;
			i = end < s.len ? end + 1 : end;
		} else if (end == i) {
			i++; /* a blank, or a stray ">" */
		} else {
			if (m.angles == 0) {
				m.from = i;
				m.to = end;
			}
			m.words++;
			i = end;
		}
	}
	if (m.angles > 1 || (m.angles == 0 && m.words != 1) || (i < s.len && s.at[i] == ':'))
		m.to = m.from;
	m.next = i < s.len ? i + 1 : i;
	return m;
}

/* "local@domain", or a local part alone: as a path, whose grammar that is. */
static bool address_of(struct span s, struct address *a)
{
	uint8_t path[ADDRESS_MAX + 2u];
	struct span p;
	struct buf b;

	if (address_parse(s, a))
		return true;
	buf_init(&b, path, sizeof(path));
	buf_put_byte(&b, '<');
	buf_put(&b, s);
	buf_put_byte(&b, '>');
	p = buf_span(&b);
	if (b.overflow || !address_parse_path(&p, false, true, a) || p.len > 0 || a->domain.len > 0)
		return false;
	a->local = s;
	return true;
}

void header_rewrite_address(struct buf *b, const struct header_rewrite *rewrite,
	const struct address *a)
{
	struct address changed = *a;

	if (address_is_null(a) || rewrite->to.len == 0 ||
		!rewrite->is_local(rewrite->ctx, a->domain)) {
		address_put(b, a);
	} else if (span_find(rewrite->to, '@') < rewrite->to.len) {
		buf_put(b, rewrite->to);
	} else {
		changed.domain = rewrite->to;
		address_put(b, &changed);
	}
}

/* Replaces field[from, to) if it is an address of ours; returns how much the field grew. */
static size_t mailbox_rewrite(struct header *h, const struct header_rewrite *rewrite, size_t from,
	size_t to)
{
	uint8_t array[ADDRESS_MAX];
	struct address a;
	struct buf b;

	while (from < to && is_space(h->field[from]))
		from++;
	while (from < to && is_space(h->field[to - 1]))
		to--;
	buf_init(&b, array, sizeof(array));
	if (!address_of(span_make(h->field + from, to - from), &a))
		return 0;
	header_rewrite_address(&b, rewrite, &a);
	if (b.overflow || h->len - (to - from) + b.len > sizeof(h->field))
		return 0;
	memmove(h->field + from + b.len, h->field + to, h->len - to);
	memcpy(h->field + from, array, b.len);
	h->len = (uint16_t)(h->len - (to - from) + b.len);
	return b.len - (to - from); /* modulo: adds right when it shrank */
}

void masquerade_field(struct header *h, const struct header_rewrite *rewrite)
{
	size_t at = span_find(span_make(h->field, h->len), ':') + 1u;
	struct mailbox m;

	while (at < h->len) {
		m = mailbox_at(span_make(h->field, h->len), at);
		at = m.next + mailbox_rewrite(h, rewrite, m.from, m.to);
	}
}
