/* SPDX-License-Identifier: BSD-2-Clause */
/* head - the header of a message from a program, held in full while it is looked at.
 *
 * Pure.  Feed CRLF lines (intake.h) until HEAD_DONE, or finish at the end of
 * the input.  Tolerant where the header ends: at an empty line, or at the first line
 * that is no field (it then belongs to the body).  A "From " line of a mailbox file in
 * front is dropped.
 */
#ifndef PIPIT_CLI_HEAD_H
#define PIPIT_CLI_HEAD_H

#include "base/buf.h"

#define HEAD_MAX 65536u /* the longest header taken; mail in the wild stays under a few KiB */

struct head {
	uint32_t len;        /* octets in text */
	uint32_t line;       /* where the line being read starts */
	uint32_t fields_len; /* when done: the fields; what follows in text is body */
	uint8_t text[HEAD_MAX];
};

enum head_result { HEAD_MORE, HEAD_DONE, HEAD_TOO_LONG };

void head_init(struct head *h);
enum head_result head_feed(struct head *h, struct span *in);
void head_finish(struct head *h); /* the input ended in the header */

/* When done. */
struct span head_fields(const struct head *h);
struct span head_body(
	const struct head *h); /* the first octets of the body: a line that was no field */

struct head_field {
	struct span name;
	struct span value; /* behind the colon, folds (CRLF and blank) as they were, no last CRLF */
	struct span whole;
};

/* Takes the first field off *fields (from head_fields). */
bool head_next(struct span *fields, struct head_field *out);

/* The first field of this name (without case). */
bool head_find(const struct head *h, const char *name, struct head_field *out);

/* Takes out all fields of this name. */
void head_drop(struct head *h, const char *name);

#endif
