/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules that keep a message whole and single between our 250 and the next hop's,
 * each shown by one story that goes wrong when the rule is broken. */
#include "onepipit.h"

#define TWO_HOPS \
	"hostname here.test\nlocal_domain here.test\ndeliver *@here.test maildir /mail/%u\n" \
	"route a.test 192.0.2.1:25\nroute b.test 192.0.2.2:25\nretry 10s 20s 40s\nexpire 200s\n"

/* A transaction with these recipients up to the 354. */
static int begin(const char *from, const char *const *to, size_t count)
{
	int c = world_connect(&w, "127.0.0.1");
	size_t i;

	world_say(&w, c, "EHLO client.test\r\nMAIL FROM:<");
	world_say(&w, c, from);
	world_say(&w, c, ">\r\n");
	for (i = 0; i < count; i++) {
		world_say(&w, c, "RCPT TO:<");
		world_say(&w, c, to[i]);
		world_say(&w, c, ">\r\n");
	}
	world_say(&w, c, "DATA\r\n");
	world_run(&w, &p, 50);
	assert_true(world_heard(&w, c, "\r\n354 "));
	return c;
}

static unsigned counted(enum report_counter counter)
{
	return p.core.report.counter[counter];
}

/* ---- our 250 --------------------------------------------------------------------- */

static void the_250_waits_until_it_is_durable(void **state)
{
	int c;

	(void)state;
	start(true);
	c = begin("a@client.test", (const char *[]){ "b@there.test" }, 1);
	w.sync = 0;
	world_say(&w, c, "Subject: x\r\n\r\nbody\r\n.\r\n");
	world_run(&w, &p, 3000);
	assert_false(world_heard(&w, c, "queued as"));
	assert_int_equal(w.hop.connects, 0);
	w.sync = 1;
	world_run(&w, &p, 1000);
	assert_true(world_heard(&w, c, "250 2.0.0 queued as "));
	assert_int_equal(w.hop.messages, 1);
}

static void a_sync_that_fails_is_no_250(void **state)
{
	int c;

	(void)state;
	start(true);
	c = begin("a@client.test", (const char *[]){ "b@there.test" }, 1);
	w.sync = ST_IO;
	world_say(&w, c, "Subject: x\r\n\r\nbody\r\n.\r\n");
	world_run(&w, &p, 3000);
	assert_false(world_heard(&w, c, "queued as"));
	assert_true(world_heard(&w, c, "451 4.3.0"));
	assert_int_equal(w.hop.connects, 0);
}

static void a_recipient_named_twice_gets_one(void **state)
{
	int c;

	(void)state;
	start(true);
	c = begin("a@client.test",
		(const char *[]){ "ada@here.test", "ada@HERE.test", "b@there.test" }, 3);
	world_say(&w, c, "Subject: x\r\n\r\nbody\r\n.\r\n");
	world_run(&w, &p, 3000);
	assert_int_equal(counted(REPORT_delivered), 2);
	assert_int_equal(queued(), 0);
}

static void mail_that_goes_in_circles_is_refused(void **state)
{
	int c, i;

	(void)state;
	start(true);
	c = begin("a@client.test", (const char *[]){ "b@there.test" }, 1);
	for (i = 0; i < 51; i++)
		world_say(&w, c, "Received: from x by y; Tue, 24 Nov 2026 00:00:00 +0000\r\n");
	world_say(&w, c, "\r\nbody\r\n.\r\n");
	world_run(&w, &p, 3000);
	assert_true(world_heard(&w, c, "\r\n554 5.4.6"));
	assert_int_equal(w.hop.connects, 0);
	assert_int_equal(queued(), 0);
}

static void a_field_at_the_very_end_is_not_forgotten(void **state)
{
	int c;

	(void)state;
	world_init(&w, true);
	boot(true, CONF "masquerade example.net\n");
	c = begin("a@client.test", (const char *[]){ "b@there.test" }, 1);
	world_say(&w, c, "Subject: x\r\nFrom: root\r\n.\r\n");
	world_run(&w, &p, 3000);
	assert_true(stream_has(&w.hop.last, "\r\nFrom: root@example.net\r\n"));
}

/* ---- who gets it, and from whom of us --------------------------------------------- */

static void each_host_gets_its_own_recipients(void **state)
{
	int c;

	(void)state;
	world_init(&w, true);
	boot(true, TWO_HOPS);
	w.hop.rcpts_max = 1; /* a second one in the same transaction would be put off */
	c = begin("ada@here.test", (const char *[]){ "x@a.test", "y@b.test" }, 2);
	world_say(&w, c, "Subject: x\r\n\r\nbody\r\n.\r\n");
	world_run(&w, &p, 3000);
	assert_int_equal(w.hop.connects, 2);
	assert_int_equal(w.hop.messages, 2);
	assert_int_equal(counted(REPORT_deferred), 0);
	assert_int_equal(queued(), 0);
}

static void no_recipient_is_in_two_deliveries(void **state)
{
	int c;

	(void)state;
	world_init(&w, true);
	boot(true, TWO_HOPS);
	w.hop.banner = ""; /* connected, but nobody speaks */
	c = begin("ada@here.test", (const char *[]){ "x@a.test", "y@b.test" }, 2);
	world_say(&w, c, "Subject: x\r\n\r\nbody\r\n.\r\n");
	world_run(&w, &p, 60000);
	assert_int_equal(w.hop.connects, 2);
	assert_int_equal(queued(), 1);
}

