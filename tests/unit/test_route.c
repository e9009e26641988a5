/* SPDX-License-Identifier: BSD-2-Clause */
/* test_route - the routing decision, aliases, and the paths of local delivery. */
#include "route/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct conf conf;

static void report(void *ctx, uint32_t line, struct span message)
{
	(void)ctx;
	print_error("%u: %.*s\n", line, (int)message.len, (const char *)message.at);
}

static struct conf_errors errors = { .report = report };

static void configure(const char *text)
{
	const struct conf_defaults d = { .hostname = SPAN("gw.example.net"),
		.base_dir = SPAN_EMPTY };

	assert_int_equal(conf_parse(&conf, span_of(text), &d, &errors), ST_OK);
}

/* Also what RCPT may bring: a name without domain. */
static struct address address(const char *text)
{
	struct address a = { .local = span_of(text), .domain = SPAN_EMPTY };

	if (strchr(text, '@'))
		assert_true(address_parse(span_of(text), &a));
	return a;
}

/* ---- the decision --------------------------------------------------------------- */

struct decision {
	const char *to;
	enum route_way way;
	unsigned index;
	const char *hop;
};

static void decide(const struct decision *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct address to = address(rows[i].to);
		struct route r = route_decide(&conf, &to);
		struct span hop = route_hop_name(&conf, &r, &to);

		if (r.way != rows[i].way || r.index != rows[i].index ||
			!span_equal(hop, span_of(rows[i].hop)))
			fail_msg("%s: way %d, index %u, hop %.*s", rows[i].to, (int)r.way, r.index,
				(int)hop.len, (const char *)hop.at);
	}
}

#define DECIDE(rows) decide(rows, sizeof(rows) / sizeof((rows)[0]))

static void local_names(void **state)
{
	static const struct decision rows[] = {
		{ "alerts@lan", ROUTE_LOCAL, 0, "local" },
		{ "ALERTS@LAN", ROUTE_LOCAL, 0, "local" },
		{ "\"alerts\"@lan", ROUTE_LOCAL, 0, "local" },
		{ "bob@lan", ROUTE_LOCAL, 1, "local" },
		{ "\"a@evil.test x\"@lan", ROUTE_LOCAL, 1, "local" },
		{ "alerts@gw.example.net", ROUTE_NO_USER, 0, "local" },
		{ "ops@gw.example.net", ROUTE_LOCAL, 2, "local" },
		{ "\"ops@gw.example.net\"@gw.example.net", ROUTE_NO_USER, 0, "local" },
		{ "ops", ROUTE_LOCAL, 2, "local" },
		{ "bob", ROUTE_NO_USER, 0, "local" },
		{ "ops@[127.0.0.1]", ROUTE_LOCAL, 2, "local" },
		{ "ops@[IPv6:::1]", ROUTE_LOCAL, 2, "local" },
		{ "ops@[192.0.2.25]", ROUTE_LOCAL, 2, "local" },
		{ "ops@[0.0.0.0]", ROUTE_LOCAL, 2, "local" },
		{ "ops@[192.0.2.26]", ROUTE_LITERAL, 0, "[192.0.2.26]" },
		{ "x@sub.lan", ROUTE_MX, 0, "sub.lan" },
		{ "x@else.example", ROUTE_MX, 0, "else.example" },
	};

	(void)state;
	configure("listen 192.0.2.25:25\nlocal_domain gw.example.net lan\npostmaster p@q.example\n"
		  "deliver alerts@lan maildir /1\ndeliver *@lan maildir /2\n"
		  "deliver ops@gw.example.net maildir /3\n");
	DECIDE(rows);
	assert_true(route_domain_is_local(&conf, SPAN("LAN")));
	assert_true(route_domain_is_local(&conf, SPAN("[127.0.0.2]")));
	assert_false(route_domain_is_local(&conf, SPAN("[127.0.0.2")));
	assert_false(route_domain_is_local(&conf, SPAN("lan.example")));
}

static void nothing_configured(void **state)
{
	static const struct decision rows[] = {
		{ "postmaster", ROUTE_NO_USER, 0, "local" },
		{ "root@localhost", ROUTE_NO_USER, 0, "local" },
		{ "root@gw.example.net", ROUTE_NO_USER, 0, "local" },
		{ "x@y.example", ROUTE_MX, 0, "y.example" },
		{ "x@[192.0.2.1]", ROUTE_LITERAL, 0, "[192.0.2.1]" },
		{ "x@[IPv6:2001:db8::1]", ROUTE_LITERAL, 0, "[IPv6:2001:db8::1]" },
	};

	(void)state;
	configure("");
	DECIDE(rows);
}

