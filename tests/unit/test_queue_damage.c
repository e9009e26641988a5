/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue on a device that wears out or rots, where tests/power does not look. */
#include "onequeue.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "queue/format.h"

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

/* The only journal sector. */
static uint8_t *journal(void)
{
	return find((const uint8_t *)"PQJ", 3);
}

/* A message that was durable and rotted stays, to be reported; also when the mount that found
 * it had to begin a new journal sector, and after one more mount. */
static void test_rot_stays(void **state)
{
	struct queue_mount_report report;
	struct queue_message m;
	uint8_t body[20];
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
	journal()[4000] = 0; /* the tail is not blank */
	for (i = 0; i < 3; i++) {
		nor_boot(&nor);
		assert_int_equal(queue_mount(&queue, &nor.flash, &report), ST_OK);
		assert_int_equal(report.messages, 1);
		assert_true(queue_get(&queue, id, &m));
		assert_true(m.held);
	}
	stop();
}

/* The mark of the first format still stands; what was written since is no less a queue. */
static void test_journal_lost(void **state)
{
	struct queue_mount_report report;

	(void)state;
	start(4096, 16, 1);
	(void)add(10, 0, 100, 1);
	memset(journal(), 0, 4096);
	nor_boot(&nor);
	assert_int_equal(queue_mount(&queue, &nor.flash, &report), ST_CORRUPT);
	assert_string_equal(report.why, "sectors of a queue, but no readable journal");
	stop();
}

static int failing;

static int program_or_fail(void *ctx, uint32_t at, const void *from, size_t len)
{
	/* The last octets of a sector, then what comes next. */
	nor.fail_programs = failing == 1 || (failing > 1 && at % 16384u >= 0x3f00u && len > 100);
	failing -= nor.fail_programs;
	return nor_program(ctx, at, from, len);
}

/* Where octets have failed to program nothing else is programmed, nor is their descriptor when
 * that has failed too: the emulator sees to it. */
static void test_two_programs_fail(void **state)
{
	static const uint8_t bytes[20000];
	struct flash_ops worn;
	int n, w;

	(void)state;
	start(16384, 16, 1);
	worn = *nor.flash.ops;
	worn.program = program_or_fail;
	nor.flash.ops = &worn;
	RETRY(&queue, w = queue_open(&queue, sizeof(bytes), 1));
	assert_true(w >= 0);
	write_all(w, QUEUE_BODY, bytes, 300);
	failing = 2;
	for (n = 1; failing > 0 && n > 0;)
		RETRY(&queue, n = queue_write(&queue, w, QUEUE_BODY, span_make(bytes, 100)));
	assert_int_equal(failing, 0);
	queue_abort(&queue, w);
	settle(&queue);
	stop();
}

/* A sector that cannot be erased is not what a format begins its journal in. */
static void test_format_beside_worn(void **state)
{
	(void)state;
	start(4096, 16, 1);
	nor.fail_sector = 0;
	nor.fail_erases = -1;
	assert_int_equal(format_write(&nor.flash, 5000, 1, false), ST_OK);
	nor.fail_erases = 0;
	nor_boot(&nor);
	mount();
	(void)add(10, 0, 100, 1);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worn_out),
		cmocka_unit_test(test_reserve_lost),
		cmocka_unit_test(test_states_unknown),
		cmocka_unit_test(test_rot_stays),
		cmocka_unit_test(test_journal_lost),
		cmocka_unit_test(test_two_programs_fail),
		cmocka_unit_test(test_format_beside_worn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
