/* SPDX-License-Identifier: BSD-2-Clause */
/* The control line of a whole pipit: every request, its rows and its last line, and what a
 * request changes.  There is no DNS server but the test. */
#include "harness/world.h"
#include "unit.h"

#include "base/bytes.h"

#include <string.h>

#define CONTROL (WORLD_HANDLES - 1)
#define CONF \
	"hostname here.test\nlocal_domain here.test\ndeliver *@here.test maildir /mail/%u\n" \
	"route slow.test [192.0.2.26]:26\nretry 60s\nexpire 1d\nwarn_delay 1h\n" \
	"dns_server 192.0.2.53\n"

static struct world w;
static struct pipit p;

static void submit(const char *from, const char *to, const char *text)
{
	const int c = world_connect(&w, "127.0.0.1");

	world_say(&w, c, "EHLO client.test\r\nMAIL FROM:<");
	world_say(&w, c, from);
	world_say(&w, c, ">\r\nRCPT TO:<");
	world_say(&w, c, to);
	world_say(&w, c, ">\r\nDATA\r\n");
	world_say(&w, c, text);
	world_say(&w, c, "\r\n.\r\nQUIT\r\n");
	world_run(&w, &p, 100);
	assert_true(world_heard(&w, c, " queued as "));
	w.handle[c].kind = WORLD_FREE;
}

/* Two messages that wait: one for a next hop that refuses, one for a mailbox that is full. */
static void start(void)
{
	struct pipit_problem where = { 0 };

	world_init(&w, true);
	w.handle[CONTROL].kind = WORLD_LISTENER;
	w.pipit.control = CONTROL;
	w.hop.refuse = true;
	w.mailbox_broken = true;
	if (pipit_init(&p, &w.pipit, span_of(CONF), &where) != ST_OK)
		fail_msg("line %u: %s", (unsigned)where.line, where.text);
	world_run(&w, &p, 50);
	submit("ada@here.test", "bob@slow.test", "Subject: one \x1b[1m\r\nX: y\r\n\r\nbody");
	submit("", "ada@here.test", "Subject: two\r\n\r\nbody");
	world_run(&w, &p, 500);
}

static int ask(const char *request)
{
	const int c = world_connect_control(&w);

	world_say(&w, c, request);
	world_run(&w, &p, 100);
	return c;
}

static void end(int c)
{
	w.handle[c].ended = true;
	world_run(&w, &p, 100);
	w.handle[c].kind = WORLD_FREE;
}

#define ANSWERS(request, ...) answers(request, (const char *const[]){ __VA_ARGS__, NULL })

static void answers(const char *request, const char *const *texts)
{
	const int c = ask(request);
	size_t i;

	for (i = 0; texts[i] != NULL; i++)
		if (!world_heard(&w, c, texts[i])) {
			print_error("%s: no \"%s\" in\n%.*s", request, texts[i],
				(int)w.handle[c].from_pipit.len, w.handle[c].from_pipit.at);
			fail();
		}
	end(c);
}

static uint32_t queued(void)
{
	struct queue_stats stats;

	queue_stats(&p.core.queue, &stats);
	return stats.messages;
}

static void the_queue_is_listed(void **state)
{
	(void)state;
	start();
	ANSWERS("queue\n", "message id=00000001 ", " sender=ada@here.test ", " state=waiting ",
		"rcpt id=00000001 n=0 to=bob@slow.test state=pending attempts=1 ",
		"message id=00000002 ", " to=ada@here.test ", "disk is full", "\nok\n");
}

static void a_message_is_shown(void **state)
{
	int c;

	(void)state;
	start();
	ANSWERS("show 00000001\r\n", "message id=00000001 ", "line text=\"Subject: one \\x1b[1m\"",
		"line text=\"X: y\"", "\nok\n");
	c = ask("show 00000001\n");
	assert_false(world_heard(&w, c, "body"));
	end(c);
	ANSWERS("show 00000009\n", "error no such message\n");
	ANSWERS("show 0000000g\n", "error no such message\n");
	ANSWERS("show\n", "error wrong argument\n");
}

static void what_is_held_stays(void **state)
{
	(void)state;
	start();
	ANSWERS("hold slow.test\n", "ok\n");
	ANSWERS("queue\n", "message id=00000001 ", " state=held ", " state=waiting ");
	w.hop.refuse = false;
	w.mailbox_broken = false;
	ANSWERS("retry all\n", "ok\n");
	world_run(&w, &p, 3000);
	assert_int_equal(queued(), 1);
	ANSWERS("release 00000001\n", "ok\n");
	ANSWERS("retry 00000001\n", "ok\n");
	world_run(&w, &p, 3000);
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(queued(), 0);
}

static void what_is_removed_is_gone(void **state)
{
	(void)state;
	start();
	ANSWERS("remove 00000002\n", "ok\n");
	assert_int_equal(queued(), 1);
	ANSWERS("remove nobody.test\n", "\n");
	assert_int_equal(queued(), 1);
	ANSWERS("remove all\nqueue\n", "ok\n");
	assert_int_equal(queued(), 0);
}

static void the_status_has_gauges(void **state)
{
	(void)state;
	start();
	ANSWERS("status\n", "version", "messages", "uptime", "\nok\n");
	ANSWERS("STATUS now\n", "error wrong argument\n");
}

