/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/unit.h"

#include "base/crc32c.h"

/* RFC 3720 B.4, and the check value that catalogues of checksums give. */
static void known_answers(void **state)
{
	uint8_t bytes[32];
	unsigned i;

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(crc32c(0, span_make(bytes, 32)), 0x8a9136aau);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(crc32c(0, span_make(bytes, 32)), 0x62a8ab43u);
	for (i = 0; i < 32; i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, span_make(bytes, 32)), 0x46dd794eu);
	for (i = 0; i < 32; i++)
		bytes[i] = (uint8_t)(31 - i);
	assert_int_equal(crc32c(0, span_make(bytes, 32)), 0x113fdb5cu);
	assert_int_equal(crc32c(0, SPAN("123456789")), 0xe3069283u);
	assert_int_equal(crc32c(0, SPAN_EMPTY), 0);
}

static void continues_over_pieces(void **state)
{
	struct span s = SPAN("the quick brown fox jumps over the lazy dog");
	size_t i;

	(void)state;
	for (i = 0; i <= s.len; i++)
		assert_int_equal(crc32c(crc32c(0, span_sub(s, 0, i)), span_from(s, i)),
			crc32c(0, s));
}

static void finds_every_flipped_bit(void **state)
{
	uint8_t bytes[64] = "a record that flash has kept for a while";
	uint32_t sum = crc32c(7, span_make(bytes, sizeof(bytes)));
	unsigned i;

	(void)state;
	for (i = 0; i < 8 * sizeof(bytes); i++) {
		bytes[i / 8] = (uint8_t)(bytes[i / 8] ^ 1u << i % 8);
		assert_int_not_equal(crc32c(7, span_make(bytes, sizeof(bytes))), sum);
		bytes[i / 8] = (uint8_t)(bytes[i / 8] ^ 1u << i % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(continues_over_pieces),
		cmocka_unit_test(finds_every_flipped_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
