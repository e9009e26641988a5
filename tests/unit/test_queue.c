/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue's API on a device that works: what goes in comes out, also after a
 * restart.  What fails is in tests/power. */
#include "unit.h"

#include "../../port/sim/nor.c"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "harness/nor_make.h"
#include "queue/queue.h"

static struct queue queue, other;
static struct nor nor;
static uint64_t clock_ms;

static void step(struct queue *q)
{
	struct instant now = { ++clock_ms, 0, false };

	(void)queue_step(q, now);
}

static void settle(struct queue *q)
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

static void mount(void)
{
	struct queue_mount_report report;

	assert_int_equal(queue_mount(&queue, &nor.flash, &report), ST_OK);
	assert_int_equal(report.rotten, 0);
}

static void write_all(int writer, enum queue_stream stream, const uint8_t *bytes, size_t len)
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
static uint8_t octet(uint32_t id, unsigned stream, size_t i)
{
	return (uint8_t)(id * 31u + stream * 7u + i * (i / 256u + 1u));
}

static uint32_t add(size_t envelope, size_t prefix, size_t body, uint16_t rcpts)
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

static void check_stream(struct queue *q, uint32_t id, unsigned stream, size_t len)
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

static void check_message(struct queue *q, uint32_t id, size_t envelope, size_t prefix, size_t body)
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

static void drop(uint32_t id)
{
	int st;

	RETRY(&queue, st = queue_remove(&queue, id, NULL));
	assert_int_equal(st, ST_OK);
}

static void record(uint32_t id, uint16_t rcpt, uint8_t state, uint8_t attempts, uint32_t next,
	const char *text)
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

static void start(uint32_t sector, uint32_t count, uint16_t unit)
{
	nor_make(&nor, sector, count, unit, 256);
	nor.erase_polls = 2;
	mount();
}

static void stop(void)
{
	nor_free(&nor);
}

static void test_one_message(void **state)
{
	static const uint16_t units[] = { 1, 4, 16, 32, 256 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		uint32_t id;

		start(4096, 16, units[i]);
		id = add(120, 210, 1900, 1);
		check_message(&queue, id, 120, 210, 1900);
		settle(&queue);
		mount();
		check_message(&queue, id, 120, 210, 1900);
		drop(id);
		settle(&queue);
		mount();
		assert_int_equal(queue.message_count, 0);
		assert_int_equal(queue.live_bytes, 0);
		assert_int_equal(queue.journal_live, 0);
		stop();
	}
}

static void test_empty_streams(void **state)
{
	uint32_t id;

	(void)state;
	start(4096, 16, 1);
	id = add(1, 0, 0, 1);
	check_message(&queue, id, 1, 0, 0);
	id = add(0, 0, 1, 0);
	check_message(&queue, id, 0, 0, 1);
	stop();
}

/* Fills the queue, forgets at random, and again: ten times its size flows through. */
static void test_churn(void **state)
{
	static const uint16_t units[] = { 1, 16, 256 };
	uint32_t ids[16] = { 0 }, sizes[16] = { 0 }, seed = 1, round, k;
	size_t u;

	(void)state;
	for (u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		start(4096, 16, units[u]);
		memset(ids, 0, sizeof(ids));
		for (round = 0; round < 300; round++) {
			seed = seed * 1664525u + 1013904223u;
			k = (seed >> 16) % 12u;
			if (ids[k] != 0) {
				check_message(&queue, ids[k], 100, 50, sizes[k]);
				drop(ids[k]);
				ids[k] = 0;
			}
			sizes[k] = 200u + (seed >> 8) % 3000u;
			if (queue_admit(&queue, 150 + sizes[k], 2) != ST_OK)
				continue;
			ids[k] = add(100, 50, sizes[k], 2);
			record(ids[k], 1, QUEUE_PENDING, 1, round, "4.0.0 busy");
			if (round % 50 == 49) {
				settle(&queue);
				mount();
			}
		}
		for (k = 0; k < 12; k++) {
			struct queue_rcpt r;

			if (ids[k] == 0)
				continue;
			check_message(&queue, ids[k], 100, 50, sizes[k]);
			assert_true(queue_rcpt_get(&queue, ids[k], 1, &r));
			assert_int_equal(r.attempts, 1);
			drop(ids[k]);
		}
		assert_int_equal(queue.live_bytes, 0);
		assert_int_equal(queue.journal_live, 0);
		assert_int_equal(queue.rcpt_count, 0);
		stop();
	}
}

