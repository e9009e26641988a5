/* SPDX-License-Identifier: BSD-2-Clause */
/* nor_ram - flash that is memory, under the rules of NOR: programming clears bits, only an
 * erase sets them.
 *
 * For tests, and for a board whose queue may end with its power.  The memory is the caller's
 * and outlives the flash; nor_ram_start leaves its content alone, so that what is there is
 * mounted again: blank memory is 0xff.
 */
#ifndef PIPIT_FLASH_NOR_RAM_H
#define PIPIT_FLASH_NOR_RAM_H

#include "sys/flash.h"

struct nor_ram {
	uint8_t *memory;
	struct flash_geometry geometry;
};

/* memory: sector_size * sector_count octets. */
struct flash nor_ram_start(struct nor_ram *n, const struct flash_geometry *g, uint8_t *memory);

#endif
