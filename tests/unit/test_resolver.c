/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/dnsworld.h"

/* ---- scripts ------------------------------------------------------------------------- */

static void silent(const struct seen *q)
{
	(void)q;
}

static void good_a(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_a(&world.wire, NULL, 300, 1);
	send_reply(q);
}

static void good_mx(const struct seen *q)
{
	begin_reply(q, 0x8180, 3, 0);
	wire_mx(&world.wire, NULL, 300, 20, "b.test");
	wire_mx(&world.wire, NULL, 200, 10, "a.test");
	wire_mx(&world.wire, NULL, 400, 30, "c.test");
	send_reply(q);
}

static void servfail(const struct seen *q)
{
	reply_code(q, 2);
}

static void unreachable(const struct seen *q)
{
	struct handle *handle = &world.handle[q->handle];

	handle->inbox[handle->inbox_count++] = NULL;
}

static struct span host(unsigned i)
{
	return dns_record_name(&answer, &answer.record[i]);
}

/* ---- the plain way ---------------------------------------------------------------------- */

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
	uint64_t begin;

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

/* ---- negative answers --------------------------------------------------------------------- */

static unsigned negative_rcode;
static uint32_t negative_ttl_s, negative_minimum_s;

static void negative(const struct seen *q)
{
	begin_reply(q, 0x8180u | negative_rcode, 0, 1);
	wire_soa(&world.wire, negative_ttl_s, negative_minimum_s);
	send_reply(q);
}

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

static void referral(const struct seen *q)
{
	begin_reply(q, 0x8100, 0, 1);
	wire_record(&world.wire, "test", 2, 300, SPAN("\x02ns\x04test\0"));
	send_reply(q);
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

/* ---- the cache ------------------------------------------------------------------------------ */

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
		world.now.mono_ms += 400000;
		assert_int_equal(wait_for(second), DNS_FOUND);
	}
	resolver_set_servers(&world.r, world.r.server, 1);
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

/* ---- failover and time-outs ----------------------------------------------------------------------- */

static void next_server_on_every_kind_of_failure(void **state)
{
	static const struct {
		script *script;
		uint32_t within_ms;
	} rows[] = {
		{ servfail, 10 },
		{ unreachable, 10 },
		{ silent, CONFIG_DNS_ATTEMPT_MS + 10 },
		{ referral, 10 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		uint64_t begin;

		world_init(2);
		begin = world.now.mono_ms;
		world.script[0] = rows[i].script;
		world.script[1] = good_a;
		assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
		assert_true(world.now.mono_ms - begin <= rows[i].within_ms);
		assert_int_equal(world.asked[0], 1);
		/* The one that answered is asked first from now on. */
		assert_int_equal(ask("other.test", DNS_A), DNS_FOUND);
		assert_int_equal(world.asked[0], 1);
		assert_int_equal(world.asked[1], 2);
		/* Until it fails in turn. */
		world.script[0] = good_a;
		world.script[1] = servfail;
		assert_int_equal(ask("third.test", DNS_A), DNS_FOUND);
		assert_int_equal(world.asked[0], 2);
	}
}

static void refused_and_other_codes_go_to_the_next(void **state)
{
	static unsigned codes[] = { 2, 5, 6, 9, 15 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(codes); i++) {
		world_init(2);
		world.script[0] = negative;
		negative_rcode = codes[i];
		world.script[1] = good_a;
		assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
		assert_int_equal(world.asked[0], 1);
	}
}

static void silence_everywhere_ends_as_an_outage(void **state)
{
	size_t servers;

	(void)state;
	for (servers = 1; servers <= 2; servers++) {
		uint64_t begin;

		world_init(servers);
		begin = world.now.mono_ms;
		assert_int_equal(ask("there.test", DNS_MX), DNS_FAILED);
		assert_int_equal(asked_in_all(), CONFIG_DNS_ROUNDS * servers);
		assert_int_equal(resolver_stats(&world.r)->timeouts, CONFIG_DNS_ROUNDS * servers);
		assert_int_equal(resolver_stats(&world.r)->failures, 1);
		assert_in_range(world.now.mono_ms - begin, 3 * CONFIG_DNS_ATTEMPT_MS,
			CONFIG_DNS_TOTAL_MS);
	}
}

/* A server that is just restarting is given some time. */
static void unreachable_everywhere_takes_more_than_an_instant(void **state)
{
	uint64_t begin;

	(void)state;
	world_init(1);
	begin = world.now.mono_ms;
	world.script[0] = unreachable;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FAILED);
	assert_int_equal(world.asked[0], CONFIG_DNS_ROUNDS);
	assert_in_range(world.now.mono_ms - begin, 1000, 3000);
}

