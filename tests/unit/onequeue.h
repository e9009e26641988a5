/* SPDX-License-Identifier: BSD-2-Clause */
/* onequeue - one queue on a device made of an array, for the tests that include this. */
#ifndef PIPIT_TESTS_ONEQUEUE_H
#define PIPIT_TESTS_ONEQUEUE_H

#include "../../port/sim/nor.c"
#include "harness/nor_make.h"
#include "queue/queue.h"
#include "unit.h"

static struct queue queue;
static struct nor nor;
static uint64_t clock_ms;

static inline void step(struct queue *q)
{
	struct instant now = { ++clock_ms, 0, false };

	(void)queue_step(q, now);
}

static inline void settle(struct queue *q)
{
	int i;

	for (i = 0; i < 100000 && queue_busy(q); i++)
		step(q);
	assert_false(queue_busy(q));
}

#define RETRY(q, call) \
	do { \
		int tries_; \
		for (tries_ = 0; (call) == ST_AGAIN && tries_ < 10000; tries_++) \
			step(q); \
	} while (0)

static inline void mount(void)
{
	struct queue_mount_report report;

	assert_int_equal(queue_mount(&queue, &nor.flash, &report), ST_OK);
	assert_int_equal(report.rotten, 0);
}

static inline void write_all(int writer, enum queue_stream stream, const uint8_t *bytes, size_t len)
{
	int n;

	while (len > 0) {
		RETRY(&queue, n = queue_write(&queue, writer, stream, span_make(bytes, len)));
		assert_true(n > 0);
		bytes += n;
		len -= (size_t)n;
	}
}

/* Octet i of a stream of message id. */
static inline uint8_t octet(uint32_t id, unsigned stream, size_t i)
{
	return (uint8_t)(id * 31u + stream * 7u + i * (i / 256u + 1u));
}

static inline uint32_t add(size_t envelope, size_t prefix, size_t body, uint16_t rcpts)
{
	static uint8_t bytes[200000];
	struct queue_commit c = { 1700000000u, 1700432000u, rcpts, QUEUE_NORMAL, false, true };
	size_t len[3] = { envelope, prefix, body }, i;
	static const unsigned order[3] = { QUEUE_ENVELOPE, QUEUE_BODY, QUEUE_PREFIX };
	uint32_t id, ticket;
	unsigned s;
	int w, st;

	RETRY(&queue, w = queue_open(&queue, (uint32_t)(envelope + prefix + body), rcpts));
	assert_true(w >= 0);
	id = queue_writer_id(&queue, w);
	for (s = 0; s < 3; s++) {
		for (i = 0; i < len[order[s]]; i++)
			bytes[i] = octet(id, order[s], i);
		write_all(w, (enum queue_stream)order[s], bytes, len[order[s]]);
	}
	RETRY(&queue, st = queue_commit(&queue, w, &c, &id, &ticket));
	assert_int_equal(st, ST_OK);
	for (i = 0; i < 10000 && queue_durable(&queue, ticket) == 0; i++)
		step(&queue);
	assert_int_equal(queue_durable(&queue, ticket), 1);
	return id;
}

static inline void check_stream(struct queue *q, uint32_t id, unsigned stream, size_t len)
{
	struct queue_reader r;
	uint8_t piece[333];
	size_t at = 0;
	int n, i;

	queue_reader_open(&r, id, (enum queue_stream)stream);
	while ((n = queue_read(q, &r, piece, sizeof(piece))) > 0) {
		for (i = 0; i < n; i++)
			assert_int_equal(piece[i], octet(id, stream, at + (size_t)i));
		at += (size_t)n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(at, len);
}

static inline void check_message(struct queue *q, uint32_t id, size_t envelope, size_t prefix,
	size_t body)
{
	struct queue_verifier v;
	struct queue_message m;
	int st;

	assert_true(queue_get(q, id, &m));
	assert_int_equal(m.envelope_len, envelope);
	assert_int_equal(m.prefix_len, prefix);
	assert_int_equal(m.body_len, body);
	check_stream(q, id, QUEUE_ENVELOPE, envelope);
	check_stream(q, id, QUEUE_PREFIX, prefix);
	check_stream(q, id, QUEUE_BODY, body);
	queue_verify_begin(&v, id);
	while ((st = queue_verify(q, &v)) == ST_AGAIN)
		;
	assert_int_equal(st, ST_OK);
}

static inline void drop(uint32_t id)
{
	int st;

	RETRY(&queue, st = queue_remove(&queue, id, NULL));
	assert_int_equal(st, ST_OK);
}

static inline void record(uint32_t id, uint16_t rcpt, uint8_t state, uint8_t attempts,
	uint32_t next, const char *text)
{
	struct queue_reply reply = { 550, { 5, 1, 1 }, 0, { 0 } };
	struct queue_outcome o = { rcpt, state, attempts, next, text == NULL ? NULL : &reply };
	int st;

	if (text != NULL) {
		reply.text_len = (uint8_t)strlen(text);
		memcpy(reply.text, text, reply.text_len);
	}
	RETRY(&queue, st = queue_record(&queue, id, &o, NULL));
	assert_int_equal(st, ST_OK);
}

/* ---- The device ---- */

static inline void start(uint32_t sector, uint32_t count, uint16_t unit)
{
	nor_make(&nor, sector, count, unit, 256);
	nor.erase_polls = 2;
	mount();
}

static inline void stop(void)
{
	nor_free(&nor);
}

#endif
