/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets: what sys/net.h promises, over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "posix/random.h"
#include "sockets/net.h"

#include "base/bytes.h"
#include "base/status.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#define TURNS_MAX 200

static struct sockets s;
static const struct net_ops *ops;

static int setup(void **state)
{
	(void)state;
	sockets_init(&s, random_system());
	ops = sockets_net(&s).ops;
	return 0;
}

static struct ip_endpoint loopback(uint16_t port, uint8_t family)
{
	struct ip_endpoint e = { .port = port };

	e.ip.family = family;
	if (family == 4) {
		e.ip.bytes[0] = 127;
		e.ip.bytes[3] = 1;
	} else {
		e.ip.bytes[15] = 1;
	}
	return e;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	uint16_t port;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	if (a.ss_family == AF_INET6)
		port = ((struct sockaddr_in6 *)&a)->sin6_port;
	else
		port = ((struct sockaddr_in *)&a)->sin_port;
	return ntohs(port);
}

static int listen_any(uint8_t family, uint16_t *port)
{
	struct ip_endpoint e = loopback(0, family);
	int l = ops->listen(&s, &e);

	assert_true(l >= 0);
	*port = port_of(s.handle[l].fd);
	ops->watch(&s, l, NET_READ);
	return l;
}

static int accept_one(int l, struct ip_endpoint *peer, struct ip_endpoint *local)
{
	int h = ST_AGAIN, i;

	for (i = 0; h == ST_AGAIN && i < TURNS_MAX; i++) {
		h = ops->accept(&s, l, peer, local);
		if (h == ST_AGAIN)
			sockets_wait(&s, 50, NULL, 0);
	}
	assert_true(h >= 0);
	return h;
}

static void finish_connect(int c)
{
	int status = ST_AGAIN, i;

	ops->watch(&s, c, NET_WRITE);
	for (i = 0; status == ST_AGAIN && i < TURNS_MAX; i++) {
		status = ops->connected(&s, c);
		if (status == ST_AGAIN)
			sockets_wait(&s, 50, NULL, 0);
	}
	assert_int_equal(status, ST_OK);
}

struct two {
	int listener, near, far;
	uint16_t port;
};

static struct two make_pair(uint8_t family)
{
	struct two p;
	struct ip_endpoint to, peer, local;

	p.listener = listen_any(family, &p.port);
	to = loopback(p.port, family);
	p.near = ops->connect(&s, &to);
	assert_true(p.near >= 0);
	p.far = accept_one(p.listener, &peer, &local);
	finish_connect(p.near);
	assert_int_equal(peer.ip.family, family);
	assert_true(ip_is_loopback(&peer.ip));
	assert_int_equal(peer.port, port_of(s.handle[p.near].fd));
	assert_true(ip_equal(&local.ip, &to.ip));
	assert_int_equal(local.port, p.port);
	return p;
}

/* ops->recv, waiting for it. */
static int recv_wait(int h, void *to, size_t len)
{
	int n = ST_AGAIN, i;

	ops->watch(&s, h, NET_READ);
	for (i = 0; n == ST_AGAIN && i < TURNS_MAX; i++) {
		n = ops->recv(&s, h, to, len);
		if (n == ST_AGAIN)
			sockets_wait(&s, 50, NULL, 0);
	}
	return n;
}

static void close_pair(struct two *p)
{
	ops->close(&s, p->near);
	ops->close(&s, p->far);
	ops->close(&s, p->listener);
}

/* Nothing may be left open: every test ends here. */
static int teardown(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 100 && sockets_lingering(&s) > 0; i++)
		sockets_wait(&s, 50, NULL, 0);
	assert_int_equal(sockets_lingering(&s), 0);
	assert_int_equal(s.handle_end, 0);
	return 0;
}

static void talks_over(uint8_t family)
{
	struct two p = make_pair(family);
	char got[8];

	assert_int_equal(ops->send(&s, p.near, "hello", 5), 5);
	assert_int_equal(recv_wait(p.far, got, sizeof(got)), 5);
	assert_memory_equal(got, "hello", 5);
	assert_int_equal(ops->send(&s, p.far, "world", 5), 5);
	assert_int_equal(recv_wait(p.near, got, sizeof(got)), 5);
	assert_memory_equal(got, "world", 5);
	ops->close(&s, p.near);
	assert_int_equal(recv_wait(p.far, got, sizeof(got)), 0);
	ops->close(&s, p.far);
	ops->close(&s, p.listener);
}

static void test_talk(void **state)
{
	(void)state;
	talks_over(4);
	talks_over(6);
}

