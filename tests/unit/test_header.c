/* SPDX-License-Identifier: BSD-2-Clause */
/* test_header - what is noted, what is rewritten, in pieces of every size. */
#include "unit.h"

#include "base/rng.h"
#include "mail/masquerade.h"

static bool ours(void *ctx, struct span domain)
{
	(void)ctx;
	return domain.len == 0 || span_equal_nocase(domain, SPAN("gw.lan"));
}

static const struct header_rewrite to_domain = { SPAN_INIT("example.net"), ours, NULL };
static const struct header_rewrite to_address = { SPAN_INIT("alerts@example.net"), ours, NULL };

static uint8_t output[1u << 17];

/* Everything that comes out when in is fed in pieces; each feed ends at an unreadable page. */
static struct span filter(struct header *h, const struct header_rewrite *rewrite, struct span in,
	size_t piece)
{
	struct span out;
	struct buf b;
	size_t n;

	buf_init(&b, output, sizeof(output));
	header_init(h);
	while (in.len > 0) {
		n = header_feed(h, rewrite, guarded_span(span_sub(in, 0, piece)), &out);
		assert_true(n > 0 || out.len > 0);
		buf_put(&b, out);
		in = span_from(in, n);
	}
	buf_put(&b, header_finish(h, rewrite));
	assert_false(b.overflow);
	return buf_span(&b);
}

static void filter_all(struct header *h, const struct header_rewrite *rewrite, const char *in,
	const char *expected)
{
	const size_t len = strlen(in);
	size_t piece;

	for (piece = 1; piece <= len; piece++)
		assert_span(filter(h, rewrite, span_make(in, len), piece), expected);
}

