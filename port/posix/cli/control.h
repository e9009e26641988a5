/* SPDX-License-Identifier: BSD-2-Clause */
/* control - asks the running MTA through its control socket.
 *
 * operator_line_open, then for each request: operator_line_ask, and operator_line_next
 * until it says
 * something other than CONTROL_ROW.  Blocks, 60 s at most for a line.
 * Functions that return an exit code have complained already.
 */
#ifndef PIPIT_CLI_CONTROL_H
#define PIPIT_CLI_CONTROL_H

#include "base/buf.h"
#include "posix/cli/exits.h"

#define CONTROL_REQUEST_MAX 400u

struct control {
	int fd;
	size_t at, len;       /* received, not yet handed out: array[at .. len) */
	uint8_t array[32768]; /* the longest row */
};

enum control_answer {
	CONTROL_ROW, /* *line: the row */
	CONTROL_OK,
	CONTROL_ERROR, /* *line: the text behind `error` */
	CONTROL_LOST,  /* the connection ended before the answer did */
};

/* EXIT_DONE, EXIT_UNAVAILABLE: no MTA runs; EXIT_NO_PERMISSION. */
int operator_line_open(struct control *c, const char *path);
void operator_line_close(struct control *c);

bool operator_line_ask(struct control *c, struct span request);

/* *line is valid until the next call. */
enum control_answer operator_line_next(struct control *c, struct span *line);

/* The exit code for the end of an answer; complains about what is not CONTROL_OK. */
int operator_line_end(enum control_answer end, struct span line);

/* One request whose rows do not matter. */
int operator_line_simple(const char *path, const char *request);

/* Whether a word from the command line can stand in a request: an ID, domain or address. */
bool operator_line_word_ok(struct span word);

#endif
