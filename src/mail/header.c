/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/masquerade.h"

#include "mail/word.h"

/* The walk, for each line of the header:
 *
 *   NAME -":" of a field of no concern, or no field-> PASS -LF-> NAME
 *   NAME -":" of From, Sender, Reply-To-> FIELD -LF-> ENDED -blank-> FIELD
 *                                                     ENDED -other-> rewritten, NAME
 *   NAME -empty line-> BODY
 *
 * Octets of NAME, FIELD and ENDED are held back in the array, all others pass. */
enum { NAME, FIELD, ENDED, PASS, BODY };

void header_init(struct header *h)
{
	h->has_date = h->has_message_id = false;
	h->eight_bit = h->in_body = h->headless = false;
	h->received = 0;
	h->state = NAME;
	h->first = true;
	h->len = 0;
}

/* ---- the stream ---------------------------------------------------------------- */

/* The name before the colon is complete: what is noted, and the state that follows. */
static uint8_t field_named(struct header *h, const struct header_rewrite *rewrite)
{
	const struct span name = span_trim(span_make(h->field, h->len - 1u));

	switch (word_among(name, "Date Message-ID Received")) {
	case 0: h->has_date = true; break;
	case 1: h->has_message_id = true; break;
	case 2: h->received = (uint8_t)(h->received + (h->received < UINT8_MAX)); break;
	default:
		if (masquerade_wanted(rewrite) && word_among(name, "From Sender Reply-To") >= 0)
			return FIELD;
	}
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
	const uint8_t before = h->len > 0 ? h->field[h->len - 1u] : 0;

	h->field[h->len++] = c;
	if (c == '\n' && (before == 0 || before == '\r')) {
		h->in_body = true;
		return BODY;
	}
	if (before == 0) {
		if (c == '\r')
			return NAME;
		if (byte_is_blank(c) && !h->first)
			return PASS; /* the rest of a folded field */
	} else if (c == ':') {
		return field_named(h, rewrite);
	} else if (byte_is_blank(c) && before != '\r' && h->len < HEADER_NAME_MAX) {
		return NAME; /* "Subject : x": obsolete, alive */
	}
	if (c > ' ' && c < 127 && c != ':' && before != '\r' && !byte_is_blank(before) &&
		h->len < HEADER_NAME_MAX)
		return NAME;
	return not_a_field(h);
}

static struct span give(struct header *h)
{
	const struct span out = span_make(h->field, h->len);

	h->len = 0;
	return out;
}

static void line_over(struct header *h)
{
	h->state = NAME;
	h->first = false;
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
			line_over(h);
		}
	}
	for (i = 0; i < n; i++)
		seen |= in.at[i];
	h->eight_bit |= seen > 127;
	*out = span_make(in.at, n);
	return n;
}

/* One octet that is held back.  false: the field ended before it, and it stands in *out. */
static bool hold(struct header *h, const struct header_rewrite *rewrite, uint8_t c,
	struct span *out)
{
	if (CONFIG_MASQUERADE && h->state == ENDED && !byte_is_blank(c)) {
		masquerade_field(h, rewrite);
		*out = give(h);
		line_over(h);
		return false;
	}
	h->eight_bit |= c > 127;
	if (!CONFIG_MASQUERADE || h->state == NAME) {
		h->state = name_octet(h, rewrite, c);
	} else {
		h->field[h->len++] = c;
		h->state = c == '\n' ? ENDED : FIELD;
		if (h->len >= HEADER_FIELD_MAX)
			h->state = PASS;
	}
	if (h->state == PASS || h->state == BODY)
		*out = give(h);
	if (h->state == PASS && c == '\n')
		line_over(h);
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
		masquerade_field(h, rewrite);
	return give(h);
}