static void system_users(void **state)
{
	struct address to = address("bob@localhost");
	struct route r;

	(void)state;
	configure("deliver *@localhost maildir /home/%u/Maildir users=system\n");
	r = route_decide(&conf, &to);
	assert_int_equal(r.way, ROUTE_LOCAL);
	assert_true(r.check_system_user);
}

static void the_longest_route_wins(void **state)
{
	static const struct decision rows[] = {
		{ "x@example.org", ROUTE_HOST, 1, "h1" },
		{ "x@EXAMPLE.ORG", ROUTE_HOST, 1, "h1" },
		{ "x@a.example.org", ROUTE_HOST, 2, "h2" },
		{ "x@b.a.example.org", ROUTE_HOST, 3, "h3" },
		{ "x@very.long.name.b.a.example.org", ROUTE_HOST, 3, "h3" },
		{ "x@exact.a.example.org", ROUTE_HOST, 4, "h4" },
		{ "x@notexample.org", ROUTE_HOST, 0, "h0" },
		{ "x@org", ROUTE_SMARTHOST, 0, "smart" },
		{ "x@example.com", ROUTE_SMARTHOST, 0, "smart" },
		{ "x@[192.0.2.9]", ROUTE_SMARTHOST, 0, "smart" },
	};

	(void)state;
	configure("route *.org h0\nroute example.org h1\nroute *.example.org h2\n"
		  "route *.a.example.org h3\n"
		  "route exact.a.example.org h4\nsmarthost smart tls=none\n"
		  "smarthost other tls=none\n");
	DECIDE(rows);
}

static void a_route_for_all_goes_before_smarthosts(void **state)
{
	static const struct decision rows[] = {
		{ "x@example.org", ROUTE_HOST, 0, "h0" },
		{ "x@[192.0.2.9]", ROUTE_HOST, 0, "h0" },
		{ "x@example.com", ROUTE_HOST, 1, "h1" },
		{ "x@localhost", ROUTE_NO_USER, 0, "local" },
	};

	(void)state;
	configure("route * h0\nroute example.com h1\nsmarthost smart tls=none\n");
	DECIDE(rows);
}

static void relay(const char *peer, bool expected)
{
	struct ip ip;

	assert_true(ip_parse(span_of(peer), &ip));
	if (route_may_relay(&conf, &ip) != expected)
		fail_msg("%s", peer);
}

static void who_may_relay(void **state)
{
	(void)state;
	configure("");
	relay("127.0.0.1", true);
	relay("127.255.0.1", true);
	relay("::1", true);
	relay("::ffff:127.0.0.1", true);
	relay("::2", false);
	relay("128.0.0.1", false);
	relay("192.168.1.1", false);
	configure("relay_from 192.168.1.0/24 fd00::/8");
	relay("127.0.0.1", false);
	relay("192.168.1.255", true);
	relay("192.168.2.0", false);
	relay("fdff::1", true);
	relay("fe80::1", false);
}

/* ---- aliases -------------------------------------------------------------------- */

struct results {
	char text[65536];
	size_t len;
	int count, most;
};

static struct results results;

static bool found(void *ctx, struct span address)
{
	struct results *r = ctx;

	if (r->count == r->most)
		return false;
	r->count++;
	r->len += (size_t)snprintf(r->text + r->len, sizeof(r->text) - r->len, "%s%.*s",
		r->len > 0 ? " " : "", (int)address.len, (const char *)address.at);
	return true;
}

static enum status expand_at_most(const char *to, int most)
{
	const struct route_sink sink = { .found = found, .ctx = &results };
	struct address a = address(to);

	memset(&results, 0, 16);
	results.len = 0;
	results.count = 0;
	results.most = most;
	return route_expand(&conf, &a, &sink);
}

static void expand(const char *to, const char *expected)
{
	enum status st = expand_at_most(to, 10000);

	if (strcmp(results.text, expected) != 0 || st != (*expected ? ST_OK : ST_BAD))
		fail_msg("%s: %d, %s", to, (int)st, results.text);
}

static enum status alias_line(const char *text)
{
	return conf_alias_line(&conf, span_of(text), 1, &errors);
}

