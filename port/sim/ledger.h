/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger - what was promised and what was kept; every property is checked here.
 *
 *  1 Every recipient of a message answered 250 is delivered, or bounced, or its
 *    message is still queued; when all is drained: delivered or bounced.  A
 *    report that nobody can be told (null sender, or refused) without postmaster is dropped.
 *    One that another Pipit took and cannot put into its sender's mailbox: that Pipit
 *    tells postmaster, and nobody else.  What a flipped bit loses is told; one in the last
 *    record before a power cut loses it in silence, which is counted.
 *  2 What is delivered is the message octet for octet, behind our own fields, whatever
 *    has flipped in flash.
 *  3 Nothing is delivered whose final dot was never sent, or that was refused.
 *  4 Twice only where SMTP cannot tell: the reply to the dot was not read, or the
 *    power went before its record was safe.  Such are counted.  Between two
 *    Pipits both are taken for possible (the wire between them is not watched).
 *  5 A report only for what failed: a 5xx, a domain without mail, an expiry, a
 *    next hop that cannot take it; one for each recipient, more only as in 4; none for
 *    what was surely delivered.
 *  6 After a 4xx a recipient is not offered again before the schedule allows it.
 *  7 A next hop that cannot be connected is not called more often than its back-off allows.
 *  8 Who has said something gets an answer in bounded time, while the machine is up.
 *  9 A step makes a bounded number of calls, and does not spin.
 * 10 When faults end all drains in bounded time, and every pool is as at the start.
 */
#ifndef PIPIT_SIM_LEDGER_H
#define PIPIT_SIM_LEDGER_H

#include "base/ip.h"
#include "sim/content.h"

#define RCPTS_MAX 5u

struct kept {
	uint8_t times; /* how often it arrived */
	bool told;     /* our side has read the 250 to the last: it must not come again */
	uint16_t node;
	uint32_t boot, id; /* of the Pipit that read it; its queue's number */
	uint64_t told_ms;
};

struct rcpt {
	uint8_t domain;   /* in d<k>.test; LOCAL: of the node itself */
	bool accepted;    /* RCPT was answered 250 */
	uint16_t n;       /* its number in the envelope */
	bool failed;      /* somebody has answered 5xx */
	uint8_t laters;   /* 4xx answers */
	uint8_t later_by; /* the node that got the last */
	uint32_t later_boot;
	uint64_t later_ms;
	struct kept delivery, report, delay;
};

#define DOMAIN_LOCAL 255u

enum message_state { MESSAGE_MADE, MESSAGE_OFFERED, MESSAGE_ACCEPTED, MESSAGE_REFUSED };

struct message {
	uint8_t state; /* enum message_state */
	uint8_t node;  /* that it was offered to */
	uint8_t shape; /* enum shape, a set */
	uint8_t rcpts;
	uint8_t rcpts_accepted;
	bool null_sender, local_client, sender_local;
	bool report_refused; /* its sender could not be told */
	bool loss_told;     /* postmaster knows that a report of failure did not reach its sender */
	bool maybe;         /* refused after the dot for the device's sake: may have been kept */
	bool cut_reporting; /* its report was on its way when the power went */
	uint32_t size;      /* wanted */
	uint32_t id;        /* from "queued as" */
	uint64_t offered_ms; /* its final dot left the client: its time of arrival is later */
	uint64_t accepted_ms;
	struct rcpt rcpt[RCPTS_MAX];
};

struct call {
	uint8_t failures; /* in a row */
	uint64_t first_ms;
};

/* A node's log says that nobody can be told of a failure of this message. */
#define DROPS_MAX (4u * CONFIG_SIM_MESSAGES)
struct drop {
	uint8_t node;
	uint32_t id;
	uint64_t at_ms;
};

struct ledger {
	uint16_t messages;
	uint16_t drops;
	bool any_denied; /* DNS has denied a host */
	struct drop drop[DROPS_MAX];
	struct message message[CONFIG_SIM_MESSAGES];
	struct call call[CONFIG_SIM_NODES][CONFIG_SIM_HOPS];
};

void ledger_init(struct sim *w);

/* A new message for this node; NULL: enough were made. */
struct message *ledger_message(struct sim *w, unsigned node, bool local_client, unsigned *number);
void message_sender(const struct sim *w, unsigned number, struct buf *b);
void message_rcpt(const struct sim *w, unsigned number, unsigned rcpt, struct buf *b);

/* What a Pipit said to its client. */
void ledger_rcpt_accepted(struct sim *w, unsigned number, unsigned rcpt);
void ledger_offered(struct sim *w, unsigned number);
void ledger_accepted(struct sim *w, unsigned number, uint32_t id);
void ledger_refused(struct sim *w, unsigned number, unsigned code);

/* Whether it may have been in the queue for too long by then. */
bool ledger_is_old(const struct sim *w, const struct message *m, uint64_t at_ms);

/* What a next hop or a mailbox said about a recipient, or about a report to a sender; boot is
 * the node's when the connection was made. */
void ledger_later(struct sim *w, unsigned node, uint32_t boot, struct token to, uint64_t at_ms);
void ledger_offered_again(struct sim *w, unsigned node, uint32_t boot, struct token to);
void ledger_never(struct sim *w, struct token to);

/* A next hop or mailbox has stored a message for these. */
struct arrival {
	unsigned node; /* the Pipit it came from */
	const struct token *to;
	unsigned to_count;
	bool from_null;
	bool mailbox;
	bool abandoned; /* the Pipit has given it up, or is gone: it does not know of this */
	struct span data;
};
void ledger_arrived(struct sim *w, const struct arrival *a);

/* Its node has read the 250 for that. */
void ledger_told(struct sim *w, const struct arrival *a);

/* The node's log says that nobody can be told of a failure of this message of its queue. */
void ledger_dropped(struct sim *w, unsigned node, uint32_t id);

/* The power of a node is going, or it is being restarted: its RAM is still there. */
void ledger_power(struct sim *w, unsigned node);

/* A node calls an address, and what came of it. */
void ledger_call(struct sim *w, unsigned node, const struct ip_endpoint *to);
void ledger_called(struct sim *w, unsigned node, const struct ip_endpoint *to, bool ok);

/* Whether a bit of any flash has flipped: addresses and reports may read wrong. */
bool ledger_is_rotten(const struct sim *w);

/* Everything is drained: nothing may be missing. */
void ledger_close(struct sim *w);

/* Everything known of it, for the one who looks for the fault. */
void ledger_show(const struct sim *w, unsigned number);

#endif
