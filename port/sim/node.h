/* SPDX-License-Identifier: BSD-2-Clause */
/* node - a machine with a Pipit: its power, clock, flash, mailboxes and handles.
 *
 * It is stepped as a port steps it: when a handle is ready for what `watch`
 * last asked of it, or when the time that pipit_step returned is over; never
 * because the simulator knows better.  A power cut forgets the struct, in the middle
 * of a flash operation or between two steps; what is on flash is all that is left.
 */
#ifndef PIPIT_SIM_NODE_H
#define PIPIT_SIM_NODE_H

#include "pipit.h"
#include "sim/content.h"
#include "sim/nor.h"

#define NODE_HANDLES \
	(CONFIG_SERVER_SESSIONS + CONFIG_CLIENT_SESSIONS + CONFIG_DNS_QUERIES + 2u * 4u)
#define NODE_GUARD 64u

enum handle_kind { HANDLE_FREE, HANDLE_LISTENER, HANDLE_STREAM, HANDLE_DATAGRAM };

struct handle {
	uint8_t kind; /* enum handle_kind */
	uint8_t end;
	uint8_t watched;
	uint8_t server; /* of a datagram handle */
	uint16_t stream;
	uint16_t port;
	uint32_t life; /* which use of this slot it is */
};

enum node_event { EVENT_CUT, EVENT_RESTART, EVENT_RELOAD, EVENT_BOOT, EVENT_CUT_NOW };
enum node_power { NODE_OFF, NODE_ON, NODE_STOPPING };

struct node {
	struct sim *w;
	uint8_t index, power; /* enum node_power */
	uint32_t boots;
	uint64_t boot_ms, on_ms, stop_ms;
	uint8_t next; /* what TIMER_POWER will do: enum node_event */
	/* The wall clock: true time and what it is wrong by. */
	bool clock_known, clock_never; /* never: this machine has none */
	bool clock_doubt;              /* it was unknown, or has jumped */
	int64_t clock_off_s;
	/* Of the step that runs. */
	uint64_t ops, moved;
	uint32_t idle_steps, same_ms;
	uint64_t last_ms;
	bool rotten;   /* bits have flipped: what is lost must have been told */
	bool told_rot; /* it was */
	bool flash_failed;
	bool dead; /* so rotten that it is refused at start, which tells somebody */
	struct rng random;
	struct nor nor;
	struct pipit_world world;
	size_t conf_len;
	char conf[1200];
	struct handle handle[NODE_HANDLES];
	uint32_t lives;
	uint32_t room[(7u * CONFIG_SIM_FLASH + 131072u) / sizeof(uint32_t)]; /* the emulator's */
	uint8_t guard_before[NODE_GUARD];
	struct pipit mta;
	uint8_t guard_after[NODE_GUARD];
};

/* One local delivery. */
struct mailbox_slot {
	bool used;
	uint8_t node;
	bool finished, answered; /* all is written; what became of it is decided */
	uint8_t outcome;         /* enum mailbox_outcome */
	struct token to;
	uint32_t len;
	uint8_t data[CONTENT_ROOM];
};

void node_init(struct sim *w, unsigned index);
void node_boot(struct sim *w, unsigned index);
void node_wake(struct sim *w, unsigned index); /* a handle may be ready */

/* A promise was made: now would be a bad moment for the power to go. */
void node_promised(struct sim *w, unsigned index);

/* Timers. */
void node_due(struct sim *w, unsigned index);
void node_power_due(struct sim *w, unsigned index);
void node_clock_due(struct sim *w, unsigned index);
void node_rot_due(struct sim *w, unsigned index);

/* The storm is over. */
void node_calm(struct sim *w, unsigned index);

/* Nothing is left of any message, in any table of it. */
bool node_is_empty(const struct node *n);
void node_check_pools(struct sim *w, unsigned index);

void node_show(const struct node *n);

bool node_listens(const struct node *n);
struct instant node_now(const struct node *n);

/* net_ops.c, mailbox.c: its view of the world. */
struct net node_net(struct node *n);
struct mailbox node_mailbox(struct node *n);
unsigned node_handles_ready(const struct node *n);
void node_handles_forget(struct node *n);
unsigned node_handles_used(const struct node *n);
void mailbox_forget(struct node *n);
void mailbox_due(struct sim *w, unsigned at);
bool mailbox_is_idle(const struct sim *w);

/* node_flash.c: its flash, with faults. */
struct flash node_flash(struct node *n);

/* conf_text.c: its configuration, and every change of it. */
void node_configure(struct node *n, bool changed);

#endif
