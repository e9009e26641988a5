/* SPDX-License-Identifier: BSD-2-Clause */
/* outcome - what a result means: delivered, tried again when, or given up; and its record on flash.
 *
 * Without a wall clock attempts are counted instead of time: a message is given
 * up after as many attempts as the schedule would have made until its expiry; so is one
 * that came while the clock ran ahead of what it says now.
 */
#ifndef PIPIT_APP_OUTCOME_H
#define PIPIT_APP_OUTCOME_H

#include "app/core.h"

/* A reply as it is kept: its first octets, and whether a next hop said it. */
void outcome_keep(struct queue_reply *kept, const struct reply *r, bool remote);
struct reply outcome_reply(const struct queue_reply *kept);
bool outcome_is_remote(const struct queue_reply *kept);

/* Seconds until the next try of something with so many failed attempts.  Where no clock
 * told the time of that try it may be made when its message's turn has come; before, its
 * wait starts afresh whenever it is asked for. */
uint32_t outcome_wait_s(struct core *c, unsigned attempts, uint32_t next_try_s, bool turn);

/* So many failed attempts are enough when no clock tells the time. */
bool outcome_attempts_spent(const struct core *c, unsigned attempts);

/* Unix time of the try after `attempts` failed ones, 0 without a clock. */
uint32_t outcome_next_try_s(struct core *c, unsigned attempts, uint32_t *wait_s);

enum outcome_how {
	OUTCOME_COUNTS,
	OUTCOME_AGAIN,   /* the attempt does not count and the next may follow at once */
	OUTCOME_EXPIRED, /* there was none: the message has run out of time */
};

/* Records how an attempt for one recipient ended, by the reply's first digit: 2
 * delivered, 5 failed, else tried again; expired, it fails with its last reply, or with kept if
 * there was none.  false: flash is busy, call again. */
bool outcome_record(struct core *c, uint32_t message, uint16_t rcpt, struct span host,
	const struct queue_reply *kept, enum outcome_how how);

#endif
