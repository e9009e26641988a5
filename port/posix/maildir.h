/* SPDX-License-Identifier: BSD-2-Clause */
/* maildir - one message into a Maildir, durable when finish says so.
 *
 * open, write until the end, finish; or abandon at any point.  Runs in a
 * delivery's own process: it blocks.  Text comes with CRLF and is stored with LF.  The file is
 * synced in tmp before it appears in new, and new is synced after that.
 *
 * All return 0 or an errno; `what` then names the step, for a person.
 */
#ifndef PIPIT_POSIX_MAILDIR_H
#define PIPIT_POSIX_MAILDIR_H

#include "base/span.h"
#include "posix/identity.h"

#define MAILDIR_NAME_MAX 256u

struct maildir {
	int tmp, fresh; /* the folders tmp and new; -1: not open */
	int file;
	bool cr;          /* a CR was held back: LF may follow */
	const char *what; /* the step that failed; static */
	char name[MAILDIR_NAME_MAX];
};

/* As root, for another user: makes the missing folders of path where only root
 * could, the last one owned by `who`.  Never follows a symbolic link and never
 * works in a folder that others may change; what it leaves undone is left to
 * maildir_open as that user. */
void maildir_prepare(const char *path, const struct identity *who);

/* As the mailbox's user.  Makes the Maildir and the folders above when missing.
 * `number` makes the name unique beside time and process. */
int maildir_open(struct maildir *m, const char *path, uint32_t number);

int maildir_write(struct maildir *m, struct span text);

/* After it the message is delivered; on failure, abandon. */
int maildir_sync(struct maildir *m); /* all is on the disk, still in tmp */
int maildir_publish(struct maildir *m);

void maildir_abandon(struct maildir *m);

#endif
