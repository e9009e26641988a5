/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/journal.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "queue/index.h"
#include "queue/layout.h"
#include "queue/media.h"

#define TYPE_MASK 0x0fu

/* How wide the fields of a body are: octets, as far as the first 0. */
static const uint8_t widths[JOURNAL_TYPES][JOURNAL_FIELDS + 1u] = {
	[JOURNAL_SUPER] = { 1, 1, 2, 4, 4, 4, 2, 2 },
	[JOURNAL_COMMIT] = { 4, 4, 4, 4, 4, 4, 2, 1, 1 },
	[JOURNAL_OUTCOME] = { 2, 1, 1, 4 },
	[JOURNAL_JOB] = { 1, 1, 1, 1, 4, 4 },
	[JOURNAL_HOLD] = { 1 },
	[JOURNAL_MARK] = { 4, 4, 4, 4, 4 },
	[JOURNAL_PAD] = { 4 },
};

static uint16_t newest(const struct queue *q)
{
	return q->ring[q->ring_len - 1u];
}

/* ---- Reading ------------------------------------------------------------------------ */

void journal_cursor(const struct queue *q, struct journal_cursor *c, uint32_t sector)
{
	c->sector = sector;
	c->pos = layout_header_len(&q->layout);
	c->end = (uint32_t)q->sector[sector].extents * 4u;
	if (c->end > layout_end(&q->layout))
		c->end = layout_end(&q->layout);
}

/* Fields and reply from what stands from p to end; what is missing there is 0. */
static void body_load(struct journal_record *r, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *width = widths[r->type];
	uint32_t *field = r->field, bits;

	for (; *width > 0; width++, field++) {
		*field = 0;
		for (bits = 0; bits < *width * 8u && p < end; bits += 8u)
			*field |= (uint32_t)*p++ << bits;
	}
	r->reply_len = (uint8_t)(end - p);
	memcpy(r->reply, p, r->reply_len);
}

/* The record at the cursor: its padded length, or 0 when there is none. */
static uint32_t record_load(const struct queue *q, const struct journal_cursor *c,
	struct journal_record *r)
{
	uint8_t b[JOURNAL_RECORD_MAX];
	uint32_t gen = q->sector[c->sector].gen, type, len, size;

	if (media_read(q, c->sector, c->pos, b, JOURNAL_HEAD_LEN) != ST_OK)
		return 0;
	type = b[0] & TYPE_MASK;
	len = JOURNAL_HEAD_LEN + b[1];
	size = layout_record(&q->layout, b[1]);
	if (type == 0 || type >= JOURNAL_TYPES || b[1] > JOURNAL_BODY_MAX || size > c->end - c->pos)
		return 0;
	if (media_read(q, c->sector, c->pos + JOURNAL_HEAD_LEN, b + JOURNAL_HEAD_LEN,
		    b[1] + JOURNAL_CRC_LEN) != ST_OK ||
		crc32c(gen, span_make(b, len)) != load_le32(b + len))
		return 0;
	r->type = (uint8_t)type;
	r->flags = (uint8_t)(b[0] - type);
	r->batch = load_le16(b + 2);
	r->id = load_le32(b + 4);
	body_load(r, b + JOURNAL_HEAD_LEN, b + len);
	if (type == JOURNAL_PAD)
		size = r->distance;
	return size > c->end - c->pos ? 0u : size;
}

bool journal_next(struct queue *q, struct journal_cursor *c, struct journal_record *r)
{
	uint32_t len;

	for (; c->pos + JOURNAL_FIXED_LEN <= c->end; c->pos += layout_align(&q->layout)) {
		len = record_load(q, c, r);
		if (len > 0) {
			c->pos += len;
			return true;
		}
		c->gap = true;
	}
	return false;
}

void journal_commit_load(const struct journal_record *r, struct queue_slot *s)
{
	memcpy(s->len, r->commit.len, sizeof(s->len));
	s->arrival_s = r->commit.arrival_s;
	s->expiry_s = r->commit.expiry_s;
	s->crc = r->commit.crc;
	s->priority = (uint8_t)r->commit.priority;
	s->flags = (uint8_t)(QUEUE_SLOT_LIVE | (r->commit.flags & QUEUE_SLOT_COMMIT));
	s->batch = r->batch;
}

