/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/queue.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "queue/heap.h"
#include "queue/index.h"
#include "queue/journal.h"
#include "queue/layout.h"
#include "queue/media.h"

/* ---- Writing one message --------------------------------------------------------- */

uint32_t queue_message_max(const struct queue *q)
{
	return q->layout.message_max;
}

/* What is really in use, octets.  More than was admitted where sessions share a
 * sector and each has many short extents. */
static uint32_t used(const struct queue *q)
{
	uint32_t units = q->live_units;

	/* The victim's extents are counted where they go. */
	if (q->victim != QUEUE_NONE)
		units -= q->sector[q->victim].live;
	return units * 8u;
}

enum status queue_admit(const struct queue *q, uint32_t size_hint, uint16_t rcpt_count)
{
	const struct queue_layout *l = &q->layout;
	uint32_t need = layout_need(l, rcpt_count), cost = layout_cost(l, size_hint);

	if (q->stopped)
		return ST_IO;
	if (size_hint > l->message_max || need > l->journal_max ||
		rcpt_count > CONFIG_QUEUE_RECIPIENTS)
		return ST_BAD;
	if (q->slot_free == QUEUE_NONE ||
		rcpt_count > CONFIG_QUEUE_RECIPIENTS - (uint32_t)q->rcpt_count ||
		q->journal_live + need > l->journal_max || q->live_bytes + cost > l->live_max ||
		used(q) + cost > l->live_max)
		return ST_FULL;
	return ST_OK;
}

int queue_open(struct queue *q, uint32_t size_hint, uint16_t rcpt_count)
{
	enum status st = queue_admit(q, size_hint, rcpt_count);
	struct queue_writer *w;
	struct queue_slot *s;
	uint32_t i;

	if (st != ST_OK)
		return st;
	if (!serial_after(q->id_limit, q->id_next + JOURNAL_ID_STEP / 2u))
		q->want_mark = true;
	if (!serial_after(q->id_limit, q->id_next))
		return ST_AGAIN;
	for (i = 0; i < CONFIG_QUEUE_WRITERS && q->writers[i].id != 0; i++)
		;
	if (i == CONFIG_QUEUE_WRITERS)
		return ST_AGAIN;
	s = index_add(q, q->id_next, rcpt_count);
	if (s == NULL)
		return ST_FULL;
	if (++q->id_next == 0)
		q->id_next = 1;
	w = &q->writers[i];
	w->id = s->id;
	w->head = QUEUE_NONE;
	w->stage_len = 0;
	w->failed = false;
	memset(w->crc, 0, sizeof(w->crc));
	index_admit(q, s, size_hint);
	return (int)i;
}

static struct queue_slot *slot_of(struct queue *q, int writer)
{
	return index_find(q, queue_writer_id(q, writer));
}

/* More than SIZE= said, or nothing was said: admission goes on while it grows. */
static bool grow(struct queue *q, struct queue_slot *s, uint32_t total)
{
	uint32_t before = s->admitted;

	if (used(q) > q->layout.live_hard)
		return false;
	if (total <= before)
		return true;
	index_admit(q, s, total);
	if (total <= q->layout.message_max && q->live_bytes <= q->layout.live_max)
		return true;
	index_admit(q, s, before);
	return false;
}

int queue_write(struct queue *q, int writer, enum queue_stream stream, struct span bytes)
{
	struct queue_slot *s = slot_of(q, writer);
	struct queue_writer *w = &q->writers[writer];
	bool change = w->stage_len > 0 && w->stream != stream;
	enum status st = ST_OK;
	uint32_t n;

	CHECK(stream < QUEUE_STREAMS && bytes.len > 0);
	if (q->stopped || w->failed)
		return ST_IO;
	if (change || w->stage_len == CONFIG_QUEUE_STAGE)
		st = heap_flush(q, (uint16_t)writer, change);
	if (st != ST_OK && (change || st == ST_IO || w->stage_len == CONFIG_QUEUE_STAGE))
		return st;
	n = CONFIG_QUEUE_STAGE - (uint32_t)w->stage_len;
	if (n > bytes.len)
		n = (uint32_t)bytes.len;
	if (!grow(q, s, index_octets(s) + n))
		return ST_FULL;
	w->stream = (uint8_t)stream;
	memcpy(w->stage + w->stage_len, bytes.at, n);
	w->crc[stream] = crc32c(w->crc[stream], span_make(bytes.at, n));
	w->stage_len = (uint16_t)(w->stage_len + n);
	s->len[stream] += n;
	return (int)n;
}

