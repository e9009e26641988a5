/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/unit.h"

#include "route/schedule.h"

#include <limits.h>
#include <time.h>

#define ROWS CONFIG_QUEUE_MESSAGES

static struct schedule s;
static uint32_t now_s;
static struct rng rng;

static int begin(void **state)
{
	static const uint8_t seed[16] = "the same seed...";

	(void)state;
	rng_seed(&rng, seed);
	schedule_init(&s);
	now_s = 1000;
	return 0;
}

/* The next due id, or 0. */
static uint32_t due(void)
{
	uint32_t id = 0;

	return schedule_due(&s, now_s, 0, &id) ? id : 0;
}

/* ---- waits --------------------------------------------------------------- */

static void waits_follow_the_steps_with_jitter(void **state)
{
	static const uint32_t steps[] = { 60, 300, 900, 3600, 14400 };
	static const struct {
		unsigned attempts;
		uint32_t wait_s;
	} rows[] = { { 1, 60 }, { 2, 300 }, { 5, 14400 }, { 6, 14400 }, { 1000, 14400 }, { 0, 60 },
		{ UINT_MAX, 14400 } };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		uint32_t least = UINT32_MAX, most = 0, wait_s;
		int n;

		for (n = 0; n < 2000; n++) {
			wait_s = schedule_wait_s(steps, COUNT(steps), rows[i].attempts, &rng);
			least = wait_s < least ? wait_s : least;
			most = wait_s > most ? wait_s : most;
		}
		assert_in_range(least, rows[i].wait_s - rows[i].wait_s / 8,
			rows[i].wait_s - rows[i].wait_s / 10);
		assert_in_range(most, rows[i].wait_s + rows[i].wait_s / 10,
			rows[i].wait_s + rows[i].wait_s / 8);
	}
	assert_int_equal(schedule_wait_s((const uint32_t[]){ 1 }, 1, 3, &rng), 1);
	assert_int_equal(schedule_wait_s((const uint32_t[]){ 0 }, 1, 3, &rng), 0);
}

/* ---- rows ---------------------------------------------------------------- */

#define DAY_MS 86400000u

static uint32_t row_count(void)
{
	uint32_t i, n = 0;

	for (i = 0; i < ROWS; i++)
		n += s.row[i].id != 0;
	return n;
}

static void due_in_time_and_only_once(void **state)
{
	uint32_t when;

	(void)state;
	assert_int_equal(schedule_wait_ms(&s, now_s), DAY_MS);
	assert_int_equal(due(), 0);
	schedule_put(&s, 7, now_s + 50, 1);
	assert_int_equal(schedule_wait_ms(&s, now_s), 50000);
	assert_int_equal(due(), 0);
	now_s += 49;
	assert_int_equal(due(), 0);
	now_s += 1;
	assert_int_equal(schedule_wait_ms(&s, now_s), 0);
	assert_false(schedule_is_running(&s, 7));
	assert_int_equal(due(), 7);
	assert_int_equal(schedule_wait_ms(&s, now_s), DAY_MS);
	assert_true(schedule_is_running(&s, 7));
	assert_int_equal(due(), 0);
	assert_int_equal(schedule_wait_ms(&s, now_s), DAY_MS);
	schedule_put(&s, 7, now_s + 100, 1);
	assert_false(schedule_is_running(&s, 7));
	assert_true(schedule_when(&s, 7, &when));
	assert_int_equal(when, now_s + 100);
	schedule_remove(&s, 7);
	assert_false(schedule_when(&s, 7, &when));
	assert_false(schedule_is_running(&s, 7));
	now_s += 1000;
	assert_int_equal(due(), 0);
	assert_int_equal(schedule_wait_ms(&s, now_s), DAY_MS);
	schedule_remove(&s, 7);
	assert_int_equal(row_count(), 0);
}

static void urgent_first_then_longest_due_then_oldest(void **state)
{
	static const uint32_t order[] = { 5, 1, 3, 2, 4, 6 };
	size_t i;

	(void)state;
	schedule_put(&s, 6, now_s - 900, 2);
	schedule_put(&s, 4, now_s - 10, 1);
	schedule_put(&s, 2, now_s - 10, 1);
	schedule_put(&s, 1, now_s - 30, 1);
	schedule_put(&s, 3, now_s - 20, 1);
	schedule_put(&s, 5, now_s, 0);
	schedule_put(&s, 8, now_s + 1, 0);
	for (i = 0; i < COUNT(order); i++)
		assert_int_equal(due(), order[i]);
	assert_int_equal(due(), 0);
	assert_int_equal(schedule_wait_ms(&s, now_s), 1000);
}

