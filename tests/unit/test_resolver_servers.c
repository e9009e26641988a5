/* SPDX-License-Identifier: BSD-2-Clause */
/* The resolver with servers that fail: failover and EDNS0. */
#include "unit/dnsworld.h"

/* ---- failover and time-outs ---------------------------------------------- */

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
		uint32_t begin;

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
		uint32_t begin;

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
	uint32_t begin;

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
	uint32_t begin;

	world_init(2);
	begin = world.now.mono_ms;
	world.udp_error = ST_IO;
	assert_int_equal(ask("there.test", DNS_A), DNS_FAILED);
	world.udp_error = 0;
	world.udp_send_error = ST_IO;
	assert_int_equal(ask("there.test", DNS_A), DNS_FAILED);
	assert_true(world.now.mono_ms - begin <= 4000);
	assert_int_equal(resolver_stats(&world.r)->timeouts, 0);
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

/* The one that answered last may be gone. */
static void fewer_servers(void **state)
{
	struct ip_endpoint third = { { 4, { 192, 0, 2, 55 } }, 53 };

	(void)state;
	world_init(2);
	world.script[0] = servfail;
	world.script[1] = good_a;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	resolver_set_servers(&world.r, &third, 1);
	world.script[2] = good_a;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	assert_int_equal(world.asked[1], 1);
	assert_int_equal(world.asked[2], 1);
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

/* ---- EDNS0 --------------------------------------------------------------- */

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

static void old_glue(const struct seen *q)
{
	wire_header(&world.wire, q->id, 0x8180, 1, 1, 0, 1);
	wire_question(&world.wire, q->name, q->type);
	wire_a(&world.wire, NULL, 300, 1);
	wire_a(&world.wire, "ns.test", 0x7fffffff, 2);
	send_reply(q);
}

/* Only an OPT record's TTL is a code. */
static void long_lived_additional_record_is_no_refusal(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = old_glue;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	assert_int_equal(world.asked[0], 1);
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

static void an_error_without_question_needs_the_id(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = no_edns;
	edns_refusal = 100;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	assert_int_equal(resolver_stats(&world.r)->mismatched, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(next_server_on_every_kind_of_failure),
		T(refused_and_other_codes_go_to_the_next),
		T(silence_everywhere_ends_as_an_outage),
		T(unreachable_everywhere_takes_more_than_an_instant),
		T(no_handles_is_waited_out),
		T(no_route_is_an_outage),
		T(lost_datagrams_are_sent_again),
		T(new_servers_restart_what_is_in_flight),
		T(fewer_servers),
		T(too_many_servers_are_ignored),
		T(edns_is_offered_and_given_up),
		T(long_lived_additional_record_is_no_refusal),
		T(formerr_without_edns_is_a_failure),
		T(last_round_goes_without_edns),
		T(an_error_without_question_needs_the_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
