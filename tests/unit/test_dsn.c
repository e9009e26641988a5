/* SPDX-License-Identifier: BSD-2-Clause */
/* test_dsn - reports with several recipients, read back by another implementation
 * (tests/unit/dsn_read.py), and what a peer's text cannot do to them. */
#include "unit.h"

#include "mail/dsn.h"

#include <stdio.h>

static const struct dsn failure = {
	.kind = DSN_FAILED,
	.message = 0x2a,
	.wall_s = 1795552976u,
	.arrival_s = 1795552000u,
	.hostname = SPAN_INIT("gw.test"),
	.to = SPAN_INIT("ada@x.test"),
	.origin = SPAN_INIT("camera [192.0.2.1]"),
};

static const struct dsn_rcpt rcpts[] = {
	{ SPAN_INIT("bob@y.test"), SPAN_INIT(""), true,
		{ 550, { 5, 1, 1 }, SPAN_INIT("no such user") } },
	{ SPAN_INIT("eve@z.test"), SPAN_INIT("staff@x.test"), false,
		{ 0, { 4, 4, 7 }, SPAN_INIT("given up after 5 days") } },
	{ SPAN_INIT("\"a b\"@z.test"), SPAN_INIT(""), true,
		{ 554, { 0, 0, 0 }, SPAN_INIT("go away") } },
};

static uint8_t array[1u << 16];
static size_t part_max;

static void part_done(struct buf *whole, struct buf *part)
{
	assert_false(part->overflow);
	if (part->len > part_max)
		part_max = part->len;
	buf_put(whole, buf_span(part));
	buf_clear(part);
}

static struct span report(const struct dsn *d, const struct dsn_rcpt *r, size_t count)
{
	uint8_t piece[DSN_PART_MAX];
	struct buf whole, b;
	size_t i;

	buf_init(&whole, array, sizeof(array));
	buf_init(&b, piece, sizeof(piece));
	dsn_put_head(&b, d);
	part_done(&whole, &b);
	for (i = 0; i < count; i++) {
		dsn_put_human(&b, d, &r[i]);
		part_done(&whole, &b);
	}
	dsn_put_status(&b, d);
	part_done(&whole, &b);
	for (i = 0; i < count; i++) {
		dsn_put_rcpt(&b, d, &r[i]);
		part_done(&whole, &b);
	}
	dsn_put_original(&b, d);
	part_done(&whole, &b);
	buf_puts(&whole, "From: ada@x.test\r\nSubject: hello\r\n");
	dsn_put_end(&b, d);
	part_done(&whole, &b);
	assert_false(whole.overflow);
	return buf_span(&whole);
}

/* RFC 5321 2.3.8 and RFC 5322 2.1.1: CRLF only, lines to 998, seven bits. */
static void lines_ok(struct span s)
{
	size_t i, column = 0;

	for (i = 0; i < s.len; i++) {
		assert_true(s.at[i] < 127);
		assert_true(
			s.at[i] >= ' ' || s.at[i] == '\t' || s.at[i] == '\r' || s.at[i] == '\n');
		assert_true(s.at[i] != '\n' || (i > 0 && s.at[i - 1] == '\r'));
		assert_true(s.at[i] != '\r' || (i + 1 < s.len && s.at[i + 1] == '\n'));
		column = s.at[i] == '\n' ? 0 : column + 1;
		assert_true(column <= 998);
	}
}

static bool holds(struct span s, const char *text)
{
	return memmem(s.at, s.len, text, strlen(text)) != NULL;
}

static void read_by_python(struct span s, const char *kind)
{
	char command[128];
	FILE *reader;

	snprintf(command, sizeof(command), "/usr/bin/python3 -B tests/unit/dsn_read.py %s", kind);
	reader = popen(command, "w");
	assert_non_null(reader);
	assert_int_equal(fwrite(s.at, 1, s.len, reader), s.len);
	assert_int_equal(pclose(reader), 0);
}

