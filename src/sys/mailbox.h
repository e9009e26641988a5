/* SPDX-License-Identifier: BSD-2-Clause */
/* mailbox - hand-over of a message to final delivery on this machine.
 *
 * begin, then write until all is taken, then finish, then ask result until it
 * is not ST_AGAIN.  Text lines end in CRLF as on the wire; the port writes its
 * own kind.  A message is delivered only when result says MAILBOX_DELIVERED,
 * and is durable then.  abandon ends a delivery at any point before that and
 * leaves nothing behind that looks like mail.
 */
#ifndef PIPIT_SYS_MAILBOX_H
#define PIPIT_SYS_MAILBOX_H

#include "base/span.h"

enum mailbox_kind { MAILBOX_MAILDIR };

struct mailbox_target {
	enum mailbox_kind kind;
	struct span path;      /* where, patterns already expanded */
	struct span user;      /* whose: of this user if the system has it, else the service's */
	struct span recipient; /* the forward-path, for logs */
};

enum mailbox_outcome { MAILBOX_DELIVERED, MAILBOX_LATER, MAILBOX_REFUSED };

struct mailbox_result {
	enum mailbox_outcome outcome;
	char text[80]; /* why not, NUL-terminated, printable ASCII */
};

struct mailbox {
	int (*begin)(void *ctx,
		const struct mailbox_target *target);           /* handle >= 0, ST_AGAIN, ST_IO */
	int (*write)(void *ctx, int handle, struct span bytes); /* count taken, ST_AGAIN, ST_IO */
	int (*finish)(void *ctx, int handle);                   /* ST_OK, ST_AGAIN, ST_IO */
	int (*result)(void *ctx, int handle,
		struct mailbox_result *out); /* ST_AGAIN or ST_OK; then the handle is gone */
	void (*abandon)(void *ctx, int handle);
	bool (*user_exists)(void *ctx, struct span user); /* a user of this system (users=system) */
	void *ctx;
};

#endif
