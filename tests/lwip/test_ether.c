/* SPDX-License-Identifier: BSD-2-Clause */
/* The stack's Ethernet side: leases that come late, never or not for us, a cable that comes and
 * goes, frames that are lost, time.  The tests go on from each other, as a board's life does. */
#include "peer.h"

#define SECOND 1000u
#define MINUTE (60u * SECOND)
#define HOUR (60u * MINUTE)

static struct stack_machine machine;
static struct desk_fill at_start;
static uint64_t told_s;
static unsigned told;

static void on_time(void *ctx, uint64_t seconds, uint32_t microseconds)
{
	(void)ctx;
	(void)microseconds;
	told_s = seconds;
	told++;
}

/* From timer to timer of the stack, so that a day is short. */
static void pass(uint32_t ms)
{
	uint32_t start_ms = desk_ms, gone_ms = 0, turn_ms;

	for (; gone_ms < ms; gone_ms = desk_ms - start_ms) {
		turn_ms = desk_ms;
		sockets_wait(&near, ms - gone_ms, NULL, 0);
		if (desk_ms == turn_ms) /* something was ready */
			stack_pump(1);
	}
}

static bool own_is(uint8_t host)
{
	struct ip own;

	stack_own(&own);
	return own.family == 4 && own.bytes[0] == 10 && own.bytes[3] == host;
}

static uint32_t until_state(enum stack_state state, uint32_t ms_max)
{
	uint32_t start_ms = desk_ms;

	while (stack_state() != state && desk_ms - start_ms < ms_max)
		pass(100);
	assert_int_equal(stack_state(), state);
	return desk_ms - start_ms;
}

/* Nothing of the stack's memory is held that was not at the start. */
static void assert_full(void)
{
	struct desk_fill now;

	pass(10 * SECOND);
	desk_fills(&now);
	assert_memory_equal(&now, &at_start, sizeof(now));
}

/* Requests that found a pool empty. */
static uint32_t fill_failed(void)
{
	struct stack_fill fill;
	uint32_t sum = 0;
	unsigned i;

	for (i = 0; stack_fill(i, &fill); i++)
		sum += fill.failed;
	return sum;
}

static void test_no_cable(void **state)
{
	struct ip own;

	(void)state;
	pass(MINUTE);
	assert_int_equal(stack_state(), STACK_NO_LINK);
	assert_int_equal(peer.discovers, 0);
	stack_own(&own);
	assert_int_equal(own.family, 0);
}

/* It goes on asking, about once a minute, and holds no more memory for it. */
static void test_no_dhcp_server(void **state)
{
	(void)state;
	peer.link = true;
	pass(MINUTE);
	assert_int_equal(stack_state(), STACK_NO_LEASE);
	assert_in_range(peer.discovers, 3, 20);
	peer.discovers = 0;
	pass(6 * HOUR);
	assert_int_equal(stack_state(), STACK_NO_LEASE);
	assert_in_range(peer.discovers, 6 * 50, 6 * 130);
	assert_int_equal(fill_failed(), 0);
}

static void test_late_dhcp_server(void **state)
{
	struct ip_endpoint dns[3];

	(void)state;
	assert_int_equal(stack_dns_servers(dns, 3), 0);
	peer.dhcp = DHCP_SERVES;
	peer.lease_s = 3600;
	peer.host = 50;
	assert_in_range(until_state(STACK_READY, 2 * MINUTE), 0, 70 * SECOND);
	assert_true(own_is(50));
	assert_string_equal(peer.name, "desk");
	assert_int_equal(stack_dns_servers(dns, 3), 2);
	assert_int_equal(dns[0].ip.bytes[3], 1);
	assert_int_equal(dns[1].ip.bytes[3], 53);
	assert_int_equal(dns[1].port, 53);
	assert_int_equal(stack_dns_servers(dns, 1), 1);
	pass(10 * SECOND);
	desk_fills(&at_start);
}

/* The lease is asked for anew before it ends. */
static void test_lease_goes_on(void **state)
{
	(void)state;
	peer.requests = 0;
	pass(24 * HOUR);
	assert_in_range(peer.requests, 24, 24 * 4);
	assert_int_equal(stack_state(), STACK_READY);
	assert_full();
}

