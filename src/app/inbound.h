/* SPDX-License-Identifier: BSD-2-Clause */
/* inbound - the receiving side's story: from an accepted connection to our 250.
 *
 * One slot is one SMTP server session with the message that it stores.  A slot whose
 * message is committed lives on until the commit is durable, even if its client is
 * gone: the message must be scheduled.
 */
#ifndef PIPIT_APP_INBOUND_H
#define PIPIT_APP_INBOUND_H

#include "app/conn.h"
#include "app/storing.h"
#include "smtp/server.h"

enum inbound_state {
	INBOUND_FREE,
	INBOUND_OPEN,      /* talking; no message in hand */
	INBOUND_STORING,   /* a queue writer is open */
	INBOUND_COMMITTED, /* the COMMIT is written, its sync is awaited */
};

struct inbound {
	uint8_t state;
	bool gone;     /* the client is, the slot is not */
	bool stopping; /* 421 has been said: close when it is sent */
	uint32_t id;   /* in the log */
	struct ip_endpoint peer;
	struct conn conn;
	struct smtpd smtpd;
	struct storing mail;
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
