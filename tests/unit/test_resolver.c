/* SPDX-License-Identifier: BSD-2-Clause */
/* The resolver with honest servers: answers, cache, several questions at once. */
#include "unit/dnsworld.h"

/* ---- the plain way ------------------------------------------------------- */

static void finds_an_address(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = good_a;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.record[0].ip.family, 4);
	assert_memory_equal(answer.record[0].ip.bytes, "\xc0\0\x02\x01", 4);
	assert_int_equal(answer.ttl_s, 300);
	assert_int_equal(world.asked[0], 1);
	assert_int_equal(resolver_stats(&world.r)->questions, 1);
}

static void finds_mx_best_first(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = good_mx;
	assert_int_equal(ask("there.test.", DNS_MX), DNS_FOUND);
	assert_int_equal(answer.count, 3);
	assert_span(host(0), "a.test");
	assert_span(host(1), "b.test");
	assert_span(host(2), "c.test");
	assert_int_equal(answer.record[0].preference, 10);
	assert_int_equal(answer.record[2].preference, 30);
	assert_int_equal(answer.ttl_s, 200);
	assert_int_equal(answer.text_len, 18);
}

static void finds_aaaa(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = NULL;
	assert_int_equal(ask("localhost", DNS_AAAA), DNS_FOUND);
	assert_int_equal(answer.record[0].ip.family, 6);
	assert_true(ip_is_loopback(&answer.record[0].ip));
	assert_int_equal(ask("Box.LocalHost", DNS_A), DNS_FOUND);
	assert_true(ip_is_loopback(&answer.record[0].ip));
	assert_int_equal(answer.count, 1);
	assert_int_equal(ask("localhost", DNS_MX), DNS_NO_DATA);
	assert_int_equal(asked_in_all(), 0);
}

static void refuses_what_is_no_name(void **state)
{
	static const char *const names[] = { "", ".", "..", "a..b", ".a", "a b", "a\r\nb", "a\"b",
		"b\303\274cher.test", "a/b" };
	size_t i;

	(void)state;
	world_init(1);
	for (i = 0; i < COUNT(names); i++)
		assert_int_equal(resolver_ask(&world.r, span_of(names[i]), DNS_A), ST_BAD);
	assert_int_equal(resolver_ask(&world.r, SPAN("a\0b"), DNS_A), ST_BAD);
	assert_int_equal(resolver_ask(&world.r, SPAN_EMPTY, DNS_A), ST_BAD);
}

static void all_questions_taken(void **state)
{
	int q[CONFIG_DNS_QUERIES];
	unsigned i;

	(void)state;
	world_init(1);
	world.script[0] = silent;
	for (i = 0; i < CONFIG_DNS_QUERIES; i++) {
		char name[] = "x00.test";

		name[1] = (char)('0' + i / 10);
		name[2] = (char)('0' + i % 10);
		q[i] = resolver_ask(&world.r, span_of(name), DNS_A);
		assert_true(q[i] >= 0);
	}
	assert_int_equal(resolver_ask(&world.r, SPAN("one.more"), DNS_A), ST_AGAIN);
	turn();
	assert_int_equal(open_handles(), CONFIG_DNS_QUERIES);
	for (i = 0; i < CONFIG_DNS_QUERIES; i++)
		resolver_cancel(&world.r, q[i]);
	assert_int_equal(open_handles(), 0);
	world.script[0] = good_a;
	assert_int_equal(ask("one.more", DNS_A), DNS_FOUND);
}

static void no_server_is_an_outage_at_once(void **state)
{
	uint32_t begin;

	(void)state;
	world_init(0);
	begin = world.now.mono_ms;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FAILED);
	assert_int_equal(world.now.mono_ms, begin);
	assert_int_equal(resolver_stats(&world.r)->failures, 1);
}

static void authoritative_server_without_ra(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = good_a;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
}

/* ---- negative answers ---------------------------------------------------- */

/* Cached for the smaller of the SOA's TTL and minimum, within bounds. */
static void negative_answers_are_cached(void **state)
{
	static const struct {
		unsigned rcode;
		uint32_t ttl_s, minimum_s, kept_s;
		enum dns_result result;
	} rows[] = {
		{ 3, 300, 60, 60, DNS_NO_NAME },
		{ 3, 60, 300, 60, DNS_NO_NAME },
		{ 0, 300, 60, 60, DNS_NO_DATA },
		{ 0, 0, 0, DNS_TTL_MIN_S, DNS_NO_DATA },
		{ 3, 900000, 900000, DNS_NEGATIVE_TTL_MAX_S, DNS_NO_NAME },
		{ 3, UINT32_MAX, UINT32_MAX, DNS_TTL_MIN_S, DNS_NO_NAME },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		world_init(1);
		world.script[0] = negative;
		negative_rcode = rows[i].rcode;
		negative_ttl_s = rows[i].ttl_s;
		negative_minimum_s = rows[i].minimum_s;
		assert_int_equal(ask("there.test", DNS_MX), rows[i].result);
		world.now.mono_ms += 1000u * (rows[i].kept_s - 1u);
		assert_int_equal(ask("THERE.test", DNS_MX), rows[i].result);
		assert_int_equal(world.asked[0], 1);
		assert_int_equal(ask("there.test", DNS_A), rows[i].result); /* another type */
		assert_int_equal(world.asked[0], 2);
		world.now.mono_ms += 1000u;
		assert_int_equal(ask("there.test", DNS_MX), rows[i].result);
		assert_int_equal(world.asked[0], 3);
		assert_int_equal(resolver_stats(&world.r)->cache_hits, 1);
	}
}