static void test_state_survives(void **state)
{
	struct queue_job_status job;
	struct queue_message m;
	struct queue_reply reply;
	struct queue_rcpt r;
	uint32_t id, more, i;

	(void)state;
	start(4096, 16, 1);
	id = add(100, 100, 500, 4);
	record(id, 0, QUEUE_DELIVERED, 0, 0, NULL);
	record(id, 1, QUEUE_FAILED, 1, 0, "no such user");
	record(id, 2, QUEUE_PENDING, 3, 1700001234u, "greylisted, come back");
	assert_int_equal(queue_job_start(&queue, id, QUEUE_JOB_FAILURE, 1700000500u), ST_OK);
	record(id, 3, QUEUE_FAILED, 1, 0, "mailbox full");
	assert_int_equal(queue_job_retry(&queue, id, QUEUE_JOB_FAILURE, 1, 1700000600u), ST_OK);
	assert_int_equal(queue_hold(&queue, id, true), ST_OK);
	/* Enough other mail that the journal turns over more than once. */
	for (i = 0; i < 300; i++) {
		more = add(50, 50, 300, 1);
		record(more, 0, QUEUE_DELIVERED, 0, 0, NULL);
		drop(more);
		if (i % 60 != 0)
			continue;
		settle(&queue);
		mount();
		assert_true(queue_get(&queue, id, &m));
		assert_int_equal(m.pending, 1);
		assert_int_equal(m.failed, 1);
		assert_int_equal(m.reporting, 1);
		assert_true(m.held);
		assert_true(queue_rcpt_get(&queue, id, 2, &r));
		assert_int_equal(r.attempts, 3);
		assert_int_equal(r.next_try_s, 1700001234u);
		assert_int_equal(queue_reply_get(&queue, id, 1, &reply), ST_OK);
		assert_int_equal(reply.code, 550);
		assert_memory_equal(reply.text, "no such user", reply.text_len);
		assert_int_equal(queue_reply_get(&queue, id, 0, &reply), ST_MISSING);
		assert_true(queue_job_get(&queue, id, QUEUE_JOB_FAILURE, &job));
		assert_int_equal(job.state, QUEUE_JOB_ACTIVE);
		assert_int_equal(job.attempts, 1);
		assert_int_equal(job.started_s, 1700000500u);
	}
	assert_int_equal(queue_job_end(&queue, id, QUEUE_JOB_FAILURE), ST_OK);
	assert_true(queue_rcpt_get(&queue, id, 1, &r));
	assert_int_equal(r.state, QUEUE_REPORTED);
	assert_true(queue_rcpt_get(&queue, id, 3, &r));
	assert_int_equal(r.state, QUEUE_FAILED);
	assert_int_equal(queue_time_floor(&queue), 1700000500u);
	stop();
}

static void test_refusals(void **state)
{
	struct queue_mount_report report;
	uint32_t most;
	int w, i, n;

	(void)state;
	start(4096, 16, 1);
	most = queue_message_max(&queue);
	assert_int_equal(queue_open(&queue, most + 1u, 1), ST_BAD);
	w = queue_open(&queue, most, 1);
	assert_true(w >= 0);
	assert_int_equal(queue_open(&queue, most, 1), ST_FULL);
	queue_abort(&queue, w);
	/* Said nothing about its size, and never ends. */
	w = queue_open(&queue, 0, 1);
	for (i = 0; i < 100000; i++) {
		RETRY(&queue, n = queue_write(&queue, w, QUEUE_BODY, SPAN("0123456789abcdef")));
		if (n < 0)
			break;
	}
	assert_int_equal(n, ST_FULL);
	queue_abort(&queue, w);
	assert_int_equal(queue.live_bytes, 0);
	settle(&queue);
	/* Another geometry. */
	nor.flash.geometry.sector_size = 2048;
	nor.flash.geometry.sector_count = 32;
	assert_int_equal(queue_mount(&queue, &nor.flash, &report), ST_FOREIGN);
	assert_non_null(report.why);
	/* Something else. */
	nor.flash.geometry.sector_size = 4096;
	nor.flash.geometry.sector_count = 16;
	memset(nor.mem, 'x', nor.size);
	assert_int_equal(queue_mount(&queue, &nor.flash, &report), ST_FOREIGN);
	assert_int_equal(nor.mem[0], 'x');
	assert_int_equal(queue_format(&nor.flash), ST_OK);
	assert_int_equal(queue_mount(&queue, &nor.flash, &report), ST_OK);
	assert_int_equal(report.formatted, 0);
	stop();
}

