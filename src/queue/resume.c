/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/resume.h"

#include "queue/index.h"
#include "queue/layout.h"
#include "queue/media.h"

/* Waits for an erase; false when there is nothing to wait for. */
static bool wait_room(struct queue *q)
{
	if (q->ready_count == 0 && q->free_count == 0)
		media_release(q);
	media_sync_wait(q);
	while (!q->stopped && q->ready_count == 0)
		if (!media_step(q) && q->ready_count == 0)
			return false;
	return !q->stopped;
}

static enum status append_waiting(struct queue *q, struct journal_record *r)
{
	enum status st;

	do
		st = journal_append(q, r);
	while (st == ST_AGAIN && wait_room(q));
	return st;
}

/* The last record may have been programmed with failing power and read wrong
 * later: it is written once more. */
static enum status strengthen(struct queue *q, const struct journal_record *last)
{
	struct journal_record r = *last;
	struct queue_slot *s = index_live(q, r.id);
	enum status st;

	if (r.type == JOURNAL_MARK || r.type == JOURNAL_SUPER || r.type == JOURNAL_PAD)
		return ST_OK;
	if (r.type != JOURNAL_DONE && s == NULL)
		return ST_OK;
	/* A later serial, so that the first one is not carried along for ever. */
	if (r.type == JOURNAL_OUTCOME)
		r.outcome.state += 8u;
	if (r.type == JOURNAL_JOB)
		r.job.state += 4u;
	st = append_waiting(q, &r);
	if (st != ST_OK)
		return st;
	if (r.type == JOURNAL_COMMIT)
		s->base = q->ring[q->ring_len - 1u];
	journal_apply(q, &r);
	return ST_OK;
}

static enum status drop_torn(struct queue *q)
{
	struct journal_record r;
	enum status st;
	uint32_t i;

	for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++) {
		struct queue_slot *s = &q->slots[i];

		if (s->id == 0 || !(s->flags & QUEUE_SLOT_TORN))
			continue;
		journal_begin(&r, JOURNAL_DONE, s->id);
		st = append_waiting(q, &r);
		if (st != ST_OK)
			return st;
		index_remove(q, s);
		q->recount = 0;
	}
	return ST_OK;
}

/* Writes what makes the state found the state on flash, in the batch that was
 * the last one: should the power fail again, it is still the last one. */
enum status resume(struct queue *q, const struct journal_record *last, bool torn)
{
	uint16_t newest = q->ring[q->ring_len - 1u];
	bool tail_blank = media_blank(q, newest, q->sector[newest].extents * 4u,
		layout_end(&q->layout));
	struct journal_record mark;
	enum status st = ST_OK;

	q->mounting = true;
	q->journal_sealed = !tail_blank || torn;
	if (!q->journal_sealed) {
		q->after_gap = true;
		st = strengthen(q, last);
	}
	if (st == ST_OK)
		st = drop_torn(q);
	journal_mark(q, &mark, last->type == JOURNAL_MARK ? last->mark.carried : 0u);
	if (st == ST_OK)
		st = append_waiting(q, &mark);
	if (st == ST_AGAIN)
		return ST_CORRUPT;
	if (st == ST_OK)
		media_sync_wait(q);
	q->mounting = false;
	q->keep = QUEUE_NONE;
	q->synced = q->batch++;
	q->batch_used = false;
	q->dirty = false;
	q->urgent = false;
	return q->stopped || st != ST_OK ? ST_IO : ST_OK;
}