/* In and out, with the masquerade to example.net; NULL: unchanged. */
static const struct {
	const char *in, *out;
} rewritten[] = {
	{ "From: root@gw.lan\r\n\r\n", "From: root@example.net\r\n\r\n" },
	{ "FROM:root@gw.lan\r\n\r\n", "FROM:root@example.net\r\n\r\n" },
	{ "From : root@GW.LAN\r\n\r\n", "From : root@example.net\r\n\r\n" },
	{ "From: root\r\n\r\n", "From: root@example.net\r\n\r\n" },
	{ "From: <root>\r\n\r\n", "From: <root@example.net>\r\n\r\n" },
	{ "From: root (Charlie Root)\r\n\r\n", "From: root@example.net (Charlie Root)\r\n\r\n" },
	{ "From: (root@gw.lan) root@gw.lan\r\n\r\n",
		"From: (root@gw.lan) root@example.net\r\n\r\n" },
	{ "From: Charlie Root <root@gw.lan>\r\n\r\n",
		"From: Charlie Root <root@example.net>\r\n\r\n" },
	{ "From: \"root@gw.lan\" <root@gw.lan>\r\n\r\n",
		"From: \"root@gw.lan\" <root@example.net>\r\n\r\n" },
	{ "From: \"a, b\" <root@gw.lan>, x@y.test\r\n\r\n",
		"From: \"a, b\" <root@example.net>, x@y.test\r\n\r\n" },
	{ "From: a@gw.lan, b@gw.lan,c@gw.lan\r\n\r\n",
		"From: a@example.net, b@example.net,c@example.net\r\n\r\n" },
	{ "From: < root@gw.lan >\r\n\r\n", "From: < root@example.net >\r\n\r\n" },
	{ "From: root@gw.lan\r\n (folded)\r\nSubject: root@gw.lan\r\n\r\n",
		"From: root@example.net\r\n (folded)\r\nSubject: root@gw.lan\r\n\r\n" },
	{ "From: Charlie\r\n Root\r\n\t<root@gw.lan>\r\n\r\n",
		"From: Charlie\r\n Root\r\n\t<root@example.net>\r\n\r\n" },
	{ "From:\r\n root@gw.lan\r\n\r\n", "From:\r\n root@example.net\r\n\r\n" },
	{ "Sender: root@gw.lan\r\n\r\n", "Sender: root@example.net\r\n\r\n" },
	{ "Reply-To: root@gw.lan\r\n\r\n", "Reply-To: root@example.net\r\n\r\n" },
	{ "Reply-To: Us: a@gw.lan, <b@gw.lan>;, c@gw.lan\r\n\r\n",
		"Reply-To: Us: a@example.net, <b@example.net>;, c@example.net\r\n\r\n" },
	{ "From: \"a b\"@gw.lan\r\n\r\n", "From: \"a b\"@example.net\r\n\r\n" },
	{ "Subject: x\r\nFrom: root@gw.lan", "Subject: x\r\nFrom: root@example.net" },
	{ "From: =?utf-8?q?J=C3=B6rg?= <j@gw.lan>\r\n\r\n",
		"From: =?utf-8?q?J=C3=B6rg?= <j@example.net>\r\n\r\n" },
	{ "From: j\xc3\xb6rg <j@gw.lan>\r\n\r\n", "From: j\xc3\xb6rg <j@example.net>\r\n\r\n" },
	{ "From: (a (nested\\) b) <x@gw.lan>) y@gw.lan\r\n\r\n",
		"From: (a (nested\\) b) <x@gw.lan>) y@example.net\r\n\r\n" },
	/* Not ours, not an address, not a field for us. */
	{ "From: ada@there.test\r\n\r\n", NULL },
	{ "To: root@gw.lan\r\nCc: root\r\n\r\n", NULL },
	{ "From-x: root@gw.lan\r\n\r\n", NULL },
	{ "XFrom: root@gw.lan\r\n\r\n", NULL },
	{ "Resent-From: root@gw.lan\r\n\r\n", NULL },
	{ "X: y\r\n From: root@gw.lan\r\n\r\n", NULL },
	{ "From: root@gw.lan root@gw.lan\r\n\r\n", NULL },
	{ "From: <root@gw.lan> <root@gw.lan>\r\n\r\n", NULL },
	{ "From: Us:;\r\n\r\n", NULL },
	{ "From:\r\n\r\n", NULL },
	{ "From: <>\r\n\r\n", NULL },
	{ "From: ,,;,:<\r\n\r\n", NULL },
	{ "From: \"\r\n\r\n", NULL },
	{ "From: (\r\n\r\n", NULL },
	{ "From: (\\\r\n\r\n", NULL },
	{ "From: [\r\n\r\n", NULL },
	{ "From: root@gw.lan.evil.test\r\n\r\n", NULL },
	{ "From: root@gw.lan)x@evil.test\r\n\r\n", NULL },
	{ "From: <root@gw.lan@evil.test>\r\n\r\n", NULL },
	{ "From: root@[192.0.2.1]\r\n\r\n", NULL },
	{ "\r\nFrom: root@gw.lan\r\n", NULL },
	{ "Subject: x\r\n\r\nFrom: root@gw.lan\r\n\r\n", NULL },
	{ "", NULL },
	{ "\r\n", NULL },
	{ ":\r\n", NULL },
	{ "no header at all\r\nFrom: root@gw.lan\r\n", NULL },
};

static void rewriting(void **state)
{
	struct header h;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rewritten); i++) {
		filter_all(&h, &to_domain, rewritten[i].in,
			rewritten[i].out ? rewritten[i].out : rewritten[i].in);
		filter_all(&h, NULL, rewritten[i].in, rewritten[i].in);
	}
}

static void to_one_address(void **state)
{
	struct header h;

	(void)state;
	filter_all(&h, &to_address, "From: Camera 1 <cam1>, b@gw.lan, c@x.test\r\n\r\n",
		"From: Camera 1 <alerts@example.net>, alerts@example.net, c@x.test\r\n\r\n");
}

