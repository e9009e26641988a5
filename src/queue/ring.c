/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/ring.h"

#include <string.h>

#include "queue/layout.h"
#include "queue/media.h"

/* Does the record show that an earlier batch was durable? */
static bool later_batch(const struct journal_record *r, uint16_t than)
{
	uint16_t ahead = (uint16_t)(r->batch - than);

	return ahead < 0x8000u && ahead > (r->flags & JOURNAL_PREV_SAFE ? 0u : 1u);
}

static void inspect(struct queue *q, uint16_t sector, struct ring_sector *n)
{
	struct journal_cursor c;
	struct journal_record r;
	bool any = false;

	memset(n, 0, sizeof(*n));
	q->sector[sector].extents = (uint16_t)(layout_end(&q->layout) / 4u);
	journal_cursor(q, &c, sector);
	while (journal_next(q, &c, &r)) {
		if (!any && r.type == JOURNAL_SUPER) {
			n->super = r.super;
			n->has_super = true;
		} else if (n->has_mark) {
			n->proof = n->proof || later_batch(&r, n->mark_batch);
		} else if (r.type == JOURNAL_MARK) {
			n->mark = r.mark;
			n->has_mark = true;
			n->mark_batch = r.batch;
		} else {
			n->before++;
		}
		if (r.batch != n->last_batch)
			n->last_prev_safe = false;
		n->last_batch = r.batch;
		if (r.flags & JOURNAL_PREV_SAFE)
			n->last_prev_safe = true;
		n->end = c.pos;
		any = true;
	}
}

uint16_t ring_journal(const struct queue *q, uint32_t gen)
{
	uint32_t i;

	for (i = 0; i < layout_sectors(&q->layout); i++)
		if (q->sector[i].kind == QUEUE_SECTOR_JOURNAL && q->sector[i].gen == gen)
			return (uint16_t)i;
	return QUEUE_NONE;
}

/* The journal sector with the highest generation before gen (any: the highest at all). */
static uint16_t journal_before(const struct queue *q, uint32_t gen, bool any)
{
	uint32_t i, best = QUEUE_NONE;

	for (i = 0; i < layout_sectors(&q->layout); i++) {
		if (q->sector[i].kind != QUEUE_SECTOR_JOURNAL ||
			(!any && !serial_after(gen, q->sector[i].gen)))
			continue;
		if (best == QUEUE_NONE || serial_after(q->sector[i].gen, q->sector[best].gen))
			best = i;
	}
	return (uint16_t)best;
}

bool ring_unsafe(const struct ring *r, uint16_t batch)
{
	return (uint16_t)(r->newest.last_batch - batch) < r->unsafe;
}

bool ring_super(struct queue *q, uint16_t sector, struct journal_super *s)
{
	struct journal_cursor c;
	struct journal_record r;

	journal_cursor(q, &c, sector);
	if (!journal_next(q, &c, &r) || r.type != JOURNAL_SUPER)
		return false;
	*s = r.super;
	return true;
}

/* The sector before one of the ring, by what it says itself, else by generation. */
static uint16_t ring_prev(struct queue *q, uint16_t at, struct ring *r)
{
	uint32_t old_gen = r->newest.mark.old_gen;
	struct ring_sector other;
	struct journal_super s;
	uint16_t prev, left;

	if (ring_super(q, at, &s)) {
		if (!serial_after(s.prev_gen, old_gen))
			return QUEUE_NONE;
		prev = ring_journal(q, s.prev_gen);
		if (prev != QUEUE_NONE) {
			q->sector[prev].extents = (uint16_t)(s.prev_end / 4u);
			return prev;
		}
	}
	r->lost = true;
	prev = journal_before(q, q->sector[at].gen, false);
	for (left = layout_sectors(&q->layout); prev != QUEUE_NONE && left > 0; left--) {
		if (!serial_after(q->sector[prev].gen, old_gen))
			break;
		inspect(q, prev, &other);
		if (other.has_mark)
			return prev;
		prev = journal_before(q, q->sector[prev].gen, false);
	}
	return QUEUE_NONE;
}

/* The ring that ends in r->sector, oldest first. */
static bool chain(struct queue *q, struct ring *r)
{
	uint16_t at = r->sector, i;

	r->lost = false;
	r->unsafe = r->newest.last_prev_safe ? 1 : 2;
	q->ring_len = 0;
	q->sector[at].extents = (uint16_t)(r->newest.end / 4u);
	for (; at != QUEUE_NONE; at = ring_prev(q, at, r)) {
		if (q->ring_len == QUEUE_JOURNAL_MAX)
			return false;
		q->ring[q->ring_len++] = at;
	}
	for (i = 0; i < q->ring_len / 2u; i++) {
		at = q->ring[i];
		q->ring[i] = q->ring[q->ring_len - 1u - i];
		q->ring[q->ring_len - 1u - i] = at;
	}
	return true;
}

static bool complete(const struct ring_sector *n)
{
	return n->has_super && n->has_mark && n->before == n->mark.carried;
}

/* A rotation that is not complete was not finished, if what it replaced is still
 * there and nothing shows that it was durable; else it is rot. */
static bool finished(struct queue *q, const struct ring_sector *n)
{
	return complete(n) || n->proof || ring_journal(q, n->mark.old_gen) == QUEUE_NONE;
}

/* Nothing in the ring may have been lost with a batch that never was durable. */
static bool sound(struct queue *q, const struct ring *r)
{
	struct ring_sector n;
	uint16_t i, end;

	/* From the youngest on; before a rotation that was durable all was. */
	for (i = (uint16_t)(q->ring_len - 1u); i > 0; i--) {
		end = q->sector[q->ring[i - 1u]].extents;
		inspect(q, q->ring[i - 1u], &n);
		q->sector[q->ring[i - 1u]].extents = end;
		if (!complete(&n) && ring_unsafe(r, n.last_batch))
			return false;
		if (n.has_mark && !ring_unsafe(r, n.mark_batch))
			break;
	}
	return !r->lost;
}

bool ring_find(struct queue *q, struct ring *r)
{
	uint16_t at = journal_before(q, 0, true), left, first = QUEUE_NONE;

	r->torn = 0;
	/* Garbage may have generations without any order: each is looked at once. */
	for (left = layout_sectors(&q->layout); at != QUEUE_NONE && left > 0; left--) {
		r->sector = at;
		inspect(q, at, &r->newest);
		if (r->newest.has_mark && finished(q, &r->newest)) {
			if (first == QUEUE_NONE)
				first = at;
			if (chain(q, r) && sound(q, r))
				return true;
		}
		r->torn++;
		at = journal_before(q, q->sector[at].gen, false);
	}
	if (first == QUEUE_NONE)
		return false;
	/* Rot, then: the newest that was finished is what there is. */
	r->sector = first;
	inspect(q, first, &r->newest);
	if (!chain(q, r))
		return false;
	q->rotten++;
	return true;
}
