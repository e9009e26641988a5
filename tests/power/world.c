/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char context[200];

_Noreturn void fail(const char *what, uint32_t a, uint32_t b)
{
	printf("FAILED: %s (%u, %u)\n  %s\n", what, (unsigned)a, (unsigned)b, context);
	fflush(stdout);
	abort();
}

uint8_t world_octet(uint32_t id, unsigned stream, uint32_t i)
{
	uint32_t x = id * 2654435761u + stream * 40503u + i / 4u;

	x ^= x >> 15;
	x *= 2246822519u;
	return (uint8_t)(x >> (8u * (i % 4u)));
}

void world_init(struct world *w, uint32_t sector, uint32_t count, uint16_t unit, uint16_t page)
{
	memset(w, 0, sizeof(*w));
	nor_make(&w->nor, sector, count, unit, page);
	world_seed(w, 1);
}

void world_free(struct world *w)
{
	nor_free(&w->nor);
}

void world_seed(struct world *w, uint32_t seed)
{
	uint8_t s[16] = { 2 };

	memcpy(s + 4, &seed, sizeof(seed));
	rng_seed(&w->rng, s);
}

void world_clear(struct world *w)
{
	memset(w->m, 0, sizeof(w->m));
	w->any_id = false;
	w->refused = 0;
}

static void dump(const struct queue *q)
{
	static const char *const kinds[] = { "free", "ready", "data", "journal", "retired",
		"quarantine" };
	uint32_t i;

	for (i = 0; i < q->layout.sectors; i++)
		printf("  sector %u: %s, generation %u, erased %u, %u units live, %u extents%s\n",
			(unsigned)i, kinds[q->sector[i].kind], (unsigned)q->sector[i].gen,
			(unsigned)q->sector[i].erases, (unsigned)q->sector[i].live,
			(unsigned)q->sector[i].extents, q->sector[i].bad ? ", bad" : "");
	printf("  journal at %u of %u sectors, %s, %u messages, free %u, ready %u\n",
		(unsigned)q->sector[q->ring[q->ring_len - 1u]].extents * 4u, (unsigned)q->ring_len,
		q->journal_sealed ? "sealed" : "open", (unsigned)q->message_count,
		(unsigned)q->free_count, (unsigned)q->ready_count);
}

void world_mount(struct world *w)
{
	enum status st = queue_mount(&w->q, &w->nor.flash, &w->report);

	if (st != ST_OK) {
		dump(&w->q);
		printf("%s\n", w->report.why == NULL ? "?" : w->report.why);
		fail("mount", (uint32_t)-st, 0);
	}
	if (w->report.rotten != 0 && !w->rot_expected)
		fail("rot reported where there was none", w->report.rotten, w->report.torn);
}

/* ---- The model ------------------------------------------------------------------- */

static bool strict(const struct world *w)
{
	return !w->nor.lazy;
}

void model_cell_set(struct model_cell *c, uint8_t state, uint8_t attempts, uint32_t time_s)
{
	c->v[0] = (struct model_value){ state, attempts, time_s, 0 };
	c->n = 1;
}

static struct model_value *cell_last(struct model_cell *c)
{
	return &c->v[c->n - 1];
}

static void cell_push(struct model_cell *c, uint8_t state, uint8_t attempts, uint32_t time_s)
{
	if (c->n == MODEL_VALUES)
		fail("test: too many undecided values", 0, 0);
	c->v[c->n++] = (struct model_value){ state, attempts, time_s, UINT32_MAX };
}

static void cell_collapse(const struct world *w, struct model_cell *c)
{
	int i;

	for (i = c->n - 1; i > 0; i--)
		if (strict(w) || queue_durable(&w->q, c->v[i].ticket) == 1)
			break;
	if (i == 0)
		return;
	memmove(c->v, c->v + i, (size_t)(c->n - i) * sizeof(c->v[0]));
	c->n -= i;
}

