/* SPDX-License-Identifier: BSD-2-Clause */
/* command - what stands behind MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3; RFC 1870, RFC 6152).
 *
 * Pure; results point into the input.  What is wrong is returned as the reply
 * to give, NULL when nothing is.
 */
#ifndef PIPIT_SMTP_COMMAND_H
#define PIPIT_SMTP_COMMAND_H

#include "mail/address.h"

struct command_mail {
	struct address path;
	uint32_t size; /* SIZE=, at most UINT32_MAX; 0: not said */
};

/* arg: all behind "MAIL".  lenient, for old devices: the path may lack its <> and
 * its domain.  BODY= is checked and forgotten: 8-bit is seen, not believed;
 * AUTH= is ignored (RFC 4954 5 lets whoever does not trust the client do so). */
const char *command_mail(struct span arg, bool lenient, struct command_mail *out);

/* arg: all behind "RCPT". */
const char *command_rcpt(struct span arg, bool lenient, struct address *out);

#endif
