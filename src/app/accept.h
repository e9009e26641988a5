/* SPDX-License-Identifier: BSD-2-Clause */
/* accept - may this sender and this recipient come in?  The receiving side's decisions,
 * and the replies that tell them.
 */
#ifndef PIPIT_APP_ACCEPT_H
#define PIPIT_APP_ACCEPT_H

#include "app/core.h"
#include "route/route.h"

/* MAIL FROM with SIZE=size (0: not said): 250, or why not. */
const struct reply *accept_mail(struct core *c, uint32_t size);

struct accept_rcpt {
	struct core *core;
	bool local_client;    /* may relay */
	struct buf *envelope; /* gets the final forward-paths */
	uint16_t rcpt_count;  /* is raised by them */
};

/* RCPT TO: expands aliases into the envelope; all of them are taken or none.
 * An address that is there already is not added twice. */
const struct reply *accept_rcpt(struct accept_rcpt *a, const struct address *to);

/* What a status of the queue is to the client: 452, 552 or 451. */
const struct reply *accept_storage_reply(enum status status);

/* From an envelope text: the reverse-path; the forward-path if it is the only one. */
struct span accept_sender(const struct buf *envelope);
struct span accept_single_rcpt(const struct buf *envelope, uint16_t rcpt_count);

#endif
