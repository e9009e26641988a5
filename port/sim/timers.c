/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/timers.h"

#include "base/check.h"

void timers_init(struct timers *t)
{
	unsigned i;

	t->count = 0;
	for (i = 0; i < TIMERS; i++)
		t->at_ms[i] = TIME_NEVER;
}

static bool earlier(const struct timers *t, unsigned a, unsigned b)
{
	if (t->at_ms[a] != t->at_ms[b])
		return t->at_ms[a] < t->at_ms[b];
	return t->tie[a] < t->tie[b];
}

static void put(struct timers *t, unsigned at, unsigned timer)
{
	t->heap[at] = (uint16_t)timer;
	t->place[timer] = (uint16_t)at;
}

static void up(struct timers *t, unsigned at)
{
	unsigned timer = t->heap[at];

	for (; at > 0 && earlier(t, timer, t->heap[(at - 1u) / 2u]); at = (at - 1u) / 2u)
		put(t, at, t->heap[(at - 1u) / 2u]);
	put(t, at, timer);
}

static void down(struct timers *t, unsigned at)
{
	unsigned timer = t->heap[at], child;

	for (; (child = 2u * at + 1u) < t->count; at = child) {
		if (child + 1u < t->count && earlier(t, t->heap[child + 1u], t->heap[child]))
			child++;
		if (!earlier(t, t->heap[child], timer))
			break;
		put(t, at, t->heap[child]);
	}
	put(t, at, timer);
}

void timer_off(struct timers *t, unsigned timer)
{
	unsigned at = t->place[timer], last;

	if (t->at_ms[timer] == TIME_NEVER)
		return;
	t->at_ms[timer] = TIME_NEVER;
	last = t->heap[--t->count];
	if (last == timer)
		return;
	put(t, at, last);
	up(t, at);
	down(t, t->place[last]);
}

void timer_set(struct timers *t, unsigned timer, uint64_t at_ms, struct rng *rng)
{
	CHECK(timer < TIMERS);
	timer_off(t, timer);
	if (at_ms == TIME_NEVER)
		return;
	t->at_ms[timer] = at_ms;
	t->tie[timer] = rng_next(rng);
	put(t, t->count++, timer);
	up(t, t->count - 1u);
}

void timer_soon(struct timers *t, unsigned timer, uint64_t at_ms, struct rng *rng)
{
	if (at_ms < t->at_ms[timer])
		timer_set(t, timer, at_ms, rng);
}

bool timers_next(struct timers *t, unsigned *timer, uint64_t *at_ms)
{
	if (t->count == 0)
		return false;
	*timer = t->heap[0];
	*at_ms = t->at_ms[*timer];
	timer_off(t, *timer);
	return true;
}