/* A server that offers and then refuses: it is not asked as fast as the network allows. */
static void test_refused_lease(void **state)
{
	(void)state;
	peer.dhcp = DHCP_REFUSES;
	until_state(STACK_NO_LEASE, 2 * HOUR);
	assert_true(peer.refused > 0);
	peer.refused = 0;
	pass(HOUR);
	assert_in_range(peer.refused, 100, 365);
	peer.dhcp = DHCP_SERVES;
	peer.host = 51;
	until_state(STACK_READY, 2 * MINUTE);
	assert_true(own_is(51));
	assert_full();
}

/* A server that is gone: the address is ours until the lease ends, and no longer. */
static void test_lease_ends(void **state)
{
	uint32_t ms;

	(void)state;
	peer.dhcp = DHCP_SILENT;
	ms = until_state(STACK_NO_LEASE, 3 * HOUR);
	assert_in_range(ms, 20 * MINUTE, 62 * MINUTE);
	peer.dhcp = DHCP_SERVES;
	until_state(STACK_READY, 2 * MINUTE);
	assert_full();
}

static void test_cable_comes_and_goes(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 500; i++) {
		peer.link = false;
		pass(1 + i * 37u % 3000u);
		assert_int_equal(stack_state(), STACK_NO_LINK);
		peer.link = true;
		pass(1 + i * 91u % 2000u);
	}
	until_state(STACK_READY, 2 * MINUTE);
	/* In another network, without the old server's consent. */
	peer.link = false;
	pass(SECOND);
	peer.dhcp = DHCP_REFUSES;
	peer.link = true;
	until_state(STACK_NO_LEASE, MINUTE);
	peer.dhcp = DHCP_SERVES;
	peer.host = 52;
	until_state(STACK_READY, 2 * MINUTE);
	assert_true(own_is(52));
	assert_full();
}

/* ---- Time ------------------------------------------------------------------------------- */

static void test_no_time(void **state)
{
	(void)state;
	assert_int_equal(told, 0);
	assert_true(peer.ntp_asked > 0);
	peer.ntp = NTP_FORGED;
	pass(HOUR);
	peer.ntp = NTP_UNSET;
	pass(HOUR);
	assert_int_equal(told, 0);
}

static void test_time(void **state)
{
	(void)state;
	peer.ntp = NTP_SERVES;
	pass(5 * MINUTE);
	assert_int_equal(told, 1);
	assert_int_equal(told_s, 1767225600u);
	pass(24 * HOUR);
	assert_in_range(told, 20, 26);
	stack_time_server("10.0.0.1");
	pass(10 * SECOND);
	assert_in_range(told, 21, 27);
}

/* ---- TCP over a bad cable ------------------------------------------------------------------ */

static int connect_out(void)
{
	struct ip_endpoint to = desk_at("10.0.0.1:25");
	int c, i, st = ST_AGAIN;

	peer.window = 4000;
	peer.heard = 0;
	c = net.ops->connect(&near, &to);
	assert_true(c >= 0);
	for (i = 0; i < 600 && st == ST_AGAIN; i++) {
		net.ops->watch(&near, c, NET_WRITE);
		pass(100);
		st = net.ops->connected(&near, c);
	}
	assert_int_equal(st, ST_OK);
	net.ops->watch(&near, c, 0);
	return c;
}

/* Sends up to `whole` octets; how far it came in so many turns of ms. */
static size_t send_on(int c, size_t at, size_t whole, unsigned turns, uint32_t ms)
{
	uint8_t b[500];
	size_t i, want;
	int n;

	for (; turns > 0 && at < whole; turns--) {
		want = whole - at < sizeof(b) ? whole - at : sizeof(b);
		for (i = 0; i < want; i++)
			b[i] = peer_octet(at + i);
		n = net.ops->send(&near, c, b, want);
		at += n > 0 ? (size_t)n : 0;
		net.ops->watch(&near, c, n <= 0 ? NET_WRITE : 0);
		if (n <= 0)
			pass(ms);
	}
	net.ops->watch(&near, c, 0);
	return at;
}

static void finish(int c, size_t whole)
{
	unsigned i;

	for (i = 0; i < 600 && peer.heard < whole; i++)
		pass(SECOND);
	assert_int_equal(peer.heard, whole);
	net.ops->close(&near, c);
	pass(5 * MINUTE);
}

static void test_frames_lost(void **state)
{
	const size_t whole = 60000;
	int c;

	(void)state;
	peer.lose = 7;
	c = connect_out();
	assert_int_equal(send_on(c, 0, whole, 20000, 100), whole);
	finish(c, whole);
	peer.lose = 0;
	assert_full();
}

