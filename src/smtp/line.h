/* SPDX-License-Identifier: BSD-2-Clause */
/* line - command lines out of a stream (RFC 5321 2.3.8): CRLF ends a line and nothing else does.
 *
 * The array belongs to the caller; the text of a line is its first `len`
 * octets, valid until the next call.  A line longer than the array is skipped
 * to its end, however far that is.  A lone CR or LF inside a line is never
 * taken for its end: two servers that disagree about that disagree about where a
 * message ends.
 */
#ifndef PIPIT_SMTP_LINE_H
#define PIPIT_SMTP_LINE_H

#include "base/span.h"

struct line {
	uint16_t len;
	bool cr;       /* the last octet was a CR */
	bool bad, cut; /* holds a lone CR or a NUL; is longer than the array */
	bool skip;     /* refused at a bare LF: the rest up to CRLF has no meaning */
	bool done;     /* a result was given: the next octet begins afresh */
};

enum line_result {
	LINE_MORE, /* no line yet; octets that are left begin one */
	LINE_DONE, /* a line, without its CRLF */
	LINE_LONG, /* a line ended that did not fit; its first octets are there */
	LINE_BAD,  /* a line ended that holds a lone CR or a NUL, or here is a lone LF: said at
	              * once, so that a client which knows no CR is not left waiting */
};

void line_init(struct line *l);

/* Takes octets from the front of *in, at most to the end of one line.  lf_ends:
 * for old devices, LF alone ends a line. */
enum line_result line_read(struct line *l, uint8_t *array, size_t cap, bool lf_ends,
	struct span *in);

/* Whether the next octet is the first of a line. */
bool line_fresh(const struct line *l);

#endif