static void no_handles_is_waited_out(void **state)
{
	int q, i;

	(void)state;
	world_init(1);
	world.script[0] = good_a;
	world.udp_error = ST_FULL;
	q = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	for (i = 0; i < 20; i++)
		turn();
	assert_int_equal(resolver_answer(&world.r, q, &answer), DNS_PENDING);
	world.udp_error = 0;
	assert_int_equal(wait_for(q), DNS_FOUND);
	world.udp_error = ST_FULL;
	assert_int_equal(ask("other.test", DNS_A), DNS_FAILED);
}

static void no_route_is_an_outage(void **state)
{
	(void)state;
	world_init(2);
	world.udp_error = ST_IO;
	assert_int_equal(ask("there.test", DNS_A), DNS_FAILED);
	world.udp_error = 0;
	world.udp_send_error = ST_IO;
	assert_int_equal(ask("there.test", DNS_A), DNS_FAILED);
	assert_int_equal(asked_in_all(), 0);
}

static void lost_datagrams_are_sent_again(void **state)
{
	(void)state;
	world_init(1);
	world.udp_send_error = ST_AGAIN;
	world.script[0] = good_a;
	assert_int_equal(ask("there.test", DNS_A), DNS_FAILED);
	assert_int_equal(resolver_stats(&world.r)->timeouts, CONFIG_DNS_ROUNDS);
}

static void new_servers_restart_what_is_in_flight(void **state)
{
	struct ip_endpoint second = { { 4, { 192, 0, 2, 54 } }, 53 };
	int q;

	(void)state;
	world_init(1);
	world.script[0] = silent;
	world.script[1] = good_a;
	q = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	turn();
	assert_int_equal(world.asked[0], 1);
	resolver_set_servers(&world.r, &second, 1);
	assert_int_equal(wait_for(q), DNS_FOUND);
	assert_int_equal(world.asked[0], 1);
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	assert_int_equal(world.asked[1], 1);
	/* Other servers may have another view of the world. */
	resolver_set_servers(&world.r, &second, 1);
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	assert_int_equal(world.asked[1], 2);
	resolver_set_servers(&world.r, &second, 0);
	assert_int_equal(ask("there.test", DNS_A), DNS_FAILED);
}

/* More servers than there is room for. */
static void too_many_servers_are_ignored(void **state)
{
	struct ip_endpoint many[CONFIG_DNS_SERVERS + 3];
	unsigned i;

	(void)state;
	world_init(1);
	for (i = 0; i < COUNT(many); i++)
		many[i] = (struct ip_endpoint){ { 4, { 192, 0, 2, 53 } }, 53 };
	resolver_set_servers(&world.r, many, COUNT(many));
	assert_int_equal(ask("there.test", DNS_A), DNS_FAILED);
	assert_in_range(world.asked[0], CONFIG_DNS_ROUNDS * 2,
		CONFIG_DNS_ROUNDS * CONFIG_DNS_SERVERS);
}

/* ---- EDNS0 ------------------------------------------------------------------------------------------ */

static unsigned edns_refusal;

static void no_edns(const struct seen *q)
{
	if (!q->edns) {
		good_a(q);
	} else if (edns_refusal == 16) {
		/* BADVERS: the code's upper bits are in the OPT record. */
		wire_header(&world.wire, q->id, 0x8180, 1, 0, 0, 1);
		wire_question(&world.wire, q->name, q->type);
		wire_u8(&world.wire, 0);
		wire_fixed(&world.wire, 41, 0x01000000u, 0);
		send_reply(q);
	} else if (edns_refusal == 100) {
		/* Nothing but a header. */
		wire_header(&world.wire, q->id, 0x8181, 0, 0, 0, 0);
		send_reply(q);
	} else {
		reply_code(q, edns_refusal);
	}
}

static void edns_is_offered_and_given_up(void **state)
{
	static const unsigned refusals[] = { 1, 4, 16, 100 };
	size_t i;

	(void)state;
	world_init(1);
	world.script[0] = good_a;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	assert_true(world.last.edns);
	assert_int_equal(world.last.edns_size, CONFIG_DNS_PACKET < 1232 ? CONFIG_DNS_PACKET : 1232);
	for (i = 0; i < COUNT(refusals); i++) {
		world_init(1);
		world.script[0] = no_edns;
		edns_refusal = refusals[i];
		assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
		assert_int_equal(world.asked[0], 2);
		/* The server is remembered as one without. */
		assert_int_equal(ask("other.test", DNS_A), DNS_FOUND);
		assert_int_equal(world.asked[0], 3);
	}
}

