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
#define TYPE_PREV_SAFE 0x80u
#define TYPE_FIRST 0x40u
#define TYPE_AFTER_GAP 0x20u

#define COMMIT_HELD 1u
#define COMMIT_EIGHT_BIT 2u
#define COMMIT_CARRIED 4u

/* ---- Reading ------------------------------------------------------------------------ */

void journal_cursor(const struct queue *q, struct journal_cursor *c, uint32_t sector)
{
	c->sector = sector;
	c->pos = layout_header_len(&q->layout);
	c->end = (uint32_t)q->sector[sector].extents * 4u;
	if (c->end > layout_end(&q->layout))
		c->end = layout_end(&q->layout);
	c->gap = false;
}

/* The record that starts at p, of which avail octets are known: its padded length, or 0. */
static uint32_t record_parse(const struct queue *q, uint32_t gen, const uint8_t *p, uint32_t avail,
	struct journal_record *r)
{
	uint32_t len;

	if (avail < JOURNAL_FIXED_LEN || (p[0] & TYPE_MASK) == 0 ||
		(p[0] & TYPE_MASK) >= JOURNAL_TYPES || p[1] > JOURNAL_BODY_MAX ||
		avail < JOURNAL_FIXED_LEN + p[1])
		return 0;
	len = JOURNAL_HEAD_LEN + p[1];
	if (crc32c(gen, span_make(p, len)) != load_le32(p + len))
		return 0;
	r->type = p[0] & TYPE_MASK;
	r->prev_safe = (p[0] & TYPE_PREV_SAFE) != 0;
	r->first = (p[0] & TYPE_FIRST) != 0;
	r->after_gap = (p[0] & TYPE_AFTER_GAP) != 0;
	r->len = p[1];
	r->batch = load_le16(p + 2);
	r->id = load_le32(p + 4);
	memset(r->body, 0, sizeof(r->body));
	memcpy(r->body, p + JOURNAL_HEAD_LEN, r->len);
	if (r->type == JOURNAL_PAD && load_le32(r->body) > 0)
		return load_le32(r->body);
	return layout_record(&q->layout, r->len);
}

/* Reads one record at first; when that is none, as much as there is to search. */
static uint32_t window_fill(struct queue *q, const struct journal_cursor *c)
{
	uint32_t n = c->end - c->pos, most = c->gap ? QUEUE_SCRATCH : JOURNAL_HEAD_LEN, len;

	n = n < most ? n : most;
	if (media_read(q, c->sector, c->pos, q->scratch, n) != ST_OK)
		memset(q->scratch, 0, n);
	if (c->gap)
		return n;
	/* Its length byte says how much more; a bad one is found out later. */
	len = q->scratch[1] > JOURNAL_BODY_MAX ? JOURNAL_CRC_LEN : q->scratch[1] + JOURNAL_CRC_LEN;
	if (len > c->end - c->pos - n)
		len = c->end - c->pos - n;
	if (media_read(q, c->sector, c->pos + n, q->scratch + n, len) != ST_OK)
		memset(q->scratch + n, 0, len);
	return n + len;
}

bool journal_next(struct queue *q, struct journal_cursor *c, struct journal_record *r)
{
	uint32_t gen = q->sector[c->sector].gen, n, at, len;
	uint8_t *window = q->scratch;

	c->gap = false;
	while (c->pos + JOURNAL_FIXED_LEN <= c->end) {
		n = window_fill(q, c);
		for (at = 0; at == 0 || at + JOURNAL_RECORD_MAX <= n || c->pos + n == c->end;
			at += layout_align(&q->layout)) {
			if (at + JOURNAL_FIXED_LEN > n)
				break;
			len = record_parse(q, gen, window + at, n - at, r);
			if (len > 0 && len <= c->end - c->pos - at) {
				c->pos += at + len;
				return true;
			}
			c->gap = true;
		}
		c->pos += at;
	}
	return false;
}

void journal_super_load(const struct journal_record *r, struct journal_super *out)
{
	out->version = r->body[0];
	out->torn_count = r->body[1];
	out->journal_sectors = load_le16(r->body + 2);
	out->sectors = load_le32(r->body + 4);
	out->prev_gen = load_le32(r->body + 8);
	out->prev_end = load_le32(r->body + 12);
	out->torn_batch = load_le16(r->body + 16);
}

void journal_mark_load(const struct journal_record *r, struct journal_mark *out)
{
	out->old_gen = load_le32(r->body);
	out->carried = load_le32(r->body + 4);
	out->gen_limit = load_le32(r->body + 8);
	out->id_limit = load_le32(r->body + 12);
	out->time_floor_s = load_le32(r->body + 16);
}