static void empty_reply(const struct seen *q)
{
	reply_code(q, 0);
}

static void nothing_without_soa(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = empty_reply;
	assert_int_equal(ask("there.test", DNS_MX), DNS_NO_DATA);
}

/* A server that only knows who might know has not said "no MX": that would bounce. */
static void referral_is_an_outage_not_an_answer(void **state)
{
	(void)state;
	world_init(2);
	world.script[0] = referral;
	world.script[1] = referral;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FAILED);
	world.script[1] = good_mx;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND);
}

/* ---- the cache ----------------------------------------------------------- */

static uint32_t script_ttl_s;

static void a_with_ttl(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_a(&world.wire, NULL, script_ttl_s, 1);
	send_reply(q);
}

static void ttl_bounds(void **state)
{
	static const uint32_t rows[][2] = {
		{ 0, DNS_TTL_MIN_S }, { 1, DNS_TTL_MIN_S }, { 300, 300 }, { 86400, 86400 },
		{ 864000, DNS_TTL_MAX_S }, { 0x80000000u, DNS_TTL_MIN_S }, /* RFC 2181 8 */
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		world_init(1);
		world.script[0] = a_with_ttl;
		script_ttl_s = rows[i][0];
		assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
		assert_int_equal(answer.ttl_s, rows[i][1]);
		world.now.mono_ms += 1000u * (rows[i][1] - 1u);
		assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
		assert_int_equal(answer.ttl_s, 1);
		assert_int_equal(world.asked[0], 1);
		world.now.mono_ms += 1000u;
		assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
		assert_int_equal(world.asked[0], 2);
	}
}

/* What lives longest stays: short-lived answers make room for each other. */
static void cache_drops_what_expires_first(void **state)
{
	unsigned i;

	(void)state;
	world_init(1);
	world.script[0] = a_with_ttl;
	script_ttl_s = 5000;
	assert_int_equal(ask("keep.test", DNS_A), DNS_FOUND);
	script_ttl_s = 50;
	for (i = 0; i < CONFIG_DNS_CACHE * 2u; i++) {
		char name[] = "xaa.test";

		name[1] = (char)('a' + i / 26);
		name[2] = (char)('a' + i % 26);
		assert_int_equal(ask(name, DNS_A), DNS_FOUND);
	}
	i = (unsigned)world.asked[0];
	assert_int_equal(ask("keep.test", DNS_A), DNS_FOUND);
	assert_int_equal(world.asked[0], i);
}

static void cache_replaces_and_never_mixes(void **state)
{
	unsigned i;

	(void)state;
	world_init(1);
	world.script[0] = good_a;
	for (i = 0; i < CONFIG_DNS_CACHE * 2u; i++) {
		char name[] = "xaa.test";

		name[1] = (char)('a' + i / 26);
		name[2] = (char)('a' + i % 26);
		assert_int_equal(ask(name, DNS_A), DNS_FOUND);
	}
	assert_int_equal(world.asked[0], CONFIG_DNS_CACHE * 2);
	/* Failures are not kept. */
	world.script[0] = servfail;
	assert_int_equal(ask("fails.test", DNS_A), DNS_FAILED);
	world.script[0] = good_a;
	assert_int_equal(ask("fails.test", DNS_A), DNS_FOUND);
}

/* An answer waits for its asker while everything else is pushed out of the cache. */
static void unread_answer_survives(void **state)
{
	int first, second;
	unsigned i;

	(void)state;
	world_init(1);
	world.script[0] = good_mx;
	first = resolver_ask(&world.r, SPAN("there.test"), DNS_MX);
	for (i = 0; i < 5; i++)
		turn();
	world.script[0] = good_a;
	for (i = 0; i < CONFIG_DNS_CACHE + 3u; i++) {
		char name[] = "xaa.test";

		name[1] = (char)('a' + i / 26);
		name[2] = (char)('a' + i % 26);
		second = resolver_ask(&world.r, span_of(name), DNS_A);
		assert_int_equal(wait_for(second), DNS_FOUND);
	}
	resolver_set_servers(&world.r, world.r.server, 1);
	/* With new servers it is good for its asker, not for another. */
	world.script[0] = servfail;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FAILED);
	assert_int_equal(wait_for(first), DNS_FOUND);
	assert_span(host(0), "a.test");
	assert_int_equal(answer.count, 3);
}