/* The checksum of a message goes over those of its streams. */
static uint32_t crc_fold(uint32_t crc, uint32_t stream_crc)
{
	uint8_t b[4];

	store_le32(b, stream_crc);
	return crc32c(crc, span_make(b, sizeof(b)));
}

enum status queue_commit(struct queue *q, int writer, const struct queue_commit *c, uint32_t *id,
	uint32_t *ticket)
{
	struct queue_slot *s = slot_of(q, writer);
	struct queue_writer *w = &q->writers[writer];
	enum status st = heap_flush(q, (uint16_t)writer, true);
	struct journal_record r;
	uint32_t i;

	if (st != ST_OK)
		return st;
	heap_writer_end(q, (uint16_t)writer);
	if (w->failed)
		return ST_IO;
	index_trim(q, s, c->rcpt_count);
	s->arrival_s = c->arrival_s;
	s->expiry_s = c->expiry_s;
	s->priority = c->priority;
	s->flags = (uint8_t)((c->held ? QUEUE_SLOT_HELD : 0) |
		(c->eight_bit ? QUEUE_SLOT_EIGHT_BIT : 0));
	s->crc = 0;
	for (i = 0; i < QUEUE_STREAMS; i++)
		s->crc = crc_fold(s->crc, w->crc[i]);
	journal_commit_store(&r, s);
	st = journal_append(q, &r);
	if (st != ST_OK)
		return st;
	index_admit(q, s, index_octets(s));
	s->base = q->ring[q->ring_len - 1u];
	s->batch = r.batch;
	s->flags |= QUEUE_SLOT_LIVE;
	if (s->arrival_s > q->time_floor_s)
		q->time_floor_s = s->arrival_s;
	w->id = 0;
	q->message_count++;
	q->urgent = true;
	*id = s->id;
	*ticket = q->batch;
	return ST_OK;
}

void queue_abort(struct queue *q, int writer)
{
	struct queue_slot *s = slot_of(q, writer);
	struct queue_writer *w = &q->writers[writer];

	heap_writer_end(q, (uint16_t)writer);
	s->len[w->stream] -= w->stage_len;
	heap_forget(q, s, s->len);
	index_remove(q, s);
	w->id = 0;
}

uint32_t queue_writer_id(const struct queue *q, int writer)
{
	CHECK((uint32_t)writer < CONFIG_QUEUE_WRITERS && q->writers[writer].id != 0);
	return q->writers[writer].id;
}

int queue_durable(const struct queue *q, uint32_t ticket)
{
	if (!serial_after(ticket, q->synced))
		return 1;
	return q->stopped ? ST_IO : 0;
}

/* ---- Reading ------------------------------------------------------------------------ */

void queue_reader_open(struct queue_reader *r, uint32_t id, enum queue_stream stream)
{
	r->id = id;
	r->stream = (uint8_t)stream;
	r->offset = 0;
	r->hint_sector = QUEUE_NONE;
	r->hint_extent = 0;
}

/* Verify: what begins an extent is read against the extent's checksum first.  That
 * of the message alone would not do, it is made of those of the streams: one bit
 * in each can cancel out. */
static int read_piece(struct queue *q, struct queue_reader *r, void *to, size_t cap, bool verify)
{
	struct queue_slot *s = index_live(q, r->id);
	struct heap_extent e;
	enum status st = ST_OK;
	uint32_t n;

	if (s == NULL)
		return ST_MISSING;
	if (r->offset >= s->len[r->stream])
		return 0;
	if (r->hint_sector == QUEUE_NONE) {
		r->hint_sector = s->hint_sector;
		r->hint_extent = s->hint_extent;
	}
	e.stream = r->stream;
	e.from = r->offset;
	e.sector = r->hint_sector;
	e.index = r->hint_extent;
	if (heap_find(q, s, &e) != ST_OK)
		return ST_CORRUPT;
	r->hint_sector = e.sector;
	r->hint_extent = e.index;
	if (verify && e.from == r->offset)
		st = heap_check(q, &e);
	if (st != ST_OK)
		return st;
	n = e.from + e.len - r->offset;
	if (n > s->len[r->stream] - r->offset)
		n = s->len[r->stream] - r->offset;
	if (n > cap)
		n = (uint32_t)cap;
	if (media_read(q, e.sector, e.pos + (r->offset - e.from), to, n) != ST_OK)
		return ST_IO;
	r->offset += n;
	return (int)n;
}

