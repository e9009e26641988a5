/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/reclaim.h"

#include "base/check.h"
#include "queue/heap.h"
#include "queue/index.h"
#include "queue/layout.h"
#include "queue/media.h"

/* The open extent of the cold head belongs to no writer. */
#define OWNER_RECLAIM CONFIG_QUEUE_WRITERS

/* Descriptors looked at in one step. */
#define LOOKS_PER_STEP 32u

/* ---- Choosing ------------------------------------------------------------------- */

/* What is gained for what must be copied, times age: in a young sector much is
 * about to die by itself. */
static uint32_t worth(const struct queue *q, const struct queue_sector *s)
{
	uint32_t all = layout_payload(&q->layout) / 8u, age = q->gen_next - s->gen;

	if (s->live + layout_gain(&q->layout) / 8u > all)
		return 0;
	if (age > layout_sectors(&q->layout))
		age = layout_sectors(&q->layout);
	return (all - s->live) * 256u / (all + s->live) * age;
}

static uint16_t most_worth(const struct queue *q)
{
	uint32_t i, best = QUEUE_NONE, most = 0, n;

	for (i = 0; i < layout_sectors(&q->layout); i++) {
		if (q->sector[i].kind != QUEUE_SECTOR_DATA || heap_is_head(q, i))
			continue;
		n = worth(q, &q->sector[i]);
		if (n > most) {
			best = i;
			most = n;
		}
	}
	return (uint16_t)best;
}

/* The data sector that was erased the least, when another was much more often. */
static uint16_t coldest(const struct queue *q)
{
	uint32_t i, worn = 0, best = QUEUE_NONE;

	for (i = 0; i < layout_sectors(&q->layout); i++) {
		if (q->sector[i].erases > worn)
			worn = q->sector[i].erases;
		if (q->sector[i].kind == QUEUE_SECTOR_DATA && !heap_is_head(q, i) &&
			(best == QUEUE_NONE || q->sector[i].erases < q->sector[best].erases))
			best = i;
	}
	if (best != QUEUE_NONE &&
		(uint32_t)q->sector[best].erases + CONFIG_QUEUE_WEAR_SPREAD >= worn)
		best = QUEUE_NONE;
	return (uint16_t)best;
}

/* Heads that nobody uses give their sectors back, all but the shared one. */
static void leave_idle_heads(struct queue *q)
{
	uint32_t i;

	for (i = 1; i < QUEUE_HEADS; i++)
		if (q->heads[i].users == 0)
			heap_head_leave(q, &q->heads[i]);
}

static bool choose(struct queue *q)
{
	uint32_t spare = LAYOUT_RESERVE + (layout_sectors(&q->layout) > 12u ? 1u : 0u);

	if (media_free_count(q) <= spare && !q->stuck) {
		q->victim = most_worth(q);
		if (QUEUE_HEADS > 1 && q->victim == QUEUE_NONE) {
			leave_idle_heads(q);
			q->victim = most_worth(q);
		}
		/* Nothing to gain: the counts may be too high after damage. */
		q->stuck = q->victim == QUEUE_NONE;
	} else if (CONFIG_QUEUE_WEAR_SPREAD > 0 && q->check_wear &&
		media_free_count(q) > LAYOUT_RESERVE) {
		q->check_wear = false;
		q->victim = coldest(q);
	}
	q->victim_extent = 0;
	q->victim_done = 0;
	return q->victim != QUEUE_NONE;
}

/* ---- Copying ---------------------------------------------------------------------- */

/* Copies octets of an extent from done on, as many as the cold head's sector holds. */
static enum status copy_piece(struct queue *q, const struct heap_extent *e, bool damaged)
{
	uint32_t len = e->len - q->victim_done, room = heap_room(q, &q->cold), at, n;
	struct queue_head *h = &q->cold;
	enum status st;

	if (layout_round(&q->layout, len) > room) {
		len = layout_whole(&q->layout, room);
		/* The last one may be used: a victim always fits into a whole sector, and is free
		 * before anything else is needed. */
		if (len < 2u * LAYOUT_EXTENT_LEN)
			return heap_head_open(q, h, 0, true);
	}
	h->owner = OWNER_RECLAIM;
	h->id = e->id;
	h->stream = e->stream;
	h->from = e->from + q->victim_done;
	h->age = (e->age + 1u) & 0x7fu;
	h->len = 0;
	for (at = 0; at < len; at += n) {
		n = len - at < QUEUE_SCRATCH ? len - at : QUEUE_SCRATCH;
		st = media_read(q, e->sector, e->pos + q->victim_done + at, q->scratch, n);
		if (st != ST_OK)
			return st;
		if (heap_extent_put(q, h, q->scratch, n) != ST_OK)
			return ST_OK; /* The sector is bad: the same piece again, elsewhere. */
	}
	if (heap_extent_close(q, h, damaged) == ST_OK)
		q->victim_done += len;
	return ST_OK;
}

static enum status copy_extent(struct queue *q, const struct queue_slot *s,
	const struct heap_extent *e)
{
	enum status st;
	bool damaged;

	if (q->victim_done == 0 && heap_has_twin(q, s, e))
		return ST_OK;
	/* Rot is copied with a wrong checksum, never made to look right. */
	damaged = heap_check(q, e) != ST_OK;
	if (damaged && q->victim_done == 0)
		q->rotten++;
	while (q->victim_done < e->len) {
		q->cold.owner = QUEUE_NONE;
		st = copy_piece(q, e, damaged);
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

static enum status copy_step(struct queue *q)
{
	uint16_t victim = q->victim;
	struct queue_slot *s;
	struct heap_extent e;
	enum status st;
	uint32_t looks;

	for (looks = 0; looks < LOOKS_PER_STEP; looks++) {
		if (q->victim_extent >= q->sector[victim].extents) {
			q->reclaims++;
			q->pad_cold = true;
			q->victim = QUEUE_NONE;
			media_free(q, victim);
			break;
		}
		if (heap_extent_at(q, victim, q->victim_extent, &e) &&
			(s = index_find(q, e.id)) != NULL) {
			st = copy_extent(q, s, &e);
			if (st != ST_OK)
				return st;
			looks = LOOKS_PER_STEP;
		}
		q->victim_extent++;
		q->victim_done = 0;
	}
	return ST_OK;
}

/* Counts one sector again. */
static void recount_step(struct queue *q)
{
	if (q->sector[q->recount].kind == QUEUE_SECTOR_DATA && q->recount != q->victim) {
		heap_count(q, q->recount, NULL);
		heap_release(q, q->recount, 0);
	}
	q->recount++;
}

enum status reclaim_step(struct queue *q)
{
	if (q->stopped)
		return ST_MISSING;
	if (q->recount < layout_sectors(&q->layout)) {
		recount_step(q);
		return ST_OK;
	}
	if (q->victim == QUEUE_NONE && !choose(q))
		return ST_MISSING;
	return copy_step(q);
}
