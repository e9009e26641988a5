/* SPDX-License-Identifier: BSD-2-Clause */
/* The resolver and answers that no datagram holds. */
#include "unit/dnsworld.h"

/* ---- truncation and TCP -------------------------------------------------- */

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

/* The packet is one: while a stalled TCP answer holds it the others wait without
 * spinning, and then go on. */
static void stalled_tcp_holds_others_only_for_a_while(void **state)
{
	int slow, other;
	uint32_t begin;

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
	int other, slow, i, handle;

	(void)state;
	world_init(1);
	world.script[0] = delayed;
	other = resolver_ask(&world.r, SPAN("other.test"), DNS_A);
	step();
	slow = resolver_ask(&world.r, SPAN("slow.test"), DNS_A);
	for (i = 0; i < 50 && world.r.owner == 0; i++)
		step();
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
	handle = world.r.query[other].handle;
	assert_true(step() > 0);
	assert_int_equal(world.handle[handle].watched, 0);
	assert_int_equal(resolver_answer(&world.r, other, &answer), DNS_PENDING);
	/* When the slow one's time is over the other is called at once. */
	world.now.mono_ms += CONFIG_DNS_TCP_MS;
	assert_int_equal(step(), 0);
	assert_int_equal(resolver_stats(&world.r)->timeouts, 1);
	assert_int_equal(wait_for(other), DNS_FOUND);
	assert_int_equal(resolver_stats(&world.r)->timeouts, 1);
	resolver_cancel(&world.r, slow);
}

static void mx_by_tcp(const struct seen *q)
{
	if (q->type == DNS_MX)
		truncating(q);
	else
		good_a(q);
}

/* A long answer in small pieces while others come and go. */
static void tcp_pieces_and_datagrams_do_not_mix(void **state)
{
	int long_one, i, others = 0;

	(void)state;
	world_init(1);
	world.script[0] = mx_by_tcp;
	world.tcp_piece = 1;
	/* The other stands before, so that it has its turn before each piece. */
	i = resolver_ask(&world.r, SPAN("first.test"), DNS_A);
	long_one = resolver_ask(&world.r, SPAN("there.test"), DNS_MX);
	assert_int_equal(wait_for(i), DNS_FOUND);
	while (resolver_answer(&world.r, long_one, &answer) == DNS_PENDING) {
		char name[] = "xaa.test";

		name[1] = (char)('a' + others / 26);
		name[2] = (char)('a' + others % 26);
		i = resolver_ask(&world.r, span_of(name), DNS_A);
		for (others++; resolver_answer(&world.r, i, &answer) == DNS_PENDING;)
			turn();
		turn();
	}
	assert_in_range(others, 1, 100);
	assert_int_equal(answer.count, 3);
	assert_span(host(0), "a.test");
	assert_int_equal(resolver_stats(&world.r)->timeouts, 0);
	assert_int_equal(resolver_stats(&world.r)->mismatched, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(truncated_answers_come_by_tcp),
		T(cve_2015_7547_oversized_datagram),
		T(cve_2015_7547_huge_tcp_answer),
		T(tcp_failures_lead_to_the_next_server),
		T(tcp_refused_or_hanging),
		T(stalled_tcp_holds_others_only_for_a_while),
		T(reply_that_waited_for_the_packet_counts),
		T(tcp_pieces_and_datagrams_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