uint16_t journal_commit_rcpts(const struct journal_record *r)
{
	return load_le16(r->body + 24);
}

void journal_commit_load(const struct journal_record *r, struct queue_slot *s)
{
	uint32_t i;

	for (i = 0; i < QUEUE_STREAMS; i++)
		s->len[i] = load_le32(r->body + 4u * i);
	s->arrival_s = load_le32(r->body + 12);
	s->expiry_s = load_le32(r->body + 16);
	s->crc = load_le32(r->body + 20);
	s->priority = r->body[26];
	s->flags = (uint8_t)(QUEUE_SLOT_LIVE | (r->body[27] & COMMIT_HELD ? QUEUE_SLOT_HELD : 0) |
		(r->body[27] & COMMIT_EIGHT_BIT ? QUEUE_SLOT_EIGHT_BIT : 0) |
		(r->body[27] & COMMIT_CARRIED ? QUEUE_SLOT_CARRIED : 0));
	s->batch = r->batch;
}

void journal_commit_store(const struct queue_slot *s, uint8_t body[JOURNAL_COMMIT_LEN])
{
	uint32_t i;

	for (i = 0; i < QUEUE_STREAMS; i++)
		store_le32(body + 4u * i, s->len[i]);
	store_le32(body + 12, s->arrival_s);
	store_le32(body + 16, s->expiry_s);
	store_le32(body + 20, s->crc);
	store_le16(body + 24, s->rcpt_count);
	body[26] = s->priority;
	body[27] = (uint8_t)((s->flags & QUEUE_SLOT_HELD ? COMMIT_HELD : 0u) |
		(s->flags & QUEUE_SLOT_EIGHT_BIT ? COMMIT_EIGHT_BIT : 0u));
}

static void apply_outcome(struct queue *q, struct queue_slot *s, const uint8_t *body)
{
	struct queue_rcpt_slot *r = index_rcpt(q, s, load_le16(body));

	if (r == NULL)
		return;
	index_rcpt_set(s, r, body[2] & 7u);
	r->state = body[2];
	r->attempts = body[3];
	r->next_try_s = load_le32(body + 4);
}

static void apply_job(struct queue *q, struct queue_slot *s, const uint8_t *body)
{
	struct queue_slot_job *j;

	if (body[0] >= QUEUE_REPORTS)
		return;
	j = &s->jobs[body[0]];
	j->state = body[1];
	j->attempts = body[2];
	j->started_s = load_le32(body + 4);
	j->next_try_s = load_le32(body + 8);
	if (j->started_s > q->time_floor_s)
		q->time_floor_s = j->started_s;
	/* A copy or a retry: its recipients have moved before, or on their own since. */
	if (body[0] != QUEUE_JOB_FAILURE || (body[3] & JOURNAL_JOB_KEEPS))
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
		apply_outcome(q, s, r->body);
	else if (r->type == JOURNAL_JOB)
		apply_job(q, s, r->body);
	else if (r->type == JOURNAL_HOLD)
		s->flags = (uint8_t)((s->flags & ~QUEUE_SLOT_HELD) |
			(r->body[0] ? QUEUE_SLOT_HELD : 0));
}

/* ---- Writing ------------------------------------------------------------------------- */

uint32_t journal_record_store(const struct queue_layout *l, const struct journal_record *r,
	uint32_t gen, uint8_t *to)
{
	uint32_t size = layout_record(l, r->len), len = JOURNAL_HEAD_LEN + r->len;

	memset(to, 0xff, size);
	to[0] = (uint8_t)(r->type | (r->prev_safe ? TYPE_PREV_SAFE : 0u) |
		(r->first ? TYPE_FIRST : 0u) | (r->after_gap ? TYPE_AFTER_GAP : 0u));
	to[1] = r->len;
	store_le16(to + 2, r->batch);
	store_le32(to + 4, r->id);
	memcpy(to + JOURNAL_HEAD_LEN, r->body, r->len);
	store_le32(to + len, crc32c(gen, span_make(to, len)));
	return size;
}

void journal_super_store(const struct journal_super *s, uint8_t body[JOURNAL_SUPER_LEN])
{
	body[0] = s->version;
	body[1] = (uint8_t)s->torn_count;
	store_le16(body + 2, s->journal_sectors);
	store_le32(body + 4, s->sectors);
	store_le32(body + 8, s->prev_gen);
	store_le32(body + 12, s->prev_end);
	store_le16(body + 16, s->torn_batch);
	store_le16(body + 18, 0);
}

void journal_mark_store(const struct journal_mark *m, uint8_t body[JOURNAL_MARK_LEN])
{
	store_le32(body, m->old_gen);
	store_le32(body + 4, m->carried);
	store_le32(body + 8, m->gen_limit);
	store_le32(body + 12, m->id_limit);
	store_le32(body + 16, m->time_floor_s);
}

