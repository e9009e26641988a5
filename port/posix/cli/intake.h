/* SPDX-License-Identifier: BSD-2-Clause */
/* intake - text as programs write it, into lines as SMTP wants them.
 *
 * A streaming filter, pure: octets in, CRLF lines out.  LF, CRLF and CR CR LF end a
 * line; a CR elsewhere becomes a blank, for it could only be meant to smuggle.
 * With `dots` a line that is a single dot ends the message (sendmail
 * without -i) and what follows is not taken.
 */
#ifndef PIPIT_CLI_INTAKE_H
#define PIPIT_CLI_INTAKE_H

#include "base/buf.h"

struct intake {
	bool dots;
	bool ended; /* the dot was seen */
	bool line_started;
	bool cr;  /* held back: one CR or several */
	bool dot; /* held back: a dot at the start of a line */
};

void intake_init(struct intake *n, bool dots);

/* Takes octets from the front of *in until it is empty, the dot was seen, or
 * out has less room than one octet may need. */
void intake_feed(struct intake *n, struct span *in, struct buf *out);

/* The end of the input: ends the last line; needs INTAKE_ROOM. */
void intake_finish(struct intake *n, struct buf *out);

#define INTAKE_ROOM 4u /* a held dot and CR, then CR LF */

#endif
