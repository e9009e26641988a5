/* SPDX-License-Identifier: BSD-2-Clause */
/* sim - a whole world as one value: Pipits, clients, next hops, DNS, flash, time; from one seed.
 *
 *	sim_run(&w, seed, &limits, &figures, story);
 *
 * One thread, no time but the world's, no random number but from the seed: the
 * same seed does the same on every machine with the same build.  What is
 * promised is checked all the time (ledger.h); the first broken promise
 * ends the process through sim_fail, which names the seed.
 *
 * The parts, each with its header: plan (what a seed has in store), timers (virtual
 * time), net (TCP and datagrams), dns, client, hop, node (a Pipit and its
 * machine), nor (flash), ledger (what was promised, what was kept), content (messages).
 */
#ifndef PIPIT_SIM_SIM_H
#define PIPIT_SIM_SIM_H

#include "sim/client.h"
#include "sim/dns.h"
#include "sim/hop.h"
#include "sim/ledger.h"
#include "sim/net.h"
#include "sim/node.h"
#include "sim/plan.h"
#include "sim/timers.h"

enum phase { PHASE_STORM, PHASE_CALM };

struct sim {
	uint32_t seed;
	bool tell; /* print the story */
	enum phase phase;
	uint64_t now_ms, end_ms; /* end of the phase */
	struct rng rng;
	struct timers timers;
	struct plan plan;
	struct figures *figures;
	struct net_state net;
	struct dns dns;
	struct ledger ledger;
	struct node node[CONFIG_SIM_NODES];
	struct client client[CONFIG_SIM_CLIENTS];
	struct hop hop[CONFIG_SIM_HOPS];
	struct session session[CONFIG_SIM_SESSIONS];
	struct mailbox_slot mailbox[CONFIG_SIM_MAILBOXES];
};

/* Runs one seed to its end; returns only when every promise was kept. */
void sim_run(struct sim *w, uint32_t seed, const struct limits *limits, struct figures *figures,
	bool tell);

/* A promise is broken: says which, in which seed, when; ends the process. */
_Noreturn void sim_fail(const struct sim *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A line of the story, when it is told. */
void story(const struct sim *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

uint32_t draw(struct sim *w, uint32_t below);       /* 0 .. below - 1 */
bool chance(struct sim *w, uint32_t of_1000);       /* true so often */
uint64_t draw_log(struct sim *w, uint64_t most);    /* 1 .. most, each order of magnitude alike */
uint64_t draw_around(struct sim *w, uint64_t mean); /* 0 .. about 4 * mean */

static inline void set_timer(struct sim *w, unsigned timer, uint64_t at_ms)
{
	timer_set(&w->timers, timer, at_ms, &w->rng);
}

static inline void soon(struct sim *w, unsigned timer, uint64_t at_ms)
{
	timer_soon(&w->timers, timer, at_ms, &w->rng);
}

static inline void count(struct sim *w, enum figure f, uint64_t n)
{
	w->figures->n[f] += n;
}

#endif
