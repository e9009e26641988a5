/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole pipit whose flash forgets a bit of a message that waits. */
#include "harness/world.h"
#include "unit.h"

#include <string.h>

/* Mail for elsewhere goes to the hop; here.test has one user, who is also told of failures. */
#define CONF \
	"hostname here.test\nlocal_domain here.test\ndeliver ada@here.test maildir /mail/%u\n" \
	"postmaster ada@here.test\nsmarthost 192.0.2.25:25 tls=none\nretry 10s\n"

static struct world w;
static struct pipit p;

static void submit(const char *to)
{
	int c = world_connect(&w, "127.0.0.1");

	world_say(&w, c, "EHLO client.test\r\nMAIL FROM:<ada@here.test>\r\nRCPT TO:<");
	world_say(&w, c, to);
	world_say(&w, c, ">\r\nDATA\r\n");
	world_run(&w, &p, 50);
	world_say(&w, c, "Subject: hello\r\n\r\nhello\r\n.\r\nQUIT\r\n");
	world_run(&w, &p, 1000);
	assert_true(world_heard(&w, c, "250 2.0.0 queued as "));
}

/* Bits of this octet of the text flip, wherever flash holds it. */
static void flip(const char *text, size_t at, uint8_t bits)
{
	size_t i, found = 0, len = strlen(text);

	for (i = 0; i + len <= sizeof(w.flash); i++)
		if (memcmp(w.flash + i, text, len) == 0) {
			w.flash[i + at] ^= bits;
			found++;
		}
	assert_true(found > 0);
}

static uint32_t queued(void)
{
	struct queue_stats stats;

	queue_stats(&p.core.queue, &stats);
	return stats.messages;
}

static void boot(const char *conf)
{
	struct pipit_problem where;

	world_reboot(&w, true);
	assert_int_equal(pipit_init(&p, &w.pipit, span_of(conf), &where), ST_OK);
}

/* A message waits for a hop that says "later". */
static void start(const char *to)
{
	world_init(&w, true);
	boot(CONF);
	w.hop.mail = "451 4.3.0 later\r\n";
	submit(to);
	assert_int_equal(queued(), 1);
}

/* "No such user" of bDthere.test would be said of somebody to whom nobody wrote. */
static void an_address_that_rotted_is_damage(void **state)
{
	(void)state;
	start("b@there.test");
	flip("b@there.test", 1, 4);
	world_run(&w, &p, 60000);
	assert_true(stream_has(&w.mailbox, "Final-Recipient: rfc822; bDthere.test"));
	assert_true(stream_has(&w.mailbox, "554 5.3.0 damaged in storage"));
	assert_false(stream_has(&w.mailbox, "no such user"));
	assert_true(stream_has(&w.log, " damaged"));
	assert_int_equal(queued(), 0);
}

/* Of an address that is sound it is the answer. */
static void a_sound_address_may_have_no_user(void **state)
{
	(void)state;
	start("b@there.test");
	boot(CONF "local_domain there.test\ndeliver c@there.test maildir /mail/%u\n");
	world_run(&w, &p, 60000);
	assert_true(stream_has(&w.mailbox, "Final-Recipient: rfc822; b@there.test"));
	assert_true(stream_has(&w.mailbox, "550 5.1.1 no such user here"));
	assert_false(stream_has(&w.log, " damaged"));
	assert_int_equal(queued(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_that_rotted_is_damage),
		cmocka_unit_test(a_sound_address_may_have_no_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