static void formerr_without_edns_is_a_failure(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = negative;
	negative_rcode = 1;
	assert_int_equal(ask("there.test", DNS_A), DNS_FAILED);
	assert_in_range(world.asked[0], 3, 8);
}

static void swallows_edns(const struct seen *q)
{
	if (!q->edns)
		good_a(q);
}

/* Some firewalls drop what they do not know. */
static void last_round_goes_without_edns(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = swallows_edns;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
}

/* ---- forgeries ---------------------------------------------------------------------------------------- */

static void forge(const struct seen *q, unsigned id, const char *name, unsigned type)
{
	wire_header(&world.wire, id, 0x8180, 1, 1, 0, 0);
	wire_question(&world.wire, name, type);
	wire_a(&world.wire, NULL, 300, 66);
	send_reply(q);
}

static char *flip_case(const char *name)
{
	static char flipped[256];
	size_t i;

	for (i = 0; name[i] != '\0'; i++)
		flipped[i] = byte_is_alpha((uint8_t)name[i]) ? (char)(name[i] ^ 0x20) : name[i];
	flipped[i] = '\0';
	return flipped;
}

/* CVE-2008-1447: fifty forgeries before the good reply, none of them believed. */
static void spoof_then_good(const struct seen *q)
{
	int i;

	for (i = 1; i <= 40; i++)
		forge(q, (unsigned)(q->id + i) & 0xffffu, q->name, q->type);
	forge(q, q->id, flip_case(q->name), q->type);
	forge(q, q->id, "other.test", q->type);
	forge(q, q->id, q->name, 28);
	send_bytes(q, SPAN(""));
	send_bytes(q, SPAN("junk"));
	wire_header(&world.wire, q->id, 0x8180, 65535, 65535, 65535, 65535);
	send_reply(q);
	wire_header(&world.wire, q->id, 0x0100, 1, 0, 0, 0);
	wire_question(&world.wire, q->name, q->type);
	send_reply(q);
	good_a(q);
}

static void cve_2008_1447_forgeries_are_counted_and_ignored(void **state)
{
	uint64_t begin;

	(void)state;
	world_init(1);
	begin = world.now.mono_ms;
	world.script[0] = spoof_then_good;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	assert_int_equal(answer.record[0].ip.bytes[3], 1);
	assert_int_equal(world.asked[0], 1);
	assert_int_equal(resolver_stats(&world.r)->mismatched, 47);
	assert_int_equal(world.now.mono_ms, begin);
}

static void flood(const struct seen *q)
{
	int i;

	for (i = 1; i < INBOX; i++)
		forge(q, (unsigned)(q->id + i) & 0xffffu, q->name, q->type);
}

static void flood_takes_bounded_work_and_the_attempt_still_ends(void **state)
{
	int q, i;

	(void)state;
	world_init(1);
	world.script[0] = flood;
	q = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	for (i = 1; i < 6; i++) {
		assert_int_equal(resolver_step(&world.r, world.now), 0);
		assert_in_range(resolver_stats(&world.r)->mismatched, (i - 1) * 8, i * 8);
	}
	/* However much more comes, the time-out stands. */
	world.now.mono_ms += CONFIG_DNS_ATTEMPT_MS;
	resolver_step(&world.r, world.now);
	assert_int_equal(resolver_stats(&world.r)->timeouts, 1);
	assert_int_equal(wait_for(q), DNS_FAILED);
}

static void an_error_without_question_needs_the_id(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = no_edns;
	edns_refusal = 100;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	assert_int_equal(resolver_stats(&world.r)->mismatched, 0);
}

/* CVE-2021-31228, CVE-2022-30295: a fresh id and a fresh port for each attempt, and no pattern. */
static void ids_handles_and_case_are_fresh_each_time(void **state)
{
	int i, j, mixed = 0;

	(void)state;
	world_init(2);
	for (i = 0; i < 8; i++) {
		char name[] = "a-name-with-letters-0.test";

		name[20] = (char)('0' + i);
		assert_int_equal(ask(name, DNS_A), DNS_FAILED);
	}
	assert_int_equal(world.opened, 8 * 2 * CONFIG_DNS_ROUNDS);
	for (i = 1; i < world.id_count; i++) {
		for (j = 0; j < i; j++)
			mixed += world.ids[i] == world.ids[j];
		assert_int_not_equal(world.ids[i], (uint16_t)(world.ids[i - 1] + 1));
	}
	assert_in_range(mixed, 0, 1);
}