/* 16 writers at once, in small pieces. */
static void test_many_writers(void **state)
{
	struct queue_commit c = { 0, 0, 1, QUEUE_BULK, false, false };
	uint32_t id[16], ticket;
	uint8_t byte;
	int w[16], i, j, n, st;

	(void)state;
	start(4096, 64, 1);
	for (i = 0; i < 16; i++) {
		w[i] = queue_open(&queue, 0, 1);
		assert_true(w[i] >= 0);
	}
	for (j = 0; j < 5000; j++) {
		for (i = 0; i < 16; i++) {
			byte = octet(queue_writer_id(&queue, w[i]), QUEUE_BODY, (size_t)j);
			RETRY(&queue,
				n = queue_write(&queue, w[i], QUEUE_BODY, span_make(&byte, 1)));
			assert_int_equal(n, 1);
		}
	}
	for (i = 0; i < 16; i++) {
		if (i % 4 == 0) {
			queue_abort(&queue, w[i]);
			continue;
		}
		RETRY(&queue, st = queue_commit(&queue, w[i], &c, &id[i], &ticket));
		assert_int_equal(st, ST_OK);
	}
	settle(&queue);
	mount();
	for (i = 0; i < 16; i++)
		if (i % 4 != 0)
			check_message(&queue, id[i], 0, 0, 5000);
	assert_int_equal(queue.message_count, 12);
	stop();
}

/* A device that loses sector after sector stops, and says so; it does not wait for ever. */
static void test_worn_out(void **state)
{
	static const uint8_t bytes[500];
	struct queue_commit c = { 0, 0, 1, QUEUE_NORMAL, false, false };
	struct queue_stats stats;
	uint32_t id, ticket;
	int i, n, w;

	(void)state;
	start(4096, 16, 1);
	for (i = 0; i < 2000 && !queue_has_stopped(&queue); i++) {
		RETRY(&queue, w = queue_open(&queue, sizeof(bytes), 1));
		nor.fail_programs = i % 4 == 0;
		RETRY(&queue,
			n = w < 0 ? w
				  : queue_write(&queue, w, QUEUE_BODY,
					    span_make(bytes, sizeof(bytes))));
		if (n > 0)
			RETRY(&queue, n = queue_commit(&queue, w, &c, &id, &ticket));
		if (n != ST_OK && w >= 0)
			queue_abort(&queue, w);
		else if (w >= 0)
			RETRY(&queue, n = queue_remove(&queue, id, NULL));
	}
	queue_stats(&queue, &stats);
	assert_true(queue_has_stopped(&queue));
	assert_true(stats.retired < 16);
	nor.fail_programs = 0;
	nor_boot(&nor);
	mount();
	stop();
}

/* A full device that loses its reserve: an outcome is recorded or refused, not put off. */
static void test_reserve_lost(void **state)
{
	static const uint8_t bytes[900];
	struct queue_commit c = { 0, 0, 1, QUEUE_NORMAL, false, false };
	struct queue_outcome o = { 0, QUEUE_PENDING, 1, 0, NULL };
	uint32_t id = 0, ticket;
	int i, n = ST_OK, w;

	(void)state;
	start(4096, 13, 16);
	for (i = 0; i < 200; i++) {
		RETRY(&queue, w = queue_open(&queue, sizeof(bytes), 1));
		if (w < 0)
			break;
		RETRY(&queue, n = queue_write(&queue, w, QUEUE_BODY, span_make(bytes, 900)));
		RETRY(&queue, n = queue_commit(&queue, w, &c, &id, &ticket));
		assert_int_equal(n, ST_OK);
	}
	assert_int_equal(w, ST_FULL);
	for (i = 0; i < 2000 && n == ST_OK; i++) {
		nor.fail_programs = i % 50 == 0;
		o.attempts = (uint8_t)(i & 0x7f);
		RETRY(&queue, n = queue_record(&queue, id, &o, NULL));
		assert_int_not_equal(n, ST_AGAIN);
	}
	stop();
}

static void test_copy(void **state)
{
	static struct nor big;
	struct queue_mount_report report;
	struct queue_reply reply;
	struct queue_message m;
	uint32_t id;

	(void)state;
	start(4096, 16, 1);
	id = add(100, 100, 5000, 3);
	record(id, 1, QUEUE_FAILED, 2, 0, "gone");
	record(id, 2, QUEUE_PENDING, 9, 77, NULL);
	assert_int_equal(queue_job_start(&queue, id, QUEUE_JOB_FAILURE, 1700000500u), ST_OK);
	assert_int_equal(queue_hold(&queue, id, true), ST_OK);
	nor_make(&big, 8192, 32, 1, 256);
	assert_int_equal(queue_mount(&other, &big.flash, &report), ST_OK);
	assert_int_equal(queue_copy(&queue, &other), ST_OK);
	assert_int_equal(queue_mount(&other, &big.flash, &report), ST_OK);
	check_message(&other, id, 100, 100, 5000);
	assert_true(queue_get(&other, id, &m));
	assert_int_equal(m.pending, 2);
	assert_int_equal(m.reporting, 1);
	assert_true(m.held);
	assert_int_equal(queue_reply_get(&other, id, 1, &reply), ST_OK);
	assert_memory_equal(reply.text, "gone", 4);
	assert_true(other.id_next - id < 0x80000000u && other.id_next != id);
	nor_free(&big);
	stop();
}