static void test_controller_full(void **state)
{
	const size_t whole = 6000;
	int c = connect_out();
	size_t at = send_on(c, 0, 500, 10, 10);

	(void)state;
	peer.full = true;
	at = send_on(c, at, whole, 300, 100);
	assert_true(at < whole);
	peer.full = false;
	assert_int_equal(send_on(c, at, whole, 2000, 100), whole);
	finish(c, whole);
	assert_full();
}

static void test_cable_out_in_the_middle(void **state)
{
	const size_t whole = 6000;
	int c = connect_out();
	size_t at = send_on(c, 0, 500, 10, 10);

	(void)state;
	peer.link = false;
	at = send_on(c, at, whole, 200, 100);
	peer.link = true;
	assert_int_equal(send_on(c, at, whole, 2000, 100), whole);
	finish(c, whole);
	assert_full();
}

/* The peer does not read for ten minutes: its window is probed, slower and slower, and what it
 * says then is believed. */
static void test_peer_stops_reading(void **state)
{
	const size_t whole = 20000;
	int c = connect_out();
	size_t at;

	(void)state;
	peer.window = 0;
	at = send_on(c, 0, whole, 6000, 100);
	assert_true(at < whole);
	assert_in_range(peer.shut_probes, 8, 60);
	peer.window = 4000;
	assert_int_equal(send_on(c, at, whole, 4000, 100), whole);
	finish(c, whole);
	assert_full();
}

/* ---- What nobody has asked for ------------------------------------------------------------- */

static void test_any_frame(void **state)
{
	static const uint16_t type[] = { 0x0800, 0x0806, 0x86dd, 0x8100, 0x0000 };
	uint8_t f[PEER_MAX];
	unsigned i, j;
	size_t len;

	(void)state;
	for (i = 0; i < 200000; i++) {
		len = 1 + desk_random(NULL) % (i % 10 == 0 ? PEER_MAX : 100u);
		desk_fill(NULL, f, len);
		if (len > ETH + IP4) {
			memset(f, 0xff, 6);
			put16(f + 12, type[i % 5]);
			f[ETH] = i % 7 == 0 ? f[ETH] : 0x45;
			put16(f + ETH + 2, (uint32_t)(len - ETH));
			put16(f + ETH + 6, 0);
			f[ETH + 9] = (uint8_t[]){ 1, 6, 17 }[i % 3];
			memcpy(f + ETH + 12, peer_ip, 4);
			memcpy(f + ETH + 16, peer_ip, 3);
			f[ETH + 19] = 52;
			put16(f + ETH + 10, 0);
			put16(f + ETH + 10, sum_of(f + ETH, IP4, 0));
		}
		peer_give(f, len);
		for (j = 0; j < 2; j++)
			stack_pump(0);
	}
	pass(HOUR);
	until_state(STACK_READY, 2 * MINUTE);
	assert_full();
}

/* Last, as it ends the lease. */
static void test_own_address(void **state)
{
	static const uint8_t ip[4] = { 10, 0, 0, 7 }, mask[4] = { 255, 255, 255, 0 };

	(void)state;
	stack_address(ip, mask, peer_ip);
	peer.requests = peer.discovers = 0;
	peer.link = false;
	pass(SECOND);
	peer.link = true;
	pass(3 * HOUR);
	assert_true(own_is(7));
	assert_int_equal(stack_state(), STACK_READY);
	assert_int_equal(peer.requests + peer.discovers, 0);
	finish(connect_out(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_cable),
		cmocka_unit_test(test_no_dhcp_server),
		cmocka_unit_test(test_late_dhcp_server),
		cmocka_unit_test(test_lease_goes_on),
		cmocka_unit_test(test_refused_lease),
		cmocka_unit_test(test_lease_ends),
		cmocka_unit_test(test_cable_comes_and_goes),
		cmocka_unit_test(test_no_time),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_frames_lost),
		cmocka_unit_test(test_controller_full),
		cmocka_unit_test(test_cable_out_in_the_middle),
		cmocka_unit_test(test_peer_stops_reading),
		cmocka_unit_test(test_any_frame),
		cmocka_unit_test(test_own_address),
	};

	machine.send = peer_send;
	machine.receive = peer_receive;
	machine.link = peer_link;
	machine.time = on_time;
	desk_start(&machine);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
