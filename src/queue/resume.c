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

static enum status append_waiting(struct queue *q, const struct journal_record *r)
{
	enum status st;

	do
		st = journal_append(q, r->type, r->id, r->body, r->len);
	while (st == ST_AGAIN && wait_room(q));
	return st;
}

static enum status append_mark_waiting(struct queue *q, const struct resume *m)
{
	struct journal_mark mark = { 0 };
	enum status st;

	if (m->last.type == JOURNAL_MARK)
		journal_mark_load(&m->last, &mark);
	do
		st = journal_append_mark(q, mark.carried);
	while (st == ST_AGAIN && wait_room(q));
	return st;
}

/* The last record may have been programmed with failing power and read wrong
 * later: it is written once more. */
static enum status strengthen(struct queue *q, const struct resume *m)
{
	struct journal_record r = m->last;
	struct queue_slot *s = index_live(q, r.id);
	enum status st;

	if (r.type == JOURNAL_MARK || r.type == JOURNAL_SUPER || r.type == JOURNAL_PAD)
		return ST_OK;
	if (r.type != JOURNAL_DONE && s == NULL)
		return ST_OK;
	/* A later serial, so that the first one is not carried along for ever. */
	if (r.type == JOURNAL_OUTCOME)
		r.body[2] = (uint8_t)(r.body[2] + 8u);
	if (r.type == JOURNAL_JOB)
		r.body[1] = (uint8_t)(r.body[1] + 4u);
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
	struct journal_record r = { .type = JOURNAL_DONE };
	enum status st;
	uint32_t i;

	for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++) {
		struct queue_slot *s = &q->slots[i];

		if (s->id == 0 || !(s->flags & QUEUE_SLOT_TORN))
			continue;
		r.id = s->id;
		st = append_waiting(q, &r);
		if (st != ST_OK)
			return st;
		q->live_bytes -= layout_cost(&q->layout, s->found);
		q->journal_live -= layout_need(&q->layout, s->rcpt_count);
		index_remove(q, (uint16_t)i);
		q->message_count--;
		q->recount = 0;
	}
	return ST_OK;
}

/* Octets that read blank may have been programmed with failing power: those
 * that the last record may have had are passed over, to the next page. */
static void pass_over(struct queue *q)
{
	uint32_t step = CONFIG_QUEUE_COMMIT_ALIGN;

	q->journal_pos += layout_record(&q->layout, JOURNAL_BODY_MAX) + step - 1u;
	q->journal_pos -= q->journal_pos %
		(step > layout_align(&q->layout) ? step : layout_align(&q->layout));
	q->after_gap = true;
}

/* Writes what makes the state found the state on flash, in the batch that was
 * the last one: should the power fail again, it is still the last one. */
enum status resume(struct queue *q, const struct resume *m)
{
	bool tail_blank = media_blank(q, m->newest, q->journal_pos, layout_end(&q->layout));
	enum status st = ST_OK;

	q->mounting = true;
	q->journal_sealed = !tail_blank || m->torn;
	q->torn_batch = m->last_batch;
	q->torn_count = m->unsafe;
	if (!q->journal_sealed) {
		pass_over(q);
		st = strengthen(q, m);
	}
	if (st == ST_OK)
		st = drop_torn(q);
	if (st == ST_OK)
		st = append_mark_waiting(q, m);
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
