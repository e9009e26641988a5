/* SPDX-License-Identifier: BSD-2-Clause */
/* nor - flash that fails as real flash does, and a file that plays flash.
 *
 * Strict: a program unit is written at most once between two erases, in whole
 * units, within a page; breaking that ends the test.  Only the
 * program that a cut tore without a trace may be repeated, with the same octets.  The
 * power can be cut at any program, erase or sync: the operation is torn in the way
 * chosen, then longjmp(nor->off, 1).  nor_boot brings the power back.
 *
 * As a file (lazy): an erase changes nothing, writes reach the medium at a
 * sync, which takes some polls; a cut keeps any subset of what was not synced,
 * some of it torn, in any order.
 *
 * The simulator and the power tests (tests/power) use it.  Its memory is the
 * caller's: nor_room octets for a geometry.
 */
#ifndef PIPIT_SIM_NOR_H
#define PIPIT_SIM_NOR_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "sys/flash.h"

/* NOR_NONE: a program that had begun leaves no trace, an erase had not begun. */
enum nor_tear { NOR_NONE, NOR_ALL, NOR_PREFIX, NOR_BITS, NOR_TEARS };

struct nor {
	struct flash flash; /* hand this to the queue */
	uint32_t size;
	uint8_t *mem;    /* what a read sees */
	uint8_t *medium; /* lazy: what a cut leaves for certain */
	uint8_t *used;   /* units programmed since their erase */
	uint8_t *shaky;  /* bits that read differently after each boot */
	uint32_t *wear;
	struct rng rng;
	jmp_buf off;

	enum nor_tear tear;
	uint32_t torn_at, torn_len, torn_crc; /* the program that the last cut tore */
	uint64_t ops, cut_at;                 /* cut_at: 0 never */
	bool unstable;                        /* torn bits become shaky */
	bool lazy;
	uint32_t sync_polls, polls_left, erase_polls;
	int erasing;
	uint8_t *log; /* lazy: what was written since the last sync, in order */
	uint32_t log_len, log_room, syncing;

	/* Faults: the next so many (-1: all) of a sector (-1: any) fail. */
	int fail_sector, fail_programs, fail_erases, fail_syncs;
	bool fail_silently;
	int misdirect_to;  /* the next program goes to this sector, -1: none */
	uint32_t stuck_at; /* octet whose bits in stuck_mask always read as 0 */
	uint8_t stuck_mask;

	uint64_t programs, erases, syncs, program_bytes, read_bytes, reads;
	char last[32]; /* the operation that was cut */
};

/* Octets of memory for a device. */
size_t nor_room(const struct flash_geometry *g);

/* A blank device; room is aligned for a uint32_t and outlives it. */
void nor_init(struct nor *n, const struct flash_geometry *g, void *room);
void nor_blank(struct nor *n);
void nor_seed(struct nor *n, uint32_t seed);

/* The power comes back: shaky bits fall anew, counters of the cut are cleared. */
void nor_boot(struct nor *n);

/* The power goes now, between operations. */
void nor_cut_now(struct nor *n);

/* Content of a device at rest to another of the same geometry, whose power goes. */
void nor_copy(struct nor *to, const struct nor *from);

#endif
