/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dot - the body both ways: the end is where a search for CRLF.CRLF finds it, what is
 * encoded decodes to itself, a lone CR or LF never leaves, and pieces change nothing. */
#include "fuzz/fuzz.h"

#include "smtp/dot.h"

#include <string.h>

#define OCTETS_MAX 8192u
#define OUT_MAX (4u * OCTETS_MAX + 64u)

struct decoded {
	struct dot_decoder d;
	bool end;
	size_t taken, len;
	uint8_t out[OUT_MAX];
};

static void decode(struct decoded *x, struct span in, bool legacy, struct fuzz_pieces pieces)
{
	uint8_t some[64];
	struct span piece;
	struct buf b;

	dot_decoder_init(&x->d, legacy);
	x->end = false;
	x->taken = x->len = 0;
	while (!x->end && x->taken < in.len) {
		piece = span_sub(in, x->taken, fuzz_piece(&pieces, in.len - x->taken));
		x->taken += piece.len;
		piece = fuzz_exact(piece);
		while (!x->end && piece.len > 0) {
			buf_init(&b, some, DOT_ROOM_MIN + fuzz_piece(&pieces, 60));
			x->end = dot_decode(&x->d, &piece, &b);
			MUST(!b.overflow && x->len + b.len <= OUT_MAX);
			memcpy(x->out + x->len, some, b.len);
			x->len += b.len;
		}
		x->taken -= piece.len;
	}
}

static struct span out_of(const struct decoded *x)
{
	return span_make(x->out, x->len);
}

/* The end by a search, the text by taking off the dots: what a second reader would do. */
static void compare_with_search(const struct decoded *x, struct span in)
{
	static uint8_t text[OCTETS_MAX + 2];
	static struct buf b;
	struct span content;
	size_t at, i;

	memcpy(text, "\r\n", 2);
	if (in.len > 0)
		memcpy(text + 2, in.at, in.len);
	at = fuzz_find(span_make(text, in.len + 2), SPAN("\r\n.\r\n"));
	MUST(x->end == (at < in.len + 2));
	if (!x->end)
		return;
	MUST(x->taken == at + 3);
	content = span_make(text + 2, at);
	MUST(x->d.broken == !fuzz_crlf_only(content));
	if (x->d.broken)
		return;
	buf_init(&b, text, sizeof(text)); /* in place: it only shrinks */
	for (i = 0; i < content.len; i++)
		if (content.at[i] != '.' || (i > 0 && content.at[i - 1] != '\n'))
			buf_put_byte(&b, content.at[i]);
		else if (++i < content.len)
			buf_put_byte(&b, content.at[i]);
	MUST(span_equal(buf_span(&b), out_of(x)));
}

static void check_legacy(const struct decoded *x)
{
	size_t i, column = 0;

	for (i = 0; i < x->len; i++) {
		column = x->out[i] == '\r' || x->out[i] == '\n' ? 0 : column + 1;
		MUST(column <= BODY_LINE_MAX);
	}
	MUST(!x->d.broken && fuzz_crlf_only(out_of(x)));
}

static struct span encode(struct span in, struct fuzz_pieces pieces, uint8_t *to)
{
	struct dot_encoder e;
	struct span piece;
	uint8_t some[64];
	struct buf b;
	size_t len = 0;

	dot_encoder_init(&e);
	while (in.len > 0) {
		piece = fuzz_exact(fuzz_take(&in, fuzz_piece(&pieces, in.len)));
		while (piece.len > 0) {
			buf_init(&b, some, 2 + DOT_END_MAX + fuzz_piece(&pieces, 57));
			dot_encode(&e, &piece, &b, DOT_END_MAX);
			MUST(!b.overflow && buf_room(&b) >= DOT_END_MAX);
			MUST(len + b.len <= OUT_MAX);
			memcpy(to + len, some, b.len);
			len += b.len;
		}
	}
	buf_init(&b, to + len, DOT_END_MAX);
	dot_encode_end(&e, &b);
	return span_make(to, len + b.len);
}

/* Every line end a CRLF, and one at the end of what is not empty. */
static struct span normal(struct span in, uint8_t *to)
{
	size_t i, len = 0;

	for (i = 0; i < in.len; i++) {
		if (in.at[i] == '\n' && i > 0 && in.at[i - 1] == '\r')
			continue;
		if (in.at[i] == '\r' || in.at[i] == '\n')
			to[len++] = '\r';
		to[len++] = in.at[i] == '\r' ? '\n' : in.at[i];
	}
	if (len > 0 && to[len - 1] != '\n') {
		to[len++] = '\r';
		to[len++] = '\n';
	}
	return span_make(to, len);
}

static void check_encoder(struct span in, struct fuzz_pieces pieces)
{
	static uint8_t whole[OUT_MAX], parts[OUT_MAX], text[OUT_MAX];
	static struct decoded back;
	struct span wire = encode(in, fuzz_pieces(0), whole);

	MUST(span_equal(wire, encode(in, pieces, parts)));
	MUST(fuzz_crlf_only(wire));
	decode(&back, wire, false, fuzz_pieces(0));
	MUST(back.end && back.taken == wire.len && !back.d.broken);
	MUST(span_equal(out_of(&back), normal(in, text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct decoded whole, parts;
	struct span in = span_make(data, size);
	const uint8_t seed = fuzz_u8(&in);
	const struct fuzz_pieces pieces = fuzz_pieces(seed >> 1);
	const bool legacy = seed & 1;

	in = span_sub(in, 0, OCTETS_MAX);
	decode(&whole, in, legacy, fuzz_pieces(0));
	decode(&parts, in, legacy, pieces);
	MUST(whole.end == parts.end && whole.taken == parts.taken);
	MUST(whole.d.broken == parts.d.broken && whole.d.doubtful == parts.d.doubtful);
	MUST(span_equal(out_of(&whole), out_of(&parts)));
	if (legacy)
		check_legacy(&whole);
	else
		compare_with_search(&whole, in);
	check_encoder(in, pieces);
	return 0;
}