static void test_sockets_have_the_right_options(void **state)
{
	struct two p = make_pair(6);
	const int handles[3] = { p.listener, p.near, p.far };
	int value, i;
	socklen_t len = sizeof(value);

	(void)state;
	for (i = 0; i < 3; i++) {
		int fd = s.handle[handles[i]].fd;

		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
		assert_int_not_equal(value, 0);
	}
	assert_int_equal(getsockopt(s.handle[p.listener].fd, IPPROTO_IPV6, IPV6_V6ONLY, &value,
				 &len),
		0);
	assert_int_not_equal(value, 0);
	close_pair(&p);
}

static void test_address_in_use_is_an_error(void **state)
{
	uint16_t port;
	int l = listen_any(4, &port);
	struct ip_endpoint e = loopback(port, 4);

	(void)state;
	assert_int_equal(ops->listen(&s, &e), ST_IO);
	assert_int_equal(s.last_errno, EADDRINUSE);
	ops->close(&s, l);
}

/* The kernel remembers connections that we closed for a minute; a restart does not wait. */
static void test_address_is_free_at_once(void **state)
{
	struct two p = make_pair(4);
	struct ip_endpoint e = loopback(p.port, 4);
	int l;

	(void)state;
	ops->close(&s, p.far);
	ops->close(&s, p.near);
	ops->close(&s, p.listener);
	sockets_wait(&s, 20, NULL, 0);
	l = ops->listen(&s, &e);
	assert_true(l >= 0);
	ops->close(&s, l);
}

static void test_refused_connection(void **state)
{
	uint16_t port;
	int l = listen_any(4, &port), c, status = ST_AGAIN, i;
	struct ip_endpoint to = loopback(port, 4);

	(void)state;
	ops->close(&s, l);
	c = ops->connect(&s, &to);
	if (c < 0) {
		assert_int_equal(c, ST_IO);
		return;
	}
	ops->watch(&s, c, NET_WRITE);
	for (i = 0; status == ST_AGAIN && i < TURNS_MAX; i++) {
		status = ops->connected(&s, c);
		if (status == ST_AGAIN)
			sockets_wait(&s, 50, NULL, 0);
	}
	assert_int_equal(status, ST_IO);
	assert_int_equal(s.last_errno, ECONNREFUSED);
	ops->close(&s, c);
}

/* Asked before poll has said anything, a connection being made is not made. */
static void test_connecting_is_not_connected(void **state)
{
	struct ip_endpoint to = { .port = 9, .ip = { .family = 4, .bytes = { 192, 0, 2, 1 } } };
	int c = ops->connect(&s, &to);

	(void)state;
	if (c < 0)
		return; /* no route: also an answer */
	assert_int_equal(ops->connected(&s, c), ST_AGAIN);
	ops->close(&s, c);
}

/* The peer is still sending when we close after our reply: it must read the reply, not a reset. */
static void test_last_reply_survives_close(void **state)
{
	struct two p = make_pair(4);
	int fd = dup(s.handle[p.near].fd);
	char junk[20000], got[64];
	ssize_t n;

	(void)state;
	memset(junk, 'x', sizeof(junk));
	assert_true(send(fd, junk, sizeof(junk), MSG_NOSIGNAL) > 0);
	assert_int_equal(ops->send(&s, p.far, "421 bye\r\n", 9), 9);
	ops->close(&s, p.far);
	/* The peer writes on, as a client that has not read yet does. */
	send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
	sockets_wait(&s, 20, NULL, 0);
	sockets_wait(&s, 20, NULL, 0);
	n = recv(fd, got, sizeof(got), 0);
	assert_int_equal(n, 9);
	assert_memory_equal(got, "421 bye\r\n", 9);
	n = recv(fd, got, sizeof(got), 0);
	assert_int_equal(n, 0);
	close(fd);
	ops->close(&s, p.near);
	ops->close(&s, p.listener);
}

/* A peer that never finishes goes after two seconds, and sooner when others need the place. */
static void test_lingering_is_bounded(void **state)
{
	unsigned count = CONFIG_NET_LINGERS + 3u, i;
	uint16_t port;
	int l = listen_any(4, &port);
	struct ip_endpoint to = loopback(port, 4), peer, local;
	uint64_t start_ms = os_mono_ms();
	int fd[CONFIG_NET_LINGERS + 3];

	(void)state;
	for (i = 0; i < count; i++) {
		int near = ops->connect(&s, &to);
		int far = accept_one(l, &peer, &local);

		fd[i] = dup(s.handle[near].fd);
		ops->close(&s, far);
		finish_connect(near);
		s.handle[near].ended = 1;
		ops->close(&s, near);
	}
	assert_int_equal(sockets_lingering(&s), CONFIG_NET_LINGERS);
	while (sockets_lingering(&s) > 0)
		sockets_wait(&s, 5000, NULL, 0);
	assert_in_range(os_mono_ms() - start_ms, 1500, 4000);
	for (i = 0; i < count; i++)
		close(fd[i]);
	ops->close(&s, l);
}

