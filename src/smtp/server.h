/* SPDX-License-Identifier: BSD-2-Clause */
/* server - one SMTP server session (RFC 5321), without a socket, a queue or a clock.
 *
 * Octets from the client go in by smtpd_feed, replies come out by smtpd_out,
 * and whatever the session may not decide is a question: smtpd_event says which,
 * smtpd_answer (smtpd_body_taken for SMTPD_BODY) answers it.  While a question is
 * open the session takes no octets: the caller's buffer fills, TCP slows the
 * client; that is back-pressure and PIPELINING (RFC 2920) both.  It also takes none while
 * its reply buffer has no room for one more reply.
 *
 *   SMTPD_ASK_MAIL    start an envelope afresh (whatever was before is forgotten)
 *   SMTPD_ASK_RCPT    one more forward-path
 *   SMTPD_ASK_DATA    open storage; 354 or a refusal
 *   SMTPD_BODY        a piece of the message, dots already undone
 *   SMTPD_ASK_COMMIT  the message is complete: make it durable, then 250
 *   SMTPD_CLOSE       send what is left, close the connection
 *
 * Storage is open only between ASK_DATA's 354 and the answer to ASK_COMMIT; a
 * session that ends in between (the connection is lost, SMTPD_CLOSE) must be aborted by the
 * caller.  RSET, EHLO and a new MAIL forget the transaction without a question.
 */
#ifndef PIPIT_SMTP_SERVER_H
#define PIPIT_SMTP_SERVER_H

#include "base/buf.h"
#include "mail/address.h"
#include "mail/reply.h"
#include "smtp/server_state.h"

/* What the configuration says of this session; valid during the call only. */
struct smtpd_settings {
	struct span hostname; /* banner and EHLO */
	uint32_t size_max;    /* SIZE: octets, 0: no limit said (RFC 1870) */
	bool legacy; /* a device of ours: repair its bare CR and LF, fold lines over 998 octets */
};

enum smtpd_ask {
	SMTPD_NONE,
	SMTPD_ASK_MAIL,
	SMTPD_ASK_RCPT,
	SMTPD_ASK_DATA,
	SMTPD_BODY,
	SMTPD_ASK_COMMIT,
	SMTPD_CLOSE,
};

struct smtpd_event {
	enum smtpd_ask ask;
	struct address path; /* ASK_MAIL, ASK_RCPT; valid until answered */
	uint32_t size;       /* ASK_MAIL: SIZE=, 0 when not said */
	struct span body;    /* BODY; valid until taken */
	bool broken; /* ASK_COMMIT: do not commit: the session has decided on 550 5.6.11 (bare CR
			      * or LF) or 552 5.3.4 (over size_max), whatever is answered */
};

/* Begins with the 220 banner; refuse != NULL: with that reply instead (421), then CLOSE. */
void smtpd_init(struct smtpd *s, const struct smtpd_settings *set, const struct reply *refusal);

size_t smtpd_feed(struct smtpd *s, const struct smtpd_settings *set, struct span in);
struct smtpd_event smtpd_event(const struct smtpd *s);
void smtpd_answer(struct smtpd *s, const struct smtpd_settings *set, const struct reply *r);
void smtpd_body_taken(struct smtpd *s, size_t n);

static inline struct span smtpd_out(const struct smtpd *s)
{
	return buf_span(&s->replies);
}

static inline void smtpd_sent(struct smtpd *s, size_t n)
{
	buf_drop(&s->replies, n);
}

/* How long the client may take for its next step (RFC 5321 4.5.3.2.7). */
uint32_t smtpd_timeout_ms(const struct smtpd *s);

/* Grows with every finished command and every kilobyte of body: a client that
 * sends an octet now and then makes no progress, and its deadline passes. */

static inline uint32_t smtpd_progress(const struct smtpd *s)
{
	return s->progress;
}

/* The deadline has passed, or we are stopping: 421 with this reply, then CLOSE.
 * An open question stays open only for ASK_COMMIT, whose answer is still sent first. */
void smtpd_stop(struct smtpd *s, const struct reply *r);

/* what the client called itself; empty before HELO */
static inline struct span smtpd_helo(const struct smtpd *s)
{
	return span_make(s->helo, s->helo_len);
}

static inline bool smtpd_esmtp(const struct smtpd *s)
{
	return s->esmtp;
}

/* Storage is open, also at SMTPD_CLOSE: then to be aborted. */
static inline bool smtpd_in_data(const struct smtpd *s)
{
	return s->storage;
}

bool smtpd_idle(const struct smtpd *s); /* between transactions: may be stopped at once */

#endif
