/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold after every mount. */
#include <string.h>

#include "queue/heap.h"
#include "queue/index.h"
#include "queue/layout.h"
#include "world.h"

static void check_content(struct world *w, const struct model_message *m)
{
	struct queue_verifier v;
	struct queue_reader r;
	uint8_t piece[200];
	uint32_t at;
	unsigned s;
	int n, i;

	queue_verify_begin(&v, m->id);
	while ((n = queue_verify(&w->q, &v)) == ST_AGAIN)
		;
	if (n != ST_OK)
		fail("verify", m->id, (uint32_t)-n);
	for (s = 0; s < 3; s++) {
		queue_reader_open(&r, m->id, (enum queue_stream)s);
		for (at = 0; (n = queue_read(&w->q, &r, piece, sizeof(piece))) > 0;
			at += (uint32_t)n)
			for (i = 0; i < n; i++)
				if (piece[i] != world_octet(m->id, s, at + (uint32_t)i))
					fail("content", m->id, at + (uint32_t)i);
		if (n < 0 || at != m->len[s])
			fail("length", m->id, at);
	}
}

/* The value found must be one of those possible, and is the durable one now. */
static void adopt(struct model_cell *c, uint8_t state, uint8_t attempts, uint32_t time_s,
	const char *what, uint32_t id)
{
	int i;

	for (i = 0; i < c->n; i++)
		if (c->v[i].state == state && c->v[i].attempts == attempts &&
			c->v[i].time_s == time_s)
			break;
	if (i == c->n)
		fail(what, id, state);
	model_cell_set(c, state, attempts, time_s);
}

static void check_state(struct world *w, struct model_message *m)
{
	struct queue_job_status job;
	struct queue_message info;
	struct queue_reply reply, want;
	struct queue_rcpt r;
	uint16_t i, count[5] = { 0 };

	if (!queue_get(&w->q, m->id, &info) || info.rcpt_count != m->rcpts || info.damaged ||
		info.arrival_s != 1700000000u + m->id)
		fail("message", m->id, info.rcpt_count);
	for (i = 0; i < m->rcpts; i++) {
		if (!queue_rcpt_get(&w->q, m->id, i, &r))
			fail("recipient", m->id, i);
		adopt(&m->rcpt[i], r.state, r.attempts, r.next_try_s, "recipient state", m->id);
		count[r.state]++;
		if (r.attempts == 0)
			continue;
		model_reply_make(m->id, i, r.attempts, &want);
		if (queue_reply_get(&w->q, m->id, i, &reply) != ST_OK || reply.code != want.code ||
			reply.text_len != want.text_len ||
			memcmp(reply.text, want.text, want.text_len) != 0)
			fail("reply text", m->id, i);
	}
	if (info.pending != count[QUEUE_PENDING] || info.failed != count[QUEUE_FAILED] ||
		info.reporting != count[QUEUE_REPORTING])
		fail("recipient counts", m->id, 0);
	for (i = 0; i < 2; i++) {
		if (!queue_job_get(&w->q, m->id, (enum queue_job)i, &job))
			fail("job", m->id, i);
		adopt(&m->job[i], job.state, job.attempts, job.started_s, "job state", m->id);
	}
	adopt(&m->held, info.held, 0, 0, "hold", m->id);
}

static struct model_message *model_find(struct world *w, uint32_t id)
{
	int i;

	for (i = 0; i < MODEL_MESSAGES; i++)
		if (w->m[i].status != MODEL_FREE && w->m[i].id == id)
			return &w->m[i];
	return NULL;
}