static int upper_count, lower_count;

static void count_case(const struct seen *q)
{
	size_t i;

	for (i = 0; q->name[i] != '\0'; i++) {
		upper_count += q->name[i] >= 'A' && q->name[i] <= 'Z';
		lower_count += q->name[i] >= 'a' && q->name[i] <= 'z';
	}
	good_a(q);
}

static void case_is_mixed_evenly(void **state)
{
	unsigned i;

	(void)state;
	world_init(1);
	world.script[0] = count_case;
	for (i = 0; i < 40; i++) {
		char name[] = "abcdefghijklmnopqrst.xaa";

		name[22] = (char)('a' + i / 26);
		name[23] = (char)('a' + i % 26);
		assert_int_equal(ask(name, DNS_A), DNS_FOUND);
	}
	assert_in_range(upper_count, lower_count / 2, lower_count * 2);
}

static void lower_cases(const struct seen *q)
{
	struct seen lowered = *q;
	size_t i;

	for (i = 0; q->name[i] != '\0'; i++)
		lowered.name[i] = (char)byte_lower((uint8_t)q->name[i]);
	good_a(&lowered);
}

/* A server that does not repeat the case is heard in the last round. */
static void server_that_lowers_case(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = lower_cases;
	assert_int_equal(ask("There.TEST", DNS_A), DNS_FOUND);
	assert_int_equal(world.asked[0], CONFIG_DNS_ROUNDS);
	assert_in_range(resolver_stats(&world.r)->mismatched, 1, CONFIG_DNS_ROUNDS);
}

/* ---- lies within a reply -------------------------------------------------------------------------------- */

static struct span lie;
static unsigned lie_type, lie_len;

static void liar(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_u16(&world.wire, QUESTION_NAME);
	wire_fixed(&world.wire, lie_type, 300, lie_len);
	buf_put(&world.wire.b, lie);
	send_reply(q);
}

static void cve_2020_11901_data_lengths_lie(void **state)
{
	static const struct {
		enum dns_type type;
		unsigned len;
		struct span data;
	} rows[] = {
		{ DNS_A, 3, SPAN_INIT("\1\2\3") },
		{ DNS_A, 5, SPAN_INIT("\1\2\3\4\5") },
		{ DNS_A, 0, SPAN_INIT("") },
		{ DNS_A, 4, SPAN_INIT("\1\2\3") },
		{ DNS_A, 65535, SPAN_INIT("\1\2\3\4") },
		{ DNS_AAAA, 4, SPAN_INIT("\1\2\3\4") },
		{ DNS_AAAA, 17, SPAN_INIT("0123456789abcdefg") },
		{ DNS_MX, 0, SPAN_INIT("") },
		{ DNS_MX, 1, SPAN_INIT("\0") },
		{ DNS_MX, 2, SPAN_INIT("\0\12") },
		{ DNS_MX, 4, SPAN_INIT("\0\12\2mx\4test\0") },    /* shorter than the name */
		{ DNS_MX, 12, SPAN_INIT("\0\12\2mx\4test\0\0") }, /* longer */
		{ DNS_MX, 4, SPAN_INIT("\0\12\xc0\x2a") },        /* loop */
		{ DNS_MX, 4, SPAN_INIT("\0\12\xff\xff") },        /* past the end */
		{ DNS_MX, 6, SPAN_INIT("\0\12\x3fmx\0") },        /* label past the end */
		{ DNS_CNAME, 2, SPAN_INIT("\xc0\x28") },
		{ DNS_CNAME, 0, SPAN_INIT("") },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		enum dns_type type = rows[i].type == DNS_CNAME ? DNS_A : rows[i].type;

		world_init(2);
		world.script[0] = liar;
		world.script[1] = rows[i].type == DNS_A ? good_a : liar;
		lie_type = rows[i].type;
		lie_len = rows[i].len;
		lie = rows[i].data;
		if (ask("there.test", type) != (rows[i].type == DNS_A ? DNS_FOUND : DNS_FAILED))
			fail_msg("row %zu", i);
	}
}

