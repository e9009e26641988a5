/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue's API on a device that works: what goes in comes out, also after a
 * restart.  What fails is in test_queue_damage.c and tests/power. */
#include "onequeue.h"

static struct queue other;

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_message),
		cmocka_unit_test(test_empty_streams),
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_state_survives),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_many_writers),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
