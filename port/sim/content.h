/* SPDX-License-Identifier: BSD-2-Clause */
/* content - messages made from seed and number, so that nobody has to keep them.
 *
 * Every address carries a token: t<message>@ is a sender, t<message>r<n>@ its
 * n-th recipient.  Whoever gets a message knows by it what the message must
 * have been, octet for octet.
 */
#ifndef PIPIT_SIM_CONTENT_H
#define PIPIT_SIM_CONTENT_H

#include "base/buf.h"
#include "pipit_config.h"

struct sim;

/* A message with the trace of a loop's fifty hops, or its report. */
#define CONTENT_ROOM (CONFIG_SIM_CONTENT + 20480u)

enum shape {
	SHAPE_EMPTY = 1,      /* no octet at all */
	SHAPE_HEADLESS = 2,   /* a body at once */
	SHAPE_DATED = 4,      /* has Date and Message-ID */
	SHAPE_DOTS = 8,       /* lines that begin with dots */
	SHAPE_EIGHT_BIT = 16, /* octets over 127, and NUL */
	SHAPE_LONG = 32,      /* lines beyond 998 octets */
	SHAPE_BARE = 64,      /* a CR or LF alone: must be refused */
	SHAPE_BIG = 128,      /* more than is admitted: must be refused */
};

struct token {
	bool valid;
	uint16_t message;
	int16_t rcpt; /* -1: the sender */
};

/* The address in text, with or without <>. */
struct token token_read(struct span text);

/* All octets of a message, dots not doubled.  Its length, at most CONFIG_SIM_CONTENT, or a
 * quarter more for SHAPE_BIG. */
uint32_t content_make(const struct sim *w, unsigned message, uint8_t out[CONTENT_ROOM]);

/* Whether got is what the message must look like after `hops` Pipits; NULL, or what is wrong. */
const char *content_check(const struct sim *w, unsigned message, struct span got,
	uint32_t *queue_id);

#endif
