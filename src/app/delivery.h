/* SPDX-License-Identifier: BSD-2-Clause */
/* delivery - one slot with its task, and what all its states do with them: outcomes
 * and verification. */
#ifndef PIPIT_APP_DELIVERY_H
#define PIPIT_APP_DELIVERY_H

#include "app/outbound.h"

/* Verified pieces, resolver answers and flash are looked at again after this. */
#define DELIVERY_POLL_MS 5u

/* A slot, its task and what is shared: the `self` of its connection. */
struct delivery {
	struct sending *s;
	struct core *core;
	struct outbound *o;
	struct task *t;
};

/* The message is to be offered from its beginning, on this or another connection. */
void delivery_reset(struct outbound *o);

/* The address failed before anything was promised: the next one, or the end. */
void delivery_next_address(struct delivery *x);

/* true: the message may be offered.  Rot is found before DATA, never delivered. */
bool delivery_verify(struct delivery *x);

/* What every recipient still open will get; `again`: the attempt does not count. */
void delivery_give(struct delivery *x, const struct reply *why, bool again);
/* The same, said by the next hop. */
void delivery_quote(struct delivery *x, const struct reply *why);
void delivery_record_with(struct delivery *x, const struct reply *why, bool again);

/* On flash; false: it is busy, call again.  A report's only "recipient" is its job. */
bool delivery_record_one(struct delivery *x, struct task_rcpt *r, const struct queue_reply *kept,
	bool again);
bool delivery_record_open(struct delivery *x);

#endif
