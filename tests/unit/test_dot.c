/* SPDX-License-Identifier: BSD-2-Clause */
/* test_dot - the end of data and nothing but it, dots both ways, every cut of input and output. */
#include "unit.h"

#include "base/rng.h"
#include "smtp/dot.h"

static uint8_t output[1u << 16];

struct decoded {
	struct span body;
	bool end, broken;
	size_t taken;
};

/* Input in pieces, output in arrays of room octets. */
static struct decoded decode(struct span in, bool legacy, size_t piece, size_t room)
{
	struct decoded r = { 0 };
	struct dot_decoder d;
	uint8_t small[64];
	struct buf whole, b;

	dot_decoder_init(&d, legacy);
	buf_init(&whole, output, sizeof(output));
	while (r.taken < in.len && !r.end) {
		struct span part = guarded_span(span_sub(in, r.taken, piece)), rest = part;

		buf_init(&b, small, room);
		r.end = dot_decode(&d, &rest, &b);
		assert_false(b.overflow);
		assert_true(rest.len < part.len);
		r.taken += part.len - rest.len;
		buf_put(&whole, buf_span(&b));
	}
	assert_false(whole.overflow);
	r.body = buf_span(&whole);
	r.broken = d.broken;
	return r;
}

enum { ENDS = 1, BROKEN = 2, AFTER = 4 }; /* AFTER: octets are left behind the end */

/* What a stranger sends; the body when it is good. */
static const struct {
	const char *in;
	unsigned flags;
	const char *body;
} strict[] = {
	{ ".\r\n", ENDS, "" },
	{ "a\r\n.\r\n", ENDS, "a\r\n" },
	{ "a\r\n.\r\nQUIT\r\n", ENDS | AFTER, "a\r\n" },
	{ "\r\n.\r\n", ENDS, "\r\n" },
	{ "\r\n\r\n.\r\n", ENDS, "\r\n\r\n" },
	{ "..\r\n.\r\n", ENDS, ".\r\n" },
	{ "..a\r\n...\r\n.b\r\n.\r\n", ENDS, ".a\r\n..\r\nb\r\n" },
	{ "a.\r\n.\r\n", ENDS, "a.\r\n" },
	{ "a\r\n. \r\n.\r\n", ENDS, "a\r\n \r\n" },
	{ "a\r\n .\r\n.\r\n", ENDS, "a\r\n .\r\n" },
	{ "a\r\n", 0, "a\r\n" },
	{ "a\r\n.", 0, "a\r\n" },
	{ "a\r\n.\r", 0, "a\r\n" },
	{ "a.\r\n", 0, "a.\r\n" },
	/* CVE-2023-51764, -51765, -51766, CVE-2024-27305: every other "end of data". */
	{ "a\n.\nb\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\n.\r\nMAIL FROM:<x@y.test>\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\r\n.\nMAIL FROM:<x@y.test>\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\r.\rb\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\r.\r\nb\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\r\n.\rb\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\r\r\n.\r\r\nb\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\n\r.\n\rb\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\r\n.\r\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\r\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\r\r\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\r\r\n\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\r\n.\n\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\n\r\n.\r\n", ENDS | BROKEN, NULL },
	{ "a\n.\n", BROKEN, NULL },
	{ "a\n.\r\n", BROKEN, NULL },
	{ "a\r\n.\n", BROKEN, NULL },
	{ "\n.\r\n", BROKEN, NULL },
	{ "\r.\r\n", BROKEN, NULL },
	{ ".\n.\r\n", BROKEN, NULL },
	{ ".\r.\r\n", BROKEN, NULL },
	{ "\n", BROKEN, NULL },
	{ "a\r.", BROKEN, NULL },
	{ "a\rb", BROKEN, NULL },
};

static void decoding_strict(void **state)
{
	size_t i, piece, room;

	(void)state;
	for (i = 0; i < COUNT(strict); i++)
		for (piece = 1; piece <= strlen(strict[i].in); piece++)
			for (room = DOT_ROOM_MIN; room < 12; room++) {
				const struct decoded r = decode(span_of(strict[i].in), false, piece,
					room);

				assert_int_equal(r.end, strict[i].flags & ENDS ? 1 : 0);
				assert_int_equal(r.broken, strict[i].flags & BROKEN ? 1 : 0);
				assert_int_equal(r.taken < strlen(strict[i].in),
					strict[i].flags & AFTER ? 1 : 0);
				if (strict[i].body)
					assert_span(r.body, strict[i].body);
			}
}

