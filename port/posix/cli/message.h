/* SPDX-License-Identifier: BSD-2-Clause */
/* message - a message from a program on its way out: pieces in memory, then the rest of a
 * descriptor.
 *
 * Nothing of the body is held: it streams through intake.h.  What is in memory can be
 * read again (message_rewind) as long as the descriptor was not touched.
 */
#ifndef PIPIT_CLI_MESSAGE_H
#define PIPIT_CLI_MESSAGE_H

#include "posix/cli/head.h"
#include "posix/cli/intake.h"

#define MESSAGE_PIECES 5u

struct message {
	struct span piece[MESSAGE_PIECES]; /* borrowed; what a program gave, as CRLF lines */
	size_t at;                         /* piece being read */
	size_t offset;                     /* in it */
	int fd;
	bool ended;   /* fd: its end was seen */
	bool touched; /* the body was read from fd: no way back */
	struct intake intake;
	struct span unread; /* of array, not yet through intake */
	uint8_t array[16384];
};

void message_init(struct message *m, int fd, bool dots);

/* Reads the header from fd.  HEAD_TOO_LONG, or HEAD_MORE for a read that failed (errno). */
enum head_result message_read_head(struct message *m, struct head *h);

/* Next octets, as CRLF lines: count, 0 at the end, -1 with errno.  cap >= INTAKE_ROOM. */
int message_read(struct message *m, uint8_t *to, size_t cap);

/* To the start again; false: the body was touched. */
bool message_rewind(struct message *m);

/* Whether what is in memory, or comes first from fd, has octets beyond ASCII.  Waits for fd. */
bool message_eight_bit(struct message *m);

#endif
