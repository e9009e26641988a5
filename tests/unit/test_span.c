/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/unit.h"

static void makes_spans(void **state)
{
	(void)state;
	assert_int_equal(span_of("abc").len, 3);
	assert_int_equal(span_of("").len, 0);
	assert_int_equal(span_of(NULL).len, 0);
	assert_int_equal(SPAN("a\0b").len, 3);
	assert_int_equal(SPAN_EMPTY.len, 0);
}

static void compares(void **state)
{
	static const struct {
		struct span a, b;
		bool equal, nocase, starts;
	} rows[] = {
		{ SPAN_INIT("abc"), SPAN_INIT("abc"), true, true, true },
		{ SPAN_INIT("abc"), SPAN_INIT("ABC"), false, true, true },
		{ SPAN_INIT("abc"), SPAN_INIT("abd"), false, false, false },
		{ SPAN_INIT("abc"), SPAN_INIT("ab"), false, false, true },
		{ SPAN_INIT("ab"), SPAN_INIT("abc"), false, false, false },
		{ SPAN_INIT("ab"), SPAN_INIT("ab\0"), false, false, false },
		{ SPAN_INIT(""), SPAN_INIT(""), true, true, true },
		{ SPAN_INIT("a"), SPAN_INIT(""), false, false, true },
		{ SPAN_INIT("a\0b"), SPAN_INIT("a\0b"), true, true, true },
		{ SPAN_INIT("a\0b"), SPAN_INIT("a\0c"), false, false, false },
		/* Only letters have case: these differ in the same bit. */
		{ SPAN_INIT("@["), SPAN_INIT("`{"), false, false, false },
		{ SPAN_INIT("\xc4"), SPAN_INIT("\xe4"), false, false, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(span_equal(rows[i].a, rows[i].b), rows[i].equal);
		assert_int_equal(span_equal_nocase(rows[i].a, rows[i].b), rows[i].nocase);
		assert_int_equal(span_starts_nocase(rows[i].a, rows[i].b), rows[i].starts);
		if (rows[i].nocase)
			assert_int_equal(span_hash_nocase(rows[i].a), span_hash_nocase(rows[i].b));
	}
	assert_true(span_equal(SPAN_EMPTY, SPAN("")));
	assert_int_not_equal(span_hash_nocase(SPAN("a.example")),
		span_hash_nocase(SPAN("b.example")));
}

static void cuts(void **state)
{
	struct span s = SPAN("0123456789");

	(void)state;
	assert_span(span_sub(s, 2, 3), "234");
	assert_span(span_sub(s, 8, 5), "89");
	assert_span(span_sub(s, 10, 1), "");
	assert_span(span_sub(s, 99, 1), "");
	assert_span(span_sub(s, 0, SIZE_MAX), "0123456789");
	assert_span(span_from(s, 0), "0123456789");
	assert_span(span_from(s, 9), "9");
	assert_span(span_from(s, 10), "");
	assert_int_equal(span_from(s, 11).len, 0);
	assert_span(span_from(s, SIZE_MAX), "");
	assert_span(span_from(SPAN_EMPTY, 0), "");
}

static void trims_and_takes_words(void **state)
{
	struct span s = SPAN("  one\ttwo   three ");

	(void)state;
	assert_span(span_trim(SPAN(" \t a b \t")), "a b");
	assert_span(span_trim(SPAN(" \t ")), "");
	assert_span(span_trim(SPAN("\ra\n")), "\ra\n");
	assert_span(span_word(&s), "one");
	assert_span(s, "two   three");
	assert_span(span_word(&s), "two");
	assert_span(span_word(&s), "three");
	assert_span(s, "");
	assert_span(span_word(&s), "");
}

static void finds(void **state)
{
	(void)state;
	assert_int_equal(span_find(SPAN("a@b@c"), '@'), 1);
	assert_int_equal(span_find_last(SPAN("a@b@c"), '@'), 3);
	assert_int_equal(span_find(SPAN("abc"), '@'), 3);
	assert_int_equal(span_find_last(SPAN("abc"), '@'), 3);
	assert_int_equal(span_find_last(SPAN("@"), '@'), 0);
	assert_int_equal(span_find(SPAN_EMPTY, 0), 0);
	assert_int_equal(span_find_last(SPAN_EMPTY, 0), 0);
	assert_int_equal(span_find(SPAN("a\0"), 0), 1);
}

static void reads_numbers(void **state)
{
	static const struct {
		const char *text;
		uint32_t max, value;
		bool ok;
	} rows[] = {
		{ "0", 0, 0, true },
		{ "25", 65535, 25, true },
		{ "007", 7, 7, true },
		{ "65535", 65535, 65535, true },
		{ "65536", 65535, 0, false },
		{ "4294967295", UINT32_MAX, UINT32_MAX, true },
		{ "4294967296", UINT32_MAX, 0, false },
		{ "99999999999999999999999999", UINT32_MAX, 0, false },
		{ "", 9, 0, false },
		{ "-1", 9, 0, false },
		{ "+1", 9, 0, false },
		{ " 1", 9, 0, false },
		{ "1 ", 9, 0, false },
		{ "1x", 9, 0, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		uint32_t value = 77;

		if (span_to_u32(guarded(rows[i].text), rows[i].max, &value) != rows[i].ok)
			fail_msg("\"%s\"", rows[i].text);
		assert_int_equal(value, rows[i].ok ? rows[i].value : 77);
	}
}

static void knows_octets(void **state)
{
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';

		assert_int_equal(byte_lower((uint8_t)c), upper ? c + 32 : c);
		assert_int_equal(byte_is_alpha((uint8_t)c), lower || upper);
		assert_int_equal(byte_is_digit((uint8_t)c), c >= '0' && c <= '9');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_spans),
		cmocka_unit_test(compares),
		cmocka_unit_test(cuts),
		cmocka_unit_test(trims_and_takes_words),
		cmocka_unit_test(finds),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(knows_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
