/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_header - the header filter: without a masquerade nothing changes; with one only From,
 * Sender and Reply-To do, the body never, and what was rewritten stays so.  Pieces
 * change nothing, and what is noted is what a second reader finds. */
#include "fuzz/fuzz.h"

#include "mail/header.h"
#include "mail/masquerade.h"
#include "mail/word.h"

#include <string.h>

#define OCTETS_MAX 4096u

struct filtered {
	struct header h;
	struct buf out;
	uint8_t octets[4u * OCTETS_MAX];
};

static bool is_local(void *ctx, struct span domain)
{
	(void)ctx;
	return domain.len == 0 || span_equal_nocase(domain, SPAN("lan"));
}

static void filter(struct filtered *x, const struct header_rewrite *rewrite, struct span in,
	uint32_t seed)
{
	struct fuzz_pieces pieces = fuzz_pieces(seed);
	struct span piece, out;
	size_t n;

	memset(&x->h, 0xa5, sizeof(x->h));
	header_init(&x->h);
	buf_init(&x->out, x->octets, sizeof(x->octets));
	while (in.len > 0) {
		piece = fuzz_exact(fuzz_take(&in, fuzz_piece(&pieces, in.len)));
		while (piece.len > 0) {
			n = header_feed(&x->h, rewrite, piece, &out);
			MUST(n <= piece.len && (n > 0 || out.len > 0));
			span_skip(&piece, n);
			buf_put(&x->out, out);
		}
	}
	buf_put(&x->out, header_finish(&x->h, rewrite));
	MUST(!x->out.overflow && x->h.len == 0);
}

static void same(const struct filtered *a, const struct filtered *b)
{
	MUST(span_equal(buf_span(&a->out), buf_span(&b->out)));
	MUST(a->h.has_date == b->h.has_date);
	MUST(a->h.has_message_id == b->h.has_message_id && a->h.received == b->h.received);
	MUST(a->h.eight_bit == b->h.eight_bit && a->h.in_body == b->h.in_body);
	MUST(a->h.headless == b->h.headless);
}

/* Line by line, as RFC 5322 2.2 has it: what the filter must have noted. */
static void compare_notes(const struct filtered *x, struct span in)
{
	unsigned received = 0;
	bool date = false, eight_bit = false;
	struct span line, name;
	size_t i;

	for (i = 0; i < in.len; i++)
		eight_bit |= in.at[i] > 127;
	MUST(x->h.eight_bit == eight_bit);
	if (x->h.headless) {
		MUST(x->h.received == 0 && !x->h.has_date && x->h.in_body);
		return;
	}
	while (in.len > 0) {
		line = fuzz_line(&in);
		if (line.len == 0 || span_equal(line, SPAN("\r")))
			break;
		name = span_sub(line, 0, span_find(line, ':'));
		if (name.len == line.len || name.at == NULL || name.at[0] == ' ' ||
			name.at[0] == '\t')
			continue;
		name = span_trim(name);
		received += word_is(name, "Received");
		date |= word_is(name, "Date");
	}
	/* A name that blanks make longer than a line is none. */
	MUST(x->h.received <= (received < 255 ? received : 255));
	MUST(!x->h.has_date || date);
}

/* Where the body begins: behind the first empty line. */
static struct span body_of(struct span in)
{
	struct span line;

	while (in.len > 0) {
		line = fuzz_line(&in);
		if (line.len == 0 || span_equal(line, SPAN("\r")))
			break;
	}
	return in;
}

static void check_rewritten(const struct filtered *plain, const struct filtered *changed)
{
	const struct span before = buf_span(&plain->out), after = buf_span(&changed->out);
	const struct span body = body_of(before);

	MUST(plain->h.received == changed->h.received);
	MUST(plain->h.in_body == changed->h.in_body);
	if (plain->h.headless) {
		MUST(span_equal(before, after));
		return;
	}
	MUST(after.len >= body.len && span_equal(span_from(after, after.len - body.len), body));
}

/* In a plain field, one address in angles: it is not ours any more. */
static void check_field(struct span field)
{
	const size_t open = span_find(field, '<'), close = span_find(field, '>');
	struct address a;
	size_t i;

	for (i = 0; i < field.len; i++)
		if (byte_in(field.at[i], "\"([\\;,") || field.at[i] == 0)
			return;
	i = span_find(field, ':');
	if (span_find_last(field, ':') != i || span_find_last(field, '<') != open ||
		span_find_last(field, '>') != close || i > open || open > close ||
		field.len + ADDRESS_MAX > HEADER_FIELD_MAX)
		return;
	if (address_parse(span_sub(field, open + 1, close - open - 1), &a))
		MUST(!is_local(NULL, a.domain));
}

/* The fields of a header that are rewritten, one by one, with the lines they are folded to. */
static void check_masquerade(struct span in)
{
	static const char *const names[] = { "From", "Sender", "Reply-To" };
	struct span line, field, name;
	unsigned i;

	while (in.len > 0) {
		field = in;
		line = fuzz_line(&in);
		if (line.len == 0 || span_equal(line, SPAN("\r")))
			return;
		while (in.len > 0 && (in.at[0] == ' ' || in.at[0] == '\t'))
			(void)fuzz_line(&in);
		field = span_sub(field, 0, field.len - in.len);
		name = span_sub(line, 0, span_find(line, ':'));
		for (i = 0; i < 3; i++)
			if (name.len < line.len && word_is(name, names[i]))
				check_field(field);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const targets[] = { "here.example", "one@here.example" };
	static struct filtered plain, whole, parts, again;
	struct span in = span_make(data, size);
	const uint8_t options = fuzz_u8(&in);
	const struct header_rewrite rewrite = { span_of(targets[options & 1]), is_local, NULL };

	in = span_sub(in, 0, OCTETS_MAX);
	filter(&plain, NULL, in, 1u + (options >> 1));
	MUST(span_equal(buf_span(&plain.out), in));
	compare_notes(&plain, in);
	filter(&whole, &rewrite, in, 0);
	filter(&parts, &rewrite, in, 1u + (options >> 1));
	same(&whole, &parts);
	check_rewritten(&plain, &whole);
	if (!whole.h.headless)
		check_masquerade(buf_span(&whole.out));
	/* A field may have been too long to be rewritten and be shorter now. */
	filter(&again, &rewrite, buf_span(&whole.out), 0);
	if (whole.out.len < HEADER_FIELD_MAX && in.len < HEADER_FIELD_MAX)
		same(&whole, &again);
	return 0;
}