/* Numbers of messages wrap after four thousand million: the old one is still the older. */
static void ids_wrap(void **state)
{
	(void)state;
	schedule_put(&s, 1, now_s, 1);
	schedule_put(&s, UINT32_MAX, now_s, 1);
	assert_int_equal(due(), UINT32_MAX);
	assert_int_equal(due(), 1);
}

static void flush_makes_due_but_not_what_runs(void **state)
{
	uint32_t when;

	(void)state;
	schedule_put(&s, 1, now_s, 1);
	schedule_put(&s, 2, now_s + 10, 1);
	schedule_put(&s, 4, now_s + 20, 1);
	assert_int_equal(due(), 1);
	schedule_flush(&s, 4);
	assert_int_equal(schedule_wait_ms(&s, now_s), 0);
	assert_int_equal(due(), 4);
	assert_true(schedule_is_asked(&s, 4));
	schedule_flush(&s, 99);
	assert_int_equal(due(), 0);
	schedule_flush(&s, 0);
	assert_int_equal(due(), 2);
	assert_int_equal(due(), 0);
	assert_true(schedule_is_running(&s, 1));
	assert_false(schedule_is_asked(&s, 1));
	assert_true(schedule_when(&s, 1, &when));
	assert_int_equal(when, now_s);
	/* What could not start stays asked for, what has run does not. */
	schedule_put_off(&s, 2, now_s, 5);
	assert_true(schedule_is_asked(&s, 2));
	schedule_put(&s, 2, now_s, 1);
	assert_false(schedule_is_asked(&s, 2));
}

/* A year of waiting, a century of uptime. */
static void far_times_are_kept(void **state)
{
	static const uint32_t times[] = { 0, 1, INT32_MAX, UINT32_MAX - 1 };
	uint32_t when;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(times); i++) {
		schedule_put(&s, 1, times[i], 1);
		assert_true(schedule_when(&s, 1, &when));
		assert_true(when == times[i]);
		schedule_remove(&s, 1);
	}
	now_s = 0xc0000000u;
	schedule_put(&s, 1, now_s + 365 * 86400u, 1);
	assert_int_equal(due(), 0);
	assert_int_equal(schedule_wait_ms(&s, now_s), DAY_MS);
	now_s += 365 * 86400u;
	assert_int_equal(due(), 1);
}

static void changing_the_priority(void **state)
{
	(void)state;
	schedule_put(&s, 1, now_s, 2);
	schedule_put(&s, 2, now_s, 1);
	schedule_put(&s, 1, now_s, 0);
	assert_int_equal(row_count(), 2);
	assert_int_equal(due(), 1);
	assert_int_equal(due(), 2);
}

/* ---- against a plain list ------------------------------------------------ */

static struct model_row {
	uint32_t id;
	uint32_t due_s;
	uint8_t priority;
	bool running;
} model[ROWS];
static unsigned model_count;

static struct model_row *model_find(uint32_t id)
{
	unsigned i;

	for (i = 0; i < model_count; i++)
		if (model[i].id == id)
			return &model[i];
	return NULL;
}

static struct model_row *model_due(void)
{
	struct model_row *best = NULL;
	unsigned i;

	for (i = 0; i < model_count; i++) {
		struct model_row *row = &model[i];

		if (row->running || row->due_s > now_s)
			continue;
		if (!best || row->priority < best->priority ||
			(row->priority == best->priority &&
				(row->due_s < best->due_s ||
					(row->due_s == best->due_s && row->id < best->id))))
			best = row;
	}
	return best;
}

static void model_put(uint32_t id, uint32_t due_s, uint8_t priority)
{
	struct model_row *row = model_find(id);

	if (!row)
		row = &model[model_count++];
	*row = (struct model_row){ id, due_s, priority, false };
	schedule_put(&s, id, due_s, priority);
}

static void model_remove(uint32_t id)
{
	struct model_row *row = model_find(id);

	if (row)
		*row = model[--model_count];
	schedule_remove(&s, id);
}