/* Writes a record at *pos as part of the current batch. */
static enum status record_write(struct queue *q, uint16_t sector, uint32_t *pos,
	struct journal_record *r)
{
	uint32_t size;
	enum status st;

	r->batch = (uint16_t)(q->batch & 0xffffu);
	r->prev_safe = q->synced + 1u == q->batch;
	r->first = !q->batch_used;
	r->after_gap = q->after_gap;
	size = journal_record_store(&q->layout, r, q->sector[sector].gen, q->scratch);
	st = media_program(q, sector, *pos, q->scratch, size);
	if (st == ST_OK) {
		*pos += size;
		q->batch_used = true;
		q->after_gap = false;
	}
	return st;
}

static enum status mark_write(struct queue *q, uint16_t sector, uint32_t *pos, uint32_t old_gen,
	uint32_t carried)
{
	struct journal_mark m = { old_gen, carried, q->gen_next + JOURNAL_GEN_STEP,
		q->id_next + JOURNAL_ID_STEP, q->time_floor_s };
	struct journal_record r = { .type = JOURNAL_MARK, .len = JOURNAL_MARK_LEN };
	enum status st;

	journal_mark_store(&m, r.body);
	st = record_write(q, sector, pos, &r);
	if (st == ST_OK) {
		q->gen_limit = m.gen_limit;
		q->id_limit = m.id_limit;
		q->want_mark = false;
	}
	return st;
}

static enum status super_write(struct queue *q, uint16_t sector, uint32_t *pos)
{
	const struct queue_sector *prev = &q->sector[q->ring[q->ring_len - 1u]];
	struct journal_super s = { JOURNAL_VERSION, q->layout.journal_sectors,
		layout_sectors(&q->layout), prev->gen, prev->extents * 4u, q->torn_batch,
		q->torn_count };
	struct journal_record r = { .type = JOURNAL_SUPER, .len = JOURNAL_SUPER_LEN };

	journal_super_store(&s, r.body);
	return record_write(q, sector, pos, &r);
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
		journal_commit_store(s, r->body);
		/* Durable for long, or still in doubt with the batch that wrote it? */
		if ((uint16_t)((q->batch & 0xffffu) - s->batch) >
				(q->synced + 1u == q->batch ? 0u : 1u) ||
			(s->flags & QUEUE_SLOT_CARRIED))
			r->body[27] |= COMMIT_CARRIED;
		return true;
	}
	if (r->type == JOURNAL_OUTCOME) {
		rcpt = index_rcpt(q, s, load_le16(r->body));
		if (rcpt == NULL || r->body[2] >> 3 != index_rcpt_serial(rcpt) ||
			r->body[3] != rcpt->attempts || load_le32(r->body + 4) != rcpt->next_try_s)
			return false;
		r->body[2] = rcpt->state;
		return true;
	}
	if (r->type != JOURNAL_JOB || r->body[0] >= QUEUE_REPORTS)
		return false;
	j = &s->jobs[r->body[0]];
	if (r->body[1] != j->state || r->body[2] != j->attempts ||
		load_le32(r->body + 4) != j->started_s || load_le32(r->body + 8) != j->next_try_s ||
		(j->state & 3u) == QUEUE_JOB_IDLE)
		return false;
	r->body[3] |= JOURNAL_JOB_KEEPS;
	return true;
}

/* Copies what old still says. */
static enum status carry(struct queue *q, uint16_t old, uint16_t to, uint32_t *pos, uint32_t *count)
{
	struct journal_cursor c;
	struct journal_record r;
	enum status st;

	*count = 0;
	journal_cursor(q, &c, old);
	while (journal_next(q, &c, &r)) {
		if (!carry_wanted(q, &r, old, to))
			continue;
		if (*pos + layout_record(&q->layout, r.len) +
				layout_marks(&q->layout) *
					layout_record(&q->layout, JOURNAL_MARK_LEN) >
			layout_end(&q->layout))
			return ST_FULL;
		st = record_write(q, to, pos, &r);
		if (st != ST_OK)
			return st;
		++*count;
	}
	return ST_OK;
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

enum status journal_rotate(struct queue *q)
{
	bool full = q->ring_len >= q->layout.journal_sectors;
	uint16_t old = full ? q->ring[0] : (uint16_t)QUEUE_NONE, to;
	uint32_t old_gen = full ? q->sector[old].gen : q->old_gen;
	uint32_t pos = layout_header_len(&q->layout), carried = 0, i;
	enum status st = media_open(q, MEDIA_JOURNAL, false, &to);

