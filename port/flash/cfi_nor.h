/* SPDX-License-Identifier: BSD-2-Clause */
/* cfi_nor - parallel NOR flash with the Intel command set: two 16-bit chips side by side, seen
 * by the processor as words of 32 bits.  Each command goes to both, each has its own status.
 *
 * Programs go through the chips' write buffers.  A program waits for the chips (typically
 * 0.3 ms for 256 octets, bounded by CONFIG_FLASH_POLLS reads of the status), an erase does not:
 * it is begun and asked about.  A read or program meanwhile suspends the erase, and resumes it.
 *
 * What the board gives are two functions on words: `at` is a multiple of 4 from the start of
 * the chips.  They reach the device in order, uncached.
 */
#ifndef PIPIT_FLASH_CFI_NOR_H
#define PIPIT_FLASH_CFI_NOR_H

#include <stdbool.h>

#include "sys/flash.h"

/* Octets of one program: both write buffers of the oldest chips of this kind. */
#define CFI_NOR_PAGE 64u

struct cfi_bus {
	uint32_t (*read)(void *ctx, uint32_t at);
	void (*write)(void *ctx, uint32_t at, uint32_t word);
	void *ctx;
};

struct cfi_nor {
	struct cfi_bus bus;
	uint32_t sector_size;
	uint32_t erasing_at; /* word in the sector that is being erased */
	bool erasing;        /* begun, and erase_done has not said the end of it */
	bool suspended;
	bool reading; /* the chips show their content: nothing was commanded since */
	int erased;   /* what erase_done will say: 0 while nobody knows */
};

/* Looks at the chips and takes `count` sectors from the start.  ST_OK; ST_MISSING: no such
 * chips answer; ST_FOREIGN: they do, with another sector size. */
int cfi_nor_start(struct cfi_nor *n, const struct cfi_bus *bus, uint32_t sector_size,
	uint32_t count, struct flash *out);

#endif
