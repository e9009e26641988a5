/* SPDX-License-Identifier: BSD-2-Clause */
/* timers - virtual time: whatever can happen next has one timer, the earliest is next.
 *
 * What is due at the same millisecond happens in an order that is drawn from
 * the seed.  A timer is its number; setting it again moves it.
 */
#ifndef PIPIT_SIM_TIMERS_H
#define PIPIT_SIM_TIMERS_H

#include "base/rng.h"
#include "pipit_config.h"

#include <stdbool.h>
#include <stdint.h>

#define TIME_NEVER UINT64_MAX

enum timer {
	TIMER_NODE = 0,                                    /* a step is due */
	TIMER_POWER = TIMER_NODE + CONFIG_SIM_NODES,       /* it goes, or comes back */
	TIMER_CLOCK = TIMER_POWER + CONFIG_SIM_NODES,      /* the wall clock changes */
	TIMER_ROT = TIMER_CLOCK + CONFIG_SIM_NODES,        /* a bit of flash flips */
	TIMER_HOP = TIMER_ROT + CONFIG_SIM_NODES,          /* a next hop's mood changes */
	TIMER_CLIENT = TIMER_HOP + CONFIG_SIM_HOPS,        /* it goes on, or begins a session */
	TIMER_STREAM = TIMER_CLIENT + CONFIG_SIM_CLIENTS,  /* octets arrive, or the like */
	TIMER_SESSION = TIMER_STREAM + CONFIG_SIM_STREAMS, /* the server of a stream goes on */
	TIMER_PACKET = TIMER_SESSION + CONFIG_SIM_STREAMS, /* a datagram arrives */
	TIMER_MAILBOX = TIMER_PACKET + CONFIG_SIM_PACKETS, /* a mailbox has an answer */
	TIMER_PHASE = TIMER_MAILBOX + CONFIG_SIM_MAILBOXES,
	TIMERS,
};

struct timers {
	uint64_t at_ms[TIMERS]; /* TIME_NEVER: not set */
	uint32_t tie[TIMERS];
	uint16_t heap[TIMERS]; /* the numbers of those that are set, earliest first */
	uint16_t place[TIMERS];
	uint16_t count;
};

void timers_init(struct timers *t);
void timer_set(struct timers *t, unsigned timer, uint64_t at_ms, struct rng *rng);

/* The same, but only to an earlier time. */
void timer_soon(struct timers *t, unsigned timer, uint64_t at_ms, struct rng *rng);
void timer_off(struct timers *t, unsigned timer);

/* Takes the earliest out; false: none is set. */
bool timers_next(struct timers *t, unsigned *timer, uint64_t *at_ms);

#endif