/* Where the checksum of a record stands, and what it must be; generation: the sector's. */
static bool record_at(const uint8_t *p, uint32_t generation, uint32_t *crc)
{
	*crc = crc32c(generation, span_make(p, 8u + p[1]));
	return load_le32(p + 8 + p[1]) == *crc;
}

/* The last record of this type gets another octet in its body, and its checksum is put
 * right (FORMAT.md): what a later version of the format may have written. */
static void forge(uint8_t type, unsigned at, uint8_t octet)
{
	const uint32_t size = nor.flash.geometry.sector_size;
	uint8_t *found = NULL, *sector;
	uint32_t generation = 0, crc, i, j;

	for (i = 0; i < nor.size; i += size) {
		sector = nor.mem + i;
		for (j = 16; memcmp(sector, "PQJ", 3) == 0 && j + 300 < size; j += 4)
			if ((sector[j] & 15u) == type &&
				record_at(sector + j, load_le32(sector + 8), &crc)) {
				found = sector + j;
				generation = load_le32(sector + 8);
			}
	}
	assert_non_null(found);
	found[8 + at] = octet;
	(void)record_at(found, generation, &crc);
	store_le32(found + 8 + found[1], crc);
}

/* States that are none are not believed, whatever their checksum says: they index tables. */
static void test_states_unknown(void **state)
{
	struct queue_outcome o = { 0, QUEUE_FAILED, 1, 0, NULL };
	struct queue_job_status job;
	struct queue_message m;
	struct queue_rcpt r;
	uint32_t id;
	int st;

	(void)state;
	start(4096, 16, 1);
	id = add(10, 0, 100, 2);
	RETRY(&queue, st = queue_record(&queue, id, &o, NULL));
	assert_int_equal(st, ST_OK);
	RETRY(&queue, st = queue_job_start(&queue, id, QUEUE_JOB_DELAY, 1700000000u));
	assert_int_equal(st, ST_OK);
	settle(&queue);
	forge(3, 2, 7 | 1 << 3);
	forge(4, 1, 3 | 1 << 2);
	mount();
	assert_true(queue_get(&queue, id, &m));
	assert_true(queue_rcpt_get(&queue, id, 0, &r));
	assert_int_equal(r.state, QUEUE_PENDING);
	assert_int_equal(m.pending, 2);
	assert_true(queue_job_get(&queue, id, QUEUE_JOB_DELAY, &job));
	assert_int_equal(job.state, QUEUE_JOB_IDLE);
	check_stream(&queue, id, QUEUE_BODY, 100);
	stop();
}

/* Where these octets stand on the device. */
static uint8_t *find(const uint8_t *octets, size_t len)
{
	uint32_t i;

	for (i = 0; i + len <= nor.size; i++)
		if (memcmp(nor.mem + i, octets, len) == 0)
			return nor.mem + i;
	fail();
	return NULL;
}

/* A message that was durable and rotted stays, to be reported; also when the mount that found
 * it had to begin a new journal sector, and after one more mount. */
static void test_rot_stays(void **state)
{
	struct queue_mount_report report;
	struct queue_message m;
	uint8_t body[20], *journal = NULL;
	uint32_t id, i;
	int st;

	(void)state;
	start(4096, 16, 1);
	id = add(10, 0, 100, 1);
	RETRY(&queue, st = queue_hold(&queue, id, true));
	assert_int_equal(st, ST_OK);
	for (i = 0; i < sizeof(body); i++)
		body[i] = octet(id, QUEUE_BODY, i);
	find(body, sizeof(body))[3] ^= 1;
	for (i = 0; i < nor.size; i += 4096)
		if (memcmp(nor.mem + i, "PQJ", 3) == 0)
			journal = nor.mem + i;
	assert_non_null(journal);
	journal[4000] = 0; /* the tail is not blank */
	for (i = 0; i < 3; i++) {
		nor_boot(&nor);
		assert_int_equal(queue_mount(&queue, &nor.flash, &report), ST_OK);
		assert_int_equal(report.messages, 1);
		assert_true(queue_get(&queue, id, &m));
		assert_true(m.held);
	}
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_message),
		cmocka_unit_test(test_empty_streams),
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_state_survives),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_many_writers),
		cmocka_unit_test(test_worn_out),
		cmocka_unit_test(test_reserve_lost),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_states_unknown),
		cmocka_unit_test(test_rot_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
