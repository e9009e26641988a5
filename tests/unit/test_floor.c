/* SPDX-License-Identifier: BSD-2-Clause */
/* test_floor - the latest time that flash has seen, for a board that boots without a clock. */
#include "onepipit.h"

static void the_latest_time_is_kept(void **state)
{
	uint32_t latest_s;
	unsigned i;

	(void)state;
	start(true);
	assert_int_equal(pipit_time_floor(&p), w.now.wall_s);
	w.now.wall_s += 30u * 86400u;
	(void)submit("ada@here.test", "b@there.test");
	latest_s = w.now.wall_s;
	world_run(&w, &p, 2000);
	assert_int_equal(queued(), 0);
	for (i = 0; i < 3; i++) { /* nothing of that day is queued any more */
		boot(false, CONF);
		assert_in_range(pipit_time_floor(&p), latest_s, latest_s + 3);
		world_run(&w, &p, 5000);
	}
}

static void a_clock_set_back_does_not_lower_it(void **state)
{
	uint32_t latest_s;

	(void)state;
	start(true);
	world_run(&w, &p, 1000);
	latest_s = pipit_time_floor(&p);
	w.now.wall_s = latest_s - 86400u;
	world_run(&w, &p, 1000);
	assert_int_equal(pipit_time_floor(&p), latest_s);
}

static void without_a_clock_there_is_none(void **state)
{
	(void)state;
	start(false);
	(void)submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 2000);
	assert_int_equal(pipit_time_floor(&p), 0);
}

static void the_time_server_is_what_the_configuration_says(void **state)
{
	(void)state;
	start(true);
	assert_span(pipit_ntp_server(&p), "");
	boot(true, CONF "ntp_server pool.example.net\n");
	assert_span(pipit_ntp_server(&p), "pool.example.net");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_latest_time_is_kept, show_log),
		cmocka_unit_test_teardown(a_clock_set_back_does_not_lower_it, show_log),
		cmocka_unit_test_teardown(without_a_clock_there_is_none, show_log),
		cmocka_unit_test_teardown(the_time_server_is_what_the_configuration_says, show_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