/* NUL and blanks around the dot are text, and NUL is no reason to refuse. */
static void nul_and_blanks(void **state)
{
	const struct span in = SPAN("a\0b\r\n.\0\r\n\0.\r\n.\r\n");
	struct decoded r;
	size_t piece;

	(void)state;
	for (piece = 1; piece <= in.len; piece++) {
		r = decode(in, false, piece, 16);
		assert_true(r.end && !r.broken && r.taken == in.len);
		assert_true(span_equal(r.body, SPAN("a\0b\r\n\0\r\n\0.\r\n")));
	}
}

/* What an old device sends, and what is made of it; the end is CRLF.CRLF for it too. */
static const struct {
	const char *in;
	bool end;
	const char *body;
} legacy[] = {
	{ "a\r\n.\r\n", true, "a\r\n" },
	{ "a\nb\nc\r\n.\r\n", true, "a\r\nb\r\nc\r\n" },
	{ "a\rb\rc\r\n.\r\n", true, "a\r\nb\r\nc\r\n" },
	{ "a\n\nb\r\n.\r\n", true, "a\r\n\r\nb\r\n" },
	{ "a\n.\nb\r\n.\r\n", true, "a\r\n.\r\nb\r\n" },
	{ "a\n.\r\nb\r\n.\r\n", true, "a\r\n.\r\nb\r\n" },
	{ "a\r\n.\nb\r\n.\r\n", true, "a\r\n\r\nb\r\n" },
	{ "a\r\n.\rb\r\n.\r\n", true, "a\r\n\r\nb\r\n" },
	{ "a\n..b\r\n.\r\n", true, "a\r\n..b\r\n" },
	{ "a\n\r\n.\r\n", true, "a\r\n\r\n" },
	{ "a\r\r\n.\r\nb\r\n.\r\n", true, "a\r\n\r\n.\r\nb\r\n" },
	{ "a\n.\n", false, "a\r\n.\r\n" },
	{ "a\n.\r\n", false, "a\r\n.\r\n" },
	{ "a\r\n.\n", false, "a\r\n\r\n" },
};

static void decoding_legacy(void **state)
{
	size_t i, piece, room;

	(void)state;
	for (i = 0; i < COUNT(legacy); i++)
		for (piece = 1; piece <= strlen(legacy[i].in); piece++)
			for (room = DOT_ROOM_MIN; room < 12; room++) {
				const struct decoded r = decode(span_of(legacy[i].in), true, piece,
					room);

				assert_int_equal(r.end, legacy[i].end);
				assert_false(r.broken);
				assert_int_equal(r.taken, strlen(legacy[i].in));
				assert_span(r.body, legacy[i].body);
			}
}

/* Lines over 998 are folded for devices, and pass for strangers. */
static void folding(void **state)
{
	static char in[5000];
	struct decoded r;
	size_t n, i, column, longest;

	(void)state;
	for (n = 990; n < 3100; n += n < 1010 ? 1 : 333) {
		memset(in, 'x', n);
		memcpy(in + n, "\r\n.\r\n", 6);
		r = decode(span_of(in), false, 61, 64);
		assert_true(r.end && r.body.len == n + 2);
		r = decode(span_of(in), true, 61, 64);
		assert_true(r.end);
		for (i = 0, column = 0, longest = 0; i < r.body.len; i++) {
			column = r.body.at[i] == '\n' || r.body.at[i] == '\r' ? 0 : column + 1;
			longest = column > longest ? column : longest;
		}
		assert_int_equal(longest, n < BODY_LINE_MAX ? n : BODY_LINE_MAX);
		assert_true(n <= BODY_LINE_MAX ? r.body.len == n + 2 : r.body.len > n + 2);
	}
}

static struct span encode(struct span in, size_t piece, size_t room)
{
	struct dot_encoder e;
	uint8_t small[64];
	struct buf whole, b;
	size_t at = 0;

