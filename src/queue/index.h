/* SPDX-License-Identifier: BSD-2-Clause */
/* index - the messages in RAM: slots found by id, recipients in lists.
 *
 * Does no I/O.  A slot is taken when a writer opens and lives until the
 * message is removed or the writer aborts.
 */
#ifndef PIPIT_QUEUE_INDEX_H
#define PIPIT_QUEUE_INDEX_H

#include "queue/queue_state.h"

void index_init(struct queue *q);

/* The slot, or NULL. */
struct queue_slot *index_find(struct queue *q, uint32_t id);

/* A committed message's slot, or NULL. */
struct queue_slot *index_live(struct queue *q, uint32_t id);
const struct queue_slot *index_live_const(const struct queue *q, uint32_t id);

/* A new slot with so many pending recipients, or NULL when there is no room.
 * What it needs is in the accounts (live_bytes, journal_live) until it is removed. */
struct queue_slot *index_add(struct queue *q, uint32_t id, uint32_t rcpt_count);
void index_remove(struct queue *q, struct queue_slot *s);

/* So many octets are admitted for the message. */
void index_admit(struct queue *q, struct queue_slot *s, uint32_t octets);

/* Gives recipients back, all of them still pending or none left. */
void index_trim(struct queue *q, struct queue_slot *s, uint16_t rcpt_count);

/* The recipient, or NULL; walks the message's list. */
struct queue_rcpt_slot *index_rcpt(struct queue *q, const struct queue_slot *s, uint16_t rcpt);
const struct queue_rcpt_slot *index_rcpt_const(const struct queue *q, const struct queue_slot *s,
	uint16_t rcpt);

/* Sets a recipient's state and serial and keeps the slot's counts. */
void index_rcpt_set(struct queue_slot *s, struct queue_rcpt_slot *r, uint8_t state);

/* All recipients in one state go to another. */
void index_rcpt_move(struct queue *q, struct queue_slot *s, uint8_t from, uint8_t to);

static inline uint32_t index_octets(const struct queue_slot *s)
{
	return s->len[0] + s->len[1] + s->len[2];
}

static inline uint8_t index_rcpt_state(const struct queue_rcpt_slot *r)
{
	return r->state & 7u;
}

static inline uint8_t index_rcpt_serial(const struct queue_rcpt_slot *r)
{
	return r->state >> 3;
}

#endif
