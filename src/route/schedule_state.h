/* SPDX-License-Identifier: BSD-2-Clause */
/* schedule_state - what the scheduler keeps; fields are private to schedule.c.
 *
 * Rows stand in an open-addressed table (linear probing, deletion by shifting
 * back), a quarter larger than the queue so that probes stay short.  A row is 16
 * octets: a heap would make finding the next one cheaper but cost half as
 * much RAM again; as it is, taking a due message looks at the table once (some
 * microseconds at 4096 rows) and everything else is constant time.
 */
#ifndef PIPIT_ROUTE_SCHEDULE_STATE_H
#define PIPIT_ROUTE_SCHEDULE_STATE_H

#include "pipit_limits.h"

#include <stdint.h>

#define SCHEDULE_SLOTS (CONFIG_QUEUE_MESSAGES + CONFIG_QUEUE_MESSAGES / 4u + 1u)

struct schedule_row {
	uint32_t id;      /* 0: free */
	uint32_t hop;     /* whose turn it waits for; 0: not known */
	uint32_t due_low; /* due_ms, 48 bits: good for 8900 years of uptime */
	uint16_t due_high;
	uint8_t priority;
	uint8_t running : 1;
	uint8_t asked : 1; /* by the operator: waits do not count until it has run */
};

struct schedule_hop {
	uint64_t until_ms; /* backs off until then; 0 when it does not */
	uint32_t name_hash;
	uint16_t active, limit;
	uint8_t failures; /* in a row; 0: healthy */
};

struct schedule {
	uint64_t next_ms; /* no waiting row is due earlier */
	uint32_t count;
	struct schedule_row row[SCHEDULE_SLOTS];
	struct schedule_hop hop[CONFIG_ROUTE_HOPS];
};

/* ---- for schedule_asked.c, what an operator may ask ------------------------ */

uint64_t schedule_row_due_ms(const struct schedule_row *row);
void schedule_row_set_due(struct schedule *s, struct schedule_row *row, uint64_t due_ms);

/* The slot of id, or the free one where it would stand. */
uint32_t schedule_slot_of(const struct schedule *s, uint32_t id);

#endif
