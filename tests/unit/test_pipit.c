/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole pipit in a world made of arrays: what the sides do together, and what
 * a machine without a clock does, which no test with a real daemon can show. */
#include "onepipit.h"

static void a_message_goes_to_the_smarthost(void **state)
{
	int c;

	(void)state;
	start(true);
	c = submit("a@client.test", "b@there.test");
	world_run(&w, &p, 2000);
	assert_true(world_heard(&w, c, "250 2.0.0 queued as "));
	assert_true(world_heard(&w, c, "221 "));
	assert_int_equal(w.hop.messages, 1);
	assert_true(stream_has(&w.hop.last, "Received: from client.test"));
	assert_true(stream_has(&w.hop.last, "\r\nDate: "));
	assert_true(stream_has(&w.hop.last, "\r\nMessage-ID: <"));
	assert_true(stream_has(&w.hop.last, "\r\n\r\n..dot\r\n.\r\n"));
	assert_int_equal(queued(), 0);
	assert_true(outbound_idle(&p.sending));
}

static void a_message_goes_to_the_mailbox(void **state)
{
	(void)state;
	start(true);
	(void)submit("a@client.test", "ada@here.test");
	world_run(&w, &p, 2000);
	assert_true(stream_has(&w.mailbox,
		"Return-Path: <a@client.test>\r\nDelivered-To: ada@here.test\r\n"));
	assert_true(stream_has(&w.mailbox, "\r\n\r\n.dot\r\n"));
	assert_int_equal(queued(), 0);
}

static void an_address_literal_is_where_it_says(void **state)
{
	(void)state;
	world_init(&w, true);
	boot(true, "hostname here.test\nretry 10s\n");
	(void)submit("a@client.test", "b@[192.0.2.77]");
	world_run(&w, &p, 3000);
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(queued(), 0);
	assert_true(stream_has(&w.log, "host=192.0.2.77"));
}

static void strangers_may_not_relay(void **state)
{
	int c;

	(void)state;
	start(true);
	c = world_connect(&w, "198.51.100.7");
	world_say(&w, c,
		"EHLO x.test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@there.test>\r\n"
		"RCPT TO:<nobody@elsewhere.test>\r\nRCPT TO:<ada@here.test>\r\nDATA\r\n");
	world_run(&w, &p, 50);
	assert_true(world_heard(&w, c, "550 5.7.1"));
	assert_true(world_heard(&w, c, "250 2.1.5"));
	world_say(&w, c, "Subject: from outside\r\n\r\nbody\r\n.\r\n");
	world_run(&w, &p, 2000);
	assert_true(stream_has(&w.mailbox, "from outside"));
	assert_false(
		stream_has(&w.mailbox, "\r\nDate: ")); /* a stranger's header is not completed */
}

static void the_schedule_is_kept(void **state)
{
	unsigned connects;

	(void)state;
	start(true);
	w.hop.mail = "451 4.3.0 later\r\n";
	(void)submit("a@client.test", "b@there.test");
	world_run(&w, &p, 1000);
	assert_int_equal(w.hop.connects, 1);
	world_run(&w, &p, 7000);
	assert_int_equal(w.hop.connects, 1); /* 10 s less jitter are not over */
	world_run(&w, &p, 6000);
	assert_int_equal(w.hop.connects, 2);
	connects = w.hop.connects;
	w.hop.mail = NULL;
	world_run(&w, &p, 30000);
	assert_int_equal(w.hop.connects, connects + 1);
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(queued(), 0);
}

static void a_refused_message_is_bounced(void **state)
{
	(void)state;
	start(true);
	w.hop.rcpt = "550 5.1.1 no such user\r\n";
	(void)submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 3000);
	assert_int_equal(w.hop.messages, 0);
	assert_true(stream_has(&w.mailbox, "Return-Path: <>"));
	assert_true(stream_has(&w.mailbox, "multipart/report"));
	assert_true(stream_has(&w.mailbox, "Final-Recipient: rfc822; b@there.test"));
	assert_true(stream_has(&w.mailbox, "Status: 5.1.1"));
	assert_true(stream_has(&w.mailbox, "Subject: hello"));
	assert_int_equal(queued(), 0);
}

static void expiry_and_warning_come_by_the_clock(void **state)
{
	(void)state;
	start(true);
	w.hop.refuse = true;
	(void)submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 40000);
	assert_int_equal(w.mailbox.len, 0);
	world_run(&w, &p, 25000);
	assert_true(stream_has(&w.mailbox, "Action: delayed"));
	assert_int_equal(queued(), 1);
	world_run(&w, &p, 200000);
	assert_true(stream_has(&w.mailbox, "Action: failed"));
	assert_int_equal(queued(), 0);
}