static void addresses_without_alias(void **state)
{
	(void)state;
	configure("local_domain lan gw.example.net\ndeliver *@* maildir /m\n"
		  "alias root ops@example.net\n");
	expand("x@example.org", "x@example.org");
	expand("root@example.org", "root@example.org");
	expand("\"root\"@example.org", "\"root\"@example.org");
	expand("bob@lan", "bob@lan");
	expand("Bob@LAN", "bob@LAN");
	expand("Bob@example.org", "Bob@example.org");
	expand("bob", "bob@lan");
	expand("bob@[127.0.0.1]", "bob@lan");
	expand("\"bob\"@lan", "bob@lan");
	expand("\"a b\"@lan", "\"a b\"@lan");
	expand("\"..-x\"@lan", "\"..-x\"@lan"); /* without its quotes it would be no address */
	expand("\"b.o.b\"@lan", "b.o.b@lan");
	expand("\"bob.\"@lan", "\"bob.\"@lan");
	expand("\"a@evil.test x\"@lan", "\"a@evil.test x\"@lan");
}

static void aliases_of_aliases(void **state)
{
	(void)state;
	configure("local_domain gw.example.net lan\npostmaster p@q.example\n"
		  "deliver *@lan maildir /m\n"
		  "alias root ops@example.net\n"
		  "alias Team ada bob@gw.example.net root carol@example.net\n"
		  "alias bob root bob\nalias all team TEAM ada@lan\nalias info@lan dora\n"
		  "alias info root\n"
		  "alias keep \\keep x@example.net\nalias keep2 keep \\ada\n");
	expand("root", "ops@example.net");
	expand("ROOT@lan", "ops@example.net");
	expand("\"root\"@lan", "ops@example.net");
	expand("bob@lan", "bob@lan ops@example.net");
	expand("team@lan", "ada@lan bob@gw.example.net carol@example.net ops@example.net");
	expand("all@lan", "ada@lan bob@gw.example.net carol@example.net ops@example.net");
	expand("info@lan", "dora@lan");
	expand("info@gw.example.net", "ops@example.net");
	expand("keep@lan", "keep@lan x@example.net");
	expand("keep2@lan", "keep@lan ada@lan x@example.net");
	assert_int_equal(expand_at_most("team@lan", 3), ST_FULL);
	assert_int_equal(expand_at_most("team@lan", 4), ST_OK);
}

static void postmaster_is_always_somebody(void **state)
{
	(void)state;
	configure("local_domain lan\ndeliver *@lan maildir /m\n"
		  "postmaster ops@example.net\nalias root r@example.net\n"
		  "alias postmaster a@example.net\n");
	expand("postmaster", "ops@example.net");
	expand("PostMaster@lan", "ops@example.net");
	configure("local_domain lan\ndeliver *@lan maildir /m\nalias root r@example.net\n"
		  "alias postmaster a@example.net\n");
	expand("postmaster@lan", "a@example.net");
	configure("local_domain lan\ndeliver *@lan maildir /m\nalias root r@example.net\n");
	expand("postmaster@lan", "postmaster@lan");
	configure("local_domain lan\ndeliver *@lan maildir /m users=system\n"
		  "alias root r@example.net\n");
	expand("postmaster@lan", "r@example.net");
	configure("local_domain lan home\ndeliver *@home maildir /m\npostmaster postmaster@home\n"
		  "alias postmaster@lan b@example.net\n");
	expand("postmaster@lan", "b@example.net");
	expand("postmaster@home", "postmaster@home");
	expand("postmaster@example.org", "postmaster@example.org");
}

static void loops_end(void **state)
{
	(void)state;
	configure("aliases /etc/aliases");
	assert_int_equal(alias_line("a: b") | alias_line("b: c@gw.example.net") |
			alias_line("c: A"),
		ST_OK);
	assert_int_equal(alias_line("d: a, x@example.net") | alias_line("e: e"), ST_OK);
	expand("a@localhost", "");
	expand("b@localhost", "");
	expand("d@localhost", "x@example.net");
	expand("e@localhost", "e@localhost");
}

static void ten_deep_and_no_deeper(void **state)
{
	char text[32];
	int i;

	(void)state;
	configure("aliases /etc/aliases");
	for (i = 1; i < 12 && i < CONFIG_CONF_ALIASES; i++) {
		snprintf(text, sizeof(text), "a%d: a%d", i, i - 1);
		assert_int_equal(alias_line(text), ST_OK);
	}
	expand("a10@localhost", "a0@localhost");
	expand("a11@localhost", "");
}

