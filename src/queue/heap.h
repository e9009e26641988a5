/* SPDX-License-Identifier: BSD-2-Clause */
/* heap - the octets of messages: extents in data sectors, found by name.
 *
 * An extent is a run of one stream of one message.  Its octets stand in the
 * lower part of a sector, its descriptor in the upper part, and it exists once
 * the descriptor is whole.  Nothing points to an extent: readers look for
 * (message, stream, offset), first where they were told it might be.  So it
 * may be copied elsewhere at any time, and may exist twice.
 *
 * Checksums start with the sector's generation: what an earlier use of the
 * sector left there never looks valid.
 */
#ifndef PIPIT_QUEUE_HEAP_H
#define PIPIT_QUEUE_HEAP_H

#include "base/status.h"
#include "queue/queue_state.h"

struct heap_extent {
	uint32_t id, from, len, pos, crc;
	uint8_t stream;
	uint8_t age;            /* how often it was copied, modulo 128 */
	uint16_t sector, index; /* where it was found */
};

/* ---- Finding ---- */

/* Descriptor number index of a sector: false when it is none (or a skip). */
bool heap_extent_at(const struct queue *q, uint16_t sector, uint32_t index, struct heap_extent *e);

/* The extent that has an octet of a message.  *e names the octet by stream and
 * from, and by sector and index where to begin to look; any values are allowed.
 * ST_MISSING when there is none. */
enum status heap_find(struct queue *q, const struct queue_slot *s, struct heap_extent *e);

/* Visits the extents of the first len[] octets of a message until one is missing
 * or visit says something else than ST_OK. */
enum status heap_each(struct queue *q, const struct queue_slot *s,
	const uint32_t len[QUEUE_STREAMS],
	enum status (*visit)(struct queue *q, const struct heap_extent *e));

/* The data sector whose generation is the next that is more than *distance after
 * gen, which is then its distance; QUEUE_NONE after the last.  Begin with 0. */
uint16_t heap_next_sector(const struct queue *q, uint32_t gen, uint32_t *distance);

/* Reads the octets of an extent against its checksum: ST_OK, ST_CORRUPT, ST_IO. */
enum status heap_check(struct queue *q, const struct heap_extent *e);

/* Are the extent's octets, which may exist twice, whole in another place?  Of two
 * copies the younger may be what a power cut interrupted, if it is the last of its
 * sector: that one does not count. */
bool heap_has_twin(struct queue *q, const struct queue_slot *s, const struct heap_extent *e);

/* Does everything that lives in a sector, and that mount will not drop, live
 * elsewhere too? */
bool heap_redundant(struct queue *q, uint16_t sector);

/* ---- Accounting ---- */

/* What an extent takes away from its sector, in units of 8 octets. */
uint16_t heap_units(const struct queue *q, uint32_t len);

/* Is a sector being filled? */
bool heap_is_head(const struct queue *q, uint32_t sector);

/* So many units of a sector are in use no longer; it falls free with the last. */
void heap_release(struct queue *q, uint16_t sector, uint32_t units);

/* The extents of the first len[] octets are in use no longer. */
void heap_forget(struct queue *q, const struct queue_slot *s, const uint32_t len[QUEUE_STREAMS]);

/* Counts what is in use in a sector.  At mount id_max is not NULL: the descriptors
 * are counted too, *id_max, octets found and hints of the messages are brought up to date. */
void heap_count(struct queue *q, uint16_t sector, uint32_t *id_max);

/* ---- Filling ---- */

void heap_init(struct queue *q);

/* Octets that still fit into the head's sector beside one more descriptor. */
uint32_t heap_room(const struct queue *q, const struct queue_head *h);

/* Programs octets at the end of the open extent; at has room for padding to whole
 * units. */
enum status heap_extent_put(struct queue *q, struct queue_head *h, uint8_t *at, uint32_t len);

/* Writes the descriptor, with a wrong checksum when its octets are known to be
 * damaged.  On failure the octets are lost. */
enum status heap_extent_close(struct queue *q, struct queue_head *h, bool damaged);

/* Closes the open extent, leaves the sector. */
void heap_head_leave(struct queue *q, struct queue_head *h);

/* A new sector for the head.  ST_AGAIN when keep sectors would not stay free. */
enum status heap_head_open(struct queue *q, struct queue_head *h, uint32_t keep, bool worn);

/* Appends what a writer has staged; all: to the last octet, else in whole units. */
enum status heap_flush(struct queue *q, uint16_t writer, bool all);

/* Ends a writer's relation to its head. */
void heap_writer_end(struct queue *q, uint16_t writer);

/* Nothing written later shares a page with what is there. */
void heap_pad(struct queue *q);

#endif
