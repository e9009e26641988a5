/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 30000000u

/* ---- Random numbers ------------------------------------------------------------- */

uint32_t draw(struct sim *w, uint32_t below)
{
	return rng_below(&w->rng, below);
}

bool chance(struct sim *w, uint32_t of_1000)
{
	return draw(w, 1000) < of_1000;
}

uint64_t draw_log(struct sim *w, uint64_t most)
{
	unsigned bits = 0;
	uint64_t top;

	while (bits < 63 && most >> bits > 1)
		bits++;
	top = (uint64_t)1 << draw(w, bits + 1u);
	top += (((uint64_t)rng_next(&w->rng) << 32) | rng_next(&w->rng)) % top;
	return top < most ? top : most;
}

uint64_t draw_around(struct sim *w, uint64_t mean)
{
	uint64_t sum = (uint64_t)draw(w, 65536) * (1u + draw(w, 3));

	return sum * mean / 65536u;
}

/* ---- Telling -------------------------------------------------------------------- */

static void put_time(uint64_t ms)
{
	printf("%llud %02llu:%02llu:%02llu.%03llu  ", (unsigned long long)(ms / 86400000u),
		(unsigned long long)(ms / 3600000u % 24u), (unsigned long long)(ms / 60000u % 60u),
		(unsigned long long)(ms / 1000u % 60u), (unsigned long long)(ms % 1000u));
}

void story(const struct sim *w, const char *format, ...)
{
	va_list args;

	if (!w->tell)
		return;
	put_time(w->now_ms);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

void sim_fail(const struct sim *w, const char *format, ...)
{
	va_list args;

	printf("FAILED seed %u at ", w->seed);
	put_time(w->now_ms);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	if (w->figures != NULL)
		figures_print(w->figures);
	fflush(stdout);
	_Exit(1);
}

/* ---- The run -------------------------------------------------------------------- */

static void begin(struct sim *w, uint32_t seed, const struct limits *limits)
{
	uint8_t s[16] = { 'p', 'i', 'p', 'i', 't' };
	unsigned i;

	memcpy(s + 8, &seed, sizeof(seed));
	w->seed = seed;
	w->phase = PHASE_STORM;
	w->now_ms = 0;
	rng_seed(&w->rng, s);
	for (i = 0; i < 16; i++)
		(void)rng_next(&w->rng);
	timers_init(&w->timers);
	plan_draw(w, limits);
	plan_tell(w);
	net_init(w);
	dns_init(w);
	ledger_init(w);
	memset(w->session, 0, sizeof(w->session));
	for (i = 0; i < CONFIG_SIM_MAILBOXES; i++)
		w->mailbox[i].used = false;
	for (i = 0; i < w->plan.hops; i++)
		hop_init(w, i);
	for (i = 0; i < w->plan.nodes; i++)
		node_init(w, i);
	for (i = 0; i < w->plan.clients; i++)
		client_init(w, i);
	w->end_ms = w->plan.storm_ms;
	set_timer(w, TIMER_PHASE, w->end_ms);
}

static void calm_down(struct sim *w)
{
	unsigned i;

	if (w->phase == PHASE_CALM)
		return;
	story(w, "---- the storm is over ----");
	w->phase = PHASE_CALM;
	w->end_ms = w->now_ms + w->plan.drain_ms;
	for (i = 0; i < w->plan.hops; i++)
		hop_calm(w, i);
	for (i = 0; i < w->plan.nodes; i++)
		node_calm(w, i);
	for (i = 0; i < w->plan.clients; i++)
		if (w->client[i].stream < 0)
			timer_off(&w->timers, TIMER_CLIENT + i);
	net_calm(w);
	set_timer(w, TIMER_PHASE, w->end_ms);
}

static void happen(struct sim *w, unsigned t)
{
	if (t < TIMER_POWER)
		node_due(w, t - TIMER_NODE);
	else if (t < TIMER_CLOCK)
		node_power_due(w, t - TIMER_POWER);
	else if (t < TIMER_ROT)
		node_clock_due(w, t - TIMER_CLOCK);
	else if (t < TIMER_HOP)
		node_rot_due(w, t - TIMER_ROT);
	else if (t < TIMER_CLIENT)
		hop_mood_due(w, t - TIMER_HOP);
	else if (t < TIMER_STREAM)
		client_due(w, t - TIMER_CLIENT);
	else if (t < TIMER_SESSION)
		stream_due(w, (int)(t - TIMER_STREAM));
	else if (t < TIMER_PACKET)
		session_due(w, (int)(t - TIMER_SESSION));
	else if (t < TIMER_MAILBOX)
		packet_due(w, t - TIMER_PACKET);
	else if (t < TIMER_PHASE)
		mailbox_due(w, t - TIMER_MAILBOX);
	else
		calm_down(w);
}

/* late: at the end of its time.  A message whose envelope is damaged stays for the operator. */
static bool is_drained(const struct sim *w, bool late)
{
	unsigned i;

	for (i = 0; i < w->plan.nodes; i++)
		if (!node_is_empty(&w->node[i]) && !(late && w->node[i].told_rot))
			return false;
	for (i = 0; i < CONFIG_SIM_STREAMS; i++)
		if (w->net.stream[i].state != STREAM_FREE)
			return false;
	return mailbox_is_idle(w);
}

static void show_rest(const struct sim *w)
{
	unsigned i;

	for (i = 0; i < w->plan.nodes; i++)
		node_show(&w->node[i]);
	for (i = 0; i < CONFIG_SIM_STREAMS; i++)
		if (w->net.stream[i].state != STREAM_FREE)
			printf("stream %u from %u.%u to %u.%u is open\n", i,
				w->net.stream[i].party[0].kind, w->net.stream[i].party[0].who,
				w->net.stream[i].party[1].kind, w->net.stream[i].party[1].who);
}

void sim_run(struct sim *w, uint32_t seed, const struct limits *limits, struct figures *figures,
	bool tell)
{
	uint32_t events;
	unsigned t, i;

	w->figures = figures;
	w->tell = tell;
	begin(w, seed, limits);
	for (events = 0; events < EVENTS_MAX; events++) {
		if (w->phase == PHASE_CALM && is_drained(w, false))
			break;
		if (!timers_next(&w->timers, &t, &w->now_ms))
			break;
		if (w->phase == PHASE_CALM && t == TIMER_PHASE)
			break;
		happen(w, t);
	}
	if (!is_drained(w, true)) {
		show_rest(w);
		sim_fail(w, "it does not drain within %llu s of calm",
			(unsigned long long)(w->plan.drain_ms / 1000u));
	}
	for (i = 0; i < w->plan.nodes; i++)
		if (node_is_empty(&w->node[i]))
			node_check_pools(w, i);
	ledger_close(w);
	count(w, FIGURE_seeds, 1);
	count(w, FIGURE_virtual_ms, w->now_ms);
	story(w, "---- all is drained, every promise was kept ----");
}