static void what_is_no_request_is_an_error(void **state)
{
	static char line[CONTROL_LINE_MAX + 20];
	int c;

	(void)state;
	start();
	ANSWERS("\n", "error no such request\n");
	ANSWERS("flush\n", "error no such request\n");
	/* Too long, then one that is not. */
	memset(line, 'x', sizeof(line) - 1);
	c = ask(line);
	world_say(&w, c, "\nreload\n");
	world_run(&w, &p, 100);
	assert_true(world_heard(&w, c, "error no such request\nok\n"));
	assert_true(pipit_wants_reload(&p));
	assert_false(pipit_wants_reload(&p));
	end(c);
}

static void who_says_nothing_is_let_go(void **state)
{
	int c;

	(void)state;
	start();
	c = ask("");
	world_run(&w, &p, 310000);
	assert_true(w.handle[c].ended);
}

static void operators_wait_for_their_turn(void **state)
{
	int c[CONFIG_CONTROL_SESSIONS + 1];
	unsigned i;

	(void)state;
	start();
	for (i = 0; i <= CONFIG_CONTROL_SESSIONS; i++)
		c[i] = ask(i < CONFIG_CONTROL_SESSIONS ? "" : "status\n");
	assert_false(world_heard(&w, c[CONFIG_CONTROL_SESSIONS], "ok\n"));
	end(c[0]);
	assert_true(world_heard(&w, c[CONFIG_CONTROL_SESSIONS], "\nok\n"));
}

/* ---- resolve ---------------------------------------------------------------------- */

/* Every question gets this answer: records, or a code. */
static void serve(uint8_t code, uint8_t answers, const char *records, size_t len)
{
	struct world_handle *x;
	int h;

	for (h = 0; h < WORLD_HANDLES; h++) {
		x = &w.handle[h];
		if (x->kind != WORLD_DATAGRAM || x->from_pipit.len == 0)
			continue;
		x->to_pipit.len = x->from_pipit.len - (x->from_pipit.at[11] > 0 ? 11 : 0);
		memcpy(x->to_pipit.at, x->from_pipit.at, x->to_pipit.len);
		x->to_pipit.at[2] |= 0x80;
		x->to_pipit.at[3] = code;
		x->to_pipit.at[7] = answers;
		x->to_pipit.at[11] = 0;
		memcpy(x->to_pipit.at + x->to_pipit.len, records, len);
		x->to_pipit.len += len;
		x->from_pipit.len = 0;
	}
	world_run(&w, &p, 100);
}

static void hosts_are_found_by_mx(void **state)
{
	static const char mx[] = "\xc0\x0c\0\x0f\0\1\0\0\1\0\0\x0b\0\x0a\2mx\4test\0"
				 "\xc0\x0c\0\x0f\0\1\0\0\1\0\0\x0c\0\x14\3mx2\4test\0";
	static const char address[] = "\xc0\x0c\0\1\0\1\0\0\1\0\0\4\xc0\0\2\7";
	int c;

	(void)state;
	start();
	c = ask("resolve there.test\n");
	serve(0, 2, mx, sizeof(mx) - 1);
	serve(0, 1, address, sizeof(address) - 1);
	world_run(&w, &p, 30000); /* the AAAA question has a wrong answer: nobody answers it */
	serve(0, 1, address, sizeof(address) - 1);
	world_run(&w, &p, 60000);
	assert_true(world_heard(&w, c, "mx.test"));
	assert_true(world_heard(&w, c, "192.0.2.7"));
	assert_true(world_heard(&w, c, "\nok\n"));
	end(c);
}

static void a_name_that_is_none_is_told(void **state)
{
	int c;

	(void)state;
	start();
	c = ask("resolve there.test\n");
	serve(3, 0, "", 0);
	world_run(&w, &p, 1000);
	assert_true(world_heard(&w, c, "error 5.1.2 "));
	end(c);
	ANSWERS("resolve [192.0.2.9]\n", "192.0.2.9", "\nok\n");
	ANSWERS("resolve slow.test\n", "192.0.2.26", "\nok\n");
	ANSWERS("resolve here.test\n", "ok\n");
}

/* A question that is out when its asker goes is called off. */
static void who_goes_asks_no_longer(void **state)
{
	int c;

	(void)state;
	start();
	c = ask("resolve there.test\n");
	assert_int_equal(p.control.session[0].open, true);
	w.handle[c].ended = true;
	pipit_close(&p);
	assert_int_equal(p.control.session[0].open, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_queue_is_listed),
		cmocka_unit_test(a_message_is_shown),
		cmocka_unit_test(what_is_held_stays),
		cmocka_unit_test(what_is_removed_is_gone),
		cmocka_unit_test(the_status_has_gauges),
		cmocka_unit_test(what_is_no_request_is_an_error),
		cmocka_unit_test(who_says_nothing_is_let_go),
		cmocka_unit_test(operators_wait_for_their_turn),
		cmocka_unit_test(hosts_are_found_by_mx),
		cmocka_unit_test(a_name_that_is_none_is_told),
		cmocka_unit_test(who_goes_asks_no_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
