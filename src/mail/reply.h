/* SPDX-License-Identifier: BSD-2-Clause */
/* reply - SMTP replies (RFC 5321 4.2) with enhanced status codes (RFC 3463, RFC 2034).
 *
 * reply_put composes ours.  The parser reads a peer's, piece by piece, any
 * number of lines, and keeps its code, enhanced code and the first octets of
 * its text, printable ASCII only, lines joined by a blank.  Lines may end in LF
 * alone and the last may be a code alone: both exist, and neither is a danger on
 * this side.
 */
#ifndef PIPIT_MAIL_REPLY_H
#define PIPIT_MAIL_REPLY_H

#include "base/buf.h"
#include "pipit_limits.h"

struct reply {
	uint16_t code;       /* 200 .. 599; 0: none */
	uint8_t enhanced[3]; /* all 0: none */
	struct span text;
};

#define REPLY(c, a, b, d, t) \
	((struct reply){ .code = (c), .enhanced = { (a), (b), (d) }, .text = SPAN(t) })

/* One line: "250 2.1.0 text\r\n", or as much of that as there is; text is cut at
 * REPLY_TEXT_PUT_MAX. */
void reply_put(struct buf *b, const struct reply *r);

/* "2.1.0" */
void reply_enhanced_put(struct buf *b, const uint8_t enhanced[3]);

/* "4.7.0" and a blank, or end, at the front of *s: taken off. */
bool reply_enhanced_take(struct span *s, uint8_t enhanced[3]);

#define REPLY_TEXT_MAX 80u
#define REPLY_HEAD_MAX 32u /* "250-ENHANCEDSTATUSCODES", "250-SIZE 4294967295" and some */

struct reply_parser {
	uint16_t code;
	uint16_t line_len; /* of the line being read: internal */
	uint16_t lines;    /* complete ones */
	uint8_t enhanced[3];
	uint8_t text_len;
	uint8_t state; /* internal */
	uint8_t head_len;
	bool last, cr; /* of the line being read: internal */
	uint8_t text[REPLY_TEXT_MAX];
	uint8_t head[REPLY_HEAD_MAX]; /* start of the line being read, or that ended just now */
};

void reply_parser_init(struct reply_parser *p);

enum reply_result {
	REPLY_MORE,     /* all octets taken, reply not complete */
	REPLY_LINE,     /* a line ended and more follow: its text is reply_parser_line */
	REPLY_COMPLETE, /* code, enhanced, text are valid until the next feed */
	REPLY_BROKEN,   /* not SMTP: no code, codes that differ between lines, a line or a number
		       * of lines beyond all measure */
};

/* Takes octets from the front of *in, at most to the end of one line. */
enum reply_result reply_parse(struct reply_parser *p, struct span *in);

/* The text of the line that ended just now (REPLY_LINE, REPLY_COMPLETE), without the code: for
 * EHLO keywords.  First octets only (REPLY_HEAD_MAX). */

static inline struct span reply_parser_line(const struct reply_parser *p)
{
	return span_from(span_make(p->head, p->head_len), 4);
}

struct reply reply_parser_reply(const struct reply_parser *p);

#endif
