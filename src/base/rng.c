/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/rng.h"

#include "base/bytes.h"
#include "base/check.h"

void rng_seed(struct rng *r, const uint8_t seed[16])
{
	unsigned i;

	for (i = 0; i < 4; i++)
		r->s[i] = load_le32(seed + 4u * i);
	/* The all-zero state would stay zero for ever. */
	if ((r->s[0] | r->s[1] | r->s[2] | r->s[3]) == 0)
		r->s[0] = 1;
}

static uint32_t rotate(uint32_t v, unsigned by)
{
	return (v << by) | (v >> (32u - by));
}

uint32_t rng_next(struct rng *r)
{
	uint32_t result = rotate(r->s[1] * 5u, 7) * 9u;
	uint32_t shifted = r->s[1] << 9;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= shifted;
	r->s[3] = rotate(r->s[3], 11);
	return result;
}

uint32_t rng_below(struct rng *r, uint32_t bound)
{
	CHECK(bound > 0);
	return (uint32_t)(((uint64_t)rng_next(r) * bound) >> 32);
}