/* No clock: attempts are counted on flash, and so many as the schedule would
 * have made until the expiry are enough: 10 + 20 + 40 + 40 + 40 + 40 s > 200 s. */
static void without_a_clock_attempts_end_it(void **state)
{
	unsigned i;

	(void)state;
	start(false);
	w.hop.mail = "451 4.3.0 later\r\n";
	(void)submit("ada@here.test", "b@there.test");
	for (i = 0; i < 3; i++) {
		world_run(&w, &p, 20000);
		boot(false, CONF); /* attempts survive, the waiting starts again */
	}
	assert_int_equal(queued(), 1);
	assert_true(w.hop.connects >= 3);
	world_run(&w, &p, 500000);
	assert_true(stream_has(&w.mailbox, "Action: failed"));
	assert_int_equal(queued(), 0);
	assert_true(w.hop.connects <= 8);
}

static void after_boot_without_clock_waiting_starts_from_boot(void **state)
{
	unsigned connects;

	(void)state;
	start(true);
	w.hop.mail = "451 4.3.0 later\r\n";
	(void)submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 3000);
	connects = w.hop.connects;
	boot(false, CONF);
	world_run(&w, &p, 7000);
	assert_int_equal(w.hop.connects, connects);
	world_run(&w, &p, 8000);
	assert_int_equal(w.hop.connects, connects + 1);
	assert_true(queue_time_floor(&p.core.queue) >= 1790000000u);
}

static void a_clock_set_back_stops_nothing(void **state)
{
	(void)state;
	start(true);
	w.hop.mail = "451 4.3.0 later\r\n";
	(void)submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 3000);
	w.now.wall_s -= 86400u * 365u;
	w.hop.mail = NULL;
	world_run(&w, &p, 60000);
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(queued(), 0);
}

/* The world begins five seconds before the milliseconds wrap. */
static void a_silent_client_has_its_time_when_the_milliseconds_wrap(void **state)
{
	int c;

	(void)state;
	start(true);
	c = world_connect(&w, "127.0.0.1");
	world_say(&w, c, "EHLO x.test\r\n");
	world_run(&w, &p, 1000);
	assert_true(w.now.mono_ms > INT32_MAX);
	world_run(&w, &p, 298000);
	assert_true(w.now.mono_ms < INT32_MAX);
	assert_false(world_heard(&w, c, "421 "));
	world_run(&w, &p, 3000);
	assert_true(world_heard(&w, c, "421 4.4.2"));
}

static void days_go_by(unsigned days)
{
	unsigned hours;

	for (hours = 24 * days; hours > 0; hours--) {
		w.now.mono_ms += 3600000u;
		w.now.wall_s += 3600u;
		world_run(&w, &p, 20);
	}
}

/* Waits of a month, while the milliseconds wrap every 49 days. */
static void long_waits_are_kept(void **state)
{
	(void)state;
	world_init(&w, true);
	boot(true,
		"hostname here.test\nsmarthost 192.0.2.25:25 tls=none\nretry 30d\n"
		"expire 100d\nwarn_delay 0\n");
	w.hop.mail = "451 4.3.0 later\r\n";
	(void)submit("a@client.test", "b@there.test");
	world_run(&w, &p, 1000);
	assert_int_equal(w.hop.connects, 1);
	days_go_by(26); /* 30 less jitter are not over */
	assert_int_equal(w.hop.connects, 1);
	days_go_by(8);
	assert_int_equal(w.hop.connects, 2);
	days_go_by(18);
	assert_int_equal(w.hop.connects, 2);
	days_go_by(16);
	assert_int_equal(w.hop.connects, 3);
	assert_int_equal(p.core.now_s / 86400u, 68);
	assert_int_equal(queued(), 1);
	days_go_by(33);
	assert_int_equal(p.core.report.counter[REPORT_failed], 1);
}

/* Mail that came while the clock ran ahead expires by its attempts, not in ten years. */
static void a_clock_that_ran_ahead_keeps_nothing_for_ever(void **state)
{
	(void)state;
	start(true);
	w.hop.mail = "451 4.3.0 later\r\n";
	w.now.wall_s += 86400u * 3650u;
	(void)submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 3000);
	w.now.wall_s -= 86400u * 3650u;
	world_run(&w, &p, 500000);
	assert_true(stream_has(&w.mailbox, "Action: failed"));
	assert_int_equal(queued(), 0);
}

