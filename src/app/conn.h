/* SPDX-License-Identifier: BSD-2-Clause */
/* conn - octets between a connection and a protocol machine, a bounded amount a step.
 *
 * Every protocol machine has the same verbs; `struct conn_machine` names them.
 * The order of one turn: receive, feed, turn (the app answers what the machine
 * asks), send.  A machine that takes nothing leaves octets in rx; then nothing
 * more is received, and TCP slows the peer.
 */
#ifndef PIPIT_APP_CONN_H
#define PIPIT_APP_CONN_H

#include "base/instant.h"
#include "base/span.h"
#include "pipit_limits.h"
#include "sys/net.h"

struct conn {
	int handle;             /* -1: none */
	uint16_t rx_at, rx_len; /* what was received and not taken yet */
	bool ended;             /* the peer has sent its last octet */
	bool lost;              /* the connection failed */
	uint32_t progress;      /* the machine's, when the deadline was last moved */
	uint32_t deadline_ms;   /* 0: to be set afresh at the next step */
	uint8_t rx[CONFIG_CONN_RX];
};

struct conn_machine {
	size_t (*feed)(void *self, struct span in); /* how many octets it took */
	bool (*turn)(void *self); /* answer what is asked; true: something moved */
	struct span (*out)(void *self);
	void (*sent)(void *self, size_t n);
	uint32_t (*progress)(void *self);
	uint32_t (*timeout_ms)(void *self);
};

/* What a step left behind. */
enum conn_state {
	CONN_OPEN,      /* waiting for the peer, or for the app's answer */
	CONN_BUSY,      /* its turns are used up, there is more to do at once */
	CONN_ENDED,     /* the peer finished, and all it sent has been fed */
	CONN_LOST,      /* the connection is gone */
	CONN_TIMED_OUT, /* the machine's deadline has passed without progress */
};

void conn_init(struct conn *c, int handle);

/* m works on self.  Also tells the port what to wait for. */
enum conn_state conn_step(struct conn *c, const struct net *net, uint32_t now_ms,
	const struct conn_machine *m, void *self);

void conn_close(struct conn *c, const struct net *net);

#endif