/* What has become durable is no longer in doubt. */
static void collapse(struct world *w)
{
	int i, j;

	for (i = 0; i < MODEL_MESSAGES; i++) {
		struct model_message *m = &w->m[i];
		bool durable = strict(w) || queue_durable(&w->q, m->ticket) == 1;

		if (m->status == MODEL_FREE || m->status == MODEL_WRITING)
			continue;
		if (m->status == MODEL_COMMITTING && durable)
			m->status = MODEL_QUEUED;
		if (m->status == MODEL_REMOVING && durable)
			m->status = MODEL_FREE;
		for (j = 0; j < m->rcpts; j++)
			cell_collapse(w, &m->rcpt[j]);
		cell_collapse(w, &m->job[0]);
		cell_collapse(w, &m->job[1]);
		cell_collapse(w, &m->held);
	}
}

void world_step(struct world *w)
{
	struct instant now = { ++w->clock_ms, 0, false };

	/* What a call on NOR flash has returned from is durable now, not after the step. */
	collapse(w);
	(void)queue_step(&w->q, now);
	collapse(w);
}

void world_settle(struct world *w)
{
	int i;

	for (i = 0; i < 100000 && queue_busy(&w->q); i++)
		world_step(w);
	if (queue_busy(&w->q))
		fail("never settles", 0, 0);
	for (i = 0; i < 50; i++)
		world_step(w);
}

/* ---- The driver ------------------------------------------------------------------- */

static uint32_t below(struct world *w, uint32_t n)
{
	return rng_below(&w->rng, n);
}

static struct model_message *pick(struct world *w, enum model_status status)
{
	uint32_t at = below(w, MODEL_MESSAGES), i;

	for (i = 0; i < MODEL_MESSAGES; i++) {
		struct model_message *m = &w->m[(at + i) % MODEL_MESSAGES];

		if (m->status == status)
			return m;
	}
	return NULL;
}

static void do_open(struct world *w)
{
	struct model_message *m = pick(w, MODEL_FREE);
	uint16_t rcpts = (uint16_t)(1u + below(w, 2) * below(w, MODEL_RCPTS));
	uint32_t len[3], i, hint;
	int writer;

	len[QUEUE_ENVELOPE] = 10u + below(w, 30);
	len[QUEUE_PREFIX] = below(w, 3) == 0 ? 0u : 1u + below(w, 60);
	len[QUEUE_BODY] = 1u + below(w, w->body_max);
	if (m == NULL)
		return;
	/* SIZE= may be missing, right, or a lie. */
	hint = below(w, 3) * (len[0] + len[1] + len[2]) / 2u;
	writer = queue_open(&w->q, hint, rcpts);
	if (writer == ST_FULL || writer == ST_BAD)
		w->refused++;
	if (writer < 0)
		return;
	memset(m, 0, sizeof(*m));
	m->status = MODEL_WRITING;
	m->id = queue_writer_id(&w->q, writer);
	if (w->any_id && (int32_t)(m->id - w->id_last) <= 0)
		fail("an id was given twice", m->id, w->id_last);
	w->id_last = m->id;
	w->any_id = true;
	m->writer = writer;
	m->rcpts = rcpts;
	memcpy(m->len, len, sizeof(len));
	for (i = 0; i < rcpts; i++)
		model_cell_set(&m->rcpt[i], QUEUE_PENDING, 0, 0);
	model_cell_set(&m->job[0], QUEUE_JOB_IDLE, 0, 0);
	model_cell_set(&m->job[1], QUEUE_JOB_IDLE, 0, 0);
	model_cell_set(&m->held, 0, 0, 0);
}

void model_abort(struct world *w, struct model_message *m)
{
	queue_abort(&w->q, m->writer);
	m->status = MODEL_FREE;
}

static void do_write(struct world *w, struct model_message *m)
{
	static const unsigned order[3] = { QUEUE_ENVELOPE, QUEUE_BODY, QUEUE_PREFIX };
	uint8_t piece[300];
	uint32_t n = 1u + below(w, 299), i;
	unsigned s;
	int took;

	for (s = 0; s < 2 && m->done[order[s]] == m->len[order[s]]; s++)
		;
	s = order[s];
	if (n > m->len[s] - m->done[s])
		n = m->len[s] - m->done[s];
	if (n == 0)
		return;
	for (i = 0; i < n; i++)
		piece[i] = world_octet(m->id, s, m->done[s] + i);
	took = queue_write(&w->q, m->writer, (enum queue_stream)s, span_make(piece, n));
	if (took > 0)
		m->done[s] += (uint32_t)took;
	else if (took == ST_FULL || took == ST_IO)
		model_abort(w, m);
	else if (took == ST_AGAIN)
		world_step(w);
	if (took == ST_FULL)
		w->refused++;
}