static void a_dead_hop_does_not_burn_everybodys_attempts(void **state)
{
	unsigned i;

	(void)state;
	start(true);
	w.hop.refuse = true;
	for (i = 0; i < 5; i++)
		(void)submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 8000);
	assert_int_equal(w.hop.connects, 1);
	assert_int_equal(queued(), 5);
	w.hop.refuse = false;
	world_run(&w, &p, 60000);
	assert_int_equal(w.hop.messages, 5);
	assert_true(w.hop.connects <= 6); /* one that tried the way, then the others */
}

/* `queue retry all`: also what has to wait for the hop's other deliveries. */
static void asked_for_now_means_now(void **state)
{
	unsigned i, connects;

	(void)state;
	start(true);
	w.hop.mail = "451 4.3.0 later\r\n";
	for (i = 0; i < 15; i++)
		(void)submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 8000);
	assert_int_equal(queued(), 15);
	w.hop.mail = NULL;
	connects = w.hop.connects;
	schedule_flush(&p.core.schedule, 0);
	world_run(&w, &p, 3000);
	assert_int_equal(queued(), 0);
	assert_true(w.hop.connects - connects <= CONFIG_HOP_CONCURRENCY); /* the rest rides along */
}

static void a_lost_connection_after_the_dot_is_tried_again(void **state)
{
	int i;

	(void)state;
	start(true);
	w.hop.dot = "";
	(void)submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 1000);
	for (i = 0; i < WORLD_HANDLES; i++)
		if (w.handle[i].kind == WORLD_HOP)
			w.handle[i].ended = true;
	w.hop.dot = NULL;
	world_run(&w, &p, 30000);
	assert_int_equal(w.hop.messages, 2); /* RFC 1047: may arrive twice, is never lost */
	assert_int_equal(p.core.report.counter[REPORT_doubtful], 1);
	assert_int_equal(queued(), 0);
}

static void null_sender_failures_go_to_postmaster_once(void **state)
{
	(void)state;
	world_init(&w, true);
	boot(true, CONF "postmaster root@here.test\n");
	w.hop.rcpt = "550 5.1.1 no such user\r\n";
	(void)submit("", "b@there.test");
	world_run(&w, &p, 3000);
	assert_true(stream_has(&w.mailbox, "Delivered-To: root@here.test"));
	assert_int_equal(queued(), 0);
	w.mailbox.len = 0;
	w.hop.rcpt = NULL;
	w.hop.dot = "554 5.7.1 no\r\n";
	boot(true, CONF);
	(void)submit("", "b@there.test");
	world_run(&w, &p, 3000);
	assert_int_equal(w.mailbox.len, 0); /* nobody to tell: counted and dropped */
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(p.core.report.counter[REPORT_reports_dropped], 1);
	assert_int_equal(queued(), 0);
}

static void a_mailbox_that_is_full_is_tried_again(void **state)
{
	(void)state;
	start(true);
	w.mailbox_broken = true;
	(void)submit("a@client.test", "ada@here.test");
	world_run(&w, &p, 3000);
	assert_int_equal(queued(), 1);
	w.mailbox_broken = false;
	world_run(&w, &p, 30000);
	assert_int_equal(queued(), 0);
}

static void what_was_accepted_survives_a_power_cut(void **state)
{
	int c;

	(void)state;
	start(true);
	w.hop.refuse = true;
	c = submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 1000);
	assert_true(world_heard(&w, c, "250 2.0.0 queued as "));
	w.hop.refuse = false;
	boot(true, CONF);
	world_run(&w, &p, 60000);
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(queued(), 0);
}

static void an_unfinished_message_leaves_nothing(void **state)
{
	struct queue_stats stats;
	int c;

	(void)state;
	start(true);
	c = world_connect(&w, "127.0.0.1");
	world_say(&w, c,
		"EHLO x.test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@there.test>\r\nDATA\r\n");
	world_run(&w, &p, 50);
	world_say(&w, c, "half a mess");
	world_run(&w, &p, 50);
	w.handle[c].ended = true;
	world_run(&w, &p, 1000);
	queue_stats(&p.core.queue, &stats);
	assert_int_equal(stats.live_bytes, 0);
	assert_int_equal(stats.messages, 0);
	assert_int_equal(w.hop.messages, 0);
}

