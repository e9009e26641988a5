/* SPDX-License-Identifier: BSD-2-Clause */
/* dot - the body between DATA and its end (RFC 5321 4.5.2), both ways.
 *
 * Decoder: the end is CRLF.CRLF and nothing else, whoever the client is.  A lone CR or
 * LF is no line end here: a dot behind it neither ends the data nor is taken off.
 * From strangers it makes the message `broken`: reading goes on to the true end, the
 * rest is dropped, and the message is to be refused; after an end right behind CR CR LF
 * (`doubtful`) nothing more is to be read from that client.  For legacy devices it
 * becomes CRLF (and no end is right behind it), and lines over BODY_LINE_MAX are folded
 * by CRLF and a blank.
 *
 * Encoder: line ends become CRLF, dots are doubled, the end is CRLF.CRLF.  A
 * lone CR or LF cannot leave.
 */
#ifndef PIPIT_SMTP_DOT_H
#define PIPIT_SMTP_DOT_H

#include "base/buf.h"
#include "pipit_limits.h"

struct dot_decoder {
	uint8_t state;
	bool legacy;
	bool broken;
	bool doubtful;   /* the line now began behind CR CR LF */
	uint16_t column; /* octets of the line so far; for folding */
};

/* The decoder stops while the output has less room than one octet may make. */
#define DOT_ROOM_MIN 4u

void dot_decoder_init(struct dot_decoder *d, bool legacy);

/* Takes octets from the front of *in while out has room.  true: the end was
 * taken, what is left of *in are commands. */
bool dot_decode(struct dot_decoder *d, struct span *in, struct buf *out);

struct dot_encoder {
	bool line_start;
	bool cr; /* the last octet was a CR: its CRLF is out already */
};

/* What the end may need: CRLF.CRLF */
#define DOT_END_MAX 5u

void dot_encoder_init(struct dot_encoder *e);

/* Takes octets from the front of *in while out has room for two and `reserve` more. */
void dot_encode(struct dot_encoder *e, struct span *in, struct buf *out, size_t reserve);

void dot_encode_end(struct dot_encoder *e, struct buf *out);

#endif