static void long_a(const struct seen *q)
{
	unsigned i;

	begin_reply(q, 0x8180, 100, 0);
	for (i = 0; i < 100; i++)
		wire_a(&world.wire, NULL, 300, i + 1);
	if (!q->tcp && world.wire.b.len > CONFIG_DNS_PACKET) {
		begin_reply(q, 0x8380, 0, 0);
		send_reply(q);
		return;
	}
	send_reply(q);
}

#define L60 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"

/* Does not fit beside its own name: handed over, not kept under it. */
static void long_name_and_many_records(void **state)
{
	static const char name[] = L60 "." L60 "." L60 "." L60 ".test";

	(void)state;
	world_init(1);
	world.script[0] = long_a;
	assert_int_equal(ask(name, DNS_A), DNS_FOUND);
	assert_in_range(answer.count, 4, CONFIG_DNS_RECORDS);
	assert_int_equal(answer.record[0].ip.bytes[3], 1);
}

static void many_mx(const struct seen *q)
{
	unsigned i;

	begin_reply(q, 0x8180, 64, 0);
	for (i = 0; i < 64; i++) {
		char name[] = "a-host-name-of-some-length-00.test";

		name[27] = (char)('0' + i / 10);
		name[28] = (char)('0' + i % 10);
		wire_mx(&world.wire, NULL, 300, (i * 37u) % 64u, name);
	}
	if (!q->tcp && world.wire.b.len > CONFIG_DNS_PACKET) {
		begin_reply(q, 0x8380, 0, 0);
		send_reply(q);
		return;
	}
	send_reply(q);
}

static void worst_mx_are_dropped(void **state)
{
	unsigned i;

	(void)state;
	world_init(1);
	world.script[0] = many_mx;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND);
	assert_in_range(answer.count, 3, CONFIG_DNS_RECORDS);
	assert_int_equal(answer.record[0].preference, 0);
	for (i = 1; i < answer.count; i++)
		assert_true(answer.record[i].preference >= answer.record[i - 1].preference);
	if (CONFIG_DNS_PACKET >= 4096)
		assert_int_equal(answer.record[answer.count - 1].preference, answer.count - 1);
}

/* ---- several at once ----------------------------------------------------- */

static void same_question_twice_is_asked_once(void **state)
{
	int a, b;

	(void)state;
	world_init(1);
	world.script[0] = good_a;
	a = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	b = resolver_ask(&world.r, SPAN("There.Test"), DNS_A);
	assert_int_equal(wait_for(b), DNS_FOUND);
	assert_int_equal(wait_for(a), DNS_FOUND);
	assert_int_equal(world.asked[0], 1);
}

static void twins_fail_together(void **state)
{
	uint32_t begin;
	int a, b;

	(void)state;
	world_init(1);
	begin = world.now.mono_ms;
	a = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	b = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	turn();
	assert_int_equal(open_handles(), 1);
	assert_int_equal(wait_for(a), DNS_FAILED);
	assert_int_equal(wait_for(b), DNS_FAILED);
	assert_true(world.now.mono_ms - begin <= CONFIG_DNS_TOTAL_MS);
}

static void cancelled_twin_passes_the_question_on(void **state)
{
	int a, b;

	(void)state;
	world_init(1);
	world.script[0] = silent;
	a = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	b = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	turn();
	resolver_cancel(&world.r, a);
	world.script[0] = good_a;
	assert_int_equal(wait_for(b), DNS_FOUND);
}

/* What the step returns is when it wants to be called, no earlier, no later. */
static void waits_are_exact_and_idle_is_free(void **state)
{
	int q;

	(void)state;
	world_init(1);
	assert_int_equal(step(), UINT32_MAX);
	q = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	assert_int_equal(step(), CONFIG_DNS_ATTEMPT_MS);
	world.now.mono_ms += 400;
	assert_int_equal(step(), CONFIG_DNS_ATTEMPT_MS - 400);
	resolver_cancel(&world.r, q);
	assert_int_equal(step(), UINT32_MAX);
	world.script[0] = good_a;
	q = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	assert_int_equal(step(), 0);
	assert_int_equal(step(), UINT32_MAX);
	assert_int_equal(resolver_answer(&world.r, q, &answer), DNS_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(finds_an_address),
		T(finds_mx_best_first),
		T(finds_aaaa),
		T(refuses_what_is_no_name),
		T(all_questions_taken),
		T(no_server_is_an_outage_at_once),
		T(authoritative_server_without_ra),
		T(negative_answers_are_cached),
		T(nothing_without_soa),
		T(referral_is_an_outage_not_an_answer),
		T(ttl_bounds),
		T(cache_drops_what_expires_first),
		T(cache_replaces_and_never_mixes),
		T(unread_answer_survives),
		T(long_name_and_many_records),
		T(worst_mx_are_dropped),
		T(same_question_twice_is_asked_once),
		T(twins_fail_together),
		T(cancelled_twin_passes_the_question_on),
		T(waits_are_exact_and_idle_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
