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

	memset(n, 0, sizeof(*n));
	journal_cursor(q, &c, sector);
	c.end = layout_end(&q->layout);
	while (journal_next(q, &c, &r)) {
		if (n->end == 0 && r.type == JOURNAL_SUPER) {
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
	}
}

/* The journal sector with the highest generation before gen, or QUEUE_NONE. */
static uint16_t journal_before(const struct queue *q, uint32_t gen)
{
	uint32_t i, nearest = INT32_MAX, ahead;
	uint16_t best = QUEUE_NONE;

	for (i = 0; i < layout_sectors(&q->layout); i++) {
		ahead = gen - q->sector[i].gen - 1u;
		if (q->sector[i].kind == QUEUE_SECTOR_JOURNAL && ahead < nearest) {
			best = (uint16_t)i;
			nearest = ahead;
		}
	}
	return best;
}

uint16_t ring_journal(const struct queue *q, uint32_t gen)
{
	uint16_t at = journal_before(q, gen + 1u);

	return at != QUEUE_NONE && q->sector[at].gen == gen ? at : QUEUE_NONE;
}

bool ring_unsafe(const struct queue *q, uint16_t batch)
{
	return (uint16_t)(q->torn_batch - batch) < q->torn_count;
}

bool ring_super(struct queue *q, uint16_t sector, struct journal_record *r)
{
	struct journal_cursor c;

	journal_cursor(q, &c, sector);
	return journal_next(q, &c, r) && r->type == JOURNAL_SUPER;
}

/* The sector before one of the ring, by what it says itself, else by generation. */
static uint16_t ring_prev(struct queue *q, uint16_t at, struct ring *r)
{
	uint32_t old_gen = r->newest.mark.old_gen, left;
	struct ring_sector other;
	struct journal_record s;
	uint16_t prev;

	if (ring_super(q, at, &s)) {
		if (!serial_after(s.super.prev_gen, old_gen))
			return QUEUE_NONE;
		prev = ring_journal(q, s.super.prev_gen);
		if (prev != QUEUE_NONE) {
			q->sector[prev].extents = (uint16_t)(s.super.prev_end / 4u);
			return prev;
		}
	}
	r->lost = true;
	prev = at;
	for (left = layout_sectors(&q->layout); left > 0; left--) {
		prev = journal_before(q, q->sector[prev].gen);
		if (prev == QUEUE_NONE || !serial_after(q->sector[prev].gen, old_gen))
			break;
		inspect(q, prev, &other);
		q->sector[prev].extents = (uint16_t)(layout_end(&q->layout) / 4u);
		if (other.has_mark)
			return prev;
	}
	return QUEUE_NONE;
}

/* A mount that found the last batch unfinished, and the one before it durable, said so when
 * it had to begin this sector. */
static bool is_known_safe(const struct ring_sector *n)
{
	return n->has_super && n->super.torn_count == 1u && n->super.torn_batch == n->last_batch;
}

/* The ring that ends in r->sector, oldest first. */
static bool chain(struct queue *q, struct ring *r)
{
	uint16_t at = r->sector;

	r->lost = false;
	q->torn_batch = r->newest.last_batch;
	q->torn_count = r->newest.last_prev_safe || is_known_safe(&r->newest) ? 1 : 2;
	q->ring_len = 0;
	q->sector[at].extents = (uint16_t)(r->newest.end / 4u);
	for (; at != QUEUE_NONE; at = ring_prev(q, at, r)) {
		if (q->ring_len == QUEUE_JOURNAL_MAX)
			return false;
		memmove(q->ring + 1, q->ring, q->ring_len * sizeof(q->ring[0]));
		q->ring[0] = at;
		q->ring_len++;
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
	uint32_t i;

	/* From the youngest on; before a rotation that was durable all was. */
	for (i = q->ring_len - 1u; i > 0; i--) {
		inspect(q, q->ring[i - 1u], &n);
		if (!complete(&n) && ring_unsafe(q, n.last_batch))
			return false;
		if (n.has_mark && !ring_unsafe(q, n.mark_batch))
			break;
	}
	return !r->lost;
}

/* The newest sector that was finished, with all that leads to it; rotten: whether
 * or not that is sound. */
static bool find(struct queue *q, struct ring *r, bool rotten)
{
	uint32_t gen = q->gen_next, left;

	/* Garbage may have generations without any order: each is looked at once. */
	for (left = layout_sectors(&q->layout), r->torn = 0; left > 0; left--, r->torn++) {
		r->sector = journal_before(q, gen);
		if (r->sector == QUEUE_NONE)
			return false;
		inspect(q, r->sector, &r->newest);
		if (r->newest.has_mark && finished(q, &r->newest) && chain(q, r) &&
			(rotten || sound(q, r)))
			return true;
		gen = q->sector[r->sector].gen;
	}
	return false;
}

bool ring_find(struct queue *q, struct ring *r)
{
	if (find(q, r, false))
		return true;
	if (!find(q, r, true))
		return false;
	q->rotten++;
	return true;
}
