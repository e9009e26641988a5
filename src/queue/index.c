/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/index.h"

#include <string.h>

#include "base/check.h"
#include "queue/queue.h"

void index_init(struct queue *q)
{
	uint32_t i;

	memset(q->table, 0xff, sizeof(q->table));
	for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++) {
		q->slots[i].id = 0;
		q->slots[i].rcpt_first = (uint16_t)(i + 1u < CONFIG_QUEUE_MESSAGES ? i + 1u
										   : QUEUE_NONE);
	}
	for (i = 0; i < CONFIG_QUEUE_RECIPIENTS; i++)
		q->rcpts[i].next = (uint16_t)(i + 1u < CONFIG_QUEUE_RECIPIENTS ? i + 1u
									       : QUEUE_NONE);
	q->slot_free = 0;
	q->rcpt_free = 0;
	q->slot_count = 0;
	q->rcpt_count = 0;
}

/* Ids rise by one: a multiplication spreads them. */
static uint32_t home(uint32_t id)
{
	return (uint32_t)(id * 2654435761u >> 7) & (QUEUE_TABLE - 1u);
}

/* Where id stands in the table, or the free place where it would. */
static uint32_t place(const struct queue *q, uint32_t id)
{
	uint32_t at = home(id);

	while (q->table[at] != QUEUE_NONE && q->slots[q->table[at]].id != id)
		at = (at + 1u) & (QUEUE_TABLE - 1u);
	return at;
}

uint16_t index_find(const struct queue *q, uint32_t id)
{
	return id == 0 ? (uint16_t)QUEUE_NONE : q->table[place(q, id)];
}

struct queue_slot *index_live(struct queue *q, uint32_t id)
{
	uint16_t slot = index_find(q, id);

	if (slot == QUEUE_NONE || !(q->slots[slot].flags & QUEUE_SLOT_LIVE))
		return NULL;
	return &q->slots[slot];
}

static bool rcpts_take(struct queue *q, struct queue_slot *s, uint32_t count)
{
	uint16_t r = q->rcpt_free;
	uint32_t i;

	if (count > CONFIG_QUEUE_RECIPIENTS - (uint32_t)q->rcpt_count)
		return false;
	s->rcpt_first = count > 0 ? r : (uint16_t)QUEUE_NONE;
	for (i = 0; i < count; i++) {
		q->rcpts[r].next_try_s = 0;
		q->rcpts[r].state = QUEUE_PENDING;
		q->rcpts[r].attempts = 0;
		q->rcpt_free = q->rcpts[r].next;
		if (i + 1u == count)
			q->rcpts[r].next = QUEUE_NONE;
		r = q->rcpt_free;
	}
	s->rcpt_count = (uint16_t)count;
	s->pending = (uint16_t)count;
	q->rcpt_count = (uint16_t)(q->rcpt_count + count);
	return true;
}

uint16_t index_add(struct queue *q, uint32_t id, uint32_t rcpt_count)
{
	uint16_t slot = q->slot_free, after;
	struct queue_slot *s;

	if (slot == QUEUE_NONE)
		return QUEUE_NONE;
	s = &q->slots[slot];
	after = s->rcpt_first;
	memset(s, 0, sizeof(*s));
	if (!rcpts_take(q, s, rcpt_count)) {
		s->rcpt_first = after;
		return QUEUE_NONE;
	}
	q->slot_free = after;
	q->slot_count++;
	s->id = id;
	s->hint_sector = QUEUE_NONE;
	s->base = QUEUE_NONE;
	q->table[place(q, id)] = slot;
	return slot;
}

/* Takes the entry out and moves those behind it that would no longer be found. */
static void table_remove(struct queue *q, uint32_t at)
{
	uint32_t next = at, from;

	for (;;) {
		next = (next + 1u) & (QUEUE_TABLE - 1u);
		if (q->table[next] == QUEUE_NONE)
			break;
		from = home(q->slots[q->table[next]].id);
		if (((next - from) & (QUEUE_TABLE - 1u)) >= ((next - at) & (QUEUE_TABLE - 1u))) {
			q->table[at] = q->table[next];
			at = next;
		}
	}
	q->table[at] = QUEUE_NONE;
}

void index_trim(struct queue *q, struct queue_slot *s, uint16_t rcpt_count)
{
	uint16_t *link = &s->rcpt_first;
	uint16_t r, next, i;

	for (i = 0; i < rcpt_count && *link != QUEUE_NONE; i++)
		link = &q->rcpts[*link].next;
	r = *link;
	*link = QUEUE_NONE;
	for (; r != QUEUE_NONE; r = next) {
		next = q->rcpts[r].next;
		q->rcpts[r].next = q->rcpt_free;
		q->rcpt_free = r;
		q->rcpt_count--;
		s->rcpt_count--;
		s->pending--;
	}
}

void index_remove(struct queue *q, uint16_t slot)
{
	struct queue_slot *s = &q->slots[slot];

	CHECK(s->id != 0);
	index_trim(q, s, 0);
	table_remove(q, place(q, s->id));
	s->id = 0;
	s->flags = 0;
	s->rcpt_first = q->slot_free;
	q->slot_free = slot;
	q->slot_count--;
}

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

static uint16_t *count_of(struct queue_slot *s, uint8_t state)
{
	switch (state) {
	case QUEUE_PENDING: return &s->pending;
	case QUEUE_FAILED: return &s->failed;
	case QUEUE_REPORTING: return &s->reporting;
	default: return NULL;
	}
}

void index_rcpt_set(struct queue_slot *s, struct queue_rcpt_slot *r, uint8_t state)
{
	uint16_t *count = count_of(s, index_rcpt_state(r));

	if (count != NULL)
		(*count)--;
	count = count_of(s, state);
	if (count != NULL)
		(*count)++;
	r->state = (uint8_t)((r->state & ~7u) | state);
}

void index_rcpt_move(struct queue *q, struct queue_slot *s, uint8_t from, uint8_t to)
{
	uint16_t r;

	for (r = s->rcpt_first; r != QUEUE_NONE; r = q->rcpts[r].next)
		if (index_rcpt_state(&q->rcpts[r]) == from)
			index_rcpt_set(s, &q->rcpts[r], to);
}
