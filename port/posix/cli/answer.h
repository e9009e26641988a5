/* SPDX-License-Identifier: BSD-2-Clause */
/* answer - one line that the control line answers: a kind, then key=value pairs.
 *
 * Pure.  A value is bare, or "quoted" with \" \\ and \xHH inside; decoded, it
 * goes to the caller's buf.  A line that is not a row is told from the first
 * broken pair on: answer_next says false with *broken set.
 */
#ifndef PIPIT_CLI_ANSWER_H
#define PIPIT_CLI_ANSWER_H

#include "base/buf.h"

struct answer {
	struct span kind;
	struct span pairs; /* what answer_next has not yet taken */
};

/* line: without its LF; borrowed. */
struct answer answer_parse(struct span line);

/* The next pair: its key, its value decoded into *value (cleared before). */
bool answer_next(struct answer *r, struct span *key, struct buf *value, bool *broken);

/* The value of key into *value; false and empty when there is none. */
bool answer_get(const struct answer *r, const char *key, struct buf *value);

/* The same as a number; fallback when it is none. */
uint32_t answer_get_u32(const struct answer *r, const char *key, uint32_t fallback);

#endif