static void test_no_call_while_not_ready(void **state)
{
	struct two p = make_pair(4);
	char got[4];

	(void)state;
	assert_int_equal(ops->recv(&s, p.far, got, sizeof(got)), ST_AGAIN);
	/* Data behind our back: not seen before poll has said so. */
	assert_int_equal(ops->send(&s, p.near, "x", 1), 1);
	assert_int_equal(ops->recv(&s, p.far, got, sizeof(got)), ST_AGAIN);
	ops->watch(&s, p.far, NET_READ);
	sockets_wait(&s, 1000, NULL, 0);
	assert_int_equal(ops->recv(&s, p.far, got, sizeof(got)), 1);
	close_pair(&p);
}

static void test_send_says_again_when_full(void **state)
{
	struct two p = make_pair(4);
	static char block[65536];
	size_t sent = 0, taken = 0;
	int n;

	(void)state;
	while ((n = ops->send(&s, p.near, block, sizeof(block))) > 0)
		sent += (size_t)n;
	assert_int_equal(n, ST_AGAIN);
	ops->watch(&s, p.near, NET_WRITE);
	while (taken < sent) {
		n = recv_wait(p.far, block, sizeof(block));
		assert_true(n > 0);
		taken += (size_t)n;
	}
	sockets_wait(&s, 1000, NULL, 0);
	assert_true(ops->send(&s, p.near, block, 1) == 1);
	close_pair(&p);
}

/* The wait ends for what is watched and for nothing else. */
static void test_watch_decides_what_ends_the_wait(void **state)
{
	struct two p = make_pair(4);
	uint64_t start_ms;

	(void)state;
	assert_int_equal(ops->send(&s, p.near, "x", 1), 1);
	ops->watch(&s, p.far, 0);
	ops->watch(&s, p.near, 0);
	start_ms = os_mono_ms();
	sockets_wait(&s, 100, NULL, 0);
	assert_true(os_mono_ms() - start_ms >= 95);
	ops->watch(&s, p.near, NET_READ); /* it could be written to, and nothing is there to read */
	start_ms = os_mono_ms();
	sockets_wait(&s, 100, NULL, 0);
	assert_true(os_mono_ms() - start_ms >= 95);
	ops->watch(&s, p.far, NET_READ);
	start_ms = os_mono_ms();
	sockets_wait(&s, 2000, NULL, 0);
	assert_true(os_mono_ms() - start_ms < 1000);
	close_pair(&p);
}

static void test_reset_is_an_error(void **state)
{
	struct two p = make_pair(4);
	struct linger hard = { 1, 0 };
	int fd = dup(s.handle[p.near].fd);
	char got[4];

	(void)state;
	s.handle[p.near].ended = 1;
	ops->close(&s, p.near);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	assert_int_equal(recv_wait(p.far, got, sizeof(got)), ST_IO);
	assert_int_equal(ops->send(&s, p.far, "x", 1), ST_IO);
	ops->close(&s, p.far);
	assert_int_equal(sockets_lingering(&s), 0);
	ops->close(&s, p.listener);
}

static void test_no_descriptor_left(void **state)
{
	struct rlimit before, none;
	uint16_t port;
	int l = listen_any(4, &port), far;
	struct ip_endpoint to = loopback(port, 4), peer, local;
	int near = ops->connect(&s, &to);
	int spare = dup(0);
	uint64_t start_ms;

	(void)state;
	assert_true(near >= 0);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	close(spare);
	none.rlim_cur = (rlim_t)spare;
	setrlimit(RLIMIT_NOFILE, &none);
	far = ops->accept(&s, l, &peer, &local);
	assert_int_equal(far, ST_FULL);
	assert_int_equal(s.full_count, 1);
	/* It rests: neither an accept nor a wait that ends at once, for half a second. */
	assert_int_equal(ops->accept(&s, l, &peer, &local), ST_AGAIN);
	start_ms = os_mono_ms();
	sockets_wait(&s, 200, NULL, 0);
	assert_true(os_mono_ms() - start_ms >= 190);
	assert_int_equal(ops->connect(&s, &to), ST_FULL);
	assert_int_equal(ops->datagram(&s, &to), ST_FULL);
	setrlimit(RLIMIT_NOFILE, &before);
	sockets_wait(&s, 1000, NULL, 0);
	far = accept_one(l, &peer, &local);
	ops->close(&s, near);
	ops->close(&s, far);
	ops->close(&s, l);
}

