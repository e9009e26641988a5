/* SPDX-License-Identifier: BSD-2-Clause */
/* port/sockets/net.c over lwIP's sockets, and what lwIP is known to do otherwise. */
#include "desk.h"

#include <lwip/opt.h>

#define MANY 64u

static struct stack_machine machine;
static struct desk_fill at_start;
static int listener;
static struct ip_endpoint here;

static int listen_first(void **state)
{
	(void)state;
	here = desk_at("127.0.0.1:25");
	listener = net.ops->listen(&near, &here);
	assert_true(listener >= 0);
	net.ops->watch(&near, listener, NET_READ);
	return 0;
}

static int close_all(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < CONFIG_NET_HANDLES; i++) {
		if (near.handle[i].fd >= 0)
			net.ops->close(&near, (int)i);
		if (far.handle[i].fd >= 0)
			far_net.ops->close(&far, (int)i);
	}
	desk_full_again(&at_start);
	return 0;
}

static void test_nothing_to_accept(void **state)
{
	struct ip_endpoint peer, local;

	(void)state;
	assert_int_equal(net.ops->accept(&near, listener, &peer, &local), ST_AGAIN);
}

/* An accepted socket does not have O_NONBLOCK from its listener: this would wait for ever. */
static void test_accepted_does_not_block(void **state)
{
	int there, c = desk_pair(listener, here, &there);
	uint8_t octet;

	(void)state;
	assert_int_equal(net.ops->recv(&near, c, &octet, 1), ST_AGAIN);
}

static void test_names_of_both_ends(void **state)
{
	struct ip_endpoint peer, local;
	int i, c = ST_AGAIN;

	(void)state;
	assert_true(far_net.ops->connect(&far, &here) >= 0);
	for (i = 0; i < 50 && c == ST_AGAIN; i++) {
		desk_run(1);
		c = net.ops->accept(&near, listener, &peer, &local);
	}
	assert_true(c >= 0);
	assert_int_equal(local.port, 25);
	assert_true(ip_is_loopback(&peer.ip));
	assert_true(peer.port >= 1024);
}

/* poll() with no time to wait does not pump the stack by itself. */
static void test_moves_without_waiting(void **state)
{
	struct ip_endpoint peer, local;
	uint32_t before_ms = desk_ms;
	int i, there = far_net.ops->connect(&far, &here), c = ST_AGAIN;

	(void)state;
	assert_true(there >= 0);
	for (i = 0; i < 50 && c == ST_AGAIN; i++) {
		sockets_wait(&near, 0, NULL, 0);
		c = net.ops->accept(&near, listener, &peer, &local);
	}
	assert_true(c >= 0);
	assert_int_equal(desk_ms, before_ms);
}

/* lwIP's poll() refuses to wait for no socket at all. */
static void test_waits_for_nothing(void **state)
{
	uint32_t before_ms;
	int i;

	(void)state;
	net.ops->close(&near, listener);
	before_ms = desk_ms;
	for (i = 0; i < 100 && desk_ms - before_ms < 20u; i++)
		sockets_wait(&near, 20, NULL, 0);
	assert_in_range(desk_ms - before_ms, 20, 60);
}

static void test_refused(void **state)
{
	struct ip_endpoint nobody = desk_at("127.0.0.1:26");
	int i, there = far_net.ops->connect(&far, &nobody), st = ST_AGAIN;

	(void)state;
	assert_true(there >= 0);
	far_net.ops->watch(&far, there, NET_WRITE);
	for (i = 0; i < 50 && st == ST_AGAIN; i++) {
		desk_run(1);
		st = far_net.ops->connected(&far, there);
	}
	assert_int_equal(st, ST_IO);
}

static void test_no_route(void **state)
{
	struct ip_endpoint outside = desk_at("192.0.2.1:25");

	(void)state;
	assert_int_equal(far_net.ops->connect(&far, &outside), ST_IO);
}

