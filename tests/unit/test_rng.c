/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/unit.h"

#include "base/rng.h"

/* xoshiro128** from the state 1, 2, 3, 4, worked out from its definition: first
 * rotl(2 * 5, 7) * 9 = 11520, then the second word is 1 ^ 2 ^ 3 = 0. */
static void known_answers(void **state)
{
	static const uint8_t seed[16] = { 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0 };
	static const uint32_t expected[] = { 11520, 0, 5927040, 70819200 };
	struct rng r;
	size_t i;

	(void)state;
	rng_seed(&r, seed);
	for (i = 0; i < COUNT(expected); i++)
		assert_int_equal(rng_next(&r), expected[i]);
}

static void zero_seed_is_not_stuck(void **state)
{
	static const uint8_t seed[16];
	struct rng r;
	uint32_t all = 0;
	int i;

	(void)state;
	rng_seed(&r, seed);
	for (i = 0; i < 16; i++)
		all |= rng_next(&r);
	assert_int_not_equal(all, 0);
}

static void same_seed_repeats(void **state)
{
	static const uint8_t seed[16] = "0123456789abcdef";
	struct rng a, b;
	int i;

	(void)state;
	rng_seed(&a, seed);
	rng_seed(&b, seed);
	for (i = 0; i < 100; i++)
		assert_int_equal(rng_next(&a), rng_next(&b));
}

static void below_is_even_and_below(void **state)
{
	static const uint8_t seed[16] = "0123456789abcdef";
	unsigned hits[7] = { 0 };
	struct rng r;
	int i;

	(void)state;
	rng_seed(&r, seed);
	for (i = 0; i < 7000; i++) {
		uint32_t v = rng_below(&r, 7);

		assert_in_range(v, 0, 6);
		hits[v]++;
	}
	for (i = 0; i < 7; i++)
		assert_in_range(hits[i], 850, 1150);
	assert_int_equal(rng_below(&r, 1), 0);
	assert_true(rng_below(&r, UINT32_MAX) < UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(zero_seed_is_not_stuck),
		cmocka_unit_test(same_seed_repeats),
		cmocka_unit_test(below_is_even_and_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