static void stopping_finishes_what_is_in_flight(void **state)
{
	int c, idle;

	(void)state;
	start(true);
	idle = world_connect(&w, "127.0.0.1");
	c = world_connect(&w, "127.0.0.1");
	world_say(&w, c,
		"EHLO x.test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@there.test>\r\nDATA\r\n");
	world_run(&w, &p, 50);
	pipit_stop(&p);
	world_run(&w, &p, 100);
	assert_true(world_heard(&w, idle, "421 4.3.2"));
	assert_false(pipit_stopped(&p));
	world_say(&w, c, "x\r\n.\r\n");
	world_run(&w, &p, 100);
	assert_true(world_heard(&w, c, "250 2.0.0 queued as "));
	assert_true(world_heard(&w, c, "421 4.3.2"));
	assert_true(pipit_stopped(&p));
}

/* Flash that makes no more room costs the client half a minute, not its session for ever. */
static void a_body_that_finds_no_room_is_refused(void **state)
{
	char line[82];
	int c, i;

	(void)state;
	start(true);
	memset(line, 'x', sizeof(line));
	memcpy(line + 79, "\r\n", 3);
	c = world_connect(&w, "127.0.0.1");
	world_say(&w, c,
		"EHLO x.test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@there.test>\r\nDATA\r\n");
	world_run(&w, &p, 50);
	w.flash_stuck = true;
	for (i = 0; i < 350; i++)
		world_say(&w, c, line);
	world_say(&w, c, ".\r\n");
	world_run(&w, &p, 25000);
	assert_false(world_heard(&w, c, "452 "));
	world_run(&w, &p, 10000);
	assert_true(world_heard(&w, c, "452 4.3.1"));
}

static void submit_on(int c)
{
	world_say(&w, c, "MAIL FROM:<a@client.test>\r\nRCPT TO:<b@there.test>\r\nDATA\r\n");
	world_run(&w, &p, 50);
	world_say(&w, c, "Subject: x\r\n\r\nx\r\n.\r\n");
	world_run(&w, &p, 200);
}

/* Outcomes cannot be recorded any more: what is sent now would be sent again and again. */
static void a_dead_device_ends_what_is_sent(void **state)
{
	unsigned i;
	int c;

	(void)state;
	start(true);
	w.hop.banner = "";
	c = world_connect(&w, "127.0.0.1");
	world_say(&w, c, "EHLO client.test\r\n");
	for (i = 0; i < 3; i++) {
		w.sync = i == 2 ? ST_IO : 1;
		submit_on(c);
	}
	assert_true(world_heard(&w, c, "451 4.3.0"));
	assert_true(p.core.queue_failed);
	for (i = 0; i < WORLD_HANDLES; i++)
		if (w.handle[i].kind == WORLD_HOP)
			world_say(&w, (int)i, "220 hop\r\n");
	world_run(&w, &p, 5000);
	assert_int_equal(w.hop.messages, 2); /* what the two connections were opened for */
}

/* The connection is lost behind a refusal: the next host has nobody left to be offered. */
static void who_was_refused_is_not_offered_to_the_next_host(void **state)
{
	int i = 0;

	(void)state;
	world_init(&w, true);
	boot(true,
		"hostname here.test\nlocal_domain here.test\ndeliver *@here.test maildir /mail/%u\n"
		"smarthost 192.0.2.25:25 tls=none\nsmarthost 192.0.2.26:25 tls=none\n");
	w.hop.mail = "550 5.7.1 never\r\n";
	w.hop.rcpt = w.hop.data = "";
	(void)submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 1000);
	w.hop.mail = w.hop.rcpt = w.hop.data = NULL;
	while (w.handle[i].kind != WORLD_HOP)
		i++;
	w.handle[i].ended = true;
	world_run(&w, &p, 2000);
	assert_true(stream_has(&w.mailbox, "Final-Recipient: rfc822; b@there.test"));
	assert_int_equal(w.hop.messages, 0);
	assert_int_equal(queued(), 0);
}

