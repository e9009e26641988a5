/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes wrong around a whole pipit, where no test with a real daemon looks: storage that
 * is full or rotten, a mailbox and a next hop that do not work, an aliases file that cannot
 * be read. */
#include "harness/world.h"
#include "unit.h"

#include <string.h>

#define CONF \
	"hostname here.test\nlocal_domain here.test\ndeliver *@here.test maildir /mail/%u\n" \
	"relay_from 127.0.0.0/8\nsmarthost 192.0.2.25:25 tls=none\nretry 10s\nexpire 1d\n"

static struct world w;
static struct pipit p;

static enum status try_boot(const char *conf, struct pipit_problem *where)
{
	memset(where, 0, sizeof(*where));
	return pipit_init(&p, &w.pipit, span_of(conf), where);
}

static void boot(const char *conf)
{
	struct pipit_problem where;

	world_reboot(&w, true);
	if (try_boot(conf, &where) != ST_OK)
		fail_msg("line %u: %s", (unsigned)where.line, where.text);
	world_run(&w, &p, 50);
}

static void start(const char *conf)
{
	world_init(&w, true);
	boot(conf);
}

static int say(const char *from_ip, const char *text)
{
	const int c = world_connect(&w, from_ip);

	world_say(&w, c, text);
	world_run(&w, &p, 300);
	return c;
}

#define LETTER(to) \
	"EHLO x.test\r\nMAIL FROM:<ada@x.test>\r\nRCPT TO:<" to \
	">\r\nDATA\r\nFrom: root@lan\r\nSubject: a letter\r\n\r\nkilroy was here\r\n.\r\nQUIT\r\n"

static uint32_t queued(void)
{
	struct queue_stats stats;

	queue_stats(&p.core.queue, &stats);
	return stats.messages;
}

/* ---- the receiving side ------------------------------------------------------------ */

static void a_device_has_a_sender_of_its_own(void **state)
{
	(void)state;
	start(CONF "device 192.0.2.40 legacy=yes from=cam@here.test\nrelay_from 192.0.2.40\n");
	(void)say("192.0.2.40",
		"HELO cam\nMAIL FROM: root@lan\nRCPT TO: <bob@there.test>\nDATA\n"
		"From: root@lan\nSubject: motion\n\nseen\n\r\n.\r\n");
	world_run(&w, &p, 2000);
	assert_int_equal(w.hop.messages, 1);
	assert_true(stream_has(&w.hop.last, "From: cam@here.test\r\n"));
	assert_false(stream_has(&w.hop.last, "root@lan"));
	assert_true(stream_has(&w.log, "cam@here.test"));
}

static void a_full_queue_says_later(void **state)
{
	static char big[9000];
	unsigned i, refused = 0;
	int c;

	(void)state;
	start(CONF);
	w.hop.refuse = true;
	memset(big, 'x', sizeof(big) - 1);
	for (i = 70; i < sizeof(big) - 2; i += 72)
		memcpy(big + i, "\r\n", 2);
	for (i = 0; i < 20 && refused == 0; i++) {
		c = world_connect(&w, "127.0.0.1");
		world_say(&w, c,
			"EHLO x\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@there.test>\r\nDATA\r\n\r\n");
		world_say(&w, c, big);
		world_say(&w, c, "\r\n.\r\nQUIT\r\n");
		world_run(&w, &p, 300);
		refused += world_heard(&w, c, "\r\n452 4.3.1 ");
		assert_true(refused > 0 || world_heard(&w, c, "queued as"));
		w.handle[c].kind = WORLD_FREE;
	}
	assert_int_equal(refused, 1);
	/* Whoever says how much is told at once; an empty queue could not take this one. */
	c = say("127.0.0.1", "EHLO x\r\nMAIL FROM:<a@x.test> SIZE=9000\r\n");
	assert_true(world_heard(&w, c, "\r\n452 4.3.1 "));
	c = say("127.0.0.1", "EHLO x\r\nMAIL FROM:<a@x.test> SIZE=200000\r\n");
	assert_true(world_heard(&w, c, "\r\n552 5.3.4 "));
}

static void an_alias_may_be_too_many(void **state)
{
	int c;

	(void)state;
	start(CONF "max_recipients 2\nalias all a@there.test b@there.test c@there.test\n"
		   "alias two a@there.test b@there.test\n");
	c = say("127.0.0.1",
		"EHLO x\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<all@here.test>\r\n"
		"RCPT TO:<two@here.test>\r\nRCPT TO:<a@there.test>\r\nRCPT TO:<c@there.test>\r\n");
	assert_true(world_heard(&w, c, "452 4.5.3 "));
	assert_true(world_heard(&w, c, "250 2.1.5 "));
}

static int no_blob(void *ctx, struct span name, uint32_t offset, void *to, size_t len)
{
	(void)ctx;
	(void)name;
	(void)offset;
	(void)to;
	(void)len;
	return ST_IO;
}

static void an_aliases_file_must_be_readable(void **state)
{
	struct pipit_problem where;

	(void)state;
	world_init(&w, true);
	w.pipit.blob = (struct blob){ no_blob, NULL };
	assert_int_equal(try_boot(CONF "aliases /etc/aliases\n", &where), ST_BAD);
	assert_true(strstr(where.text, "aliases file cannot be read") != NULL);
}

static void a_foreign_flash_is_left_alone(void **state)
{
	static uint8_t before[sizeof(w.flash)];
	struct pipit_problem where;

	(void)state;
	world_init(&w, true);
	memset(w.flash, 'x', sizeof(w.flash));
	memcpy(before, w.flash, sizeof(before));
	assert_int_equal(try_boot(CONF, &where), ST_FOREIGN);
	assert_true(where.text[0] != 0);
	assert_memory_equal(before, w.flash, sizeof(before));
}

