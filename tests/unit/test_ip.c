/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/unit.h"

#include "base/ip.h"

static struct span text_of(struct buf *b, uint8_t *array, const struct ip *a)
{
	buf_init(b, array, IP_TEXT_MAX);
	ip_put(b, a);
	assert_false(b->overflow);
	return buf_span(b);
}

/* What is read and, in RFC 5952's way, written again; NULL: no address. */
static const struct {
	const char *in, *out;
} addresses[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "0.0.0.0", "0.0.0.0" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "[192.0.2.1]", "192.0.2.1" },
	{ "256.0.0.1", NULL },
	{ "1.2.3", NULL },
	{ "1.2.3.4.5", NULL },
	{ "1.2.3.", NULL },
	{ ".1.2.3", NULL },
	{ "1..2.3", NULL },
	{ "1.2.3.4 ", NULL },
	{ "01.2.3.4", NULL },
	{ "1.2.3.04", NULL },
	{ "1.2.3.0004", NULL },
	{ "0x7f.0.0.1", NULL },
	{ "-1.2.3.4", NULL },
	{ "2130706433", NULL },
	{ "", NULL },
	{ "[]", NULL },
	{ "[", NULL },
	{ "[[192.0.2.1]]", NULL },
	{ "[192.0.2.1", NULL },
	{ "::", "::" },
	{ "::1", "::1" },
	{ "1::", "1::" },
	{ "[::1]", "::1" },
	{ "2001:DB8::1", "2001:db8::1" },
	{ "2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1" },
	{ "2001:db8:0:0:0:0:2:1", "2001:db8::2:1" },
	{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
	{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
	{ "0:0:0:0:0:0:0:0", "::" },
	{ "1:0:0:0:0:0:0:0", "1::" },
	{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
	{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
	{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
	{ "abcd:ef01:2345:6789:abcd:ef01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789" },
	{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
	{ "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201" },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "::FFFF:c000:201", "192.0.2.1" },
	{ "::192.0.2.1", "::c000:201" },
	{ "1:2:3:4:5:6:7:8:9", NULL },
	{ "1:2:3:4:5:6:7", NULL },
	{ "1:2:3:4:5:6:7:192.0.2.1", NULL },
	{ "1::2::3", NULL },
	{ "1:2:3:4::5:6:7:8", NULL },
	{ ":::", NULL },
	{ ":1", NULL },
	{ "1:", NULL },
	{ ":", NULL },
	{ ":1::", NULL },
	{ "::1:", NULL },
	{ "12345::", NULL },
	{ "g::", NULL },
	{ "::1%eth0", NULL },
	{ "::1.2.3", NULL },
	{ "192.0.2.1::", NULL },
	{ "192.0.2.1::1", NULL },
	{ "::192.0.2.1:1", NULL },
};

static void reads_and_writes_addresses(void **state)
{
	uint8_t array[IP_TEXT_MAX];
	struct buf b;
	struct ip ip;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(addresses); i++) {
		bool ok = ip_parse(guarded(addresses[i].in), &ip);

		if (ok != (addresses[i].out != NULL))
			fail_msg("%s: %s", addresses[i].in, ok ? "taken" : "refused");
		if (ok)
			assert_span(text_of(&b, array, &ip), addresses[i].out);
	}
	assert_false(ip_parse(SPAN("1.2.3.4\0"), &ip));
	assert_false(ip_parse(SPAN("::1\0"), &ip));
	assert_false(ip_parse(SPAN_EMPTY, &ip));
}

static const struct {
	const char *in;
	int port; /* 0: no endpoint */
	const char *out;
} endpoints[] = {
	{ "192.0.2.1:25", 25, "192.0.2.1:25" },
	{ "192.0.2.1", 53, "192.0.2.1:53" },
	{ "[::1]:2525", 2525, "[::1]:2525" },
	{ "[::1]", 53, "[::1]:53" },
	{ "::1", 53, "[::1]:53" },
	{ "[192.0.2.1]:25", 25, "192.0.2.1:25" },
	{ "192.0.2.1:65535", 65535, "192.0.2.1:65535" },
	{ "[abcd:ef01:2345:6789:abcd:ef01:2345:6789]:65535", 65535,
		"[abcd:ef01:2345:6789:abcd:ef01:2345:6789]:65535" },
	{ "192.0.2.1:65536", 0, NULL },
	{ "192.0.2.1:0", 0, NULL },
	{ "192.0.2.1:", 0, NULL },
	{ "192.0.2.1:x", 0, NULL },
	{ ":25", 0, NULL },
	{ "[::1]25", 0, NULL },
	{ "[::1]:", 0, NULL },
	{ "[::1", 0, NULL },
	{ "", 0, NULL },
	{ "host:25", 0, NULL },
};

static void reads_and_writes_endpoints(void **state)
{
	uint8_t array[IP_ENDPOINT_TEXT_MAX];
	struct ip_endpoint e;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(endpoints); i++) {
		bool ok = ip_endpoint_parse(guarded(endpoints[i].in), 53, &e);

		if (ok != (endpoints[i].port != 0))
			fail_msg("%s: %s", endpoints[i].in, ok ? "taken" : "refused");
		if (!ok)
			continue;
		assert_int_equal(e.port, endpoints[i].port);
		buf_init(&b, array, sizeof(array));
		ip_endpoint_put(&b, &e);
		assert_span(buf_span(&b), endpoints[i].out);
	}
}

static const struct {
	const char *prefix, *inside, *outside; /* no inside: no prefix */
} prefixes[] = {
	{ "192.0.2.0/24", "192.0.2.255", "192.0.3.0" },
	{ "192.0.2.1", "192.0.2.1", "192.0.2.2" },
	{ "192.0.2.1/32", "::ffff:192.0.2.1", "192.0.2.0" },
	{ "10.0.0.0/8", "10.255.0.1", "11.0.0.0" },
	{ "192.0.2.128/25", "192.0.2.129", "192.0.2.127" },
	{ "0.0.0.0/0", "203.0.113.9", "::1" },
	{ "::/0", "2001:db8::1", "192.0.2.1" },
	{ "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::" },
	{ "fe80::/10", "febf::1", "fec0::1" },
	{ "::1", "::1", "::" },
	{ "::1/128", "::1", "::2" },
	{ "::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9" },
	{ "::ffff:0:0/96", "203.0.113.9", "2001:db8::1" },
	{ "::ffff:0:0/95", NULL, NULL },
	{ "192.0.2.1/24", NULL, NULL },
	{ "192.0.2.0/33", NULL, NULL },
	{ "2001:db8::/129", NULL, NULL },
	{ "2001:db8::1/64", NULL, NULL },
	{ "192.0.2.0/", NULL, NULL },
	{ "192.0.2.0/x", NULL, NULL },
	{ "/24", NULL, NULL },
	{ "192.0.2.0/24/24", NULL, NULL },
	{ "", NULL, NULL },
};

static void reads_prefixes(void **state)
{
	struct ip_prefix p;
	struct ip ip;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(prefixes); i++) {
		bool ok = ip_prefix_parse(guarded(prefixes[i].prefix), &p);

		if (ok != (prefixes[i].inside != NULL))
			fail_msg("%s: %s", prefixes[i].prefix, ok ? "taken" : "refused");
		if (!ok)
			continue;
		assert_true(ip_parse(span_of(prefixes[i].inside), &ip));
		if (!ip_in_prefix(&ip, &p))
			fail_msg("%s is not in %s", prefixes[i].inside, prefixes[i].prefix);
		assert_true(ip_parse(span_of(prefixes[i].outside), &ip));
		if (ip_in_prefix(&ip, &p))
			fail_msg("%s is in %s", prefixes[i].outside, prefixes[i].prefix);
	}
	ip = (struct ip){ 0 };
	assert_true(ip_prefix_parse(SPAN("0.0.0.0/0"), &p));
	assert_false(ip_in_prefix(&ip, &p));
}

static void knows_special_addresses(void **state)
{
	static const struct {
		const char *text;
		bool loopback, any;
	} rows[] = {
		{ "127.0.0.1", true, false },
		{ "127.255.0.1", true, false },
		{ "128.0.0.1", false, false },
		{ "0.0.0.0", false, true },
		{ "0.0.0.1", false, false },
		{ "::1", true, false },
		{ "::2", false, false },
		{ "1::1", false, false },
		{ "::", false, true },
		{ "::ffff:127.0.0.1", true, false },
	};
	struct ip ip, none = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_true(ip_parse(span_of(rows[i].text), &ip));
		assert_int_equal(ip_is_loopback(&ip), rows[i].loopback);
		assert_int_equal(ip_is_any(&ip), rows[i].any);
		assert_true(ip_equal(&ip, &ip));
		assert_false(ip_equal(&ip, &none));
	}
	assert_false(ip_is_any(&none));
	assert_false(ip_is_loopback(&none));
}

static void writes_no_address_as_a_word(void **state)
{
	uint8_t array[IP_TEXT_MAX];
	struct ip none = { 0 };
	struct buf b;

	(void)state;
	assert_span(text_of(&b, array, &none), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_addresses),
		cmocka_unit_test(reads_and_writes_endpoints),
		cmocka_unit_test(reads_prefixes),
		cmocka_unit_test(knows_special_addresses),
		cmocka_unit_test(writes_no_address_as_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