/* A delay report may still be on its way when the last recipient has its message. */
static void a_late_delay_report_does_not_keep_the_loop_busy(void **state)
{
	int c, i = 0;

	(void)state;
	start(true);
	w.mailbox_broken = true;
	w.hop.mail = "451 4.3.0 later\r\n";
	c = world_connect(&w, "127.0.0.1");
	world_say(&w, c,
		"EHLO x.test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<ada@here.test>\r\n"
		"RCPT TO:<b@there.test>\r\nDATA\r\n");
	world_run(&w, &p, 50);
	world_say(&w, c, "x\r\n.\r\n");
	world_run(&w, &p, 1000);
	w.now.wall_s += 60;
	w.mailbox_broken = false;
	w.hop.mail = NULL;
	w.hop.banner = "";
	boot(true, CONF);
	world_run(&w, &p, 1000);
	assert_int_equal(w.hop.connects, 3); /* one before, b's, and the report's */
	while (w.handle[i].kind != WORLD_HOP)
		i++;
	world_say(&w, i, "220 hop\r\n");
	world_run(&w, &p, 1000);
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(queued(), 1);
	assert_true(pipit_step(&p, w.now) > 0);
	for (i = 0; i < WORLD_HANDLES; i++)
		if (w.handle[i].kind == WORLD_HOP)
			world_say(&w, i, "220 hop\r\n");
	world_run(&w, &p, 2000);
	assert_int_equal(w.hop.messages, 1); /* the report would be about nobody */
	assert_int_equal(queued(), 0);
}

/* A file may keep the later of two records that a power cut left unsynced. */
static void a_report_without_its_failure_is_not_sent(void **state)
{
	struct queue_job_status job;

	(void)state;
	start(true);
	w.hop.mail = "451 4.3.0 later\r\n";
	(void)submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 1000);
	assert_int_equal(queue_job_start(&p.core.queue, 1, QUEUE_JOB_FAILURE, 0), ST_OK);
	boot(true, CONF);
	world_run(&w, &p, 1000);
	assert_int_equal(w.mailbox.len, 0);
	assert_true(queue_job_get(&p.core.queue, 1, QUEUE_JOB_FAILURE, &job));
	assert_int_equal(job.state, QUEUE_JOB_IDLE);
	/* And with the failure recorded again: one report, about b. */
	assert_int_equal(queue_job_start(&p.core.queue, 1, QUEUE_JOB_FAILURE, 0), ST_OK);
	w.hop.mail = "550 5.7.1 never\r\n";
	boot(true, CONF);
	world_run(&w, &p, 60000);
	assert_true(stream_has(&w.mailbox, "Final-Recipient: rfc822; b@there.test"));
	assert_int_equal(queued(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_message_goes_to_the_smarthost, show_log),
		cmocka_unit_test_teardown(a_message_goes_to_the_mailbox, show_log),
		cmocka_unit_test_teardown(an_address_literal_is_where_it_says, show_log),
		cmocka_unit_test_teardown(strangers_may_not_relay, show_log),
		cmocka_unit_test_teardown(the_schedule_is_kept, show_log),
		cmocka_unit_test_teardown(a_refused_message_is_bounced, show_log),
		cmocka_unit_test_teardown(expiry_and_warning_come_by_the_clock, show_log),
		cmocka_unit_test_teardown(without_a_clock_attempts_end_it, show_log),
		cmocka_unit_test_teardown(after_boot_without_clock_waiting_starts_from_boot,
			show_log),
		cmocka_unit_test_teardown(a_clock_set_back_stops_nothing, show_log),
		cmocka_unit_test_teardown(a_silent_client_has_its_time_when_the_milliseconds_wrap,
			show_log),
		cmocka_unit_test_teardown(long_waits_are_kept, show_log),
		cmocka_unit_test_teardown(a_clock_that_ran_ahead_keeps_nothing_for_ever, show_log),
		cmocka_unit_test_teardown(a_dead_hop_does_not_burn_everybodys_attempts, show_log),
		cmocka_unit_test_teardown(asked_for_now_means_now, show_log),
		cmocka_unit_test_teardown(a_lost_connection_after_the_dot_is_tried_again, show_log),
		cmocka_unit_test_teardown(null_sender_failures_go_to_postmaster_once, show_log),
		cmocka_unit_test_teardown(a_mailbox_that_is_full_is_tried_again, show_log),
		cmocka_unit_test_teardown(what_was_accepted_survives_a_power_cut, show_log),
		cmocka_unit_test_teardown(an_unfinished_message_leaves_nothing, show_log),
		cmocka_unit_test_teardown(stopping_finishes_what_is_in_flight, show_log),
		cmocka_unit_test_teardown(a_body_that_finds_no_room_is_refused, show_log),
		cmocka_unit_test_teardown(a_dead_device_ends_what_is_sent, show_log),
		cmocka_unit_test_teardown(a_report_without_its_failure_is_not_sent, show_log),
		cmocka_unit_test_teardown(who_was_refused_is_not_offered_to_the_next_host,
			show_log),
		cmocka_unit_test_teardown(a_late_delay_report_does_not_keep_the_loop_busy,
			show_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
