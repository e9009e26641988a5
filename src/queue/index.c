/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/index.h"

#include <string.h>

#include "base/check.h"
#include "queue/journal.h"
#include "queue/layout.h"
#include "queue/queue.h"

_Static_assert(QUEUE_REPORTED + 1u == QUEUE_STATES, "a count for each state");

void index_init(struct queue *q)
{
	uint32_t i;

	memset(q->table, 0xff, sizeof(q->table));
	for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++)
		q->slots[i].next = (uint16_t)(i + 1u);
	q->slots[CONFIG_QUEUE_MESSAGES - 1u].next = QUEUE_NONE;
	for (i = 0; i < CONFIG_QUEUE_RECIPIENTS; i++)
		q->rcpts[i].next = (uint16_t)(i + 1u);
	q->rcpts[CONFIG_QUEUE_RECIPIENTS - 1u].next = QUEUE_NONE;
}

static const struct queue_slot *find(const struct queue *q, uint32_t id)
{
	uint16_t at = q->table[id % QUEUE_TABLE];
	const struct queue_slot *s;

	for (; at != QUEUE_NONE; at = s->next) {
		s = &q->slots[at];
		if (s->id == id)
			return s;
	}
	return NULL;
}

struct queue_slot *index_find(struct queue *q, uint32_t id)
{
	const struct queue_slot *s = find(q, id);

	return s == NULL ? NULL : &q->slots[s - q->slots];
}

const struct queue_slot *index_live_const(const struct queue *q, uint32_t id)
{
	const struct queue_slot *s = find(q, id);

	return s != NULL && (s->flags & QUEUE_SLOT_LIVE) ? s : NULL;
}

struct queue_slot *index_live(struct queue *q, uint32_t id)
{
	const struct queue_slot *s = index_live_const(q, id);

	return s == NULL ? NULL : &q->slots[s - q->slots];
}

/* ---- Taking and giving back ------------------------------------------------------- */

static void rcpts_take(struct queue *q, struct queue_slot *s, uint32_t count)
{
	uint16_t *link = &s->rcpt_first;
	struct queue_rcpt_slot *r;
	uint32_t i;

	*link = q->rcpt_free;
	for (i = 0; i < count; i++) {
		r = &q->rcpts[*link];
		r->next_try_s = 0;
		r->state = QUEUE_PENDING;
		r->attempts = 0;
		link = &r->next;
	}
	q->rcpt_free = *link;
	*link = QUEUE_NONE;
	s->rcpt_count = (uint16_t)count;
	s->count[QUEUE_PENDING] = (uint16_t)count;
	q->rcpt_count = (uint16_t)(q->rcpt_count + count);
}

struct queue_slot *index_add(struct queue *q, uint32_t id, uint32_t rcpt_count)
{
	uint16_t slot = q->slot_free, *list = &q->table[id % QUEUE_TABLE];
	struct queue_slot *s;

	if (slot == QUEUE_NONE || rcpt_count > CONFIG_QUEUE_RECIPIENTS - (uint32_t)q->rcpt_count)
		return NULL;
	s = &q->slots[slot];
	q->slot_free = s->next;
	memset(s, 0, sizeof(*s));
	s->id = id;
	s->hint_sector = QUEUE_NONE;
	s->base = QUEUE_NONE;
	s->next = *list;
	*list = slot;
	rcpts_take(q, s, rcpt_count);
	q->live_bytes += layout_cost(&q->layout, 0);
	q->journal_live += layout_need(&q->layout, rcpt_count);
	return s;
}

void index_trim(struct queue *q, struct queue_slot *s, uint16_t rcpt_count)
{
	uint16_t *link = &s->rcpt_first, *end, gone = (uint16_t)(s->rcpt_count - rcpt_count);

	CHECK(rcpt_count <= s->rcpt_count);
	q->journal_live -= gone * layout_record(&q->layout, JOURNAL_BODY_MAX);
	q->rcpt_count = (uint16_t)(q->rcpt_count - gone);
	s->rcpt_count = rcpt_count;
	s->count[QUEUE_PENDING] = (uint16_t)(s->count[QUEUE_PENDING] - gone);
	for (; rcpt_count > 0; rcpt_count--)
		link = &q->rcpts[*link].next;
	for (end = link; *end != QUEUE_NONE; end = &q->rcpts[*end].next)
		;
	*end = q->rcpt_free;
	q->rcpt_free = *link;
	*link = QUEUE_NONE;
}

void index_admit(struct queue *q, struct queue_slot *s, uint32_t octets)
{
	q->live_bytes -= layout_cost(&q->layout, s->admitted);
	q->live_bytes += layout_cost(&q->layout, octets);
	s->admitted = octets;
}

void index_remove(struct queue *q, struct queue_slot *s)
{
	uint16_t *link = &q->table[s->id % QUEUE_TABLE], slot;

	CHECK(s->id != 0);
	index_trim(q, s, 0);
	q->journal_live -= layout_need(&q->layout, 0);
	q->live_bytes -= layout_cost(&q->layout, s->admitted);
	if (s->flags & QUEUE_SLOT_LIVE)
		q->message_count--;
	while (&q->slots[*link] != s)
		link = &q->slots[*link].next;
	slot = *link;
	*link = s->next;
	s->id = 0;
	s->flags = 0;
	s->next = q->slot_free;
	q->slot_free = slot;
}

/* ---- Recipients --------------------------------------------------------------------- */

const struct queue_rcpt_slot *index_rcpt_const(const struct queue *q, const struct queue_slot *s,
	uint16_t rcpt)
{
	uint16_t r = s->rcpt_first;

	if (rcpt >= s->rcpt_count)
		return NULL;
	for (; rcpt > 0; rcpt--)
		r = q->rcpts[r].next;
	return &q->rcpts[r];
}

struct queue_rcpt_slot *index_rcpt(struct queue *q, const struct queue_slot *s, uint16_t rcpt)
{
	const struct queue_rcpt_slot *r = index_rcpt_const(q, s, rcpt);

	return r == NULL ? NULL : &q->rcpts[r - q->rcpts];
}

void index_rcpt_set(struct queue_slot *s, struct queue_rcpt_slot *r, uint8_t state)
{
	s->count[index_rcpt_state(r)]--;
	s->count[state & 7u]++;
	r->state = state;
}

void index_rcpt_move(struct queue *q, struct queue_slot *s, uint8_t from, uint8_t to)
{
	struct queue_rcpt_slot *r;
	uint16_t at;

	for (at = s->rcpt_first; at != QUEUE_NONE; at = r->next) {
		r = &q->rcpts[at];
		if (index_rcpt_state(r) == from)
			index_rcpt_set(s, r, (uint8_t)(r->state - from + to));
	}
}
