/* SPDX-License-Identifier: BSD-2-Clause */
/* figures - what the queue costs, beside what was predicted; and what was cut. */
#ifndef PIPIT_TESTS_POWER_FIGURES_H
#define PIPIT_TESTS_POWER_FIGURES_H

#include <stdint.h>

struct counts {
	uint64_t program, erase, sync; /* cuts in a script, at every operation */
	uint64_t recovery, random, format;
	uint64_t faults, flips, damages, fuzz;
	uint64_t rot_intact, rot_detected, rot_lost, rot_refused, rot_silent;
};
extern struct counts counts;

void figures_counts(const struct counts *c);
int figures(void);

#endif
