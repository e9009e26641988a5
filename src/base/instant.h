/* SPDX-License-Identifier: BSD-2-Clause */
/* instant - now, as the port hands it to pipit_step.
 *
 * Time-outs live on mono_ms, which never jumps but wraps: they are minutes at most, and looked
 * at in every step.  Longer waits are counted in whole seconds since the first step
 * (core.h), which do not wrap.  wall_s is for what people and other hosts read, and is worth
 * something only while wall_known: a board knows no date until SNTP or its RTC tells.
 */
#ifndef PIPIT_BASE_INSTANT_H
#define PIPIT_BASE_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

struct instant {
	uint32_t mono_ms; /* since some start, never backwards; 0 follows UINT32_MAX */
	uint32_t wall_s;  /* Unix time, UTC; good until 2106 */
	bool wall_known;
};

/* Of a time in seconds: it does not come. */
#define INSTANT_NEVER UINT32_MAX

/* Milliseconds from now until at; 0 when past.  at is less than 24 days away, before or after. */
static inline uint32_t instant_until_ms(uint32_t now_ms, uint32_t at_ms)
{
	int32_t left_ms = (int32_t)(at_ms - now_ms);

	return left_ms > 0 ? (uint32_t)left_ms : 0;
}

#endif
