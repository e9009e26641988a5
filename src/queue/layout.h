/* SPDX-License-Identifier: BSD-2-Clause */
/* layout - what follows from the geometry: lengths of everything, and limits.
 *
 * Pure.  The format on flash depends on the sector size, the number of sectors
 * and the program unit, and on nothing else.
 */
#ifndef PIPIT_QUEUE_LAYOUT_H
#define PIPIT_QUEUE_LAYOUT_H

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

/* n rounded up to whole program units. */
uint32_t layout_round(const struct queue_layout *l, uint32_t n);

/* Where the payload of a sector ends: behind it stands the second header. */
uint32_t layout_end(const struct queue_layout *l);

/* A journal record with so many octets of body, padded. */
uint32_t layout_record(const struct queue_layout *l, uint32_t body_len);

/* How many MARKs follow the copies at the start of a journal sector: a rotten
 * octet in the only one would hide it; tiny sectors have no room for two. */
uint32_t layout_marks(const struct queue_layout *l);

/* Journal room that a message with so many recipients can come to need. */
uint32_t layout_need(const struct queue_layout *l, uint32_t rcpt_count);

/* What so many octets cost in data sectors, for admission. */
uint32_t layout_cost(const struct queue_layout *l, uint32_t octets);

/* A sector that would give back less than this is no victim of reclaim. */
uint32_t layout_gain(const struct queue_layout *l);

/* The octet of a sector header that names sector size and program unit. */
uint8_t layout_code(const struct queue_layout *l);

#endif
