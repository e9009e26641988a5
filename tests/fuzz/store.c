/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz/store.h"

#include "base/bytes.h"

#include <string.h>

#define STEPS_MAX 20000u

/* ---- the device -------------------------------------------------------------------- */

static int device_read(void *ctx, uint32_t at, void *to, size_t len)
{
	struct store *s = ctx;

	MUST(at <= STORE_SIZE && len <= STORE_SIZE - at);
	memcpy(to, s->mem + at, len);
	return ST_OK;
}

static int device_program(void *ctx, uint32_t at, const void *from, size_t len)
{
	struct store *s = ctx;
	const struct flash_geometry *g = &s->flash.geometry;
	size_t i;

	MUST(at < STORE_SIZE && len > 0 && len <= STORE_SIZE - at);
	MUST(at % g->program_unit == 0 && len % g->program_unit == 0);
	MUST(at / g->page_size == (at + len - 1) / g->page_size);
	for (i = 0; i < len; i++)
		s->mem[at + i] = (uint8_t)((s->file ? 0xff : s->mem[at + i]) &
			((const uint8_t *)from)[i]);
	return ST_OK;
}

static int device_erase(void *ctx, uint32_t sector)
{
	struct store *s = ctx;
	const uint32_t size = s->flash.geometry.sector_size;

	MUST(sector < s->flash.geometry.sector_count && !s->erasing);
	s->erasing = true;
	if (!s->file)
		memset(s->mem + sector * size, 0xff, size);
	return ST_OK;
}

static int device_erased(void *ctx)
{
	struct store *s = ctx;

	MUST(s->erasing);
	s->erasing = false;
	return 1;
}

static int device_sync(void *ctx)
{
	(void)ctx;
	return ST_OK;
}

static int device_synced(void *ctx)
{
	(void)ctx;
	return 1;
}

static const struct flash_ops ops = { device_read, device_program, device_erase, device_erased,
	device_sync, device_synced };

void store_init(struct store *s, uint8_t options)
{
	static const struct flash_geometry geometries[] = {
		{ 1024, 16, 1, 256 },
		{ 512, 32, 16, 256 },
		{ 2048, 8, 4, 256 },
		{ 512, 32, 1, 64 },
	};
	unsigned i;

	memset(s->mem, 0xff, sizeof(s->mem));
	s->flash = (struct flash){ &ops, s, geometries[options & 3] };
	s->file = options & 4;
	s->erasing = false;
	s->now_ms = 1000;
	s->accepted_count = 0;
	s->twins = false;
	for (i = 0; i < CONFIG_QUEUE_WRITERS; i++)
		s->writer[i].writer = -1;
}

enum status store_mount(struct store *s)
{
	unsigned i;

	memset(&s->q, 0xa5, sizeof(s->q));
	memset(&s->report, 0, sizeof(s->report));
	s->erasing = false;
	for (i = 0; i < CONFIG_QUEUE_WRITERS; i++)
		s->writer[i].writer = -1;
	return queue_mount(&s->q, &s->flash, &s->report);
}

/* ---- messages ---------------------------------------------------------------------- */

static uint8_t octet(uint32_t id, unsigned stream, uint32_t at)
{
	uint32_t x = id * 2654435761u + stream * 40503u + at / 4u;

	x ^= x >> 15;
	x *= 2246822519u;
	return (uint8_t)(x >> (8u * (at % 4u)));
}

static uint32_t length(uint32_t id, unsigned stream)
{
	static const uint32_t most[QUEUE_STREAMS] = { 60, 40, 900 };

	return 1u + (id * 2246822519u >> (stream * 5u + 3u)) % most[stream];
}

static void step(struct store *s)
{
	(void)queue_step(&s->q, (struct instant){ ++s->now_ms, 0, false });
}

static void open_one(struct store *s, struct store_writer *w, uint8_t what)
{
	const uint16_t rcpts = 1u + what % 4u;
	const int writer = queue_open(&s->q, what & 4 ? 200u * (what >> 3) : 0, rcpts);

	if (writer < 0)
		return;
	*w = (struct store_writer){ .writer = writer, .rcpts = rcpts };
	w->id = queue_writer_id(&s->q, writer);
	MUST(w->id != 0);
}

static void forget(struct store *s, uint32_t id)
{
	unsigned i;

	for (i = 0; i < s->accepted_count; i++)
		if (s->accepted[i] == id)
			s->accepted[i] = s->accepted[--s->accepted_count];
}

static void commit(struct store *s, struct store_writer *w)
{
	const struct queue_commit c = { 1700000000u + w->id, 1700432000u, w->rcpts, QUEUE_NORMAL,
		false, w->id & 1 };
	uint32_t id = 0, ticket = 0;
	const enum status st = queue_commit(&s->q, w->writer, &c, &id, &ticket);

	MUST(st == ST_OK || st == ST_AGAIN || st == ST_IO);
	if (st == ST_IO)
		queue_abort(&s->q, w->writer);
	if (st != ST_AGAIN)
		w->writer = -1;
	if (st != ST_OK)
		return;
	MUST(id == w->id);
	if (s->accepted_count < STORE_NEW_MAX)
		s->accepted[s->accepted_count++] = id;
}

