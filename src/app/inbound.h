/* SPDX-License-Identifier: BSD-2-Clause */
/* inbound - the receiving side's story: from an accepted connection to our 250.
 *
 * One slot is one SMTP server session and, while it stores a message, one queue
 * writer.  The envelope is collected as the text that goes to flash; nothing is
 * written before DATA.  A slot whose message is committed lives on until the
 * commit is durable, even if its client is gone: the message must be scheduled.
 */
#ifndef PIPIT_APP_INBOUND_H
#define PIPIT_APP_INBOUND_H

#include "app/conn.h"
#include "app/core.h"
#include "mail/header.h"
#include "smtp/server.h"

enum inbound_state {
	INBOUND_FREE,
	INBOUND_OPEN,      /* talking; no message in hand */
	INBOUND_STORING,   /* a queue writer is open */
	INBOUND_COMMITTED, /* the COMMIT is written, its sync is awaited */
};

struct inbound {
	uint8_t state;
	bool gone;         /* the client is, the slot is not */
	bool stopping;     /* 421 has been said: close when it is sent */
	bool finished;     /* the header filter has given its last octets */
	bool local_client; /* relay_from: may relay; its header is completed */
	uint16_t rcpt_count;
	uint16_t prefix_sent; /* octets of the prefix already in the queue */
	int writer;
	uint32_t id;        /* in the log */
	uint32_t size_hint; /* SIZE= */
	uint32_t size;      /* body octets stored */
	uint32_t message, ticket;
	uint32_t arrival_s, nonce;
	uint32_t asked_ms;   /* since when storage says "not now"; 0: it does not */
	size_t piece;        /* octets of the machine's body event behind `pending` */
	struct span pending; /* the envelope, then filtered octets, on their way to the queue */
	const struct reply *failed; /* NULL, or what the message will be refused with */
	struct ip_endpoint peer;
	struct conn conn;
	struct smtpd smtpd;
	struct header header;
	struct buf envelope;
	uint8_t envelope_text[CONFIG_ENVELOPE_TEXT];
};

/* Takes an accepted connection; refused: tell it 421 and close. */
void inbound_open(struct core *c, struct inbound *in, int handle, const struct ip_endpoint *peer,
	bool refused);

/* A bounded piece of work.  Milliseconds until it wants more. */
uint32_t inbound_step(struct core *c, struct inbound *in);

/* Ends at the next point where nothing is lost. */
void inbound_stop(struct core *c, struct inbound *in);
void inbound_close(struct core *c, struct inbound *in);

#endif