static void do_commit(struct world *w, struct model_message *m)
{
	struct queue_commit c = { 1700000000u + m->id, 1700432000u, m->rcpts, QUEUE_NORMAL, false,
		false };
	uint32_t id;
	enum status st;

	m->status = MODEL_COMMITTING;
	m->ticket = w->q.synced + 1000u;
	st = queue_commit(&w->q, m->writer, &c, &id, &m->ticket);
	if (st == ST_OK)
		return;
	m->status = MODEL_WRITING;
	if (st == ST_IO)
		model_abort(w, m);
	else
		world_step(w);
}

void model_reply_make(uint32_t id, uint32_t rcpt, uint32_t attempts, struct queue_reply *r)
{
	char text[QUEUE_REPLY_TEXT_MAX + 1];

	memset(r, 0, sizeof(*r));
	r->code = (uint16_t)(400u + attempts);
	r->enhanced[0] = 4;
	r->enhanced[2] = (uint8_t)rcpt;
	r->text_len = (uint8_t)snprintf(text, sizeof(text), "try %u of %u for %u%.*s",
		(unsigned)attempts, (unsigned)id, (unsigned)rcpt, (int)(attempts % 12u),
		"............");
	memcpy(r->text, text, r->text_len);
}

static void do_outcome(struct world *w, struct model_message *m)
{
	uint16_t rcpt = (uint16_t)below(w, m->rcpts);
	struct model_cell *c = &m->rcpt[rcpt];
	struct queue_reply reply;
	struct queue_outcome o = { rcpt, 0, 0, 0, &reply };
	uint32_t ticket = 0;
	enum status st;

	if (cell_last(c)->state != QUEUE_PENDING || c->n >= MODEL_VALUES - 3)
		return;
	o.attempts = (uint8_t)(cell_last(c)->attempts + 1u);
	if (o.attempts == 0)
		o.attempts = 255;
	model_reply_make(m->id, rcpt, o.attempts, &reply);
	o.state = (uint8_t)(below(w, 3) == 0 ? QUEUE_PENDING
			: below(w, 2)        ? QUEUE_FAILED
					     : QUEUE_DELIVERED);
	o.next_try_s = o.state == QUEUE_PENDING ? 1700000000u + below(w, 1000) : 0u;
	cell_push(c, o.state, o.attempts, o.next_try_s);
	st = queue_record(&w->q, m->id, &o, &ticket);
	if (st == ST_OK)
		cell_last(c)->ticket = ticket;
	else
		c->n--;
	if (st == ST_AGAIN)
		world_step(w);
}

/* All recipients in one state may now be in another. */
static void push_move(struct model_message *m, uint8_t from, uint8_t to)
{
	int i;

	for (i = 0; i < m->rcpts; i++)
		if (cell_last(&m->rcpt[i])->state == from)
			cell_push(&m->rcpt[i], to, cell_last(&m->rcpt[i])->attempts,
				cell_last(&m->rcpt[i])->time_s);
}

static void push_settle(struct model_message *m, uint8_t state, uint32_t ticket, bool ok)
{
	int i;

	for (i = 0; i < m->rcpts; i++) {
		struct model_value *v = cell_last(&m->rcpt[i]);

		if (v->state != state || v->ticket != UINT32_MAX)
			continue;
		if (ok)
			v->ticket = ticket;
		else
			m->rcpt[i].n--;
	}
}

static bool room(const struct model_message *m)
{
	int i;

	for (i = 0; i < m->rcpts; i++)
		if (m->rcpt[i].n >= MODEL_VALUES - 3)
			return false;
	return m->job[0].n < MODEL_VALUES - 1 && m->job[1].n < MODEL_VALUES - 1;
}