static void model_check(void)
{
	uint32_t next = INSTANT_NEVER;
	unsigned i;

	assert_int_equal(row_count(), model_count);
	for (i = 0; i < model_count; i++) {
		uint32_t when;

		assert_true(schedule_when(&s, model[i].id, &when));
		assert_true(when == model[i].due_s);
		assert_int_equal(schedule_is_running(&s, model[i].id), model[i].running);
		if (!model[i].running && model[i].due_s < next)
			next = model[i].due_s;
	}
	if (next != INSTANT_NEVER)
		assert_true(
			schedule_wait_ms(&s, now_s) <= (next > now_s ? (next - now_s) * 1000u : 0));
}

static uint32_t random_id(void)
{
	return model_count > 0 && rng_below(&rng, 2) ? model[rng_below(&rng, model_count)].id
						     : 1 + rng_below(&rng, 3 * ROWS);
}

static void behaves_like_a_plain_list(void **state)
{
	int round;

	(void)state;
	model_count = 0;
	for (round = 0; round < 30000; round++) {
		uint32_t id = random_id();
		struct model_row *best;

		switch (rng_below(&rng, 6)) {
		case 0:
		case 1:
			if (model_find(id) || model_count < ROWS)
				model_put(id, now_s + rng_below(&rng, 2000),
					(uint8_t)rng_below(&rng, 3));
			break;
		case 2: model_remove(id); break;
		case 3: now_s += rng_below(&rng, 50); break;
		default:
			best = model_due();
			assert_int_equal(due(), best ? best->id : 0);
			if (best)
				best->running = true;
		}
		if (round % 64 == 0)
			model_check();
	}
	while (model_count > 0)
		model_remove(model[0].id);
	assert_int_equal(row_count(), 0);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A full table under the load of a busy machine: each message taken, put off, removed,
 * and another in its place. */
static void full_table_is_fast(void **state)
{
	uint32_t id, next = 1;
	double start;
	int i;

	(void)state;
	for (; next <= ROWS; next++)
		schedule_put(&s, next, now_s, 1);
	start = seconds();
	for (i = 0; i < 3000; i++) {
		assert_true(schedule_due(&s, now_s, 0, &id));
		assert_false(schedule_wait_ms(&s, now_s) > 0);
		schedule_put(&s, id, now_s + 60, 1);
		schedule_remove(&s, id);
		schedule_put(&s, next++, now_s, 1);
	}
	/* Far above what it takes (0.1 s in a plain build at 4096 rows): only another
	 * order of growth fails. */
	assert_true(seconds() - start < 5.0);
}

/* ---- next hops ----------------------------------------------------------- */

enum { BEGUN, BUSY, BACKS_OFF };

static uint32_t until_s;

static int hop_begin(uint32_t hop)
{
	until_s = 0;
	if (schedule_hop_begin(&s, hop, now_s, &until_s))
		return BEGUN;
	return until_s > 0 ? BACKS_OFF : BUSY;
}

static void hop_end(uint32_t hop, bool reached)
{
	schedule_hop_end(&s, hop, reached, now_s);
}

static void fill_hop(uint32_t hop)
{
	int i;

	for (i = 0; i < CONFIG_HOP_CONCURRENCY; i++)
		assert_int_equal(hop_begin(hop), BEGUN);
}

static void hops_have_a_concurrency(void **state)
{
	(void)state;
	fill_hop(1);
	assert_int_equal(hop_begin(1), BUSY);
	assert_int_equal(hop_begin(2), BEGUN);
	hop_end(1, true);
	assert_int_equal(hop_begin(1), BEGUN);
	assert_int_equal(hop_begin(1), BUSY);
}

static void dead_hop_backs_off_doubling(void **state)
{
	uint32_t wait_s = 30;
	size_t i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		assert_int_equal(hop_begin(1), BEGUN);
		/* After the first failure one tries, the others wait. */
		if (i > 0)
			assert_int_equal(hop_begin(1), BUSY);
		hop_end(1, false);
		assert_int_equal(hop_begin(1), BACKS_OFF);
		assert_int_equal(until_s, now_s + wait_s);
		assert_int_equal(hop_begin(2), BEGUN);
		hop_end(2, true);
		now_s += wait_s - 1;
		assert_int_equal(hop_begin(1), BACKS_OFF);
		now_s += 1;
		wait_s = 2 * wait_s < CONFIG_HOP_BACK_OFF_MAX ? 2 * wait_s
							      : CONFIG_HOP_BACK_OFF_MAX;
	}
	assert_int_equal(wait_s, CONFIG_HOP_BACK_OFF_MAX);
	assert_int_equal(hop_begin(1), BEGUN);
	hop_end(1, true);
	fill_hop(1);
}

