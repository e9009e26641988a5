/* SPDX-License-Identifier: BSD-2-Clause */
/* test_trace - Received, Date and Message-ID, and what a client's name cannot do to them. */
#include "unit.h"

#include "mail/trace.h"

static uint8_t array[2048];

static struct span received(struct trace t)
{
	struct buf b;

	buf_init(&b, array, sizeof(array));
	trace_put_received(&b, &t);
	assert_false(b.overflow);
	return buf_span(&b);
}

static struct trace plain(void)
{
	struct trace t = {
		.helo = SPAN("client.test"),
		.hostname = SPAN("gw.test"),
		.id = 0x2a,
		.wall_s = 1795552976u,
		.esmtp = true,
		.for_rcpt = SPAN("ada@there.test"),
	};

	assert_true(ip_parse(SPAN("192.0.2.1"), &t.peer));
	return t;
}

static void received_forms(void **state)
{
	struct trace t = plain();

	(void)state;
	assert_span(received(t),
		"Received: from client.test ([192.0.2.1])\r\n"
		"\tby gw.test (Pipit) with ESMTP id 0000002a\r\n"
		"\tfor <ada@there.test>;\r\n"
		"\tTue, 24 Nov 2026 20:42:56 +0000\r\n");
	assert_true(ip_parse(SPAN("2001:db8::1"), &t.peer));
	t.esmtp = false;
	t.for_rcpt = SPAN_EMPTY;
	t.helo = SPAN("[192.168.1.40]");
	t.wall_s = 0;
	assert_span(received(t),
		"Received: from [192.168.1.40] ([IPv6:2001:db8::1])\r\n"
		"\tby gw.test (Pipit) with SMTP id 0000002a;\r\n"
		"\tThu, 01 Jan 1970 00:00:00 +0000 (clock not set)\r\n");
	t.helo = SPAN_EMPTY;
	assert_true(span_starts_nocase(received(t), SPAN("Received: from [IPv6:2001:db8::1] ([")));
	t.peer.family = 0;
	assert_true(span_starts_nocase(received(t), SPAN("Received: from unknown\r\n\tby ")));
	t.own = true;
	assert_span(received(t),
		"Received: by gw.test (Pipit) id 0000002a;\r\n"
		"\tThu, 01 Jan 1970 00:00:00 +0000 (clock not set)\r\n");
}

/* Header and log injection by HELO; CVE-2015-0235 GHOST's thousands of digits. */
static void hostile_helo(void **state)
{
	static uint8_t digits[5000];
	struct trace t = plain();
	struct span out;
	size_t i;

	(void)state;
	t.helo = SPAN("x\r\nEvil: y\r\n\r\n(by z;\0\xff \x1b[2J");
	assert_true(span_starts_nocase(received(t),
		SPAN("Received: from x??Evil:?y?????by?z?????[2J ([192.0.2.1])\r\n\tby gw.test")));
	for (i = 0; i < sizeof(digits); i++)
		digits[i] = i % 4 == 3 ? '.' : '0';
	t.helo = span_make(digits, sizeof(digits));
	out = received(t);
	assert_int_equal(span_find(out, '\n') + 1,
		strlen("Received: from ") + DOMAIN_MAX + strlen(" ([192.0.2.1])\r\n"));
}

static void other_fields(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, array, sizeof(array));
	trace_put_date(&b, 1795552976u);
	assert_span(buf_span(&b), "Date: Tue, 24 Nov 2026 20:42:56 +0000\r\n");
	buf_clear(&b);
	trace_put_message_id(&b, SPAN("gw.test"), 0x2a, 0x6b05f2d0, 0xdeadbeef);
	assert_span(buf_span(&b), "Message-ID: <6b05f2d0.0000002a.deadbeef@gw.test>\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(received_forms),
		cmocka_unit_test(hostile_helo),
		cmocka_unit_test(other_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