/* ---- the sending side -------------------------------------------------------------- */

/* One bit of the body, wherever it stands. */
static void rot(const char *text)
{
	size_t i, n = strlen(text);

	for (i = 0; i + n <= sizeof(w.flash); i++)
		if (memcmp(w.flash + i, text, n) == 0)
			w.flash[i] ^= 1;
}

static void a_rotten_message_is_reported(void **state)
{
	(void)state;
	start(CONF);
	w.hop.refuse = true;
	(void)say("127.0.0.1", LETTER("bob@there.test"));
	(void)say("127.0.0.1", LETTER("eve@here.test"));
	w.mailbox_broken = true;
	world_run(&w, &p, 100);
	rot("kilroy");
	w.hop.refuse = w.mailbox_broken = false;
	world_run(&w, &p, 120000);
	assert_int_equal(queued(), 0);
	assert_true(stream_has(&w.log, "rotten") || stream_has(&w.log, "damaged"));
	/* Its sender is told; nobody gets what it has become. */
	assert_true(stream_has(&w.hop.last, "To: <ada@x.test>"));
	assert_false(stream_has(&w.hop.last, "was here"));
}

static int begin_status;

static int mailbox_begin(void *ctx, const struct mailbox_target *target)
{
	(void)ctx;
	(void)target;
	return begin_status;
}

static int mailbox_write(void *ctx, int handle, struct span bytes)
{
	(void)ctx;
	(void)handle;
	(void)bytes;
	return ST_IO;
}

static int mailbox_refuses(void *ctx, int handle, struct mailbox_result *out)
{
	(void)ctx;
	(void)handle;
	out->outcome = MAILBOX_REFUSED;
	memcpy(out->text, "no such folder", sizeof("no such folder"));
	return ST_OK;
}

static void a_mailbox_may_not_work(void **state)
{
	struct mailbox good;

	(void)state;
	start(CONF);
	good = w.pipit.mailbox;
	w.pipit.mailbox.begin = mailbox_begin;
	begin_status = ST_IO;
	(void)say("127.0.0.1", LETTER("eve@here.test"));
	world_run(&w, &p, 2000);
	assert_int_equal(queued(), 1);
	begin_status = ST_AGAIN;
	world_run(&w, &p, 15000);
	assert_int_equal(queued(), 1);
	w.pipit.mailbox = good;
	w.pipit.mailbox.write = mailbox_write;
	world_run(&w, &p, 30000);
	assert_int_equal(queued(), 1);
	w.pipit.mailbox = good;
	world_run(&w, &p, 30000);
	assert_int_equal(queued(), 0);
	assert_true(stream_has(&w.mailbox, "kilroy was here"));
}

static void a_mailbox_may_refuse(void **state)
{
	(void)state;
	start(CONF);
	w.pipit.mailbox.result = mailbox_refuses;
	(void)say("127.0.0.1", LETTER("eve@here.test"));
	world_run(&w, &p, 5000);
	assert_int_equal(queued(), 0);
	assert_true(stream_has(&w.hop.last, "no such folder"));
}

static int never_connected(void *ctx, int handle)
{
	(void)ctx;
	(void)handle;
	return ST_AGAIN;
}

static int connect_status;

static int no_connect(void *ctx, const struct ip_endpoint *to)
{
	(void)ctx;
	(void)to;
	return connect_status;
}

static void a_next_hop_may_not_answer(void **state)
{
	struct net_ops ops;
	const struct net_ops *good;

	(void)state;
	start(CONF);
	good = w.pipit.net.ops;
	ops = *good;
	ops.connected = never_connected;
	w.pipit.net.ops = &ops;
	(void)say("127.0.0.1", LETTER("bob@there.test"));
	world_run(&w, &p, 400000);
	assert_int_equal(queued(), 1);
	ops = *good;
	ops.connect = no_connect;
	connect_status = ST_IO;
	world_run(&w, &p, 200000);
	connect_status = ST_FULL;
	world_run(&w, &p, 200000);
	assert_int_equal(queued(), 1);
	w.pipit.net.ops = good;
	world_run(&w, &p, 1000000);
	assert_int_equal(queued(), 0);
	assert_int_equal(w.hop.messages, 1);
}

/* Greets, and then says nothing. */
static void a_next_hop_may_fall_asleep(void **state)
{
	(void)state;
	start(CONF);
	w.hop.banner = "220-hop\r\n";
	(void)say("127.0.0.1", LETTER("bob@there.test"));
	world_run(&w, &p, 400000);
	assert_int_equal(queued(), 1);
	assert_true(stream_has(&w.log, "m=00000001 deferred"));
	w.hop.banner = NULL;
	world_run(&w, &p, 1000000);
	assert_int_equal(queued(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_has_a_sender_of_its_own),
		cmocka_unit_test(a_full_queue_says_later),
		cmocka_unit_test(an_alias_may_be_too_many),
		cmocka_unit_test(an_aliases_file_must_be_readable),
		cmocka_unit_test(a_foreign_flash_is_left_alone),
		cmocka_unit_test(a_rotten_message_is_reported),
		cmocka_unit_test(a_mailbox_may_not_work),
		cmocka_unit_test(a_mailbox_may_refuse),
		cmocka_unit_test(a_next_hop_may_not_answer),
		cmocka_unit_test(a_next_hop_may_fall_asleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