static void bad_hosts(const struct seen *q)
{
	static const struct {
		struct span label;
	} labels[] = {
		{ SPAN_INIT("mx\0evil") },
		{ SPAN_INIT("mx\r\nRCPT TO") },
		{ SPAN_INIT("mx\nevil") },
		{ SPAN_INIT("a b") },
		{ SPAN_INIT("\"quoted\"") },
		{ SPAN_INIT("\x1b[31mred") },
		{ SPAN_INIT("$(id)") },
		{ SPAN_INIT("a.b") },
		{ SPAN_INIT("\xff\xfe") },
	};
	size_t i;

	begin_reply(q, 0x8180, COUNT(labels) + 1, 0);
	for (i = 0; i < COUNT(labels); i++) {
		wire_u16(&world.wire, QUESTION_NAME);
		wire_fixed(&world.wire, 15, 300, 2 + 1 + (unsigned)labels[i].label.len + 1);
		wire_u16(&world.wire, 5);
		wire_u8(&world.wire, (unsigned)labels[i].label.len);
		buf_put(&world.wire.b, labels[i].label);
		wire_u8(&world.wire, 0);
	}
	wire_mx(&world.wire, NULL, 300, 10, "good.test");
	send_reply(q);
}

static void only_bad_hosts(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_record(&world.wire, NULL, 15, 300, SPAN("\0\5\3a\nb\0"));
	send_reply(q);
}

/* CVE-2021-43523, CVE-2021-3672: such a host reaches no log and no SMTP command. */
static void cve_2021_43523_hosts_with_evil_octets(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = bad_hosts;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND);
	assert_int_equal(answer.count, 1);
	assert_span(host(0), "good.test");
	/* Alone they are not "no MX": the domain's A must not be tried. */
	world.script[0] = only_bad_hosts;
	assert_int_equal(ask("other.test", DNS_MX), DNS_FOUND);
	assert_int_equal(answer.count, 0);
}

static void null_mx(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_mx(&world.wire, NULL, 300, 0, "");
	send_reply(q);
}

static void null_mx_is_an_empty_name(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = null_mx;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.record[0].name_len, 0);
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND); /* from the cache */
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.record[0].name_len, 0);
}

/* Records of other names, types and classes prove nothing. */
static void stray_records(const struct seen *q)
{
	begin_reply(q, 0x8180, 5, 0);
	wire_a(&world.wire, "evil.test", 300, 66);
	wire_a(&world.wire, "there.test.evil", 300, 66);
	wire_mx(&world.wire, NULL, 300, 1, "evil.test");
	wire_u16(&world.wire, QUESTION_NAME);
	wire_u16(&world.wire, 1);
	wire_u16(&world.wire, 3); /* class CHAOS */
	wire_u32(&world.wire, 300);
	wire_u16(&world.wire, 4);
	wire_u32(&world.wire, 0xc0000242u);
	wire_a(&world.wire, "THERE.test", 300, 1);
	send_reply(q);
}

static void records_of_other_names_are_ignored(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = stray_records;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.record[0].ip.bytes[3], 1);
	/* And do not get into the cache. */
	world.script[0] = servfail;
	assert_int_equal(ask("evil.test", DNS_A), DNS_FAILED);
}

/* ---- CNAMEs ------------------------------------------------------------------------------------------------ */

static void chain_in_one(const struct seen *q)
{
	/* Out of order, as some servers send it. */
	begin_reply(q, 0x8180, 4, 0);
	wire_a(&world.wire, "c.test", 500, 1);
	wire_cname(&world.wire, "b.test", 200, "C.test");
	wire_cname(&world.wire, NULL, 300, "B.test");
	wire_a(&world.wire, "b.example", 500, 66);
	send_reply(q);
}

static void cname_chain_in_one_answer(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = chain_in_one;
	assert_int_equal(ask("a.test", DNS_A), DNS_FOUND);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.record[0].ip.bytes[3], 1);
	assert_int_equal(answer.ttl_s, 200);
	assert_int_equal(ask("a.test", DNS_A), DNS_FOUND);
	assert_int_equal(world.asked[0], 1);
}

static int chain_length;

/* n0.test -> n1.test -> ... -> n<chain_length>.test, a reply each. */
static void chain_across(const struct seen *q)
{
	int at = q->name[1] - '0';
	char target[] = "n0.test";

	target[1] = (char)('0' + at + 1);
	if (at == chain_length) {
		good_a(q);
		return;
	}
	begin_reply(q, 0x8180, 1, 0);
	wire_cname(&world.wire, NULL, 300, target);
	send_reply(q);
}