/* Envelope, body, prefix: then the commit. */
static void write_one(struct store *s, struct store_writer *w, uint32_t most)
{
	static const uint8_t order[] = { QUEUE_ENVELOPE, QUEUE_BODY, QUEUE_PREFIX };
	uint8_t piece[256];
	uint32_t n, i, left;
	unsigned stream;
	int took;

	if (w->stream == 3) {
		commit(s, w);
		return;
	}
	stream = order[w->stream];
	left = length(w->id, stream) - w->done;
	n = most < left ? most : left;
	for (i = 0; i < n; i++)
		piece[i] = octet(w->id, stream, w->done + i);
	took = queue_write(&s->q, w->writer, (enum queue_stream)stream, span_make(piece, n));
	MUST(took <= (int)n && took != 0);
	if (took == ST_FULL || took == ST_IO) {
		queue_abort(&s->q, w->writer);
		w->writer = -1;
	}
	if (took < 0)
		return;
	w->done += (uint32_t)took;
	if (w->done == length(w->id, stream)) {
		w->stream++;
		w->done = 0;
	}
}

/* A message, wherever the cursor falls; false: none. */
static bool pick(struct store *s, uint8_t which, struct queue_message *m)
{
	uint32_t cursor = which % CONFIG_QUEUE_MESSAGES;

	if (queue_next(&s->q, &cursor, m))
		return true;
	cursor = 0;
	return queue_next(&s->q, &cursor, m);
}

static void record(struct store *s, const struct queue_message *m, uint8_t what)
{
	static const uint8_t states[] = { QUEUE_PENDING, QUEUE_DELIVERED, QUEUE_FAILED,
		QUEUE_PENDING };
	struct queue_reply reply = { .code = 450, .text_len = what % 41u };
	struct queue_outcome o = { .state = states[what & 3], .attempts = 1, .reply = &reply };
	struct queue_rcpt r;

	memset(reply.text, 'x', sizeof(reply.text));
	o.rcpt = (uint16_t)((what >> 2) % (m->rcpt_count + 1u));
	if (what & 0x80)
		o.reply = NULL;
	if (!queue_rcpt_get(&s->q, m->id, o.rcpt, &r) || r.state != QUEUE_PENDING)
		return;
	MUST(queue_record(&s->q, m->id, &o, NULL) != ST_FULL);
}

static void job(struct store *s, const struct queue_message *m, uint8_t what)
{
	const enum queue_job which = what & 1 ? QUEUE_JOB_DELAY : QUEUE_JOB_FAILURE;
	struct queue_job_status j;
	enum status st = ST_OK;

	MUST(queue_job_get(&s->q, m->id, which, &j));
	if (j.state == QUEUE_JOB_IDLE && (which == QUEUE_JOB_DELAY || m->failed > 0))
		st = queue_job_start(&s->q, m->id, which, 1700000000u);
	else if (j.state == QUEUE_JOB_ACTIVE && (what & 2))
		st = queue_job_retry(&s->q, m->id, which, (uint8_t)(j.attempts + 1), 1700000100u);
	else if (j.state == QUEUE_JOB_ACTIVE)
		st = queue_job_end(&s->q, m->id, which);
	MUST(st == ST_OK || st == ST_AGAIN || st == ST_IO);
}

static void change(struct store *s, uint8_t op, uint8_t what)
{
	struct queue_message m;

	if (!pick(s, what, &m))
		return;
	switch (op % 4) {
	case 0: record(s, &m, op); break;
	case 1: job(s, &m, op >> 2); break;
	case 2: (void)queue_hold(&s->q, m.id, op & 4); break;
	default:
		if (queue_remove(&s->q, m.id, NULL) == ST_OK)
			forget(s, m.id);
		break;
	}
}

static void act(struct store *s, uint8_t op, uint8_t what)
{
	struct store_writer *w = &s->writer[what % CONFIG_QUEUE_WRITERS];
	unsigned i;

	if (op < 0x90) {
		for (i = 0; i < 1u + (op & 7u); i++)
			if (w->writer < 0)
				open_one(s, w, what);
			else
				write_one(s, w, 1u + what);
	} else if (op < 0xe0) {
		change(s, op, what);
	} else if (op < 0xe8 && w->writer >= 0) {
		queue_abort(&s->q, w->writer);
		w->writer = -1;
	}
	step(s);
}

void store_work(struct store *s, struct span *in, unsigned most)
{
	for (; most > 0 && in->len > 0; most--) {
		const uint8_t op = fuzz_u8(in);

		act(s, op, fuzz_u8(in));
	}
}

