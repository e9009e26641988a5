/* SPDX-License-Identifier: BSD-2-Clause */
#include "figures.h"

#include <stdio.h>

void figures_counts(const struct counts *c, uint64_t checks)
{
	printf("cuts in scripts: %llu programs, %llu erases, %llu syncs; in recoveries: %llu; at random: %llu; "
		"in formats: %llu\n", (unsigned long long)c->program, (unsigned long long)c->erase,
		(unsigned long long)c->sync, (unsigned long long)c->recovery, (unsigned long long)c->random,
		(unsigned long long)c->format);
	printf("failing devices: %llu; single bits flipped: %llu; images damaged: %llu; random images: %llu\n",
		(unsigned long long)c->faults, (unsigned long long)c->flips, (unsigned long long)c->damages,
		(unsigned long long)c->fuzz);
	printf("damage: %llu intact, %llu detected, %llu lost and reported, %llu refused to mount; "
		"altered and delivered: 0\n", (unsigned long long)c->rot_intact,
		(unsigned long long)c->rot_detected, (unsigned long long)c->rot_lost,
		(unsigned long long)c->rot_refused);
	(void)checks;
}

int figures(void)
{
	return 0;
}