static void test_no_handle_left(void **state)
{
	uint16_t port;
	int l = listen_any(4, &port), i;
	struct ip_endpoint to = loopback(port, 4), peer, local;
	int near = ops->connect(&s, &to);

	(void)state;
	for (i = 0; i < CONFIG_NET_HANDLES; i++) {
		if (s.handle[i].fd < 0)
			s.handle[i].fd = 1000000;
	}
	assert_int_equal(ops->accept(&s, l, &peer, &local), ST_FULL);
	assert_int_equal(ops->connect(&s, &to), ST_FULL);
	for (i = 0; i < CONFIG_NET_HANDLES; i++) {
		if (s.handle[i].fd == 1000000)
			s.handle[i].fd = -1;
	}
	ops->close(&s, near);
	/* A place was freed: no rest any more, and the connection was kept by the backlog. */
	ops->close(&s, accept_one(l, &peer, &local));
	ops->close(&s, l);
}

static int udp_server(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct timeval limit = { 2, 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	*port = port_of(fd);
	return fd;
}

static void test_datagrams(void **state)
{
	uint16_t port;
	int server = udp_server(&port), other;
	struct ip_endpoint to = loopback(port, 4);
	int h = ops->datagram(&s, &to);
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char got[32];

	(void)state;
	assert_true(h >= 0);
	assert_int_equal(ops->send(&s, h, "question", 8), 8);
	assert_int_equal(recvfrom(server, got, sizeof(got), 0, (struct sockaddr *)&from, &len), 8);
	/* Somebody else's answer, and an empty one, are none. */
	other = udp_server(&port);
	assert_int_equal(sendto(other, "forged", 6, 0, (struct sockaddr *)&from, len), 6);
	assert_int_equal(sendto(server, "", 0, 0, (struct sockaddr *)&from, len), 0);
	assert_int_equal(ops->recv(&s, h, got, sizeof(got)), ST_AGAIN);
	assert_int_equal(sendto(server, "answer", 6, 0, (struct sockaddr *)&from, len), 6);
	assert_int_equal(recv_wait(h, got, sizeof(got)), 6);
	assert_memory_equal(got, "answer", 6);
	ops->close(&s, h);
	close(server);
	close(other);
}

/* RFC 5452: the port is drawn anew for each question. */
static void test_datagram_ports_differ(void **state)
{
	struct ip_endpoint to = loopback(53, 4);
	uint16_t ports[40], lowest = 65535, highest = 0;
	unsigned i, j, same = 0;

	(void)state;
	for (i = 0; i < 40; i++) {
		int h = ops->datagram(&s, &to);

		assert_true(h >= 0);
		ports[i] = port_of(s.handle[h].fd);
		assert_true(ports[i] >= 1024);
		lowest = ports[i] < lowest ? ports[i] : lowest;
		highest = ports[i] > highest ? ports[i] : highest;
		for (j = 0; j < i; j++)
			same += ports[i] == ports[j];
		ops->close(&s, h);
	}
	assert_true(same <= 1);
	/* From all of them: the system's own choice lies above 32767. */
	assert_true(lowest < 32768);
	assert_true(highest - lowest > 20000);
}

static void fill_taken(void *ctx, void *to, size_t len)
{
	uint16_t *port = ctx;

	assert_int_equal(len, 2);
	store_be16(to, *port);
}

/* A port that is taken is not the end. */
static void test_datagram_port_taken(void **state)
{
	uint16_t taken, port;
	int holder = udp_server(&taken), server = udp_server(&port), h;
	struct ip_endpoint to = loopback(port, 4);

	(void)state;
	s.random.fill = fill_taken;
	s.random.ctx = &taken;
	h = ops->datagram(&s, &to);
	assert_true(h >= 0);
	assert_int_not_equal(port_of(s.handle[h].fd), taken);
	ops->close(&s, h);
	close(holder);
	close(server);
}

static void test_more_descriptors(void **state)
{
	int ends[2];
	struct pollfd more[1];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	more[0].fd = ends[0];
	more[0].events = POLLIN;
	sockets_wait(&s, 0, more, 1);
	assert_int_equal(more[0].revents, 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	sockets_wait(&s, 1000, more, 1);
	assert_true(more[0].revents & POLLIN);
	close(ends[0]);
	close(ends[1]);
}

#define NET_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NET_TEST(test_talk),
		NET_TEST(test_sockets_have_the_right_options),
		NET_TEST(test_address_in_use_is_an_error),
		NET_TEST(test_address_is_free_at_once),
		NET_TEST(test_refused_connection),
		NET_TEST(test_connecting_is_not_connected),
		NET_TEST(test_last_reply_survives_close),
		NET_TEST(test_lingering_is_bounded),
		NET_TEST(test_no_call_while_not_ready),
		NET_TEST(test_send_says_again_when_full),
		NET_TEST(test_watch_decides_what_ends_the_wait),
		NET_TEST(test_reset_is_an_error),
		NET_TEST(test_no_descriptor_left),
		NET_TEST(test_no_handle_left),
		NET_TEST(test_datagrams),
		NET_TEST(test_datagram_ports_differ),
		NET_TEST(test_datagram_port_taken),
		NET_TEST(test_more_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
