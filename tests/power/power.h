/* SPDX-License-Identifier: BSD-2-Clause */
/* power - what the parts of the power tests share: one world and its base, the
 * state that every cut, flip or fault starts from. */
#ifndef PIPIT_TESTS_POWER_POWER_H
#define PIPIT_TESTS_POWER_POWER_H

#include "figures.h"
#include "world.h"

struct geometry {
	const char *name;
	uint32_t sector, count;
	uint16_t unit, page;
	uint32_t body_max;
};

#define GEOMETRIES (CONFIG_QUEUE_FIXED_GEOMETRY ? 2u : 8u)
extern const struct geometry geometries[GEOMETRIES];

extern struct world w;
extern bool full; /* at length, not as in ci */

void setup(const struct geometry *g, bool lazy, bool unstable);
void teardown(void);
void save_base(void);
void restore_base(void);

/* Some traffic on a blank device, so that every sector has been in use. */
void prepare(const struct geometry *g, uint32_t seed, uint32_t length);

/* In rot.c. */
void part_launder(void);
void part_rot(void);
void part_fuzz(void);
void part_flip(void);

#endif