static void cname_chain_across_queries(void **state)
{
	(void)state;
	for (chain_length = 1; chain_length <= 9; chain_length++) {
		world_init(1);
		world.script[0] = chain_across;
		assert_int_equal(ask("n0.test", DNS_A),
			chain_length <= (int)DNS_CNAMES_MAX ? DNS_FOUND : DNS_FAILED);
		if (chain_length > 2)
			continue;
		/* The links are known from now on, and where they lead. */
		assert_int_equal(ask("N0.test", DNS_A), DNS_FOUND);
		assert_int_equal(world.asked[0], chain_length + 1);
	}
}

static void cname_loop_across(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_cname(&world.wire, NULL, 300,
		byte_lower((uint8_t)q->name[0]) == 'a' ? "b.test" : "a.test");
	send_reply(q);
}

static void cname_loop_inside(const struct seen *q)
{
	begin_reply(q, 0x8180, 2, 0);
	wire_cname(&world.wire, NULL, 300, "x.test");
	wire_cname(&world.wire, "x.test", 300, q->name);
	send_reply(q);
}

static void cname_to_itself(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_u16(&world.wire, QUESTION_NAME);
	wire_fixed(&world.wire, 5, 300, 2);
	wire_u16(&world.wire, QUESTION_NAME);
	send_reply(q);
}

static void cname_loops_are_failures(void **state)
{
	static script *const scripts[] = { cname_loop_across, cname_loop_inside, cname_to_itself };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(scripts); i++) {
		world_init(1);
		world.script[0] = scripts[i];
		assert_int_equal(ask("a.test", DNS_A), DNS_FAILED);
		assert_in_range(world.asked[0], 1, DNS_CNAMES_MAX + 1);
		/* Once more, with what the cache has learnt of it. */
		assert_int_equal(ask("a.test", DNS_A), DNS_FAILED);
		assert_int_equal(ask("b.test", DNS_MX), DNS_FAILED);
	}
}

static void cname_to_evil(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_record(&world.wire, NULL, 5, 300, SPAN("\4a\r\nb\4test\0"));
	send_reply(q);
}

static void cname_to_root(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_cname(&world.wire, NULL, 300, "");
	send_reply(q);
}

static void cname_to_no_name_is_a_failure(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = cname_to_evil;
	assert_int_equal(ask("a.test", DNS_A), DNS_FAILED);
	world.script[0] = cname_to_root;
	assert_int_equal(ask("a.test", DNS_A), DNS_FAILED);
}

static void cname_then_nxdomain(const struct seen *q)
{
	begin_reply(q, 0x8183, 1, 1);
	wire_cname(&world.wire, NULL, 300, "gone.test");
	wire_soa(&world.wire, 300, 60);
	send_reply(q);
}

static void cname_then_no_data(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 1);
	wire_cname(&world.wire, NULL, 300, "gone.test");
	wire_soa(&world.wire, 300, 60);
	send_reply(q);
}

static void cname_to_nothing(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = cname_then_nxdomain;
	assert_int_equal(ask("a.test", DNS_MX), DNS_NO_NAME);
	assert_int_equal(ask("a.test", DNS_MX), DNS_NO_NAME);
	assert_int_equal(world.asked[0], 1);
	world.script[0] = cname_then_no_data;
	assert_int_equal(ask("b.test", DNS_MX), DNS_NO_DATA);
}

/* ---- truncation and TCP ----------------------------------------------------------------------------------------- */

static void truncating(const struct seen *q)
{
	if (q->tcp) {
		good_mx(q);
		return;
	}
	begin_reply(q, 0x8380, 1, 0);
	wire_mx(&world.wire, NULL, 300, 5, "half.test");
	world.wire.b.len -= 4;
	send_reply(q);
}

static void truncated_answers_come_by_tcp(void **state)
{
	(void)state;
	for (world.tcp_piece = 0; world.tcp_piece < 4; world.tcp_piece++) {
		size_t piece = world.tcp_piece;

		world_init(1);
		world.tcp_piece = piece;
		world.script[0] = truncating;
		assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND);
		assert_int_equal(answer.count, 3);
		assert_int_equal(world.asked[0], 2);
		assert_true(world.last.tcp);
		assert_int_equal(resolver_stats(&world.r)->truncated, 1);
	}
}

static void over_two_kilobytes(const struct seen *q)
{
	uint8_t big[4999];

	if (q->tcp) {
		good_mx(q);
		return;
	}
	memset(big, 'A', sizeof(big));
	begin_reply(q, 0x8180, 200, 0);
	memcpy(big, world.wire.bytes, world.wire.b.len);
	send_bytes(q, span_make(big, sizeof(big)));
}