	if (st != ST_OK)
		return st;
	/* Mount has not reserved this generation: it must be on flash before what it seeds. */
	if (q->mounting)
		media_sync_wait(q);
	q->after_gap = false;
	st = super_write(q, to, &pos);
	if (st == ST_OK && full)
		st = carry(q, old, to, &pos, &carried);
	for (i = 0; st == ST_OK && i < layout_marks(&q->layout); i++)
		st = mark_write(q, to, &pos, old_gen, carried);
	if (st != ST_OK) {
		carry_undo(q, old, to);
		return q->stopped ? ST_IO : ST_AGAIN;
	}
	q->old_gen = old_gen;
	ring_push(q, to, full);
	q->journal_pos = pos;
	q->sector[to].extents = (uint16_t)(pos / 4u);
	q->journal_sealed = false;
	/* With a batch of its own, the MARK is known to be durable by what follows. */
	q->urgent = true;
	if (CONFIG_QUEUE_COMMIT_ALIGN == 1 && !q->mounting)
		media_sync_begin(q);
	return ST_OK;
}

enum status journal_append(struct queue *q, uint8_t type, uint32_t id, const uint8_t *body,
	uint8_t len)
{
	struct journal_record r = { .type = type, .len = len, .id = id };
	uint32_t tries;
	uint16_t sector;
	enum status st;

	if (len > 0)
		memcpy(r.body, body, len);
	for (tries = 0; tries <= q->layout.journal_sectors; tries++) {
		if (q->stopped)
			return ST_IO;
		if (q->journal_sealed ||
			q->journal_pos + layout_record(&q->layout, len) > layout_end(&q->layout)) {
			st = journal_rotate(q);
			if (st != ST_OK)
				return st;
			continue;
		}
		sector = q->ring[q->ring_len - 1u];
		st = record_write(q, sector, &q->journal_pos, &r);
		if (st == ST_OK) {
			q->sector[sector].extents = (uint16_t)(q->journal_pos / 4u);
			return ST_OK;
		}
		q->journal_sealed = true;
	}
	/* Room was reserved: only failing programs lead here. */
	return ST_AGAIN;
}

enum status journal_append_mark(struct queue *q, uint32_t carried)
{
	uint16_t sector = q->ring[q->ring_len - 1u];
	enum status st;

	if (q->journal_sealed ||
		q->journal_pos + layout_record(&q->layout, JOURNAL_MARK_LEN) >
			layout_end(&q->layout))
		return journal_rotate(q);
	st = mark_write(q, sector, &q->journal_pos, q->old_gen, carried);
	if (st != ST_OK) {
		q->journal_sealed = true;
		return q->stopped ? ST_IO : ST_AGAIN;
	}
	q->sector[sector].extents = (uint16_t)(q->journal_pos / 4u);
	return ST_OK;
}

void journal_pad(struct queue *q)
{
	uint32_t step = CONFIG_QUEUE_COMMIT_ALIGN, to, from = q->journal_pos;
	uint8_t body[4];

	if (step <= layout_unit(&q->layout) || from % step == 0 || q->journal_sealed)
		return;
	to = (from + layout_record(&q->layout, sizeof(body)) + step - 1u) & ~(step - 1u);
	store_le32(body, to - from);
	if (to > layout_end(&q->layout) ||
		journal_append(q, JOURNAL_PAD, 0, body, sizeof(body)) != ST_OK) {
		q->journal_sealed = true;
		return;
	}
	q->journal_pos = to;
	q->sector[q->ring[q->ring_len - 1u]].extents = (uint16_t)(to / 4u);
}

enum status journal_change(struct queue *q, uint8_t type, uint32_t id, const uint8_t *body,
	uint8_t len)
{
	struct journal_record r = { .type = type, .id = id, .len = len };
	enum status st = journal_append(q, type, id, body, len);

	if (st != ST_OK)
		return st;
	memcpy(r.body, body, len);
	journal_apply(q, &r);
	return ST_OK;
}

enum status journal_job(struct queue *q, uint32_t id, enum queue_job job, struct queue_job_status j,
	uint8_t flags)
{
	struct queue_slot *s = index_live(q, id);
	uint8_t body[JOURNAL_JOB_LEN] = { 0 };

	if (s == NULL)
		return ST_MISSING;
	body[0] = (uint8_t)job;
	body[1] = (uint8_t)(j.state | (((s->jobs[job].state >> 2) + 1u) & 63u) << 2);
	body[2] = j.attempts;
	body[3] = flags;
	store_le32(body + 4, j.started_s);
	store_le32(body + 8, j.next_try_s);
	return journal_change(q, JOURNAL_JOB, id, body, sizeof(body));
}
