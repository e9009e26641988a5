/* SPDX-License-Identifier: BSD-2-Clause */
/* compose - the header fields that programs leave out.
 *
 * Pure: time and random numbers come with the call.  Everything free is made
 * harmless first: a control character in a subject or a name becomes a blank,
 * and text beyond ASCII becomes encoded words (RFC 2047).
 */
#ifndef PIPIT_CLI_COMPOSE_H
#define PIPIT_CLI_COMPOSE_H

#include "posix/cli/head.h"
#include "posix/cli/rcpts.h"

struct compose {
	struct span sender;   /* address for From; may be empty: then no From is made */
	struct span name;     /* display name for From, or empty */
	struct span subject;  /* at empty: none */
	struct span hostname; /* right side of the Message-ID */
	const struct rcpts
		*to; /* for a To field; NULL: "undisclosed-recipients:;" when one is needed */
	bool text;   /* the input has no header: say that it is UTF-8 text */
	uint32_t wall_s, random, number;
};

/* The fields that the header does not have, each with its CRLF. */
void compose_missing(struct buf *b, const struct head *h, const struct compose *c);

/* Free text for a header: printable ASCII as it is, else encoded words. */
void compose_text(struct buf *b, struct span s);

#endif
