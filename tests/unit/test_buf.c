/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/unit.h"

#include "base/buf.h"

static uint8_t array[32];

static struct buf empty_buf(size_t cap)
{
	struct buf b;

	memset(array, '#', sizeof(array));
	buf_init(&b, array, cap);
	return b;
}

static void puts_text(void **state)
{
	struct buf b = empty_buf(8);

	(void)state;
	buf_puts(&b, "ab");
	buf_put(&b, SPAN("c\0d"));
	buf_put(&b, SPAN_EMPTY);
	buf_put_byte(&b, 'e');
	assert_int_equal(buf_room(&b), 2);
	assert_true(span_equal(buf_span(&b), SPAN("abc\0de")));
	buf_puts(&b, "fg");
	assert_int_equal(buf_room(&b), 0);
	assert_false(b.overflow);
	buf_clear(&b);
	assert_int_equal(buf_span(&b).len, 0);
}

static void overflow_is_sticky_and_writes_nothing_outside(void **state)
{
	struct buf b = empty_buf(4);

	(void)state;
	buf_puts(&b, "abc");
	buf_puts(&b, "de");
	assert_true(b.overflow);
	buf_put_byte(&b, 'f'); /* would fit */
	assert_true(b.overflow);
	assert_span(buf_span(&b), "abc");
	assert_int_equal(array[3], '#');
	assert_int_equal(array[4], '#');
	buf_clear(&b);
	assert_false(b.overflow);
	b = empty_buf(0);
	buf_puts(&b, "");
	assert_false(b.overflow);
	buf_put_byte(&b, 'x');
	assert_true(b.overflow);
}

static void puts_numbers(void **state)
{
	static const struct {
		uint32_t value;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 9, "9" },
		{ 10, "10" },
		{ UINT32_MAX, "4294967295" },
	};
	struct buf b = empty_buf(sizeof(array));
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		buf_put_u32(&b, rows[i].value);
		assert_span(buf_span(&b), rows[i].text);
	}
}

static void puts_padded_and_hex(void **state)
{
	struct buf b = empty_buf(sizeof(array));

	(void)state;
	buf_put_padded(&b, 7, 2);
	buf_put_byte(&b, ' ');
	buf_put_padded(&b, 123, 2);
	buf_put_byte(&b, ' ');
	buf_put_padded(&b, 5, 10);
	assert_span(buf_span(&b), "07 123 0000000005");
	buf_clear(&b);
	buf_put_hex(&b, 0x1f, 8);
	buf_put_byte(&b, ' ');
	buf_put_hex(&b, 0xdeadbeef, 8);
	buf_put_byte(&b, ' ');
	buf_put_hex(&b, 0xabc, 2);
	buf_put_hex(&b, 1, 0);
	assert_span(buf_span(&b), "0000001f deadbeef bc");
}

static void drops_from_the_front(void **state)
{
	struct buf b = empty_buf(8);

	(void)state;
	buf_puts(&b, "abcdef");
	buf_drop(&b, 0);
	assert_span(buf_span(&b), "abcdef");
	buf_drop(&b, 2);
	assert_span(buf_span(&b), "cdef");
	buf_puts(&b, "ghij");
	assert_false(b.overflow);
	buf_drop(&b, 8);
	assert_span(buf_span(&b), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_text),
		cmocka_unit_test(overflow_is_sticky_and_writes_nothing_outside),
		cmocka_unit_test(puts_numbers),
		cmocka_unit_test(puts_padded_and_hex),
		cmocka_unit_test(drops_from_the_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