void store_settle(struct store *s)
{
	unsigned i;

	for (i = 0; i < CONFIG_QUEUE_WRITERS; i++)
		if (s->writer[i].writer >= 0) {
			queue_abort(&s->q, s->writer[i].writer);
			s->writer[i].writer = -1;
		}
	for (i = 0; queue_busy(&s->q); i++) {
		MUST(i < STEPS_MAX);
		s->now_ms += 100;
		step(s);
	}
}

/* ---- looking ------------------------------------------------------------------------ */

static enum status verify(struct store *s, uint32_t id)
{
	struct queue_verifier v;
	enum status st;
	unsigned i;

	queue_verify_begin(&v, id);
	for (i = 0; (st = queue_verify(&s->q, &v)) == ST_AGAIN; i++)
		MUST(i < STEPS_MAX);
	return st;
}

static void look_stream(struct store *s, uint32_t id, unsigned stream, uint32_t len, bool sure)
{
	struct queue_reader r;
	uint8_t piece[200];
	uint32_t at = 0;
	int n, i;

	queue_reader_open(&r, id, (enum queue_stream)stream);
	while ((n = queue_read(&s->q, &r, piece, sizeof(piece))) > 0) {
		MUST(n <= (int)sizeof(piece) && (uint32_t)n <= len - at);
		for (i = 0; sure && i < n; i++)
			MUST(piece[i] == octet(id, stream, at + (uint32_t)i));
		at += (uint32_t)n;
	}
	MUST(n == 0 || n == ST_CORRUPT);
	MUST(!sure || n == 0 || s->twins);
	MUST(!sure || n != 0 || at == length(id, stream));
}

static void look_rcpts(struct store *s, const struct queue_message *m)
{
	struct queue_job_status j;
	struct queue_reply reply;
	struct queue_rcpt r;
	uint16_t count[5] = { 0 };
	uint16_t i;

	for (i = 0; i < m->rcpt_count; i++) {
		MUST(queue_rcpt_get(&s->q, m->id, i, &r) && r.state <= QUEUE_REPORTED);
		count[r.state]++;
		if (i == m->rcpt_count / 2 && queue_reply_get(&s->q, m->id, i, &reply) == ST_OK)
			MUST(reply.text_len <= QUEUE_REPLY_TEXT_MAX);
	}
	MUST(!queue_rcpt_get(&s->q, m->id, m->rcpt_count, &r));
	MUST(m->pending == count[QUEUE_PENDING] && m->failed == count[QUEUE_FAILED]);
	MUST(m->reporting == count[QUEUE_REPORTING]);
	for (i = 0; i < QUEUE_JOBS; i++)
		MUST(queue_job_get(&s->q, m->id, (enum queue_job)i, &j) &&
			j.state <= QUEUE_JOB_DONE);
}

void store_look(struct store *s, bool honest)
{
	struct queue_message m, again;
	struct queue_stats stats;
	uint32_t cursor = 0, n = 0;
	bool sure;

	while (queue_next(&s->q, &cursor, &m)) {
		n++;
		MUST(queue_get(&s->q, m.id, &again) && again.id == m.id && m.id != 0);
		look_rcpts(s, &m);
		sure = verify(s, m.id) == ST_OK && honest;
		look_stream(s, m.id, QUEUE_ENVELOPE, m.envelope_len, sure);
		look_stream(s, m.id, QUEUE_PREFIX, m.prefix_len, sure);
		look_stream(s, m.id, QUEUE_BODY, m.body_len, sure);
	}
	queue_stats(&s->q, &stats);
	MUST(stats.messages == n && n <= stats.messages_max);
	MUST(stats.recipients <= stats.recipients_max);
}

void store_check_accepted(struct store *s)
{
	unsigned i;

	for (i = 0; i < s->accepted_count; i++) {
		struct queue_message m;

		MUST(queue_get(&s->q, s->accepted[i], &m));
		MUST(verify(s, m.id) == ST_OK && m.arrival_s == 1700000000u + m.id);
		look_stream(s, m.id, QUEUE_ENVELOPE, m.envelope_len, true);
		look_stream(s, m.id, QUEUE_PREFIX, m.prefix_len, true);
		look_stream(s, m.id, QUEUE_BODY, m.body_len, true);
	}
}

void store_note(struct store *s, struct fuzz_log *log)
{
	struct queue_message m, next;
	struct queue_rcpt r;
	uint32_t cursor, id = 0;
	uint16_t i;

	fuzz_log_begin(log);
	for (;;) {
		next.id = 0;
		for (cursor = 0; queue_next(&s->q, &cursor, &m);)
			if (m.id > id && (next.id == 0 || m.id < next.id))
				next = m;
		if (next.id == 0)
			return;
		id = next.id;
		fuzz_note_number(log, "message", id);
		fuzz_note_number(log, "body", next.body_len);
		fuzz_note_number(log, "held", next.held);
		for (i = 0; i < next.rcpt_count; i++) {
			(void)queue_rcpt_get(&s->q, id, i, &r);
			fuzz_note_number(log, "rcpt", r.state * 256u + r.attempts);
		}
	}
}
