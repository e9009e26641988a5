/* SPDX-License-Identifier: BSD-2-Clause */
/* client - one SMTP client session (RFC 5321), without a socket, a queue or a clock.
 *
 * The same five verbs as the server's.  A ring of expected replies: each command
 * sent pushes a step, each reply pops one; pipelining (RFC 2920) is "may I push
 * another?".  After the banner a message takes three turns: EHLO; MAIL, RCPTs and
 * DATA; body and dot.
 *
 *   SMTPC_READY        greeted; answer smtpc_mail with a message, or smtpc_quit.
 *                      Comes again after each message.
 *   SMTPC_ASK_RCPT     answer smtpc_rcpt with the next forward-path, or smtpc_rcpt_end
 *   SMTPC_RCPT_RESULT  the reply for recipient event.rcpt (counted from 0 in the order given);
 *                      2xx: it takes part; answer smtpc_next
 *   SMTPC_ASK_BODY     answer smtpc_body with the next piece
 *   SMTPC_RESULT       how the transaction ended, for every recipient whose
 *                      RCPT_RESULT was 2xx (or not yet given: then for them too); answer
 *                      smtpc_next.  Exactly one per smtpc_mail, unless CLOSED comes first;
 *                      if all were refused it concerns nobody (stage AT_RCPT)
 *   SMTPC_CLOSED       the session is over; event.failure says why, event.reply what was last said
 *
 * An answer outside its question is a CHECK.  smtpc_feed, smtpc_peer_closed and
 * smtpc_timed_out may change the question: look again before answering.  Octets
 * are taken unless a RESULT or RCPT_RESULT is open, so that a reply without a command
 * is found out (PROTOCOL) before it is taken for the answer to the next one.
 *
 * 421 at any stage is CLOSED with REPLIED, without a result of its own.  A refusal in the
 * middle of the body is a RESULT (AT_DOT), then CLOSED.
 */
#ifndef PIPIT_SMTP_CLIENT_H
#define PIPIT_SMTP_CLIENT_H

#include "base/buf.h"
#include "mail/address.h"
#include "mail/reply.h"
#include "smtp/client_state.h"

enum smtpc_ask {
	SMTPC_NONE,
	SMTPC_READY,
	SMTPC_ASK_RCPT,
	SMTPC_RCPT_RESULT,
	SMTPC_ASK_BODY,
	SMTPC_RESULT,
	SMTPC_CLOSED,
};

/* What kind of failure: the retry policy looks at this, never at texts. */
enum smtpc_failure {
	SMTPC_DONE,       /* QUIT, in order */
	SMTPC_CONNECTION, /* lost, refused, timed out */
	SMTPC_PROTOCOL,   /* what came is not SMTP */
	SMTPC_CAPABILITY, /* the peer cannot what the message needs (8BITMIME, SIZE) */
	SMTPC_REPLIED,    /* the peer said so: banner, EHLO, 421 */
};

/* Where in the dialogue a reply belongs. */
enum smtpc_stage {
	SMTPC_AT_BANNER,
	SMTPC_AT_EHLO,
	SMTPC_AT_MAIL,
	SMTPC_AT_RCPT,
	SMTPC_AT_DATA,
	SMTPC_AT_DOT,
	SMTPC_AT_QUIT,
	SMTPC_AT_RSET,
};

struct smtpc_event {
	enum smtpc_ask ask;
	enum smtpc_stage stage;
	enum smtpc_failure failure; /* CLOSED, and RESULT when it is ours (CAPABILITY) */
	uint16_t rcpt;
	struct reply reply; /* valid until answered */
	size_t body_room;   /* ASK_BODY: how much one smtpc_body call takes at least */
};

struct smtpc_mail {
	struct span reverse_path; /* without <>; empty for the null reverse-path */
	uint32_t size;            /* octets on the wire, for SIZE=; 0: not known */
	bool eight_bit;           /* needs 8BITMIME: else RESULT 554 5.6.3, CAPABILITY */
};

/* hostname: for EHLO; valid during the call only. */
void smtpc_init(struct smtpc *s, struct span hostname);

size_t smtpc_feed(struct smtpc *s, struct span in);
void smtpc_peer_closed(struct smtpc *s); /* the connection is gone */
void smtpc_timed_out(struct smtpc *s);

struct smtpc_event smtpc_event(const struct smtpc *s);
void smtpc_mail(struct smtpc *s, const struct smtpc_mail *m);
void smtpc_quit(struct smtpc *s);
void smtpc_rcpt(struct smtpc *s, struct span forward_path);
void smtpc_rcpt_end(struct smtpc *s);
/* Takes up to all of bytes (count returned); last: nothing follows when all is taken. */
size_t smtpc_body(struct smtpc *s, struct span bytes, bool last);
/* At any time.  The body or a recipient cannot be read: drop the connection, so that the peer
 * discards what it has. */
void smtpc_abort(struct smtpc *s);
void smtpc_next(struct smtpc *s);

/* Empty while a fuller segment can still be made (a split last segment costs
 * a peer's delayed acknowledgement, 40 ms a message). */
struct span smtpc_out(const struct smtpc *s);
void smtpc_sent(struct smtpc *s, size_t n);

uint32_t smtpc_timeout_ms(const struct smtpc *s); /* RFC 5321 4.5.3.2, by what is waited for */

/* grows with each reply and each kilobyte sent */
static inline uint32_t smtpc_progress(const struct smtpc *s)
{
	return s->progress;
}

/* The final dot has been handed to the connection: from here until the reply, losing it
 * means the message may arrive twice (RFC 1047). */

static inline bool smtpc_dot_sent(const struct smtpc *s)
{
	return s->dot_sent;
}

#endif
