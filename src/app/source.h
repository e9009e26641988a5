/* SPDX-License-Identifier: BSD-2-Clause */
/* source - the octets that a delivery sends: a queued message, or a report made on the way. */
#ifndef PIPIT_APP_SOURCE_H
#define PIPIT_APP_SOURCE_H

#include "app/bounce.h"
#include "app/task.h"

struct source {
	bool is_report;
	bool in_body;  /* the prefix has been read */
	uint32_t size; /* octets in all; 0: not known before */
	uint32_t left; /* of these, not yet read */
	uint32_t crc;  /* of what has been read */
	uint32_t verified;
	bool eight_bit;
	union {
		struct queue_reader message;
		struct bounce report;
	} from;
};

/* Octets read and not yet taken by who sends them. */
struct piece {
	uint16_t at, len;
	uint8_t octets[CONFIG_BODY_PIECE];
};

/* verified: the checksum that queue_verify found.  false: the message is not there any more. */
bool source_open(struct core *c, struct source *s, const struct task *t, uint32_t verified);

/* Reads the next piece if the last is used up; its len is 0 only at the end.  < 0:
 * cannot be read, or, with the last piece, the octets are no more those that were verified. */
int source_fill(struct core *c, struct source *s, struct piece *p);
/* Nothing follows this piece, as far as is known before the end. */
bool source_is_last(const struct source *s, const struct piece *p);

static inline struct span source_piece(const struct piece *p)
{
	return span_make(p->octets + p->at, p->len);
}
void source_took(struct piece *p, size_t n);

#endif