void journal_commit_store(struct journal_record *r, const struct queue_slot *s)
{
	journal_begin(r, JOURNAL_COMMIT, s->id);
	memcpy(r->commit.len, s->len, sizeof(s->len));
	r->commit.arrival_s = s->arrival_s;
	r->commit.expiry_s = s->expiry_s;
	r->commit.crc = s->crc;
	r->commit.rcpt_count = s->rcpt_count;
	r->commit.priority = s->priority;
	r->commit.flags = s->flags & (QUEUE_SLOT_COMMIT & ~QUEUE_SLOT_CARRIED);
}

static void apply_outcome(struct queue *q, struct queue_slot *s, const struct journal_outcome *o)
{
	struct queue_rcpt_slot *r = index_rcpt(q, s, (uint16_t)o->rcpt);

	if (r == NULL || (o->state & 7u) >= QUEUE_STATES)
		return;
	index_rcpt_set(s, r, (uint8_t)o->state);
	r->attempts = (uint8_t)o->attempts;
	r->next_try_s = o->next_try_s;
}

static void apply_job(struct queue *q, struct queue_slot *s, const struct journal_job *to)
{
	struct queue_slot_job *j;

	if (to->job >= QUEUE_REPORTS || (to->state & 3u) > QUEUE_JOB_DONE)
		return;
	j = &s->jobs[to->job];
	j->state = (uint8_t)to->state;
	j->attempts = (uint8_t)to->attempts;
	j->started_s = to->started_s;
	j->next_try_s = to->next_try_s;
	if (j->started_s > q->time_floor_s)
		q->time_floor_s = j->started_s;
	/* A copy or a retry: its recipients have moved before, or on their own since. */
	if (to->job != QUEUE_JOB_FAILURE || (to->flags & JOURNAL_JOB_KEEPS))
		return;
	if ((j->state & 3u) == QUEUE_JOB_ACTIVE)
		index_rcpt_move(q, s, QUEUE_FAILED, QUEUE_REPORTING);
	else
		index_rcpt_move(q, s, QUEUE_REPORTING, QUEUE_REPORTED);
}

void journal_apply(struct queue *q, const struct journal_record *r)
{
	struct queue_slot *s = index_live(q, r->id);

	if (s == NULL)
		return;
	if (r->type == JOURNAL_OUTCOME)
		apply_outcome(q, s, &r->outcome);
	else if (r->type == JOURNAL_JOB)
		apply_job(q, s, &r->job);
	else if (r->type == JOURNAL_HOLD)
		s->flags = (uint8_t)((s->flags & ~QUEUE_SLOT_HELD) |
			(r->held ? QUEUE_SLOT_HELD : 0));
}

/* ---- Writing ------------------------------------------------------------------------- */

void journal_begin(struct journal_record *r, uint8_t type, uint32_t id)
{
	r->type = type;
	r->id = id;
	r->reply_len = 0;
}

uint32_t journal_record_store(const struct queue_layout *l, const struct journal_record *r,
	uint32_t gen, uint8_t *to)
{
	const uint8_t *width = widths[r->type];
	const uint32_t *field = r->field;
	uint8_t *p = to + JOURNAL_HEAD_LEN;
	uint32_t size, bits, len;

	for (; *width > 0; width++, field++)
		for (bits = 0; bits < *width * 8u; bits += 8u)
			*p++ = (uint8_t)(*field >> bits & 0xffu);
	memcpy(p, r->reply, r->reply_len);
	len = (uint32_t)(p + r->reply_len - to);
	to[0] = r->type | r->flags;
	to[1] = (uint8_t)(len - JOURNAL_HEAD_LEN);
	store_le16(to + 2, r->batch);
	store_le32(to + 4, r->id);
	store_le32(to + len, crc32c(gen, span_make(to, len)));
	size = layout_record(l, to[1]);
	len += JOURNAL_CRC_LEN;
	memset(to + len, 0xff, size - len);
	return size;
}

/* Octets that read blank may have been programmed with failing power: those
 * that the last record may have had are passed over, to the next page. */
static uint32_t pass_over(const struct queue *q, uint32_t pos)
{
	uint32_t step = CONFIG_QUEUE_COMMIT_ALIGN > layout_align(&q->layout)
		? CONFIG_QUEUE_COMMIT_ALIGN
		: layout_align(&q->layout);

	return (pos + layout_record(&q->layout, JOURNAL_BODY_MAX) + CONFIG_QUEUE_COMMIT_ALIGN -
		       1u) &
		~(step - 1u);
}

/* Writes a record behind those of a sector, as part of the current batch. */
static enum status record_write(struct queue *q, uint16_t sector, struct journal_record *r)
{
	struct queue_sector *s = &q->sector[sector];
	uint32_t pos = s->extents * 4u, size;
	enum status st;