static void noting(void **state)
{
	struct header h;

	(void)state;
	filter_all(&h, NULL,
		"Received: a\r\n\tb\r\nRECEIVED: c\r\n"
		"X-Received: d\r\ndate: e\r\n\r\nReceived: f\r\n",
		"Received: a\r\n\tb\r\nRECEIVED: c\r\n"
		"X-Received: d\r\ndate: e\r\n\r\nReceived: f\r\n");
	assert_int_equal(h.received, 2);
	assert_true(h.has_date && h.in_body);
	assert_false(h.has_message_id || h.eight_bit || h.headless);
	filter_all(&h, NULL, "Message-Id: <x>\r\nFrom: y\r\nnot a field\r\nDate: z\r\n",
		"Message-Id: <x>\r\nFrom: y\r\nnot a field\r\nDate: z\r\n");
	assert_true(h.has_date && h.has_message_id);
	assert_false(h.in_body || h.headless);
	filter_all(&h, NULL, "\r\nDate: x\r\nMessage-ID: x\r\nFrom: x\r\n",
		"\r\nDate: x\r\nMessage-ID: x\r\nFrom: x\r\n");
	assert_false(h.has_date || h.has_message_id || h.headless);
	filter_all(&h, NULL, "hello, world: x\r\nDate: x\r\n", "hello, world: x\r\nDate: x\r\n");
	assert_true(h.headless && h.in_body && !h.has_date);
	filter_all(&h, NULL, "From ada Tue Nov 24\r\nDate: x\r\n",
		"From ada Tue Nov 24\r\nDate: x\r\n");
	assert_true(!h.headless && h.has_date);
	filter_all(&h, NULL, ">From ada Tue Nov 24\r\nDate: x\r\n",
		">From ada Tue Nov 24\r\nDate: x\r\n");
	assert_true(!h.headless && h.has_date);
}

static void eight_bit(void **state)
{
	static const char *const texts[] = { "\xe9", "Subject: \xe9\r\n\r\n",
		"From: \xe9 <a@b.test>\r\n\r\n", "A: b\r\n\r\n\xe9", "A: b\r\n\r\n\x80\r\n",
		"\xff: x\r\n" };
	struct header h;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		filter_all(&h, &to_domain, texts[i], texts[i]);
		assert_true(h.eight_bit);
	}
	filter_all(&h, &to_domain, "A: \x7f\x01\r\n\r\n\x7f", "A: \x7f\x01\r\n\r\n\x7f");
	assert_false(h.eight_bit);
}

/* A loop is seen however often its field came. */
static void many_received(void **state)
{
	static char text[600 * 14 + 1];
	struct header h;
	unsigned i;

	(void)state;
	text[0] = 0;
	for (i = 0; i < 600; i++)
		memcpy(text + i * 13, "Received: x\r\n", 14);
	filter(&h, NULL, span_of(text), 1000);
	assert_int_equal(h.received, 255);
}

/* CVE-2020-28020, CVE-2020-28024: fields around the array's size and far beyond. */
static void long_fields(void **state)
{
	static char in[4096], tail[] = "root@gw.lan\r\n\r\n";
	struct header h;
	size_t fill;

	(void)state;
	for (fill = 0; fill<1200; fill += fill> 440 && fill < 530 ? 1 : 23) {
		size_t len = 6;

		memcpy(in, "From: ", 6);
		memset(in + len, 'x', fill);
		len += fill;
		memcpy(in + len, " <", 2);
		memcpy(in + len + 2, tail, 11);
		memcpy(in + len + 13, ">\r\n\r\n", 6);
		len += 18;
		{
			struct span out = filter(&h, &to_domain, span_make(in, len), 97);
			const bool fits = len - 2 < HEADER_FIELD_MAX;

			assert_int_equal(out.len,
				fits ? len + strlen("example.net") - strlen("gw.lan") : len);
		}
	}
}

