/* SPDX-License-Identifier: BSD-2-Clause */
/* walk - reads a queued message's envelope line by line. */
#ifndef PIPIT_APP_WALK_H
#define PIPIT_APP_WALK_H

#include "mail/envelope.h"
#include "queue/queue.h"

#define WALK_PIECE 64u /* octets read at a time: two or three lines */

struct walk {
	struct queue_reader reader;
	struct envelope_reader lines;
	uint8_t at, len;
	uint8_t piece[WALK_PIECE];
};

void walk_begin(struct walk *w, uint32_t message);

/* The next line; its text is valid until the next call.  ST_MISSING: no more;
 * ST_CORRUPT, ST_IO: the envelope cannot be read. */
enum status walk_next(struct queue *q, struct walk *w, struct envelope_item *out);

/* The next line of this kind. */
enum status walk_to(struct queue *q, struct walk *w, enum envelope_kind kind,
	struct envelope_item *out);

#endif