	r->batch = (uint16_t)(q->batch & 0xffffu);
	r->flags = 0;
	if (q->synced + 1u == q->batch)
		r->flags |= JOURNAL_PREV_SAFE;
	if (!q->batch_used)
		r->flags |= JOURNAL_FIRST;
	if (q->after_gap) {
		r->flags |= JOURNAL_AFTER_GAP;
		pos = pass_over(q, pos);
	}
	size = journal_record_store(&q->layout, r, s->gen, q->scratch);
	if (pos + size > layout_end(&q->layout))
		return ST_FULL;
	st = media_program(q, sector, pos, q->scratch, size);
	if (st != ST_OK)
		return st;
	s->extents = (uint16_t)((pos + size) / 4u);
	q->batch_used = true;
	q->after_gap = false;
	if (r->type == JOURNAL_MARK) {
		q->gen_limit = r->mark.gen_limit;
		q->id_limit = r->mark.id_limit;
		q->want_mark = false;
	}
	return ST_OK;
}

void journal_mark(const struct queue *q, struct journal_record *r, uint32_t carried)
{
	journal_begin(r, JOURNAL_MARK, 0);
	r->mark.old_gen = q->old_gen;
	r->mark.carried = carried;
	r->mark.gen_limit = q->gen_next + JOURNAL_GEN_STEP;
	r->mark.id_limit = q->id_next + JOURNAL_ID_STEP;
	r->mark.time_floor_s = q->time_floor_s;
}

static void super_fill(const struct queue *q, struct journal_record *r)
{
	const struct queue_sector *prev = &q->sector[newest(q)];

	journal_begin(r, JOURNAL_SUPER, 0);
	r->super.version = JOURNAL_VERSION;
	r->super.torn_count = q->torn_count;
	r->super.journal_sectors = q->layout.journal_sectors;
	r->super.sectors = layout_sectors(&q->layout);
	r->super.prev_gen = prev->gen;
	r->super.prev_end = prev->extents * 4u;
	r->super.torn_batch = q->torn_batch;
	r->super.unused = 0;
}

/* All batches but the present one; mount knows it when a record of that one said so. */
static bool is_prev_durable(const struct queue *q)
{
	return q->synced + 1u == q->batch || (q->mounting && q->torn_count == 1u);
}

/* Whether the record, found in sector old, is the last of its kind; updates
 * what a copy must say. */
static bool carry_wanted(struct queue *q, struct journal_record *r, uint16_t old, uint16_t to)
{
	struct queue_slot *s = index_live(q, r->id);
	const struct queue_rcpt_slot *rcpt;
	const struct queue_slot_job *j;

	if (s == NULL)
		return false;
	if (r->type == JOURNAL_COMMIT) {
		if (s->base != old)
			return false;
		s->base = to;
		journal_commit_store(r, s);
		/* Durable for long, or still in doubt with the batch that wrote it? */
		if ((uint16_t)((q->batch & 0xffffu) - s->batch) > (is_prev_durable(q) ? 0u : 1u) ||
			(s->flags & QUEUE_SLOT_CARRIED))
			r->commit.flags |= QUEUE_SLOT_CARRIED;
		return true;
	}
	if (r->type == JOURNAL_OUTCOME) {
		rcpt = index_rcpt(q, s, (uint16_t)r->outcome.rcpt);
		if (rcpt == NULL || r->outcome.state >> 3 != index_rcpt_serial(rcpt) ||
			r->outcome.attempts != rcpt->attempts ||
			r->outcome.next_try_s != rcpt->next_try_s)
			return false;
		r->outcome.state = rcpt->state;
		return true;
	}
	if (r->type != JOURNAL_JOB || r->job.job >= QUEUE_REPORTS)
		return false;
	j = &s->jobs[r->job.job];
	r->job.flags |= JOURNAL_JOB_KEEPS;
	return r->job.state == j->state && r->job.attempts == j->attempts &&
		r->job.started_s == j->started_s && r->job.next_try_s == j->next_try_s &&
		(j->state & 3u) != QUEUE_JOB_IDLE;
}

/* Copies what old still says. */
static enum status carry(struct queue *q, uint16_t old, uint16_t to, uint32_t *count)
{
	struct journal_cursor c;
	struct journal_record r;
	enum status st = ST_OK;

