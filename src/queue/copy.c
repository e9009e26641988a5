/* SPDX-License-Identifier: BSD-2-Clause */
/* copy - every message with its state into another queue, for a change of size. */
#include "queue/journal.h"
#include "queue/queue.h"

/* Between octets read and octets written. */
#define PIECE 256u

/* So many steps without success, with nothing under way, are a full device. */
#define STEPS_MAX 1000000u

struct copy {
	struct queue *from, *to;
	struct instant now;
	uint32_t steps;
};

/* After ST_AGAIN: true when the call is to be tried again. */
static bool again(struct copy *c, int st)
{
	if (st != ST_AGAIN || ++c->steps > STEPS_MAX)
		return false;
	c->now.mono_ms++;
	(void)queue_step(c->to, c->now);
	return true;
}

static enum status copy_stream(struct copy *c, uint32_t id, int writer, enum queue_stream stream)
{
	struct queue_reader r;
	uint8_t piece[PIECE];
	int got, put, done;

	queue_reader_open(&r, id, stream);
	while ((got = queue_read(c->from, &r, piece, sizeof(piece))) > 0) {
		for (done = 0; done < got; done += put) {
			struct span s = span_make(piece + done, (size_t)(got - done));

			do
				put = queue_write(c->to, writer, stream, s);
			while (again(c, put));
			if (put < 0)
				return (enum status)put;
		}
	}
	return got < 0 ? (enum status)got : ST_OK;
}

static enum status copy_rcpts(struct copy *c, const struct queue_message *m)
{
	struct queue_reply reply;
	struct queue_outcome o;
	struct queue_rcpt r;
	enum status st;
	uint16_t i;

	for (i = 0; i < m->rcpt_count; i++) {
		if (!queue_rcpt_get(c->from, m->id, i, &r))
			return ST_MISSING;
		o = (struct queue_outcome){ i, r.state, r.attempts, r.next_try_s, NULL };
		if (queue_reply_get(c->from, m->id, i, &reply) == ST_OK)
			o.reply = &reply;
		else if (r.state == QUEUE_PENDING && r.attempts == 0 && r.next_try_s == 0)
			continue;
		do
			st = queue_record(c->to, m->id, &o, NULL);
		while (again(c, st));
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

static enum status copy_jobs(struct copy *c, uint32_t id)
{
	struct queue_job_status j;
	struct journal_record r;
	enum status st = ST_OK;
	uint32_t i;

	for (i = 0; st == ST_OK && i < QUEUE_JOBS; i++) {
		if (!queue_job_get(c->from, id, (enum queue_job)i, &j) || j.state == QUEUE_JOB_IDLE)
			continue;
		r.job = (struct journal_job){ i, j.state, j.attempts, JOURNAL_JOB_KEEPS,
			j.started_s, j.next_try_s };
		do
			st = journal_job(c->to, id, &r);
		while (again(c, st));
	}
	return st;
}

static enum status copy_message(struct copy *c, const struct queue_message *m)
{
	struct queue_commit commit = { m->arrival_s, m->expiry_s, m->rcpt_count, m->priority,
		m->held, m->eight_bit };
	uint32_t id, ticket, size = m->envelope_len + m->prefix_len + m->body_len, i;
	enum status st = ST_OK;
	int writer;

	c->to->id_next = m->id;
	c->to->id_limit = m->id + JOURNAL_ID_STEP;
	do
		writer = queue_open(c->to, size, m->rcpt_count);
	while (again(c, writer));
	if (writer < 0)
		return (enum status)writer;
	for (i = 0; st == ST_OK && i < QUEUE_STREAMS; i++)
		st = copy_stream(c, m->id, writer, (enum queue_stream)i);
	if (st == ST_OK) {
		do
			st = queue_commit(c->to, writer, &commit, &id, &ticket);
		while (again(c, st));
	}
	if (st != ST_OK) {
		queue_abort(c->to, writer);
		return st;
	}
	st = copy_rcpts(c, m);
	return st == ST_OK ? copy_jobs(c, m->id) : st;
}

enum status queue_copy(struct queue *from, struct queue *to)
{
	struct copy c = { .from = from, .to = to };
	struct queue_message m;
	uint32_t cursor = 0, id_next = from->id_next;
	enum status st = ST_OK;

	while (st == ST_OK && queue_next(from, &cursor, &m)) {
		c.steps = 0;
		st = copy_message(&c, &m);
	}
	/* Ids go on where they were: none is ever given twice. */
	to->id_next = id_next;
	to->time_floor_s = from->time_floor_s;
	if (st == ST_OK) {
		do
			st = journal_append_mark(to);
		while (again(&c, st));
	}
	while (st == ST_OK && queue_busy(to) && again(&c, ST_AGAIN))
		;
	return to->stopped ? ST_IO : st;
}