/* CVE-2015-7547: a datagram of more than was offered, then TCP with still more. */
static void cve_2015_7547_oversized_datagram(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = over_two_kilobytes;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND);
	assert_int_equal(answer.count, 3);
	assert_true(world.last.tcp);
}

static void huge_tcp(const struct seen *q)
{
	unsigned i;

	begin_reply(q, q->tcp ? 0x8180 : 0x8380, q->tcp ? 2000 : 0, 0);
	for (i = 0; q->tcp && i < 2000; i++)
		wire_mx(&world.wire, NULL, 300, i, "a-host.test");
	send_reply(q);
}

/* Of an answer that no buffer holds the front is used. */
static void cve_2015_7547_huge_tcp_answer(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = huge_tcp;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND);
	assert_int_equal(answer.record[0].preference, 0);
	assert_in_range(answer.count, 4, CONFIG_DNS_RECORDS);
}

static void truncated_over_tcp(const struct seen *q)
{
	begin_reply(q, 0x8380, 0, 0);
	send_reply(q);
}

static void half_over_tcp(const struct seen *q)
{
	begin_reply(q, 0x8380, 0, 0);
	send_reply(q);
	if (q->tcp)
		world.handle[q->handle].stream.len -= 3;
}

static void one_octet_over_tcp(const struct seen *q)
{
	begin_reply(q, 0x8380, 0, 0);
	send_reply(q);
	if (q->tcp)
		world.handle[q->handle].stream.len = 1;
}

static void nothing_over_tcp(const struct seen *q)
{
	if (!q->tcp)
		truncated_over_tcp(q);
}

static void forged_over_tcp(const struct seen *q)
{
	if (q->tcp)
		forge(q, (q->id + 1u) & 0xffffu, q->name, q->type);
	else
		truncated_over_tcp(q);
}

static void short_over_tcp(const struct seen *q)
{
	if (q->tcp)
		send_bytes(q, SPAN(""));
	else
		truncated_over_tcp(q);
}

static void tcp_failures_lead_to_the_next_server(void **state)
{
	static script *const scripts[] = {
		truncated_over_tcp,
		half_over_tcp,
		one_octet_over_tcp,
		nothing_over_tcp,
		forged_over_tcp,
		short_over_tcp,
	};
	size_t i, closes;

	(void)state;
	for (i = 0; i < 2 * COUNT(scripts); i++) {
		closes = i % 2;
		world_init(2);
		world.tcp_closes = closes;
		world.script[0] = scripts[i / 2];
		world.script[1] = good_a;
		assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
		assert_int_equal(world.asked[0], 2);
		world_init(1);
		world.tcp_closes = closes;
		world.script[0] = scripts[i / 2];
		assert_int_equal(ask("there.test", DNS_A), DNS_FAILED);
	}
}

static void tcp_refused_or_hanging(void **state)
{
	(void)state;
	world_init(2);
	world.script[0] = truncating;
	world.script[1] = good_mx;
	world.connected_result = ST_IO;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND);
	world_init(2);
	world.script[0] = truncating;
	world.script[1] = good_mx;
	world.connected_result = ST_AGAIN;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND);
	assert_int_equal(resolver_stats(&world.r)->timeouts, 1);
	world_init(2);
	world.script[0] = truncating;
	world.script[1] = good_mx;
	world.connect_error = ST_IO;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND);
	world_init(1);
	world.script[0] = truncating;
	world.connect_error = ST_FULL;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FAILED);
}

static void slow_for_one(const struct seen *q)
{
	if (byte_lower((uint8_t)q->name[0]) != 's')
		good_a(q);
	else if (q->tcp)
		one_octet_over_tcp(q);
	else
		truncated_over_tcp(q);
}

/* The packet is one: while a stalled TCP answer holds it the others wait without spinning, and then go on. */
static void stalled_tcp_holds_others_only_for_a_while(void **state)
{
	int slow, other;
	uint64_t begin;

	(void)state;
	world_init(1);
	begin = world.now.mono_ms;
	world.script[0] = slow_for_one;
	slow = resolver_ask(&world.r, SPAN("slow.test"), DNS_A);
	while (world.r.owner == 0)
		turn();
	other = resolver_ask(&world.r, SPAN("other.test"), DNS_A);
	assert_int_equal(wait_for(other), DNS_FOUND);
	assert_in_range(world.now.mono_ms - begin, 0, CONFIG_DNS_TCP_MS + 100);
	resolver_cancel(&world.r, slow);
}