	dot_encoder_init(&e);
	buf_init(&whole, output, sizeof(output));
	while (at < in.len) {
		struct span part = guarded_span(span_sub(in, at, piece)), rest = part;

		buf_init(&b, small, room);
		dot_encode(&e, &rest, &b, DOT_END_MAX);
		assert_false(b.overflow);
		assert_true(buf_room(&b) >= DOT_END_MAX);
		assert_true(rest.len < part.len);
		at += part.len - rest.len;
		buf_put(&whole, buf_span(&b));
	}
	buf_init(&b, small, DOT_END_MAX);
	dot_encode_end(&e, &b);
	assert_false(b.overflow);
	buf_put(&whole, buf_span(&b));
	assert_false(whole.overflow);
	return buf_span(&whole);
}

static const char *const encodings[][2] = {
	{ "", ".\r\n" },
	{ "a", "a\r\n.\r\n" },
	{ "a\r\n", "a\r\n.\r\n" },
	{ ".", "..\r\n.\r\n" },
	{ ".\r\n", "..\r\n.\r\n" },
	{ "a\r\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n" },
	{ "a\r\n..b", "a\r\n...b\r\n.\r\n" },
	{ "a.b.", "a.b.\r\n.\r\n" },
	/* Never emitted: a lone CR or LF. */
	{ "a\n.\nb", "a\r\n..\r\nb\r\n.\r\n" },
	{ "a\r.\rb", "a\r\n..\r\nb\r\n.\r\n" },
	{ "a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n" },
	{ "a\r\r\nb", "a\r\n\r\nb\r\n.\r\n" },
	{ "a\n\rb", "a\r\n\r\nb\r\n.\r\n" },
	{ "a\r", "a\r\n.\r\n" },
	{ "a\n", "a\r\n.\r\n" },
};

static void encoding(void **state)
{
	size_t i, piece, room;

	(void)state;
	for (i = 0; i < COUNT(encodings); i++)
		for (piece = 1; piece <= strlen(encodings[i][0]) + 1; piece++)
			for (room = DOT_END_MAX + 2; room < 20; room++)
				assert_span(encode(span_of(encodings[i][0]), piece, room),
					encodings[i][1]);
}

/* CVE-2018-0500: a body that is all "\r\n." grows by a third, in the smallest buffer. */
static void all_dots(void **state)
{
	static char body[3 * 1000 + 1];
	struct span wire;
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++)
		memcpy(body + 3 * i, "\r\n.", 4);
	wire = encode(span_of(body), 1000, DOT_END_MAX + 2);
	assert_int_equal(wire.len, 4 * 1000 + 5);
	memset(body, '.', sizeof(body) - 1);
	wire = encode(span_of(body), 7, DOT_END_MAX + 2);
	assert_int_equal(wire.len, sizeof(body) - 1 + 1 + 5);
}

/* Whatever goes out comes back, and a strict reader finds its end at the end only. */
static void roundtrip(void **state)
{
	static uint8_t wire[1024], body_again[1024];
	const uint8_t seed[16] = { 3 };
	struct rng rng;
	unsigned round;

	(void)state;
	rng_seed(&rng, seed);
	for (round = 0; round < 20000; round++) {
		uint8_t body[64];
		size_t n = rng_below(&rng, sizeof(body)), i, len;
		struct decoded r;

		for (i = 0; i < n; i++)
			body[i] = (uint8_t) "\r\n..a"[rng_below(&rng, 5)];
		len = encode(span_make(body, n), 1 + rng_below(&rng, 9), 7 + rng_below(&rng, 20))
			      .len;
		memcpy(wire, output, len);
		r = decode(span_make(wire, len), false, 1 + rng_below(&rng, 9),
			4 + rng_below(&rng, 20));
		assert_true(r.end && !r.broken && r.taken == len);
		/* A decoded body is clean: it passes unchanged, but for its dots. */
		len = r.body.len;
		memcpy(body_again, r.body.at, len);
		n = encode(span_make(body_again, len), 5, 20).len;
		memcpy(wire, output, n);
		r = decode(span_make(wire, n), false, 1000, 64);
		assert_true(r.end && span_equal(r.body, span_make(body_again, len)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_strict),
		cmocka_unit_test(nul_and_blanks),
		cmocka_unit_test(decoding_legacy),
		cmocka_unit_test(folding),
		cmocka_unit_test(encoding),
		cmocka_unit_test(all_dots),
		cmocka_unit_test(roundtrip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
