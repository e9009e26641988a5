/* SPDX-License-Identifier: BSD-2-Clause */
/* layout - what follows from the geometry: lengths of everything, and limits.
 *
 * Pure.  The format on flash depends on the sector size, the number of sectors
 * and the program unit, and on nothing else.  With CONFIG_QUEUE_FIXED_GEOMETRY
 * these are constants, and so is most of what follows.
 */
#ifndef PIPIT_QUEUE_LAYOUT_H
#define PIPIT_QUEUE_LAYOUT_H

#include "queue/journal.h"
#include "queue/queue_state.h"

/* Erased sectors that accepting mail never takes: one for the journal's next
 * rotation, one for reclaiming. */
#define LAYOUT_RESERVE 2u

#define LAYOUT_HEADER_LEN 16u
#define LAYOUT_EXTENT_LEN 24u

/* False when this build cannot use it; *why is static text. */
bool layout_init(struct queue_layout *l, const struct flash_geometry *g, const char **why);

/* Limits again, after journal_sectors was read from flash. */
bool layout_limits(struct queue_layout *l);

/* ---- The geometry: constants where the build is for one flash ---- */

static inline uint32_t layout_sector_size(const struct queue_layout *l)
{
	return CONFIG_QUEUE_FIXED_GEOMETRY ? CONFIG_QUEUE_SECTOR_SIZE_MAX : l->sector_size;
}

static inline uint16_t layout_sectors(const struct queue_layout *l)
{
	return CONFIG_QUEUE_FIXED_GEOMETRY ? CONFIG_QUEUE_SECTORS_MAX : l->sectors;
}

static inline uint32_t layout_unit(const struct queue_layout *l)
{
	return CONFIG_QUEUE_FIXED_GEOMETRY ? CONFIG_QUEUE_PROGRAM_UNIT_MAX : l->unit;
}

/* ---- What follows from it ---- */

/* n without what does not fill a program unit, and n rounded up to whole ones. */
static inline uint32_t layout_whole(const struct queue_layout *l, uint32_t n)
{
	return n & ~(layout_unit(l) - 1u);
}

static inline uint32_t layout_round(const struct queue_layout *l, uint32_t n)
{
	return layout_whole(l, n + layout_unit(l) - 1u);
}

/* A sector header and an extent's descriptor. */
static inline uint32_t layout_header_len(const struct queue_layout *l)
{
	return layout_round(l, LAYOUT_HEADER_LEN);
}

static inline uint32_t layout_extent_len(const struct queue_layout *l)
{
	return layout_round(l, LAYOUT_EXTENT_LEN);
}

/* Where the payload of a sector ends: behind it stands the second header. */
static inline uint32_t layout_end(const struct queue_layout *l)
{
	return layout_sector_size(l) - layout_header_len(l);
}

static inline uint32_t layout_payload(const struct queue_layout *l)
{
	return layout_end(l) - layout_header_len(l);
}

/* What journal records begin at multiples of. */
static inline uint32_t layout_align(const struct queue_layout *l)
{
	return layout_unit(l) < 4u ? 4u : layout_unit(l);
}

/* A journal record with so many octets of body, padded. */
static inline uint32_t layout_record(const struct queue_layout *l, uint32_t body_len)
{
	return (JOURNAL_FIXED_LEN + body_len + layout_align(l) - 1u) & ~(layout_align(l) - 1u);
}

/* How many MARKs follow the copies at the start of a journal sector: a rotten
 * octet in the only one would hide it; tiny sectors have no room for two. */
static inline uint32_t layout_marks(const struct queue_layout *l)
{
	return layout_sector_size(l) >= 1024u ? 2u : 1u;
}

/* Journal room that a message with so many recipients can come to need. */
uint32_t layout_need(const struct queue_layout *l, uint32_t rcpt_count);

/* What so many octets cost in data sectors, for admission. */
uint32_t layout_cost(const struct queue_layout *l, uint32_t octets);

/* A sector that would give back less than this is no victim of reclaim. */
uint32_t layout_gain(const struct queue_layout *l);

/* The octet of a sector header that names sector size and program unit. */
uint8_t layout_code(const struct queue_layout *l);

#endif
