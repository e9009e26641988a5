/* SPDX-License-Identifier: BSD-2-Clause */
/* schedule - when a message is tried again and which next hop is left alone meanwhile.
 *
 * Knows ids, times and next hops; not messages.  Times here are whole seconds of a
 * clock that neither jumps nor wraps (core.h).  A row is a message with the earliest time that
 * anything of it is due; a hop is a next hop (by hash of its name) with its concurrency and
 * its back-off: a dead host must not burn an attempt of every message.
 */
#ifndef PIPIT_ROUTE_SCHEDULE_H
#define PIPIT_ROUTE_SCHEDULE_H

#include "base/instant.h"
#include "base/rng.h"
#include "base/status.h"
#include "route/schedule_state.h"

#include <stddef.h>

/* wait before the attempt after `attempts` failed ones (>= 1), seconds: the
 * configured steps, then the last for ever; +-12 % jitter so that a restart does
 * not make everything due at once. */
uint32_t schedule_wait_s(const uint32_t *retry_s, size_t steps, unsigned attempts, struct rng *rng);

void schedule_init(struct schedule *s);

/* Adds the message (id > 0) or changes its time and priority (0 is most urgent).
 * The table has a row for every message that the queue can hold. */
void schedule_put(struct schedule *s, uint32_t id, uint32_t due_s, uint8_t priority);
void schedule_remove(struct schedule *s, uint32_t id);

/* For a message that has a row and could not start when its turn came, because of this
 * hop (0: another reason).  It is passed over until the hop is open again; what the
 * operator asked for (schedule_flush) stays asked for. */
void schedule_put_off(struct schedule *s, uint32_t id, uint32_t due_s, uint32_t hop);

/* The next due message that is not running: most urgent first, then longest due;
 * it is then marked running (false: none is due).  schedule_put or
 * schedule_remove ends that.  hop_held: only what may go over a connection to
 * this hop; 0: whatever may start. */
bool schedule_due(struct schedule *s, uint32_t now_s, uint32_t hop_held, uint32_t *id);

/* Milliseconds until the next row is due, a day at most.  May be early: call
 * schedule_due first, and do not wait by this while no delivery could start. */
uint32_t schedule_wait_ms(const struct schedule *s, uint32_t now_s);

/* ---- next hops ----------------------------------------------------------- */

/* May a delivery to this hop start now?  true: counted as active.  false: it is backing off
 * until *until_s, or too many are active (*until_s unchanged): ask when one ends.  After a
 * back-off one delivery at a time until the first success. */
bool schedule_hop_begin(struct schedule *s, uint32_t hop, uint32_t now_s, uint32_t *until_s);

/* How what was begun ended.  A connection failure backs the hop off (30 s, doubling to
 * CONFIG_HOP_BACK_OFF_MAX, cleared by the first success); several side by side count once. */
void schedule_hop_end(struct schedule *s, uint32_t hop, bool reached, uint32_t now_s);

/* ---- what the operator asks ---------------------------------------------- */

bool schedule_is_running(struct schedule *s, uint32_t id);
bool schedule_when(struct schedule *s, uint32_t id, uint32_t *due_s);

/* Makes everything (or one message) due now and ends every back-off: `queue retry`, network
 * up.  What runs goes on. */
void schedule_flush(struct schedule *s, uint32_t id_or_0);

/* Whether that is why this message's turn has come. */
#if CONFIG_CONTROL_LINE
bool schedule_is_asked(struct schedule *s, uint32_t id);
#else
static inline bool schedule_is_asked(struct schedule *s, uint32_t id)
{
	(void)s;
	(void)id;
	return false;
}
#endif

#endif