int queue_read(struct queue *q, struct queue_reader *r, void *to, size_t cap)
{
	return read_piece(q, r, to, cap, false);
}

void queue_verify_begin(struct queue_verifier *v, uint32_t id)
{
	queue_reader_open(&v->reader, id, QUEUE_ENVELOPE);
	v->crc = 0;
	v->total = 0;
	v->content = 0;
	v->retries = 0;
}

static enum status verify_failed(struct queue *q, struct queue_verifier *v, enum status st)
{
	struct queue_slot *s = index_live(q, v->reader.id);
	uint8_t retries = v->retries;

	/* Read again twice: a marginal cell may read right. */
	if (s != NULL && retries < 2u) {
		queue_verify_begin(v, v->reader.id);
		v->retries = (uint8_t)(retries + 1u);
		return ST_AGAIN;
	}
	if (s != NULL && !(s->flags & QUEUE_SLOT_DAMAGED)) {
		s->flags |= QUEUE_SLOT_DAMAGED;
		q->rotten++;
	}
	return st;
}

enum status queue_verify(struct queue *q, struct queue_verifier *v)
{
	int n = read_piece(q, &v->reader, q->scratch, QUEUE_SCRATCH, true);
	struct queue_slot *s;

	if (n < 0)
		return verify_failed(q, v, (enum status)n);
	if (n > 0) {
		v->crc = crc32c(v->crc, span_make(q->scratch, (size_t)n));
		if (v->reader.stream != QUEUE_ENVELOPE)
			v->content = crc32c(v->content, span_make(q->scratch, (size_t)n));
		return ST_AGAIN;
	}
	v->total = crc_fold(v->total, v->crc);
	v->crc = 0;
	v->reader.offset = 0;
	if (++v->reader.stream < QUEUE_STREAMS)
		return ST_AGAIN;
	s = index_live(q, v->reader.id);
	return s->crc == v->total ? ST_OK : verify_failed(q, v, ST_CORRUPT);
}

/* ---- Message state -------------------------------------------------------------------- */

bool queue_get(const struct queue *q, uint32_t id, struct queue_message *out)
{
	const struct queue_slot *s = index_live_const(q, id);

	if (s == NULL)
		return false;
	out->id = s->id;
	out->envelope_len = s->len[QUEUE_ENVELOPE];
	out->prefix_len = s->len[QUEUE_PREFIX];
	out->body_len = s->len[QUEUE_BODY];
	out->arrival_s = s->arrival_s;
	out->expiry_s = s->expiry_s;
	out->rcpt_count = s->rcpt_count;
	out->pending = s->count[QUEUE_PENDING];
	out->failed = s->count[QUEUE_FAILED];
	out->reporting = s->count[QUEUE_REPORTING];
	out->priority = s->priority;
	out->held = (s->flags & QUEUE_SLOT_HELD) != 0;
	out->eight_bit = (s->flags & QUEUE_SLOT_EIGHT_BIT) != 0;
	out->damaged = (s->flags & QUEUE_SLOT_DAMAGED) != 0;
	return true;
}

bool queue_next(const struct queue *q, uint32_t *cursor, struct queue_message *out)
{
	while (*cursor < CONFIG_QUEUE_MESSAGES)
		if (queue_get(q, q->slots[(*cursor)++].id, out))
			return true;
	return false;
}

bool queue_rcpt_get(const struct queue *q, uint32_t id, uint16_t rcpt, struct queue_rcpt *out)
{
	const struct queue_slot *s = index_live_const(q, id);
	const struct queue_rcpt_slot *r = s == NULL ? NULL : index_rcpt_const(q, s, rcpt);

	if (r == NULL)
		return false;
	out->state = index_rcpt_state(r);
	out->attempts = r->attempts;
	out->next_try_s = r->next_try_s;
	return true;
}

bool queue_job_get(const struct queue *q, uint32_t id, enum queue_job job,
	struct queue_job_status *out)
{
	const struct queue_slot *s = index_live_const(q, id);

	if (s == NULL)
		return false;
	out->state = s->jobs[job].state & 3u;
	out->attempts = s->jobs[job].attempts;
	out->started_s = s->jobs[job].started_s;
	out->next_try_s = s->jobs[job].next_try_s;
	return true;
}

static void reply_load(const struct journal_record *r, struct queue_reply *out)
{
	out->code = load_le16(r->reply);
	memcpy(out->enhanced, r->reply + 2, sizeof(out->enhanced));
	out->text_len = (uint8_t)(r->reply_len - JOURNAL_REPLY_LEN);
	memcpy(out->text, r->reply + JOURNAL_REPLY_LEN, out->text_len);
}

