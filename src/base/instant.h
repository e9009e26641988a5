/* SPDX-License-Identifier: BSD-2-Clause */
/* instant - now, as the port hands it to pipit_step.
 *
 * Deadlines and waits live on mono_ms, which never jumps.  wall_s is for what
 * people and other hosts read, and is worth something only while wall_known:
 * a board knows no date until SNTP or its RTC tells.
 */
#ifndef PIPIT_BASE_INSTANT_H
#define PIPIT_BASE_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

struct instant {
	uint64_t mono_ms; /* since some start, never backwards */
	uint32_t wall_s;  /* Unix time, UTC; good until 2106 */
	bool wall_known;
};

#define INSTANT_NEVER UINT64_MAX

/* Milliseconds from now until at; 0 when past, at most UINT32_MAX. */
static inline uint32_t instant_until_ms(struct instant now, uint64_t at_ms)
{
	if (at_ms <= now.mono_ms)
		return 0;
	return at_ms - now.mono_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)(at_ms - now.mono_ms);
}

#endif
