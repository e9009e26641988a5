/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP and this machine's own TCP/IP talk to each other, by the real clock. */
#include "sockets/net.h"

#include "base/status.h"
#include "tap.h"
#include "unit/unit.h"

static struct sockets near;
static struct net net;

static uint32_t now_ms(void *ctx)
{
	(void)ctx;
	return tap_now_ms();
}

static uint32_t random_next(void *ctx)
{
	static uint32_t seed = 1;

	(void)ctx;
	seed = seed * 1664525u + 1013904223u;
	return seed >> 3;
}

static uint16_t frame_in(void *ctx, uint8_t *frame, uint16_t size)
{
	(void)ctx;
	return tap_receive(frame, size);
}

static bool frame_out(void *ctx, const uint8_t *frame, uint16_t len)
{
	(void)ctx;
	return tap_send(frame, len);
}

static bool link_is_up(void *ctx)
{
	(void)ctx;
	return true;
}

static void idle(void *ctx, uint32_t ms)
{
	(void)ctx;
	tap_wait(ms);
}

static void fill(void *ctx, void *to, size_t len)
{
	memset(to, (int)(random_next(ctx) & 0xffu), len);
}

/* One connection at a time: what comes goes back, in pieces of any size. */
static void serve(int listener, int *c)
{
	static uint8_t b[700];
	static int held, done;
	struct ip_endpoint peer, local;
	int n;

	if (*c < 0) {
		*c = net.ops->accept(&near, listener, &peer, &local);
		return;
	}
	if (done == held) {
		n = net.ops->recv(&near, *c, b, sizeof(b));
		if (n == 0 || n == ST_IO) {
			net.ops->close(&near, *c);
			*c = -1;
			return;
		}
		held = n > 0 ? n : 0;
		done = 0;
	}
	n = done < held ? net.ops->send(&near, *c, b + done, (size_t)(held - done)) : 0;
	done += n > 0 ? n : 0;
	net.ops->watch(&near, *c, done < held ? NET_WRITE : NET_READ);
}

static void test_the_kernel_is_a_peer(void **state)
{
	static struct stack_machine machine = { .now_ms = now_ms,
		.random = random_next,
		.receive = frame_in,
		.send = frame_out,
		.link = link_is_up,
		.idle = idle };
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 }, here[4] = { 10, 9, 0, 2 };
	static const uint8_t mask[4] = { 255, 255, 255, 0 }, gateway[4] = { 10, 9, 0, 1 };
	const char *why = tap_open();
	struct ip_endpoint at;
	bool well = false;
	int listener, c = -1;
	uint32_t start_ms = tap_now_ms();

	(void)state;
	if (why != NULL) {
		print_message("skipped: %s\n", why);
		skip();
	}
	stack_start(&machine, mac, "tap");
	stack_address(here, mask, gateway);
	sockets_init(&near, (struct random){ fill, NULL });
	net = sockets_net(&near);
	assert_true(ip_endpoint_parse(span_of(TAP_HERE ":7"), 0, &at));
	listener = net.ops->listen(&near, &at);
	assert_true(listener >= 0);
	net.ops->watch(&near, listener, NET_READ);
	tap_client(7);
	while (!tap_client_ended(&well) && tap_now_ms() - start_ms < 40000u) {
		serve(listener, &c);
		sockets_wait(&near, 20, NULL, 0);
	}
	assert_true(well);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_the_kernel_is_a_peer) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
