/* SPDX-License-Identifier: BSD-2-Clause */
/* schedule_state - what the scheduler keeps; fields are private to schedule.c.
 *
 * A row for each message that the queue can hold, in no order: whoever looks for one looks at
 * all, some microseconds at 4096 rows.  A row is 16 octets.
 */
#ifndef PIPIT_ROUTE_SCHEDULE_STATE_H
#define PIPIT_ROUTE_SCHEDULE_STATE_H

#include "pipit_limits.h"

#include <stdbool.h>
#include <stdint.h>

struct schedule_row {
	uint32_t id;  /* 0: free */
	uint32_t hop; /* whose turn it waits for; 0: not known */
	uint32_t due_s;
	uint8_t priority;
	bool running;
	bool asked; /* by the operator: waits do not count until it has run */
};

struct schedule_hop {
	uint32_t name_hash;
	uint32_t until_s; /* backs off until then; 0 when it does not */
	uint32_t wait_s;  /* how long it did last; 0: healthy */
	uint32_t active;
};

struct schedule {
	uint32_t next_s; /* no waiting row is due earlier */
	struct schedule_row row[CONFIG_QUEUE_MESSAGES];
	struct schedule_hop hop[CONFIG_ROUTE_HOPS];
};

/* ---- for schedule_asked.c, what an operator may ask ------------------------ */

/* The row of this message, or NULL.  With id 0 a free one. */
struct schedule_row *schedule_row_of(struct schedule *s, uint32_t id);

#endif
