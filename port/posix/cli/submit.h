/* SPDX-License-Identifier: BSD-2-Clause */
/* submit - one message through an SMTP listener of this machine: smtp/client.h with a
 * blocking socket.
 *
 * All or nothing, unless `some`: a caller who reads one exit code cannot be
 * told that three of five recipients were taken.  The complaint goes to standard error.
 */
#ifndef PIPIT_CLI_SUBMIT_H
#define PIPIT_CLI_SUBMIT_H

#include "base/ip.h"
#include "posix/cli/message.h"
#include "posix/cli/rcpts.h"

struct submit {
	struct span hostname; /* for EHLO */
	struct span sender;   /* without <>; empty: null reverse-path */
	const struct rcpts *rcpts;
	struct message *message;
	uint32_t size; /* octets, 0: not known */
	bool eight_bit;
	bool some;    /* go on when a recipient is refused for good */
	bool verbose; /* the last reply goes to standard output */
	/* Results. */
	uint32_t refused; /* recipients, for good */
};

/* A connected socket, or -1 with errno. */
int submit_connect(const struct ip_endpoint *to);

/* Takes the socket over.  EXIT_DONE; EXIT_UNAVAILABLE: no server answered (the
 * message may be rewound when its body was not touched); EXIT_AGAIN, EXIT_DATA,
 * EXIT_NO_USER by what the server said. */
int submit_run(int fd, struct submit *s);

#endif
