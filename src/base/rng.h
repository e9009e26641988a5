/* SPDX-License-Identifier: BSD-2-Clause */
/* rng - cheap random numbers for jitter and shuffling; not for secrets.
 *
 * xoshiro128**: the state is a value, so a run with the same seed repeats.
 * DNS ids and ports come from sys/random.h instead.
 */
#ifndef PIPIT_BASE_RNG_H
#define PIPIT_BASE_RNG_H

#include <stdint.h>

struct rng {
	uint32_t s[4];
};

void rng_seed(struct rng *r, const uint8_t seed[16]);
uint32_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t bound); /* 0 <= result < bound; bound > 0 */

#endif
