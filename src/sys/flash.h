/* SPDX-License-Identifier: BSD-2-Clause */
/* flash - what the queue asks of raw NOR flash, or of a file that plays it.
 *
 * Addresses count from 0 over the whole device.  Erasing sets a sector to 0xff
 * (a file may leave the old bytes: the queue's checksums are made for that).
 * Programming writes whole program units, each at most once between two
 * erases.  No call waits: erase and sync are begun and asked about.
 *
 * All calls return ST_OK (0) or a negative status, except where said.
 */
#ifndef PIPIT_SYS_FLASH_H
#define PIPIT_SYS_FLASH_H

#include <stddef.h>
#include <stdint.h>

struct flash_geometry {
	uint32_t sector_size; /* erase block, bytes: 256 .. 256 KiB, a power of two */
	uint32_t sector_count;
	uint16_t program_unit; /* bytes: 1 .. 256, a power of two; programs are aligned to it */
	uint16_t page_size;    /* one program call stays within one page; a multiple of the unit */
};

struct flash_ops {
	int (*read)(void *ctx, uint32_t at, void *to, size_t len);
	int (*program)(void *ctx, uint32_t at, const void *from, size_t len);
	/* Only one erase at a time.  erase_done: 1 done, 0 not yet, < 0 failed. */
	int (*erase_begin)(void *ctx, uint32_t sector);
	int (*erase_done)(void *ctx);
	/* Everything programmed and erased before the call is to become durable.
	 * sync_done: 1 done, 0 not yet, < 0 failed (what was written since the last
	 * sync is in doubt; the queue stops accepting).  On NOR both are immediate. */
	int (*sync_begin)(void *ctx);
	int (*sync_done)(void *ctx);
};

struct flash {
	const struct flash_ops *ops;
	void *ctx;
	struct flash_geometry geometry;
};

#endif
