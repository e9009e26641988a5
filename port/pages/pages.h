/* SPDX-License-Identifier: BSD-2-Clause */
/* pages - firmware's own state on flash: named blobs (configuration, later certificates and
 * keys) and a floor for the clock, in two sectors that take turns.
 *
 * A change is written whole to the sector that is not in force: the blobs that stay, the new one,
 * and last a head with a higher sequence number and the checksum of all.  The head is
 * the switch: before it the old state is in force, after it the new one, whatever the power
 * does.  A second head at the sector's end says that the first was written to its end; where
 * a cut left only one of them, pages_open writes the state once more, so that bits that
 * were programmed halfway cannot take it back at a later boot.
 *
 * A sector: head, stream, padding, head again.  The stream is chunks: length of the name
 * (1 octet), of the octets (2, little endian), name, octets; a blob is its chunks in their order.
 *
 * The two sectors are a flash of their own: a chip shared with the queue needs a driver that
 * takes an erase while another runs.  Nothing waits but pages_open.
 */
#ifndef PIPIT_PAGES_PAGES_H
#define PIPIT_PAGES_PAGES_H

#include "base/span.h"
#include "base/status.h"
#include "sys/flash.h"

#include <stdbool.h>

#define PAGES_NAME_MAX 32u
#define PAGES_STAGE 256u /* one program at most */

struct pages {
	const struct flash *flash;
	uint32_t sequence;
	uint32_t time_floor_s; /* the highest Unix time that was said with a change; 0: none */
	uint32_t len;          /* octets of the stream in force */
	uint8_t current;       /* the sector in force; 2: none, nothing was ever written */
	/* internal: the change at hand */
	uint8_t state;
	uint8_t name_len;
	uint8_t name[PAGES_NAME_MAX];
	uint16_t staged;
	uint32_t at;     /* octets of the new stream that are programmed */
	uint32_t crc;    /* of the new stream */
	uint32_t copied; /* octets of the old one that were looked at */
	uint32_t left;   /* of these, to be copied of the chunk at hand */
	uint8_t stage[PAGES_STAGE];
};

/* Finds the state in force.  ST_OK, also for blank flash; ST_BAD: a geometry that it cannot
 * be kept in (two sectors or more, of four pages at least, a page of 32 octets
 * at least and a power of two); ST_IO.
 * Waits for an erase if a power cut asks for it.  flash outlives p. */
enum status pages_open(struct pages *p, const struct flash *flash);

/* Octets of a blob from offset: the count, 0 at its end, ST_MISSING, ST_IO.  What a change
 * at hand writes is not seen before its commit.  As sys/blob.h has it; ctx is the struct pages. */
int pages_read(void *ctx, struct span name, uint32_t offset, void *to, size_t len);

/* Begins a change of one blob: 1 to PAGES_NAME_MAX octets of name.  ST_AGAIN: the
 * sector is being erased, call again; ST_BAD: a name too long, or a change is at hand. */
enum status pages_begin(struct pages *p, struct span name);

/* Adds octets to the new blob, at most 65535 in a call.  ST_OK: all of them.  ST_FULL: they do
 * not fit beside what is there; ST_IO; both end the change, and the old state stays. */
enum status pages_write(struct pages *p, struct span octets);

/* Makes the change real, a bounded piece in each call: ST_AGAIN, call again.  ST_OK: it is
 * durable.  A blob that nothing was written to is gone.  time_s: the wall clock, 0 if it is not
 * known.  ST_FULL, ST_IO: the old state stays (after ST_IO at the very end: or the new). */
enum status pages_commit(struct pages *p, uint32_t time_s);

/* No change is wanted. */
void pages_abort(struct pages *p);

#endif
