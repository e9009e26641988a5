/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/sim.h"

#include <stdio.h>
#include <string.h>

#define HOUR_MS 3600000u

/* clang-format off */
#define FAULT_MOST(name, most) [FAULT_##name] = most,
static const uint16_t most_of[FAULT_COUNT] = { FAULTS(FAULT_MOST) };
#define FAULT_TEXT(name, most) [FAULT_##name] = #name,
static const char *const fault_texts[FAULT_COUNT] = { FAULTS(FAULT_TEXT) };
#define FIGURE_TEXT(name) [FIGURE_##name] = #name,
static const char *const figure_texts[FIGURE_COUNT] = { FIGURES(FIGURE_TEXT) };
/* clang-format on */

const char *fault_name(enum fault f)
{
	return fault_texts[f];
}

void figures_print(const struct figures *f)
{
	unsigned i;

	for (i = 0; i < FIGURE_COUNT; i++)
		printf("figure %s %llu\n", figure_texts[i], (unsigned long long)f->n[i]);
	for (i = 0; i < FAULT_COUNT; i++)
		printf("fault %s %llu\n", fault_texts[i], (unsigned long long)f->fault[i]);
	printf("most step_ops %llu\n", (unsigned long long)f->step_ops_max);
}

/* ---- Faults as they come -------------------------------------------------------- */

/* Rates are kept in 1/65536: the small ones must not all be 0 or 1. */
#define RATE(of_1000) ((uint32_t)(of_1000)*65u)

bool fault(struct sim *w, enum fault f)
{
	/* Drawn in any case: with a kind switched off the others stay as alike as can be. */
	bool hit = (rng_next(&w->rng) & 0xffffu) < w->plan.rate[f];

	if (!hit || w->phase == PHASE_CALM)
		return false;
	w->figures->fault[f]++;
	return true;
}

void fault_count(struct sim *w, enum fault f)
{
	w->figures->fault[f]++;
}

uint64_t fault_next_ms(struct sim *w, enum fault f)
{
	uint64_t mean, in_ms = draw(w, 65536);

	if (w->plan.rate[f] == 0 || w->phase == PHASE_CALM)
		return TIME_NEVER;
	/* The rate is events an hour, times 65. */
	mean = (uint64_t)HOUR_MS * 65u / w->plan.rate[f];
	return w->now_ms + 1u + in_ms * 2u * mean / 65536u;
}

/* ---- The draw ------------------------------------------------------------------- */

static void draw_rates(struct sim *w, const struct limits *limits)
{
	static const uint8_t weather[] = { 5, 30, 100 }; /* percent of the most */
	uint32_t wild = weather[draw(w, 3)], few = draw(w, 3), i;

	for (i = 0; i < FAULT_COUNT; i++) {
		uint32_t rate = RATE(most_of[i]) * wild / 100u;
		bool off = draw(w, 3) < few || (draw(w, 2) == 0 && few > 0);

		rate = 1u + draw(w, rate + 1u) * (1u + draw(w, 4)) / 4u;
		w->plan.rate[i] = off || limits->off[i] ? 0 : (uint16_t)rate;
	}
	/* Bits that rot make most other promises weaker: only in some runs. */
	if (draw(w, 4) != 0)
		w->plan.rate[FAULT_rot] = 0;
}

static void draw_schedule(struct sim *w, struct plan *p)
{
	unsigned i;

	p->retry_s[0] = 2u + (uint32_t)draw_log(w, 300);
	for (i = 1; i < 5; i++)
		p->retry_s[i] = p->retry_s[i - 1] + (uint32_t)draw_log(w, p->retry_s[i - 1] * 3u);
	p->expire_s = p->retry_s[draw(w, 5)] * (2u + draw(w, 8)) + 60u;
	p->warn_s = draw(w, 2) ? 0 : 1u + p->expire_s / (2u + draw(w, 10));
	p->size_max = 4096u + draw(w, CONFIG_SIM_CONTENT - 4096u);
}

