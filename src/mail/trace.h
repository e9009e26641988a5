/* SPDX-License-Identifier: BSD-2-Clause */
/* trace - the fields we put before a message: Received (RFC 5321 4.4), and a missing
 * Date or Message-ID for clients that may not know better (RFC 6409 8.2, 8.3).
 *
 * Pure; every field ends in CRLF and every line stays within 78 columns where its parts allow.
 */
#ifndef PIPIT_MAIL_TRACE_H
#define PIPIT_MAIL_TRACE_H

#include "base/ip.h"
#include "mail/address.h"

struct trace {
	struct span helo; /* what the client called itself; escaped as needed */
	struct ip peer;
	struct span hostname; /* ours */
	uint32_t id;          /* message id in our queue */
	uint32_t wall_s; /* 0: no clock: the date is the epoch's start, marked "(clock not set)" */
	bool esmtp;      /* EHLO was used */
	bool own;        /* made here, no client brought it: helo, peer and esmtp say nothing */
	struct span for_rcpt; /* the forward-path when there is only one, else empty */
};

void trace_put_received(struct buf *b, const struct trace *t);
void trace_put_date(struct buf *b, uint32_t wall_s);
void trace_put_message_id(struct buf *b, struct span hostname, uint32_t id, uint32_t wall_s,
	uint32_t random);

#endif