static void do_job(struct world *w, struct model_message *m)
{
	unsigned j = below(w, 2);
	struct model_cell *c = &m->job[j];
	uint8_t was = cell_last(c)->state,
		next = (uint8_t)(j == 0 ? QUEUE_JOB_IDLE : QUEUE_JOB_DONE);
	uint8_t from = QUEUE_REPORTING, to = QUEUE_REPORTED;
	uint32_t at = 1700000000u + below(w, 1000);
	bool retry = was == QUEUE_JOB_ACTIVE && below(w, 2) == 0;
	enum status st;

	if (!room(m) || was == QUEUE_JOB_DONE)
		return;
	if (retry) {
		cell_push(c, was, (uint8_t)(cell_last(c)->attempts + 1u), cell_last(c)->time_s);
		st = queue_job_retry(&w->q, m->id, (enum queue_job)j, cell_last(c)->attempts, at);
	} else {
		if (was == QUEUE_JOB_IDLE) {
			next = QUEUE_JOB_ACTIVE;
			from = QUEUE_FAILED;
			to = QUEUE_REPORTING;
		}
		if (j == 0)
			push_move(m, from, to);
		cell_push(c, next, 0, next == QUEUE_JOB_ACTIVE ? at : 0u);
		st = next == QUEUE_JOB_ACTIVE ? queue_job_start(&w->q, m->id, (enum queue_job)j, at)
					      : queue_job_end(&w->q, m->id, (enum queue_job)j);
		if (j == 0)
			push_settle(m, to, w->q.batch, st == ST_OK);
	}
	cell_last(c)->ticket = w->q.batch;
	if (st != ST_OK)
		c->n--;
	if (st == ST_AGAIN)
		world_step(w);
}

static void do_hold(struct world *w, struct model_message *m)
{
	enum status st;

	if (m->held.n == MODEL_VALUES)
		return;
	cell_push(&m->held, (uint8_t)below(w, 2), 0, 0);
	st = queue_hold(&w->q, m->id, cell_last(&m->held)->state != 0);
	cell_last(&m->held)->ticket = w->q.batch;
	if (st != ST_OK)
		m->held.n--;
	if (st == ST_AGAIN)
		world_step(w);
}

void model_remove(struct world *w, struct model_message *m)
{
	enum model_status was = m->status;
	enum status st;

	m->status = MODEL_REMOVING;
	st = queue_remove(&w->q, m->id, &m->ticket);
	if (st != ST_OK)
		m->status = was;
	if (st == ST_AGAIN)
		world_step(w);
}

void world_work(struct world *w, uint32_t count)
{
	struct model_message *m;
	uint32_t what;

	for (; count > 0; count--) {
		what = below(w, 100);
		m = pick(w, MODEL_WRITING);
		if (what < 50 && m != NULL) {
			if (m->done[0] + m->done[1] + m->done[2] <
				m->len[0] + m->len[1] + m->len[2])
				do_write(w, m);
			else
				do_commit(w, m);
		} else if (what < 52 && m != NULL) {
			model_abort(w, m);
		} else if (what < 64) {
			do_open(w);
		} else if (what < 70) {
			world_step(w);
		} else {
			m = pick(w, MODEL_QUEUED);
			if (m == NULL)
				do_open(w);
			else if (what < 82)
				do_outcome(w, m);
			else if (what < 87)
				do_job(w, m);
			else if (what < 89)
				do_hold(w, m);
			else
				model_remove(w, m);
		}
		world_step(w);
	}
}

void world_finish(struct world *w)
{
	uint32_t i, tries;

	for (i = 0; i < MODEL_MESSAGES; i++) {
		struct model_message *m = &w->m[i];

		for (tries = 0; m->status == MODEL_WRITING && tries < 3000; tries++) {
			if (m->done[0] + m->done[1] + m->done[2] <
				m->len[0] + m->len[1] + m->len[2])
				do_write(w, m);
			else
				do_commit(w, m);
		}
		if (m->status == MODEL_WRITING)
			dump(&w->q);
		if (m->status == MODEL_WRITING)
			fail("stuck", m->id, w->q.free_count);
	}
}

void world_fill(struct world *w)
{
	struct model_message *m = pick(w, MODEL_WRITING);

	if (m == NULL)
		do_open(w);
	else if (m->done[0] + m->done[1] + m->done[2] < m->len[0] + m->len[1] + m->len[2])
		do_write(w, m);
	else
		do_commit(w, m);
	world_step(w);
}
