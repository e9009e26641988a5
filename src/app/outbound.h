/* SPDX-License-Identifier: BSD-2-Clause */
/* outbound - the sending side's story: from a due message to the remote 250 and its record.
 *
 *   FREE -> RESOLVE -> CONNECT -> TALK -> RECORD -> FREE
 *             ^___________|________|   (the next address or host)
 *   FREE -> MAILBOX -> RECORD -> FREE  (local delivery)
 *
 * A slot that is TALKing takes the next message for the same next hop when one
 * is done.  Each recipient's outcome is on flash before the slot forgets it.
 */
#ifndef PIPIT_APP_OUTBOUND_H
#define PIPIT_APP_OUTBOUND_H

#include "app/callback.h"
#include "app/conn.h"
#include "app/hosts.h"
#include "app/local.h"
#include "app/source.h"
#include "app/task.h"
#include "smtp/client.h"

enum outbound_state {
	OUTBOUND_FREE,
	OUTBOUND_RESOLVE,
	OUTBOUND_CONNECT,
	OUTBOUND_TALK,
	OUTBOUND_MAILBOX,
	OUTBOUND_RECORD,
};

struct outbound {
	uint8_t state;
	bool offered;           /* the task's message has been given to the machine */
	bool verified;          /* its storage was verified */
	bool reached;           /* the next hop has greeted us */
	bool again;             /* RECORD: the attempt does not count */
	bool to_hook;           /* MAILBOX: the program's own */
	uint16_t rcpt_at;       /* next recipient to hand to the machine */
	uint16_t rcpt_given;    /* how many it has */
	uint16_t messages;      /* sent over this connection */
	uint32_t hop;           /* whose concurrency is counted; 0: none */
	struct queue_reply why; /* RECORD: what every recipient still open gets */
	struct queue_verifier verifier;
	struct walk walk;
	struct source source;
	struct piece piece;
	struct hosts hosts;
	struct conn conn;
	struct local local;
	struct callback callback;
	struct smtpc smtpc;
};

struct sending {
	struct tasks tasks;
	struct outbound slot[CONFIG_CLIENT_SESSIONS];
};

/* Starts what is due while a slot is free, then a bounded piece of work for
 * each.  Milliseconds until it wants more. */
uint32_t outbound_step(struct sending *s);

bool outbound_idle(const struct sending *s);
void outbound_close(struct sending *s);

#endif