static void a_message_stays_while_anybody_waits(void **state)
{
	int c;

	(void)state;
	start(true);
	w.hop.refuse = true;
	c = begin("ada@here.test", (const char *[]){ "ada@here.test", "b@there.test" }, 2);
	world_say(&w, c, "Subject: x\r\n\r\nbody\r\n.\r\n");
	world_run(&w, &p, 5000);
	assert_int_equal(counted(REPORT_delivered), 1);
	assert_int_equal(queued(), 1);
	w.hop.refuse = false;
	world_run(&w, &p, 60000);
	assert_int_equal(counted(REPORT_delivered), 2);
	assert_int_equal(queued(), 0);
}

/* ---- what the next hop says -------------------------------------------------------- */

static void the_rest_of_a_full_transaction_goes_at_once(void **state)
{
	static const char *const five[] = { "b1@there.test", "b2@there.test", "b3@there.test",
		"b4@there.test", "b5@there.test" };
	int c;

	(void)state;
	start(true);
	w.hop.rcpts_max = 2;
	c = begin("ada@here.test", five, COUNT(five));
	world_say(&w, c, "Subject: x\r\n\r\nbody\r\n.\r\n");
	world_run(&w, &p, 3000);
	assert_int_equal(w.hop.messages, 3);
	assert_int_equal(counted(REPORT_delivered), 5);
	assert_int_equal(queued(), 0);
}

/* 554 in place of a banner turns the connection away, not the recipient. */
static void a_door_that_is_shut_is_tried_again(void **state)
{
	(void)state;
	start(true);
	w.hop.banner = "554 5.7.1 not you\r\n";
	(void)submit("ada@here.test", "b@there.test");
	world_run(&w, &p, 3000);
	assert_int_equal(queued(), 1);
	assert_int_equal(w.mailbox.len, 0);
	w.hop.banner = NULL;
	world_run(&w, &p, 60000);
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(queued(), 0);
}

/* The text of a message in flash: where, or a failed test. */
static size_t in_flash(const char *text)
{
	size_t n = strlen(text), i;

	for (i = 0; i + n <= sizeof(w.flash); i++)
		if (memcmp(w.flash + i, text, n) == 0)
			return i;
	fail_msg("%s is not in flash", text);
	return 0;
}

static void what_has_rotted_is_not_delivered(void **state)
{
	int c;

	(void)state;
	start(true);
	w.hop.refuse = true;
	c = begin("ada@here.test", (const char *[]){ "b@there.test" }, 1);
	world_say(&w, c, "Subject: x\r\n\r\nthis will rot\r\n.\r\n");
	world_run(&w, &p, 3000);
	assert_int_equal(queued(), 1);
	w.flash[in_flash("this will rot")] ^= 0x20;
	w.hop.refuse = false;
	world_run(&w, &p, 60000);
	assert_int_equal(w.hop.messages, 0);
	assert_int_equal(counted(REPORT_damaged), 1);
	assert_true(stream_has(&w.mailbox, "Action: failed")); /* and its sender is told */
}

/* Verified, offered, and only then rotten: the body is not ended. */
static void what_rots_behind_the_offer_is_not_delivered(void **state)
{
	int c, i;

	(void)state;
	start(true);
	w.hop.data = "";
	c = begin("ada@here.test", (const char *[]){ "b@there.test" }, 1);
	world_say(&w, c, "Subject: x\r\n\r\nthis will rot\r\n.\r\n");
	world_run(&w, &p, 3000);
	w.flash[in_flash("this will rot")] ^= 0x20;
	for (i = 0; i < WORLD_HANDLES; i++)
		if (w.handle[i].kind == WORLD_HOP) {
			w.handle[i].hop_in_data = true;
			world_say(&w, i, "354 go\r\n");
		}
	world_run(&w, &p, 60000);
	assert_int_equal(w.hop.messages, 0);
	assert_int_equal(counted(REPORT_damaged), 1);
	assert_true(stream_has(&w.mailbox, "Action: failed"));
}

static void a_report_quotes_no_boundary(void **state)
{
	int c;

	(void)state;
	start(true);
	w.hop.rcpt = "550 5.1.1 no such user\r\n";
	c = begin("ada@here.test", (const char *[]){ "b@there.test" }, 1);
	world_say(&w, c, "Subject: x\r\n--boundary: y\r\n\r\nbody\r\n.\r\n");
	world_run(&w, &p, 3000);
	assert_true(stream_has(&w.mailbox, "?-boundary: y"));
	assert_false(stream_has(&w.mailbox, "\n--boundary: y"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_250_waits_until_it_is_durable, show_log),
		cmocka_unit_test_teardown(a_sync_that_fails_is_no_250, show_log),
		cmocka_unit_test_teardown(a_recipient_named_twice_gets_one, show_log),
		cmocka_unit_test_teardown(mail_that_goes_in_circles_is_refused, show_log),
		cmocka_unit_test_teardown(a_field_at_the_very_end_is_not_forgotten, show_log),
		cmocka_unit_test_teardown(each_host_gets_its_own_recipients, show_log),
		cmocka_unit_test_teardown(no_recipient_is_in_two_deliveries, show_log),
		cmocka_unit_test_teardown(a_message_stays_while_anybody_waits, show_log),
		cmocka_unit_test_teardown(the_rest_of_a_full_transaction_goes_at_once, show_log),
		cmocka_unit_test_teardown(a_door_that_is_shut_is_tried_again, show_log),
		cmocka_unit_test_teardown(what_has_rotted_is_not_delivered, show_log),
		cmocka_unit_test_teardown(what_rots_behind_the_offer_is_not_delivered, show_log),
		cmocka_unit_test_teardown(a_report_quotes_no_boundary, show_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
