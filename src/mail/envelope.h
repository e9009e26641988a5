/* SPDX-License-Identifier: BSD-2-Clause */
/* envelope - how a transaction's addresses are written to the queue's envelope stream.
 *
 * Text, a line each, LF at the end, in this order:
 *
 *   S<reverse-path>        one; empty for <>
 *   H<text>                one; who brought it: "helo [address]", for reports
 *   O<forward-path>        before an R line whose address came from an alias: as it was given
 *   R<forward-path>        one per recipient; the n-th R line is recipient n
 *
 * Addresses are written without <>.  Reading is streaming: the reader is fed
 * pieces of any size and hands out one whole line at a time.
 */
#ifndef PIPIT_MAIL_ENVELOPE_H
#define PIPIT_MAIL_ENVELOPE_H

#include "base/status.h"
#include "mail/address.h"

#define ENVELOPE_LINE_MAX (ADDRESS_MAX + 2u)

enum envelope_kind {
	ENVELOPE_SENDER = 'S',
	ENVELOPE_ORIGIN = 'H',
	ENVELOPE_ORIGINAL = 'O',
	ENVELOPE_RCPT = 'R'
};

/* One line; b overflows when it does not fit. */
void envelope_put(struct buf *b, enum envelope_kind kind, struct span text);

struct envelope_reader {
	uint16_t rcpt_next; /* number of the next R line */
	uint16_t len;
	uint8_t line[ENVELOPE_LINE_MAX];
};

struct envelope_item {
	enum envelope_kind kind;
	uint16_t rcpt;    /* for ENVELOPE_RCPT: its number */
	struct span text; /* valid until the next call */
};

void envelope_reader_init(struct envelope_reader *r);

/* Takes octets from the front of *in.  ST_OK: *out is a line; ST_AGAIN: all of
 * *in was taken, no line is complete yet; ST_CORRUPT: this is no envelope. */
enum status envelope_read(struct envelope_reader *r, struct span *in, struct envelope_item *out);

#endif