static void hear(int handle, const char *text)
{
	char heard[256];
	size_t len = 0;
	int i, n = ST_AGAIN;

	for (i = 0; i < 100 && n != 0 && n != ST_IO && len < sizeof(heard); i++) {
		n = far_net.ops->recv(&far, handle, heard + len, sizeof(heard) - len);
		if (n > 0)
			len += (size_t)n;
		desk_run(1);
	}
	assert_int_equal(n, 0);
	assert_span(span_make(heard, len), text);
}

/* Closing a socket with unread input is a reset in lwIP, and takes our last words along. */
static void test_last_words_arrive(void **state)
{
	int there, c = desk_pair(listener, here, &there);

	(void)state;
	assert_int_equal(far_net.ops->send(&far, there, "NOOP\r\nNOOP\r\n", 12), 12);
	desk_run(5);
	assert_int_equal(net.ops->send(&near, c, "421 bye\r\n", 9), 9);
	net.ops->close(&near, c);
	assert_int_equal(far_net.ops->send(&far, there, "more\r\n", 6), 6);
	hear(there, "421 bye\r\n");
}

/* A new socket may get the descriptor of a closed one: events of that one are not its own. */
static void test_stale_events(void **state)
{
	int there, c = desk_pair(listener, here, &there), again, fd = near.handle[c].fd, second;
	uint8_t octet;

	(void)state;
	assert_int_equal(far_net.ops->send(&far, there, "x", 1), 1);
	desk_run(5);
	far_net.ops->close(&far, there);
	desk_run(5);
	net.ops->close(&near, c);
	desk_run(5);
	again = desk_pair(listener, here, &second);
	assert_int_equal(near.handle[again].fd, fd);
	desk_run(5);
	assert_int_equal(near.handle[again].may & NET_READ, 0);
	assert_int_equal(net.ops->recv(&near, again, &octet, 1), ST_AGAIN);
}

/* Both windows shut, everybody waits for the other: unpatched, each ACK is answered by an ACK,
 * and over loopback the stack never comes back. */
static void test_windows_shut_at_both_ends(void **state)
{
	static uint8_t junk[TCP_MSS];
	int there, c = desk_pair(listener, here, &there), turn, n;
	size_t out = 0, back = 0, in = 0, in_back = 0;

	(void)state;
	for (turn = 0; turn < 2000; turn++) {
		while ((n = far_net.ops->send(&far, there, junk, sizeof(junk))) > 0)
			out += (size_t)n;
		while ((n = net.ops->send(&near, c, junk, sizeof(junk))) > 0)
			back += (size_t)n;
		desk_run(turn % 7u);
	}
	assert_true(out >= TCP_WND && back >= TCP_WND);
	for (turn = 0; turn < 40000 && (in < out || in_back < back); turn++) {
		while ((n = net.ops->recv(&near, c, junk, sizeof(junk))) > 0)
			in += (size_t)n;
		while ((n = far_net.ops->recv(&far, there, junk, sizeof(junk))) > 0)
			in_back += (size_t)n;
		desk_run(1);
	}
	assert_int_equal(in, out);
	assert_int_equal(in_back, back);
}

/* Octet n of what either side sends. */
static uint8_t octet_of(size_t n)
{
	return (uint8_t)(n * 7u + n / 251u);
}

static void test_every_octet_both_ways(void **state)
{
	const size_t whole = 200000;
	int there, c = desk_pair(listener, here, &there), turn, n;
	size_t sent[2] = { 0, 0 }, got[2] = { 0, 0 }, i, side;
	uint8_t b[777];

	(void)state;
	for (turn = 0; turn < 200000 && (got[0] < whole || got[1] < whole); turn++) {
		for (side = 0; side < 2; side++) {
			const struct net *to = side == 0 ? &net : &far_net;
			int handle = side == 0 ? c : there;

			while ((n = to->ops->recv(to->ctx, handle, b, 1 + turn % sizeof(b))) > 0)
				for (i = 0; i < (size_t)n; i++)
					assert_int_equal(b[i], octet_of(got[side]++));
			for (i = 0; i < sizeof(b); i++)
				b[i] = octet_of(sent[side] + i);
			n = sent[side] < whole
				? to->ops->send(to->ctx, handle, b,
					  whole - sent[side] < sizeof(b) ? whole - sent[side]
									 : sizeof(b))
				: 0;
			sent[side] += n > 0 ? (size_t)n : 0;
		}
		desk_run(1);
	}
	assert_int_equal(got[0], whole);
	assert_int_equal(got[1], whole);
}