static void failed(void **state)
{
	struct span s = report(&failure, rcpts, COUNT(rcpts));

	(void)state;
	lines_ok(s);
	assert_true(holds(s, "\r\nAuto-Submitted: auto-replied\r\n"));
	assert_true(holds(s,
		"\r\n\r\nFinal-Recipient: rfc822; bob@y.test\r\nAction: failed\r\n"
		"Status: 5.1.1\r\n"
		"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"));
	assert_true(holds(s,
		"\r\n\r\nOriginal-Recipient: rfc822; staff@x.test\r\n"
		"Final-Recipient: rfc822; eve@z.test\r\nAction: failed\r\nStatus: 4.4.7\r\n"
		"Diagnostic-Code: x-pipit; 4.4.7 given up after 5 days\r\n"));
	assert_true(holds(s, "Status: 5.0.0\r\n"));
	read_by_python(s, "failed");
}

static void delayed(void **state)
{
	struct dsn d = failure;
	struct span s;

	(void)state;
	d.kind = DSN_DELAYED;
	d.expiry_s = 1795900000u;
	s = report(&d, rcpts, COUNT(rcpts));
	lines_ok(s);
	assert_true(holds(s, "Action: delayed\r\n"));
	assert_true(holds(s, "Will-Retry-Until: Sat, 28 Nov 2026 21:06:40 +0000\r\n"));
	assert_false(holds(s, "Action: failed"));
	read_by_python(s, "delayed");
}

/* The same report, octet for octet, and another one for another time. */
static void repeats(void **state)
{
	static uint8_t first[1u << 16];
	struct dsn d = failure;
	struct span s = report(&failure, rcpts, 1);
	const size_t len = s.len;

	(void)state;
	memcpy(first, s.at, len);
	assert_true(span_equal(report(&failure, rcpts, 1), span_make(first, len)));
	d.wall_s++;
	assert_false(span_equal(report(&d, rcpts, 1), span_make(first, len)));
}

/* Injection by what others said: a reply, a HELO, an address. */
static void hostile_text(void **state)
{
	struct dsn d = failure;
	struct dsn_rcpt r = rcpts[0];
	struct span s;

	(void)state;
	r.reply.text = SPAN(
		"x\r\n\r\n--=_pipit_0000002a.6b05f2d0--\r\nBcc: v@v.test\r\n\x1b[2J\0\xff");
	r.final = SPAN("a\r\nStatus: 2.0.0\r\n@x.test");
	r.original = SPAN("\n\n.\r\n");
	d.origin = SPAN("camera\r\n\r\n--=_pipit");
	d.to = SPAN("x>\r\nBcc: <v@v.test");
	s = report(&d, &r, 1);
	lines_ok(s);
	assert_false(holds(s, "\nBcc:"));
	assert_false(holds(s, "\nStatus: 2.0.0"));
	assert_false(holds(s, "\n.\r\n"));
}

/* The longest of everything fits DSN_PART_MAX; and not much less than that is needed. */
static void longest(void **state)
{
	static uint8_t x[1000];
	const struct span host = span_make(x, DOMAIN_MAX), address = span_make(x, ADDRESS_MAX);
	struct dsn d = { DSN_DELAYED, 1, 1795552976u, 1795552976u, 1795552976u, host, address,
		span_make(x, sizeof(x)) };
	struct dsn_rcpt r = { address, span_make(x, ADDRESS_MAX - 1), true,
		{ 550, { 5, 255, 255 }, span_make(x, sizeof(x)) } };

	(void)state;
	memset(x, 'x', sizeof(x));
	part_max = 0;
	lines_ok(report(&d, &r, 1));
	d.kind = DSN_FAILED;
	lines_ok(report(&d, &r, 1));
	if (part_max + 64 <= DSN_PART_MAX || part_max >= DSN_PART_MAX)
		fail_msg("the longest part has %zu octets", part_max);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed),
		cmocka_unit_test(delayed),
		cmocka_unit_test(repeats),
		cmocka_unit_test(hostile_text),
		cmocka_unit_test(longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