static void growing_beyond(void **state)
{
	static uint8_t name[DOMAIN_MAX];
	struct header_rewrite wide = { { name, 0 }, ours, NULL };
	char in[520] = "From: ";
	struct header h;
	struct span out;
	unsigned i;

	(void)state;
	memset(name, 'n', sizeof(name));
	for (i = 0; i < 200; i++)
		memcpy(in + 6 + 2 * i, "a,", 3);
	memcpy(in + 6 + 400, "\r\n\r\n", 5);
	for (wide.to.len = 20; wide.to.len <= sizeof(name); wide.to.len++) {
		out = filter(&h, &wide, span_of(in), 50);
		assert_true(out.len <= sizeof(h.field) + 2);
		assert_true(out.len + wide.to.len > sizeof(h.field));
	}
}

/* CVE-2002-1337 crackaddr: angles and comments without end; CVE-2008-3962: a long From. */
static void crackaddr(void **state)
{
	static char in[8192];
	static const char *const units[] = { "<>", "()", "<", ">", "(", ")", "<(", "\"(\"<", "\\",
		":;", "[", "a@gw.lan<" };
	struct header h;
	size_t i, n, count;

	(void)state;
	for (i = 0; i < COUNT(units); i++)
		for (count = 1; count < 2000; count = count * 3 + 1) {
			strcpy(in, "From: ");
			n = strlen(units[i]);
			if (6 + n * count + 40 > sizeof(in))
				continue;
			for (size_t k = 0; k < count; k++)
				memcpy(in + 6 + k * n, units[i], n + 1);
			strcat(in, "root@gw.lan\r\n\r\nbody");
			assert_true(filter(&h, &to_domain, span_of(in), 61).len <
				strlen(in) + ADDRESS_MAX);
			assert_true(h.in_body);
		}
}

/* Any input: the same output in every chunking, nothing lost without a rewrite. */
static void random_input(void **state)
{
	static const char alphabet[] = "From:rt@gw.lan<>()\"\\,;[] \t\r\n\r\n\r\n\xff";
	static uint8_t once[1024];
	const uint8_t seed[16] = { 7 };
	struct rng rng;
	unsigned round;

	(void)state;
	rng_seed(&rng, seed);
	for (round = 0; round < 3000; round++) {
		uint8_t text[160] = "From: ";
		size_t len = 6 + rng_below(&rng, 150), i, n;
		struct header h;
		struct span out;

		for (i = 6; i < len; i++)
			text[i] = (uint8_t)alphabet[rng_below(&rng, sizeof(alphabet) - 1)];
		out = filter(&h, &to_domain, span_make(text, len), len);
		n = out.len;
		assert_true(n <= sizeof(once));
		memcpy(once, out.at, n);
		for (i = 1; i < 12; i += 3)
			assert_true(span_equal(filter(&h, &to_domain, span_make(text, len), i),
				span_make(once, n)));
		assert_true(span_equal(filter(&h, NULL, span_make(text, len), 3),
			span_make(text, len)));
	}
}

static void envelope_address(void **state)
{
	static const char *const cases[][3] = {
		/* in          to a domain           to an address */
		{ "root@gw.lan", "root@example.net", "alerts@example.net" },
		{ "a@x.test", "a@x.test", "a@x.test" },
	};
	uint8_t array[ADDRESS_MAX];
	struct address a;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, array, sizeof(array));
	for (i = 0; i < COUNT(cases); i++) {
		assert_true(address_parse(span_of(cases[i][0]), &a));
		buf_clear(&b);
		header_rewrite_address(&b, &to_domain, &a);
		assert_span(buf_span(&b), cases[i][1]);
		buf_clear(&b);
		header_rewrite_address(&b, &to_address, &a);
		assert_span(buf_span(&b), cases[i][2]);
	}
	a = (struct address){ SPAN_EMPTY, SPAN_EMPTY };
	buf_clear(&b);
	header_rewrite_address(&b, &to_address, &a);
	assert_int_equal(b.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rewriting),
		cmocka_unit_test(to_one_address),
		cmocka_unit_test(noting),
		cmocka_unit_test(eight_bit),
		cmocka_unit_test(many_received),
		cmocka_unit_test(long_fields),
		cmocka_unit_test(growing_beyond),
		cmocka_unit_test(crackaddr),
		cmocka_unit_test(random_input),
		cmocka_unit_test(envelope_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
