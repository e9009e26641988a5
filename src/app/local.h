/* SPDX-License-Identifier: BSD-2-Clause */
/* local - final delivery of one message to one mailbox, through sys/mailbox.h. */
#ifndef PIPIT_APP_LOCAL_H
#define PIPIT_APP_LOCAL_H

#include "app/source.h"

struct local {
	uint8_t phase;
	uint16_t head_sent;  /* of Return-Path and Delivered-To */
	int handle;          /* -1: none */
	struct piece *piece; /* the slot's */
};

#if CONFIG_MAILBOXES

/* piece: what the slot reads bodies with; stays valid until the delivery ends. */
void local_begin(struct local *l, struct piece *piece);

/* A bounded piece.  ST_AGAIN: not finished; ST_OK: *reply says how it ended (its text is kept in
 * text, valid until the next call). */
enum status local_step(struct core *c, struct local *l, const struct task *t, struct source *source,
	struct reply *reply, uint8_t text[REPLY_TEXT_MAX]);

void local_abandon(struct core *c, struct local *l);

#else

/* No route leads here. */
static inline void local_begin(struct local *l, struct piece *piece)
{
	(void)l;
	(void)piece;
}

static inline enum status local_step(struct core *c, struct local *l, const struct task *t,
	struct source *source, struct reply *reply, uint8_t text[REPLY_TEXT_MAX])
{
	(void)c;
	(void)l;
	(void)t;
	(void)source;
	(void)reply;
	(void)text;
	return ST_AGAIN;
}

static inline void local_abandon(struct core *c, struct local *l)
{
	(void)c;
	(void)l;
}

#endif

#endif