	journal_cursor(q, &c, old);
	while (st == ST_OK && journal_next(q, &c, &r)) {
		if (!carry_wanted(q, &r, old, to))
			continue;
		st = record_write(q, to, &r);
		++*count;
	}
	return st;
}

static void carry_undo(struct queue *q, uint16_t old, uint16_t to)
{
	uint32_t i;

	for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++)
		if (q->slots[i].id != 0 && q->slots[i].base == to)
			q->slots[i].base = old;
	media_free(q, to);
}

static void ring_push(struct queue *q, uint16_t sector, bool drop_oldest)
{
	if (drop_oldest) {
		media_free(q, q->ring[0]);
		q->ring_len--;
		memmove(q->ring, q->ring + 1, q->ring_len * sizeof(q->ring[0]));
	}
	q->ring[q->ring_len++] = sector;
}

static enum status rotate(struct queue *q)
{
	bool full = q->ring_len >= q->layout.journal_sectors;
	uint16_t old = q->ring[0], to;
	uint32_t old_gen = full ? q->sector[old].gen : q->old_gen;
	uint32_t carried = 0, i;
	struct journal_record r;
	enum status st = media_open(q, MEDIA_JOURNAL, false, &to);

	if (st != ST_OK)
		return st;
	/* Mount has not reserved this generation: it must be on flash before what it seeds. */
	if (q->mounting)
		media_sync_wait(q);
	q->after_gap = false;
	q->sector[to].extents = (uint16_t)(layout_header_len(&q->layout) / 4u);
	super_fill(q, &r);
	st = record_write(q, to, &r);
	if (st == ST_OK && full)
		st = carry(q, old, to, &carried);
	journal_mark(q, &r, carried);
	r.mark.old_gen = old_gen;
	for (i = 0; st == ST_OK && i < layout_marks(&q->layout); i++)
		st = record_write(q, to, &r);
	if (st != ST_OK) {
		carry_undo(q, old, to);
		return q->stopped ? ST_IO : ST_AGAIN;
	}
	q->old_gen = old_gen;
	ring_push(q, to, full);
	q->journal_sealed = false;
	/* With a batch of its own, the MARK is known to be durable by what follows. */
	q->urgent = true;
	if (CONFIG_QUEUE_COMMIT_ALIGN == 1 && !q->mounting)
		media_sync_begin(q);
	return ST_OK;
}

enum status journal_append(struct queue *q, struct journal_record *r)
{
	uint32_t tries;
	enum status st;

	for (tries = 0; tries <= q->layout.journal_sectors; tries++) {
		if (q->stopped)
			return ST_IO;
		st = q->journal_sealed ? ST_FULL : record_write(q, newest(q), r);
		if (st == ST_OK)
			return ST_OK;
		/* Where a program failed nothing more is written. */
		if (st != ST_FULL)
			q->journal_sealed = true;
		st = rotate(q);
		/* A new sector begins with a MARK. */
		if (st != ST_OK || r->type == JOURNAL_MARK)
			return st;
	}
	/* Room was reserved: only failing programs lead here. */
	return ST_AGAIN;
}

enum status journal_append_mark(struct queue *q)
{
	struct journal_record r;

	journal_mark(q, &r, 0);
	return journal_append(q, &r);
}

void journal_pad(struct queue *q)
{
	uint32_t step = CONFIG_QUEUE_COMMIT_ALIGN, to;
	uint16_t *end = &q->sector[newest(q)].extents;
	struct journal_record r;

	if (step <= layout_unit(&q->layout) || *end * 4u % step == 0 || q->journal_sealed)
		return;
	to = (*end * 4u + layout_record(&q->layout, 4) + step - 1u) & ~(step - 1u);
	journal_begin(&r, JOURNAL_PAD, 0);
	r.distance = to - *end * 4u;
	if (to <= layout_end(&q->layout) && record_write(q, newest(q), &r) == ST_OK)
		*end = (uint16_t)(to / 4u);
	else
		q->journal_sealed = true;
}

enum status journal_change(struct queue *q, struct journal_record *r)
{
	enum status st = journal_append(q, r);

	if (st == ST_OK)
		journal_apply(q, r);
	return st;
}

enum status journal_job(struct queue *q, uint32_t id, struct journal_record *r)
{
	const struct queue_slot *s = index_live(q, id);

	if (s == NULL)
		return ST_MISSING;
	journal_begin(r, JOURNAL_JOB, id);
	r->job.state |= (((s->jobs[r->job.job].state >> 2) + 1u) & 63u) << 2;
	return journal_change(q, r);
}
