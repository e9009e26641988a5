/* SPDX-License-Identifier: BSD-2-Clause */
/* schedule - when a message is tried again and which next hop is left alone meanwhile.
 *
 * Knows ids, times and next hops; not messages.  Times here are monotonic
 * seconds since the port's start, so a jumping wall clock moves nothing.  A row
 * is a message with the earliest time that anything of it is due; a hop is a
 * next hop (by hash of its name) with its concurrency and its back-off: a dead
 * host must not burn an attempt of every message.
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
void schedule_put(struct schedule *s, uint32_t id, uint64_t due_ms, uint8_t priority);
void schedule_remove(struct schedule *s, uint32_t id);

/* The same for a message that could not start when its turn came, because of this
 * hop (0: another reason).  It is passed over until the hop is open again; what the
 * operator asked for (schedule_flush) stays asked for. */
void schedule_put_off(struct schedule *s, uint32_t id, uint64_t due_ms, uint8_t priority,
	uint32_t hop);
bool schedule_is_asked(const struct schedule *s, uint32_t id);

/* Makes everything (or one message) due now and ends every back-off: `queue retry`, network
 * up.  What runs goes on, what is due never (INSTANT_NEVER: held) stays so. */
void schedule_flush(struct schedule *s, uint32_t id_or_0);

/* The next due message that is not running: most urgent first, then longest due;
 * it is then marked running (false: none is due).  schedule_put or
 * schedule_remove ends that.  hop_held: only what may go over a connection to
 * this hop; 0: whatever may start. */
bool schedule_due(struct schedule *s, struct instant now, uint32_t hop_held, uint32_t *id);
bool schedule_is_running(const struct schedule *s, uint32_t id);
bool schedule_when(const struct schedule *s, uint32_t id, uint64_t *due_ms);

/* Milliseconds until the next row is due; UINT32_MAX: none waits.  May be early: call
 * schedule_due first, and do not wait by this while no delivery could start. */
uint32_t schedule_wait_ms(const struct schedule *s, struct instant now);

/* ---- next hops ----------------------------------------------------------- */

/* May a delivery to this hop start now?  ST_OK: counted as active; ST_AGAIN: too
 * many are active, ask when one ends; ST_FULL: it is backing off until *until_ms.
 * After a back-off one delivery at a time until the first success. */
enum status schedule_hop_begin(struct schedule *s, uint32_t hop, struct instant now,
	unsigned concurrency, uint64_t *until_ms);

/* How what was begun ended.  A connection failure backs the hop off (30 s, doubling to
 * back_off_max_s, cleared by the first success); several side by side count once. */
void schedule_hop_end(struct schedule *s, uint32_t hop, bool reached, struct instant now,
	uint32_t back_off_max_s);

#endif
