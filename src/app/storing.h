/* SPDX-License-Identifier: BSD-2-Clause */
/* storing - one message on its way into the queue, whoever brings it.
 *
 * An SMTP session has one and a submission of the program around has one: the envelope
 * collected as the text that goes to flash, a queue writer, the header filter, and the octets
 * between them.  Nothing is written before storing_open.  The order: init once, then for each
 * message begin, rcpt ..., open, envelope, body ..., finish, commit; abort at any time.  A
 * failure is kept in `failed` and told at the message's end; what it took is given back
 * at once.  Functions that return bool return false while flash is busy: call again after a step.
 */
#ifndef PIPIT_APP_STORING_H
#define PIPIT_APP_STORING_H

#include "app/core.h"
#include "mail/header.h"
#include "mail/trace.h"

struct storing {
	bool local_client; /* may relay; its header is completed and its senders are rewritten */
	bool finished;     /* the header filter has given its last octets */
	uint16_t rcpt_count;
	uint16_t prefix_sent; /* octets of the prefix already in the queue */
	int writer;           /* -1: none */
	uint32_t size_hint;   /* octets it will have; 0: not known */
	uint32_t size;        /* body octets stored */
	uint32_t message, ticket;
	uint32_t arrival_s, nonce;
	uint32_t asked_ms;   /* since when storage says "not now"; 0: it does not */
	size_t piece;        /* octets of the body given behind `pending` */
	struct span pending; /* the envelope, then filtered octets, on their way to the queue */
	const struct reply *failed; /* NULL, or what the message will be refused with */
	struct ip peer;             /* who brings it; family 0: the program around */
	struct header header;
	struct buf envelope;
	uint8_t envelope_text[CONFIG_ENVELOPE_TEXT];
};

void storing_init(struct storing *m, const struct ip *peer, bool local_client);

/* The envelope afresh; origin: who brought it, for reports. */
void storing_begin(struct core *c, struct storing *m, const struct address *sender,
	struct span origin);

/* One more forward-path: 250, or why not. */
const struct reply *storing_rcpt(struct core *c, struct storing *m, const struct address *to);

/* ST_OK: a writer is open; ST_AGAIN: wait for flash; else why not. */
enum status storing_open(struct core *c, struct storing *m);
bool storing_envelope(struct core *c, struct storing *m);

/* Stores a piece of the body through the header filter; *took: how much of it. */
bool storing_body(struct core *c, struct storing *m, struct span body, size_t *took);

/* The last octets of the body, then what goes before it: Received, and a missing Date or
 * Message-ID of a local client.  client: the parts of Received that it said. */
bool storing_finish(struct core *c, struct storing *m, const struct trace *client);

/* ST_OK: m->message and m->ticket are set, the writer is gone. */
enum status storing_commit(struct core *c, struct storing *m);

/* The message will be refused with r once its end is seen. */
void storing_fail(struct core *c, struct storing *m, const struct reply *r);
void storing_abort(struct core *c, struct storing *m);

#endif
