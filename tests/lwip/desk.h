/* SPDX-License-Identifier: BSD-2-Clause */
/* desk - lwIP in this process: its clock is a variable, and moves only while the stack idles.
 *
 * Both ends of a connection are ours: `near` is the side under test, `far` its peers.  A test
 * that waits for ever is ended by an alarm.
 */
#ifndef PIPIT_TESTS_DESK_H
#define PIPIT_TESTS_DESK_H

#include "sockets/net.h"

#include "base/status.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DESK_SECONDS 120u /* of the wall's clock, for one program */

static uint32_t desk_ms = UINT32_MAX - 5000u; /* lwIP's clock wraps early on */
static uint32_t desk_seed = 1;
static struct sockets near, far;
static struct net net, far_net;

static uint32_t desk_now(void *ctx)
{
	(void)ctx;
	return desk_ms;
}

static uint32_t desk_random(void *ctx)
{
	(void)ctx;
	desk_seed = desk_seed * 1664525u + 1013904223u;
	return desk_seed >> 3;
}

static void desk_idle(void *ctx, uint32_t ms)
{
	(void)ctx;
	desk_ms += ms;
}

static void desk_fill(void *ctx, void *to, size_t len)
{
	uint8_t *octets = to;

	for (; len > 0; len--)
		*octets++ = (uint8_t)(desk_random(ctx) >> 8);
}

/* Loopback only, or with an Ethernet: the machine's other functions are the test's. */
static inline void desk_start(struct stack_machine *m)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	alarm(DESK_SECONDS);
	m->now_ms = desk_now;
	m->random = desk_random;
	m->idle = desk_idle;
	stack_start(m, mac, "desk");
	sockets_init(&near, (struct random){ desk_fill, NULL });
	sockets_init(&far, (struct random){ desk_fill, NULL });
	net = sockets_net(&near);
	far_net = sockets_net(&far);
}

/* Both sides turn, without a wait, until the clock has moved so far. */
static inline void desk_run(uint32_t ms)
{
	uint32_t start_ms = desk_ms, turn_ms;

	do {
		turn_ms = desk_ms;
		sockets_wait(&far, 0, NULL, 0);
		sockets_wait(&near, 1, NULL, 0);
		if (desk_ms == turn_ms) /* something was ready */
			stack_pump(1);
	} while (desk_ms - start_ms < ms);
}

static inline struct ip_endpoint desk_at(const char *text)
{
	struct ip_endpoint e;

	assert_true(ip_endpoint_parse(span_of(text), 0, &e));
	return e;
}

/* A connection from `far` to our listener: our handle, and its. */
static inline int desk_pair(int listener, struct ip_endpoint to, int *there)
{
	struct ip_endpoint peer, local;
	int here = ST_AGAIN, i;

	*there = far_net.ops->connect(&far, &to);
	assert_true(*there >= 0);
	for (i = 0; i < 50 && here == ST_AGAIN; i++) {
		desk_run(1);
		here = net.ops->accept(&near, listener, &peer, &local);
	}
	assert_true(here >= 0);
	for (i = 0; i < 50 && far_net.ops->connected(&far, *there) == ST_AGAIN; i++) {
		far_net.ops->watch(&far, *there, NET_WRITE);
		desk_run(1);
	}
	assert_int_equal(far_net.ops->connected(&far, *there), ST_OK);
	far_net.ops->watch(&far, *there, NET_READ | NET_WRITE);
	net.ops->watch(&near, here, NET_READ | NET_WRITE);
	return here;
}

/* What is in use of each pool. */
struct desk_fill {
	uint32_t used[40];
};

static inline void desk_fills(struct desk_fill *f)
{
	struct stack_fill fill;
	unsigned i;

	memset(f, 0, sizeof(*f));
	for (i = 0; stack_fill(i, &fill); i++)
		f->used[i] = fill.used;
}

/* When everything is closed and TIME-WAIT is over, every pool is as it was. */
static inline void desk_full_again(const struct desk_fill *before)
{
	struct desk_fill after;

	desk_run(150000);
	desk_fills(&after);
	assert_memory_equal(&after, before, sizeof(after));
}

#endif
