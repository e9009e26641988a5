/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/header.h"

#include "mail/word.h"

#include <string.h>

/* The walk, for each line of the header:
 *
 *   NAME -":" of a field of no concern, or no field-> PASS -LF-> NAME
 *   NAME -":" of From, Sender, Reply-To-> FIELD -LF-> ENDED -blank-> FIELD
 *                                                     ENDED -other-> rewritten, NAME
 *   NAME -empty line-> BODY
 *
 * Octets of NAME, FIELD and ENDED are held back in the array, all others pass. */
enum { NAME, FIELD, ENDED, PASS, BODY };

#define NAME_MAX_LEN 78u /* RFC 5322 2.1.1's line: a longer name is no name */

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void header_init(struct header *h)
{
	h->has_date = h->has_message_id = h->has_from = false;
	h->eight_bit = h->in_body = h->headless = false;
	h->received = 0;
	h->state = NAME;
	h->first = true;
	h->len = 0;
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

static void field_rewrite(struct header *h, const struct header_rewrite *rewrite)
{
	size_t at = span_find(span_make(h->field, h->len), ':') + 1u;
	struct mailbox m;

	while (at < h->len) {
		m = mailbox_at(span_make(h->field, h->len), at);
		at = m.next + mailbox_rewrite(h, rewrite, m.from, m.to);
	}
}

/* ---- the stream ---------------------------------------------------------------- */

static bool rewrites(const struct header_rewrite *rewrite)
{
	return rewrite && rewrite->to.len > 0;
}

/* The name before the colon is complete: what is noted, and the state that follows. */
static uint8_t field_named(struct header *h, const struct header_rewrite *rewrite)
{
	const struct span name = span_trim(span_make(h->field, h->len - 1u));
	const bool from = word_is(name, "From");

	h->has_from |= from;
	h->has_date |= word_is(name, "Date");
	h->has_message_id |= word_is(name, "Message-ID");
	if (word_is(name, "Received") && h->received < UINT8_MAX)
		h->received++;
	if (rewrites(rewrite) && (from || word_is(name, "Sender") || word_is(name, "Reply-To")))
		return FIELD;
	return PASS;
}

/* A line that is no field.  As the very first one it says that there is no header,
 * only a body; but old mail programs put "From " or ">From " before a header. */
static uint8_t not_a_field(struct header *h)
{
	const struct span line = span_make(h->field, h->len);

	if (!h->first || word_starts(line, "From ") || word_starts(line, ">From "))
		return PASS;
	h->headless = h->in_body = true;
	return BODY;
}

/* One octet of a line whose name is not yet complete. */
static uint8_t name_octet(struct header *h, const struct header_rewrite *rewrite, uint8_t c)
{
	const bool blank = c == ' ' || c == '\t';
	const uint8_t before = h->len > 0 ? h->field[h->len - 1u] : 0;
	const bool trailing = before == ' ' || before == '\t'; /* "Subject : x": obsolete, alive */

	h->field[h->len++] = c;
	if (c == '\n' && (h->len == 1 || (h->len == 2 && before == '\r'))) {
		h->in_body = true;
		return BODY;
	}
	if (c == ':' && h->len > 1)
		return field_named(h, rewrite);
	if (h->len == 1 && blank)
		return h->first ? not_a_field(h) : PASS; /* the rest of a folded field */
	if (c == '\r' && h->len == 1)
		return NAME;
	if ((blank || (c > ' ' && c < 127 && !trailing && before != '\r')) && c != ':' &&
		h->len < NAME_MAX_LEN)
		return NAME;
	return not_a_field(h);
}

static struct span give(struct header *h)
{
	const struct span out = span_make(h->field, h->len);

	h->len = 0;
	return out;
}

/* Lines of no concern and the body go through untouched. */
static size_t pass(struct header *h, struct span in, struct span *out)
{
	size_t n = in.len, i;
	uint8_t seen = 0;

	if (h->state == PASS) {
		n = span_find(in, '\n');
		if (n < in.len) {
			n++;
			h->state = NAME;
			h->first = false;
		}
	}
	for (i = 0; i < n; i++)
		seen |= in.at[i];
	h->eight_bit |= seen > 127;
	*out = span_sub(in, 0, n);
	return n;
}

/* One octet that is held back.  false: the field ended before it, and it stands in *out. */
static bool hold(struct header *h, const struct header_rewrite *rewrite, uint8_t c,
	struct span *out)
{
	if (h->state == ENDED && c != ' ' && c != '\t') {
		field_rewrite(h, rewrite);
		*out = give(h);
		h->state = NAME;
		h->first = false;
		return false;
	}
	h->eight_bit |= c > 127;
	if (h->state == NAME) {
		h->state = name_octet(h, rewrite, c);
		if (h->state == PASS && c == '\n') {
			h->state = NAME;
			h->first = false;
			*out = give(h);
		} else if (h->state == PASS || h->state == BODY) {
			*out = give(h);
		}
		return true;
	}
	h->field[h->len++] = c;
	h->state = c == '\n' ? ENDED : FIELD;
	if (h->len >= HEADER_FIELD_MAX) {
		h->state = c == '\n' ? NAME : PASS;
		*out = give(h);
	}
	return true;
}

size_t header_feed(struct header *h, const struct header_rewrite *rewrite, struct span in,
	struct span *out)
{
	size_t n = 0;

	*out = SPAN_EMPTY;
	if (in.len > 0 && (h->state == PASS || h->state == BODY))
		return pass(h, in, out);
	while (n < in.len && out->len == 0 && h->state != PASS && h->state != BODY)
		n += hold(h, rewrite, in.at[n], out) ? 1u : 0u;
	return n;
}

struct span header_finish(struct header *h, const struct header_rewrite *rewrite)
{
	if (h->state == ENDED || h->state == FIELD)
		field_rewrite(h, rewrite);
	return give(h);
}
