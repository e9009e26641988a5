/* SPDX-License-Identifier: BSD-2-Clause */
/* hooks - what the program around a pipit is told: mail for itself, and what became of mail.
 *
 * All are optional: NULL.  They are called from within pipit_step and must not wait.
 * Of Pipit's calls only pipit_read and pipit_submit_* may be made from inside.
 */
#ifndef PIPIT_SYS_HOOKS_H
#define PIPIT_SYS_HOOKS_H

#include "base/span.h"

/* Who a message is from and for.  Addresses are "local@domain", without <>. */
struct pipit_envelope {
	struct span sender; /* reverse-path; empty: <>, a report that must not be answered */
	const struct span *recipient; /* forward-paths */
	uint16_t recipient_count;     /* on_local: 1 */
	uint32_t size;                /* octets it has, or will have; 0: not known */
	uint32_t message; /* on_local: its number in the queue; pipit_submit_begin ignores it */
};

/* What on_local says of the message it was given. */
enum pipit_verdict {
	PIPIT_MORE,      /* not finished: call again at the next step, with the same reader */
	PIPIT_DELIVERED, /* taken: it is forgotten here */
	PIPIT_LATER,     /* not now: offered again by the retry schedule, from its beginning */
	PIPIT_REFUSED,   /* never: its sender gets a failure report */
};

/* What became of one recipient of a message. */
enum pipit_outcome {
	PIPIT_SENT,     /* the next hop, or on_local, took it */
	PIPIT_DEFERRED, /* failed for now: it is tried again */
	PIPIT_FAILED,   /* given up: the sender gets a failure report */
};

/* The message that on_local is given: its text, header first, line ends CRLF. */
struct pipit_reader;

/* The next octets, at most cap (> 0).  A count; 0: the message ends here; ST_AGAIN: enough
 * for this step, return PIPIT_MORE; < 0 otherwise: its storage cannot be read, return
 * anything: it is recorded as damaged. */
int pipit_read(struct pipit_reader *r, void *to, size_t cap);

/* Octets read so far; 0: the message is offered from its beginning (forget an earlier start). */
uint32_t pipit_read_offset(const struct pipit_reader *r);

struct pipit_hooks {
	/* A message for an address of a `deliver PATTERN callback` line (with
	 * CONFIG_CALLBACK).  Called once a step until it says something else than
	 * PIPIT_MORE; one message at a time.  A power cut after PIPIT_DELIVERED and
	 * before that is on flash offers it again, with the same e->message.
	 * e and reader are valid during the call only. */
	enum pipit_verdict (
		*on_local)(void *ctx, const struct pipit_envelope *e, struct pipit_reader *reader);

	/* A recipient's outcome is on flash (with CONFIG_SUBMIT).  message: as
	 * pipit_submit_end gave it; mail that came by SMTP is told too.  reply: "250 2.0.0
	 * text", the next hop's or our own.  Not repeated after a power cut: for a lamp or a
	 * counter, not for accounts.  recipient and reply are valid during the call only. */
	void (*on_outcome)(void *ctx, uint32_t message, struct span recipient,
		enum pipit_outcome outcome, struct span reply);
	void *ctx;
};

#endif