static void failures_side_by_side_count_once(void **state)
{
	int i;

	(void)state;
	fill_hop(1);
	for (i = 0; i < CONFIG_HOP_CONCURRENCY; i++)
		hop_end(1, false);
	assert_int_equal(hop_begin(1), BACKS_OFF);
	assert_int_equal(until_s, now_s + 30);
}

static void flush_ends_back_off(void **state)
{
	(void)state;
	assert_int_equal(hop_begin(1), BEGUN);
	hop_end(1, false);
	assert_int_equal(hop_begin(1), BACKS_OFF);
	schedule_flush(&s, 0);
	fill_hop(1);
}

static void idle_hops_make_room(void **state)
{
	uint32_t hop;

	(void)state;
	/* One backs off, one is active, then far more hops than there is room for. */
	assert_int_equal(hop_begin(1), BEGUN);
	hop_end(1, false);
	fill_hop(2);
	for (hop = 3; hop < 3 + 3 * CONFIG_ROUTE_HOPS; hop++) {
		assert_int_equal(hop_begin(hop), BEGUN);
		hop_end(hop, true);
	}
	assert_int_equal(hop_begin(1), BACKS_OFF);
	assert_int_equal(hop_begin(2), BUSY);
}

static void all_hops_active(void **state)
{
	uint32_t hop;

	(void)state;
	for (hop = 1; hop <= CONFIG_ROUTE_HOPS; hop++)
		assert_int_equal(hop_begin(hop), BEGUN);
	assert_int_equal(hop_begin(hop), BUSY);
	hop_end(1, true);
	assert_int_equal(hop_begin(hop), BEGUN);
}

/* A hash may be 0 like any other number. */
static void hop_zero(void **state)
{
	(void)state;
	fill_hop(0);
	assert_int_equal(hop_begin(0), BUSY);
	hop_end(0, false);
	assert_int_equal(hop_begin(0), BACKS_OFF);
}

#define T(test) cmocka_unit_test_setup(test, begin)

/* Many wait for one hop that takes a few at a time: the others of other hops are not
 * held up, nothing is due in the meantime, and a connection gets them one by one. */
static void rows_wait_for_their_hop(void **state)
{
	uint32_t id, n;

	(void)state;
	for (n = 1; n <= 4 * CONFIG_HOP_CONCURRENCY; n++)
		schedule_put(&s, n, 0, 1);
	for (n = 1; n <= 4 * CONFIG_HOP_CONCURRENCY; n++) {
		assert_true(schedule_due(&s, now_s, 0, &id));
		if (hop_begin(77) != BEGUN)
			schedule_put_off(&s, id, now_s, 77);
	}
	assert_false(schedule_due(&s, now_s, 0, &id));
	assert_int_equal(schedule_wait_ms(&s, now_s), DAY_MS);
	schedule_put(&s, n, now_s, 1);
	assert_int_equal(due(), n);
	assert_true(schedule_due(&s, now_s, 77, &id));
	assert_false(schedule_due(&s, now_s, 78, &id));
	hop_end(77, true);
	assert_true(schedule_due(&s, now_s, 0, &id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(waits_follow_the_steps_with_jitter),
		T(due_in_time_and_only_once),
		T(urgent_first_then_longest_due_then_oldest),
		T(ids_wrap),
		T(flush_makes_due_but_not_what_runs),
		T(far_times_are_kept),
		T(changing_the_priority),
		T(behaves_like_a_plain_list),
		T(full_table_is_fast),
		T(hops_have_a_concurrency),
		T(dead_hop_backs_off_doubling),
		T(failures_side_by_side_count_once),
		T(flush_ends_back_off),
		T(idle_hops_make_room),
		T(all_hops_active),
		T(hop_zero),
		T(rows_wait_for_their_hop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