/* The accounts of the queue against a count of everything. */
static void check_accounts(struct world *w)
{
	struct queue *q = &w->q;
	uint32_t i, j, live = 0, journal = 0, free_count = 0, ready = 0, units;
	struct heap_extent e;

	for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++) {
		if (q->slots[i].id == 0)
			continue;
		live += layout_cost(&q->layout, q->slots[i].admitted);
		journal += layout_need(&q->layout, q->slots[i].rcpt_count);
	}
	if (live != q->live_bytes || journal != q->journal_live)
		fail("accounts of admission", live, q->live_bytes);
	for (i = 0; i < q->layout.sectors; i++) {
		struct queue_sector *s = &q->sector[i];

		free_count += s->kind == QUEUE_SECTOR_FREE || s->kind == QUEUE_SECTOR_READY;
		ready += s->kind == QUEUE_SECTOR_READY;
		if (s->kind != QUEUE_SECTOR_DATA)
			continue;
		for (units = 0, j = 0; j < s->extents; j++)
			if (heap_extent_at(q, (uint16_t)i, j, &e) && index_find(q, e.id) != NULL)
				units += heap_units(q, e.len);
		if (units != s->live && q->victim == QUEUE_NONE && q->recount >= q->layout.sectors)
			fail("accounts of a sector", units, s->live);
	}
	if (free_count != q->free_count || ready != q->ready_count)
		fail("free sectors", free_count, q->free_count);
}

void world_check(struct world *w)
{
	struct queue_message info;
	uint32_t cursor = 0;
	int i;

	while (queue_next(&w->q, &cursor, &info)) {
		struct model_message *m = model_find(w, info.id);

		if (m == NULL || m->status == MODEL_WRITING)
			fail("a message that nobody accepted", info.id, m != NULL);
		check_content(w, m);
		check_state(w, m);
	}
	for (i = 0; i < MODEL_MESSAGES; i++) {
		struct model_message *m = &w->m[i];
		bool there = m->status != MODEL_FREE && queue_get(&w->q, m->id, &info);

		if (m->status == MODEL_QUEUED && !there)
			fail("lost", m->id, 0);
		if (m->status != MODEL_FREE)
			m->status = there ? MODEL_QUEUED : MODEL_FREE;
	}
	check_accounts(w);
	if (w->q.rotten != 0 && !w->rot_expected)
		fail("rot met where there was none", w->q.rotten, 0);
}

void world_drain(struct world *w)
{
	uint32_t i, tries, used = 0;

	for (i = 0; i < MODEL_MESSAGES; i++) {
		struct model_message *m = &w->m[i];

		if (m->status == MODEL_WRITING)
			model_abort(w, m);
		for (tries = 0; m->status == MODEL_QUEUED && tries < 100000; tries++)
			model_remove(w, m);
		if (m->status == MODEL_QUEUED)
			fail("cannot remove", m->id, 0);
	}
	world_settle(w);
	if (w->q.rotten != 0 && !w->rot_expected)
		fail("rot met where there was none", w->q.rotten, 0);
	nor_boot(&w->nor);
	world_mount(w);
	world_check(w);
	world_settle(w);
	for (i = 0; i < w->q.layout.sectors; i++)
		used += w->q.sector[i].kind == QUEUE_SECTOR_RETIRED;
	if (w->q.message_count != 0 ||
		w->q.free_count + w->q.ring_len + used != w->q.layout.sectors)
		fail("space was not given back", w->q.free_count, w->q.ring_len);
}

/* Reads what was verified: it must be right, octet for octet. */
static void look_at(struct world *w, const struct model_message *m)
{
	struct queue_reader r;
	uint8_t piece[200];
	uint32_t at;
	unsigned s;
	int n, i;

	for (s = 0; s < 3; s++) {
		queue_reader_open(&r, m->id, (enum queue_stream)s);
		for (at = 0; (n = queue_read(&w->q, &r, piece, sizeof(piece))) > 0;
			at += (uint32_t)n)
			for (i = 0; i < n; i++)
				if (piece[i] != world_octet(m->id, s, at + (uint32_t)i))
					fail("altered, and verified", m->id, at);
		if (n < 0 || at != m->len[s])
			fail("altered length, and verified", m->id, at);
	}
}

void world_look(struct world *w, struct world_damage *out)
{
	struct queue_verifier v;
	uint32_t i;
	int n;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < MODEL_MESSAGES; i++) {
		if (w->m[i].status != MODEL_QUEUED)
			continue;
		queue_verify_begin(&v, w->m[i].id);
		while ((n = queue_verify(&w->q, &v)) == ST_AGAIN)
			;
		out->intact += n == ST_OK;
		out->lost += n == ST_MISSING;
		out->detected += n != ST_OK && n != ST_MISSING;
		if (n == ST_OK)
			look_at(w, &w->m[i]);
	}
}