static void draw_flash(struct sim *w, struct plan *p)
{
	static const uint16_t units[] = { 1, 1, 4, 16, 32, 256 };
	uint32_t sectors = CONFIG_SIM_FLASH / 4096u;

	if (sectors > CONFIG_QUEUE_SECTORS_MAX)
		sectors = CONFIG_QUEUE_SECTORS_MAX;
	p->file = draw(w, 3) == 0;
	p->unstable = draw(w, 4) == 0;
	p->flash.sector_size = 4096;
	p->flash.sector_count = draw(w, 2) || CONFIG_QUEUE_FIXED_GEOMETRY
		? sectors
		: 12u + draw(w, sectors - 11u);
	p->flash.program_unit = p->file ? 1 : units[draw(w, 6)];
	while (p->flash.program_unit > CONFIG_QUEUE_PROGRAM_UNIT_MAX)
		p->flash.program_unit /= 2;
	p->flash.page_size = p->file ? 4096 : 256;
}

/* What no next hop takes waits until it expires, and its report as long again; a
 * peer that says nothing costs minutes at every try.  Without a clock attempts are
 * counted; at a dead next hop messages take turns, one for each end of its back-off. */
static uint64_t drain_ms(const struct plan *p)
{
	uint64_t spent_s = 0, turns = p->messages;
	unsigned attempts;

	if (turns > CONFIG_QUEUE_MESSAGES)
		turns = CONFIG_QUEUE_MESSAGES;
	for (attempts = 0; spent_s < p->expire_s; attempts++)
		spent_s += p->retry_s[attempts < 5 ? attempts : 4];
	return 2000u * (uint64_t)p->expire_s + 4000u * (uint64_t)p->retry_s[4] + 3u * HOUR_MS +
		turns * attempts * 1250u * CONFIG_HOP_BACK_OFF_MAX;
}

void plan_draw(struct sim *w, const struct limits *limits)
{
	struct plan *p = &w->plan;
	uint32_t nodes;

	memset(p, 0, sizeof(*p));
	draw_rates(w, limits);
	draw_schedule(w, p);
	draw_flash(w, p);
	nodes = draw(w, 10);
	p->nodes = nodes < 6 ? 1 : nodes < 9 ? 2 : 3;
	p->clients = (uint8_t)(1u + draw(w, CONFIG_SIM_CLIENTS));
	p->hops = (uint8_t)(2u + draw(w, CONFIG_SIM_HOPS - 1u));
	p->messages = (uint16_t)draw_log(w, CONFIG_SIM_MESSAGES);
	p->storm_ms = 60000u + draw_log(w, 48u * HOUR_MS);
	p->latency_ms = (uint32_t)draw_log(w, 400);
	p->wall_s = 1700000000u + draw(w, 100000000);
	p->local = CONFIG_MAILBOXES && draw(w, 2);
	p->smarthost = draw(w, 6) == 0;
	p->postmaster = draw(w, 2);
	p->loops = draw(w, 2);
	if (limits->nodes > 0 && p->nodes > limits->nodes)
		p->nodes = (uint8_t)limits->nodes;
	if (p->nodes > CONFIG_SIM_NODES)
		p->nodes = CONFIG_SIM_NODES;
	if (limits->clients > 0 && p->clients > limits->clients)
		p->clients = (uint8_t)limits->clients;
	if (limits->messages > 0 && p->messages > limits->messages)
		p->messages = (uint16_t)limits->messages;
	if (limits->hours > 0 && p->storm_ms > limits->hours * (uint64_t)HOUR_MS)
		p->storm_ms = limits->hours * (uint64_t)HOUR_MS;
	p->pause_ms = (uint32_t)(p->storm_ms * p->clients / (p->messages + 1u));
	p->drain_ms = drain_ms(p);
}

void plan_tell(const struct sim *w)
{
	const struct plan *p = &w->plan;
	unsigned i;

	if (!w->tell)
		return;
	printf("n0 .. Pipits, n0| their logs; t0 .. messages, t0r0 their recipients; d0.test .. "
	       "domains; h0 .. next hops\n");
	printf("%u Pipit%s on %s of %u x %u octets, program unit %u%s; %u senders, %u next hops; "
	       "storm of %llu s\n",
		p->nodes, p->nodes > 1 ? "s" : "", p->file ? "a file" : "NOR flash",
		p->flash.sector_count, p->flash.sector_size, p->flash.program_unit,
		p->unstable ? ", unstable" : "", p->clients, p->hops,
		(unsigned long long)(p->storm_ms / 1000u));
	printf("retry after %u %u %u %u %u s, expire after %u s; faults:", p->retry_s[0],
		p->retry_s[1], p->retry_s[2], p->retry_s[3], p->retry_s[4], p->expire_s);
	for (i = 0; i < FAULT_COUNT; i++)
		if (p->rate[i] > 0)
			printf(" %s", fault_name((enum fault)i));
	printf("\n");
}