enum status queue_reply_get(struct queue *q, uint32_t id, uint16_t rcpt, struct queue_reply *out)
{
	struct journal_cursor c;
	struct journal_record r;
	enum status st = ST_MISSING;
	uint32_t i;

	if (index_live(q, id) == NULL)
		return ST_MISSING;
	for (i = 0; i < q->ring_len; i++) {
		journal_cursor(q, &c, q->ring[i]);
		while (journal_next(q, &c, &r)) {
			if (r.type != JOURNAL_OUTCOME || r.id != id || r.outcome.rcpt != rcpt ||
				r.reply_len < JOURNAL_REPLY_LEN)
				continue;
			reply_load(&r, out);
			st = ST_OK;
		}
	}
	return st;
}

static void reply_store(struct journal_record *r, const struct queue_reply *reply)
{
	uint8_t len = reply->text_len;

	if (len > QUEUE_REPLY_TEXT_MAX)
		len = QUEUE_REPLY_TEXT_MAX;
	store_le16(r->reply, reply->code);
	memcpy(r->reply + 2, reply->enhanced, sizeof(reply->enhanced));
	memcpy(r->reply + JOURNAL_REPLY_LEN, reply->text, len);
	r->reply_len = (uint8_t)(JOURNAL_REPLY_LEN + len);
}

enum status queue_record(struct queue *q, uint32_t id, const struct queue_outcome *o,
	uint32_t *ticket)
{
	struct queue_slot *s = index_live(q, id);
	const struct queue_rcpt_slot *rcpt = s == NULL ? NULL : index_rcpt(q, s, o->rcpt);
	struct journal_record r;
	enum status st;

	if (rcpt == NULL)
		return ST_MISSING;
	journal_begin(&r, JOURNAL_OUTCOME, id);
	r.outcome.rcpt = o->rcpt;
	r.outcome.state = o->state | ((index_rcpt_serial(rcpt) + 1u) & 31u) << 3;
	r.outcome.attempts = o->attempts;
	r.outcome.next_try_s = o->next_try_s;
	if (o->reply != NULL)
		reply_store(&r, o->reply);
	st = journal_change(q, &r);
	if (st == ST_OK && ticket != NULL)
		*ticket = q->batch;
	return st;
}

enum status queue_job_start(struct queue *q, uint32_t id, enum queue_job job, uint32_t started_s)
{
	struct journal_record r;

	r.job = (struct journal_job){ job, QUEUE_JOB_ACTIVE, 0, 0, started_s, 0 };
	return journal_job(q, id, &r);
}

enum status queue_job_retry(struct queue *q, uint32_t id, enum queue_job job, uint8_t attempts,
	uint32_t next_try_s)
{
	struct queue_job_status now;
	struct journal_record r;

	if (!queue_job_get(q, id, job, &now))
		return ST_MISSING;
	r.job = (struct journal_job){ job, now.state, attempts, JOURNAL_JOB_KEEPS, now.started_s,
		next_try_s };
	return journal_job(q, id, &r);
}

enum status queue_job_end(struct queue *q, uint32_t id, enum queue_job job)
{
	struct journal_record r;

	r.job = (struct journal_job){ .job = job,
		.state = job == QUEUE_JOB_DELAY ? QUEUE_JOB_DONE : QUEUE_JOB_IDLE };
	return journal_job(q, id, &r);
}

enum status queue_hold(struct queue *q, uint32_t id, bool held)
{
	struct journal_record r;

	journal_begin(&r, JOURNAL_HOLD, id);
	r.held = held;
	return index_live(q, id) == NULL ? ST_MISSING : journal_change(q, &r);
}

enum status queue_remove(struct queue *q, uint32_t id, uint32_t *ticket)
{
	struct queue_slot *s = index_live(q, id);
	struct journal_record r;
	enum status st;

	if (s == NULL)
		return ST_MISSING;
	journal_begin(&r, JOURNAL_DONE, id);
	st = journal_append(q, &r);
	if (st != ST_OK)
		return st;
	if (ticket != NULL)
		*ticket = q->batch;
	if ((s->flags & QUEUE_SLOT_MISSING) && --q->missing_count == 0)
		media_release(q);
	heap_forget(q, s, s->len);
	index_remove(q, s);
	return ST_OK;
}