/* More peers than there are connections: those that find none try again, and nothing is lost. */
static void test_out_of_connections(void **state)
{
	int mine[MANY], theirs[MANY], n = 0, m = 0, i, h;
	struct ip_endpoint peer, local;
	bool full = false;

	(void)state;
	for (i = 0; i < (int)MANY && !full; i++) {
		h = far_net.ops->connect(&far, &here);
		full = h == ST_FULL;
		if (h >= 0)
			theirs[n++] = h;
		desk_run(20);
		h = net.ops->accept(&near, listener, &peer, &local);
		if (h >= 0)
			mine[m++] = h;
	}
	assert_true(full);
	assert_true(m > 0);
	far_net.ops->close(&far, theirs[0]);
	net.ops->close(&near, mine[0]);
	desk_run(150000);
	assert_true(far_net.ops->connect(&far, &here) >= 0);
}

/* The heap full of what peers do not read: senders are told to wait, and go on later. */
static void test_out_of_heap(void **state)
{
	static uint8_t junk[4000];
	struct stack_fill heap;
	size_t out[8] = { 0 }, in[8] = { 0 };
	int c[8], there[8], i, turn, n, all;

	(void)state;
	for (i = 0; i < 8; i++)
		c[i] = desk_pair(listener, here, &there[i]);
	for (turn = 0; turn < 50; turn++) {
		for (i = 0; i < 8; i++)
			while ((n = net.ops->send(&near, c[i], junk, sizeof(junk))) > 0)
				out[i] += (size_t)n;
		desk_run(50);
	}
	assert_true(stack_fill(0, &heap));
	for (turn = 0, all = 0; turn < 100000 && all < 8; turn++) {
		for (i = 0, all = 0; i < 8; i++) {
			n = far_net.ops->recv(&far, there[i], junk, sizeof(junk));
			in[i] += n > 0 ? (size_t)n : 0;
			all += in[i] == out[i];
		}
		desk_run(1);
	}
	assert_int_equal(all, 8);
}

static void test_datagrams(void **state)
{
	struct ip_endpoint to = desk_at("127.0.0.1:53");
	int h = net.ops->datagram(&near, &to), fd, n = ST_AGAIN, i;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = lwip_htons(53) };
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t b[16];

	(void)state;
	fd = os_socket(AF_INET, SOCK_DGRAM);
	assert_true(fd >= 0 && lwip_bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	assert_int_equal(net.ops->send(&near, h, "question", 8), 8);
	desk_run(2);
	assert_int_equal(lwip_recvfrom(fd, b, sizeof(b), 0, (struct sockaddr *)&from, &len), 8);
	assert_int_equal(lwip_sendto(fd, "answer", 6, 0, (struct sockaddr *)&from, len), 6);
	net.ops->watch(&near, h, NET_READ);
	for (i = 0; i < 50 && n == ST_AGAIN; i++) {
		desk_run(1);
		n = net.ops->recv(&near, h, b, sizeof(b));
	}
	assert_int_equal(n, 6);
	assert_memory_equal(b, "answer", 6);
	lwip_close(fd);
}

#define TRAP(name) cmocka_unit_test_setup_teardown(test_##name, listen_first, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRAP(nothing_to_accept),
		TRAP(accepted_does_not_block),
		TRAP(names_of_both_ends),
		TRAP(moves_without_waiting),
		TRAP(waits_for_nothing),
		TRAP(refused),
		TRAP(no_route),
		TRAP(last_words_arrive),
		TRAP(stale_events),
		TRAP(windows_shut_at_both_ends),
		TRAP(every_octet_both_ways),
		TRAP(out_of_connections),
		TRAP(out_of_heap),
		TRAP(datagrams),
	};

	desk_start(&machine);
	desk_run(10);
	desk_fills(&at_start);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