static void delayed(const struct seen *q)
{
	if (byte_lower((uint8_t)q->name[0]) == 's')
		slow_for_one(q);
}

/* A datagram that waits meanwhile is not lost, though its time is over. */
static void reply_that_waited_for_the_packet_counts(void **state)
{
	int other, slow, i;

	(void)state;
	world_init(1);
	world.script[0] = delayed;
	other = resolver_ask(&world.r, SPAN("other.test"), DNS_A);
	resolver_step(&world.r, world.now);
	slow = resolver_ask(&world.r, SPAN("slow.test"), DNS_A);
	for (i = 0; i < 50 && world.r.owner == 0; i++)
		resolver_step(&world.r, world.now);
	assert_int_not_equal(world.r.owner, 0);
	{
		struct seen q = { .server = 0,
			.handle = world.r.query[other].handle,
			.id = world.r.query[other].id,
			.type = DNS_A };

		memcpy(q.name, world.r.query[other].name, world.r.query[other].name_len);
		good_a(&q);
	}
	world.now.mono_ms += CONFIG_DNS_ATTEMPT_MS + 500;
	assert_int_equal(resolver_answer(&world.r, other, &answer), DNS_PENDING);
	resolver_cancel(&world.r, slow);
	assert_int_equal(wait_for(other), DNS_FOUND);
	assert_int_equal(resolver_stats(&world.r)->timeouts, 0);
}

/* ---- several at once ------------------------------------------------------------------------------------------------ */

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
	uint64_t begin;
	int a, b;

	(void)state;
	world_init(1);
	begin = world.now.mono_ms;
	a = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	b = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
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
	assert_int_equal(resolver_step(&world.r, world.now), UINT32_MAX);
	q = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	assert_int_equal(resolver_step(&world.r, world.now), CONFIG_DNS_ATTEMPT_MS);
	world.now.mono_ms += 400;
	assert_int_equal(resolver_step(&world.r, world.now), CONFIG_DNS_ATTEMPT_MS - 400);
	resolver_cancel(&world.r, q);
	assert_int_equal(resolver_step(&world.r, world.now), UINT32_MAX);
	world.script[0] = good_a;
	q = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	assert_int_equal(resolver_step(&world.r, world.now), 0);
	assert_int_equal(resolver_step(&world.r, world.now), UINT32_MAX);
	assert_int_equal(resolver_answer(&world.r, q, &answer), DNS_FOUND);
}

#define T(test) cmocka_unit_test_teardown(test, world_end)

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
		T(cache_replaces_and_never_mixes),
		T(unread_answer_survives),
		T(long_name_and_many_records),
		T(worst_mx_are_dropped),
		T(next_server_on_every_kind_of_failure),
		T(refused_and_other_codes_go_to_the_next),
		T(silence_everywhere_ends_as_an_outage),
		T(unreachable_everywhere_takes_more_than_an_instant),
		T(no_handles_is_waited_out),
		T(no_route_is_an_outage),
		T(lost_datagrams_are_sent_again),
		T(new_servers_restart_what_is_in_flight),
		T(too_many_servers_are_ignored),
		T(edns_is_offered_and_given_up),
		T(formerr_without_edns_is_a_failure),
		T(last_round_goes_without_edns),
		T(cve_2008_1447_forgeries_are_counted_and_ignored),
		T(flood_takes_bounded_work_and_the_attempt_still_ends),
		T(an_error_without_question_needs_the_id),
		T(ids_handles_and_case_are_fresh_each_time),
		T(case_is_mixed_evenly),
		T(server_that_lowers_case),
		T(cve_2020_11901_data_lengths_lie),
		T(cve_2021_43523_hosts_with_evil_octets),
		T(null_mx_is_an_empty_name),
		T(records_of_other_names_are_ignored),
		T(cname_chain_in_one_answer),
		T(cname_chain_across_queries),
		T(cname_loops_are_failures),
		T(cname_to_no_name_is_a_failure),
		T(cname_to_nothing),
		T(truncated_answers_come_by_tcp),
		T(cve_2015_7547_oversized_datagram),
		T(cve_2015_7547_huge_tcp_answer),
		T(tcp_failures_lead_to_the_next_server),
		T(tcp_refused_or_hanging),
		T(stalled_tcp_holds_others_only_for_a_while),
		T(reply_that_waited_for_the_packet_counts),
		T(same_question_twice_is_asked_once),
		T(twins_fail_together),
		T(cancelled_twin_passes_the_question_on),
		T(waits_are_exact_and_idle_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