/* Every list that fits is told once and whole; what does not fit tells nothing. */
static void a_long_list(void **state)
{
	static char line[CONFIG_CONF_TEXT];
	enum status st = ST_OK;
	size_t len;
	int n, count = 0;

	(void)state;
	for (n = 1; n < 3000 && st == ST_OK; n = n * 3 / 2 + 1) {
		configure("aliases /etc/aliases");
		len = (size_t)sprintf(line, "l:");
		for (count = 0; count < n && len < sizeof(line) - 128; count++)
			len += (size_t)sprintf(line + len, "%su%d", count ? "," : "", count);
		assert_int_equal(conf_alias_line(&conf, span_make(line, len), 1, &errors), ST_OK);
		st = expand_at_most("l@localhost", 10000);
		assert_int_equal(results.count, st == ST_OK ? count : 0);
		if (count < n)
			break;
	}
	assert_true(st == ST_FULL || count < n);
	assert_true(st == ST_OK || st == ST_FULL);
}

/* ---- paths ---------------------------------------------------------------------- */

static void path(unsigned deliver, const char *to, const char *expected)
{
	struct address a = address(to);
	char text[256];
	struct buf b;

	buf_init(&b, text, sizeof(text) - 1);
	assert_int_equal(route_deliver_path(&conf, deliver, &a, &b), expected ? ST_OK : ST_BAD);
	text[b.len] = '\0';
	if (expected)
		assert_string_equal(text, expected);
}

static void paths_of_local_delivery(void **state)
{
	struct address a = address("bob@lan");
	char text[8];
	struct buf b;

	(void)state;
	configure("local_domain lan\ndeliver *@lan maildir /srv/%d/%u\n"
		  "deliver a@lan maildir /srv/%r/x\n"
		  "deliver b@lan maildir /srv/b\n");
	path(0, "bob@lan", "/srv/lan/bob");
	path(0, "Bob@LAN", "/srv/lan/bob");
	path(0, "\"bob\"@lan", "/srv/lan/bob");
	path(0, "bob", "/srv/lan/bob");
	path(0, "bob@[127.0.0.1]", "/srv/lan/bob");
	path(1, "bob@lan", "/srv/bob@lan/x");
	path(0, "b.o-b+x=%u$&`|@lan", "/srv/lan/b.o-b+x=%u$&`|");
	path(0, "\"a b\"@lan", "/srv/lan/\"a b\"");
	path(0, "-rf@lan", "/srv/lan/-rf");
	path(0, "../../etc", NULL);
	path(0, "a/b", NULL);
	path(0, "\"..\"@lan", "/srv/lan/\"..\"");
	path(0, "\"/etc\"@lan", NULL);
	path(0, "..", NULL);
	path(0, ".hidden", NULL);
	path(0, "", NULL);
	path(0, "a\tb", NULL);
	path(0, "a\x7f", NULL);
	path(0, "caf\xc3\xa9", NULL);
	path(1, "a/b", NULL);
	path(2, "a/b", "/srv/b");
	buf_init(&b, text, sizeof(text));
	assert_int_equal(route_deliver_path(&conf, 0, &a, &b), ST_FULL);
}

static void literals(void **state)
{
	static const char *const bad[] = { "", "[", "[]", "[1.2.3]", "1.2.3.4", "[IPv6:]",
		"[IPv6:1.2.3.4.5]", "[x" };
	struct ip ip;
	size_t i;

	(void)state;
	assert_true(address_literal(SPAN("[192.0.2.1]"), &ip) && ip.family == 4);
	assert_true(address_literal(SPAN("[IPv6:2001:db8::1]"), &ip) && ip.family == 6);
	assert_true(address_literal(SPAN("[ipv6:::ffff:192.0.2.1]"), &ip) && ip.family == 4);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (address_literal(span_of(bad[i]), &ip))
			fail_msg("%s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_names),
		cmocka_unit_test(nothing_configured),
		cmocka_unit_test(system_users),
		cmocka_unit_test(the_longest_route_wins),
		cmocka_unit_test(a_route_for_all_goes_before_smarthosts),
		cmocka_unit_test(who_may_relay),
		cmocka_unit_test(addresses_without_alias),
		cmocka_unit_test(aliases_of_aliases),
		cmocka_unit_test(postmaster_is_always_somebody),
		cmocka_unit_test(loops_end),
		cmocka_unit_test(ten_deep_and_no_deeper),
		cmocka_unit_test(a_long_list),
		cmocka_unit_test(paths_of_local_delivery),
		cmocka_unit_test(literals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
