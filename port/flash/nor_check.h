/* SPDX-License-Identifier: BSD-2-Clause */
/* nor_check - the rules of sys/flash.h, enforced between the queue and a driver.
 *
 * Emulators and files forgive what real flash does not: a bit programmed from 0 to 1, a unit
 * programmed twice, a page left, a sector used while it is erased.  Each breach is our own
 * mistake: `broken` is told which rule and where, and should not return; if it does, the call
 * fails with ST_IO and nothing reached the driver.  A unit of 0xff that is programmed with
 * 0xff counts as still erased: nobody could tell.
 *
 * Erases are counted for each sector since the start, to see that wear is spread.  Everything
 * else is passed on; a program costs one read of the same length more.
 */
#ifndef PIPIT_FLASH_NOR_CHECK_H
#define PIPIT_FLASH_NOR_CHECK_H

#include <stdbool.h>

#include "sys/flash.h"

struct nor_check {
	struct flash under;
	void (*broken)(void *ctx, const char *rule, uint32_t at);
	void *ctx;
	uint32_t *erases;
	uint32_t erasing; /* the sector, or sector_count: none */
};

/* under: the driver.  erases: an element for each sector, set to 0 here; it and `broken`'s ctx
 * outlive the flash that is returned. */
struct flash nor_check_start(struct nor_check *n, const struct flash *under, uint32_t *erases,
	void (*on_broken)(void *ctx, const char *rule, uint32_t at), void *ctx);

/* Whether an erase was begun whose end erase_done has not told. */
bool nor_check_erasing(const struct nor_check *n);

/* The most and the fewest erases that a sector has seen. */
void nor_check_wear(const struct nor_check *n, uint32_t *most, uint32_t *fewest);

#endif
