/* SPDX-License-Identifier: BSD-2-Clause */
/* callback - final delivery of one message to the program around: its on_local hook. */
#ifndef PIPIT_APP_CALLBACK_H
#define PIPIT_APP_CALLBACK_H

#include "app/source.h"

struct callback {
	uint32_t offset; /* octets read so far */
};

#if CONFIG_CALLBACK

/* A `deliver` line without a path: this address is the program's. */
static inline bool callback_is_wanted(const struct core *c, const struct route *r)
{
	return r->way == ROUTE_LOCAL && !conf_has(core_conf(c)->deliver[r->index].path);
}

/* What a delivery gives the hook; piece and walk are its slot's, its own until it ends. */
struct callback_message {
	struct callback *x;
	const struct task *task;
	struct source *source;
	struct piece *piece;
	struct walk *walk;
};

void callback_begin(struct callback *x, struct piece *piece);

/* One call of the hook.  ST_AGAIN: not finished; ST_OK: *reply says how it ended. */
enum status callback_step(struct core *c, const struct callback_message *m, struct reply *reply);

/* Broken off, if it was this one's turn. */
void callback_abandon(struct core *c, const struct callback *x);

#else

static inline bool callback_is_wanted(const struct core *c, const struct route *r)
{
	(void)c;
	(void)r;
	return false;
}

struct callback_message {
	struct callback *x;
	const struct task *task;
	struct source *source;
	struct piece *piece;
	struct walk *walk;
};

static inline void callback_begin(struct callback *x, struct piece *piece)
{
	(void)x;
	(void)piece;
}

static inline enum status callback_step(struct core *c, const struct callback_message *m,
	struct reply *reply)
{
	(void)c;
	(void)m;
	(void)reply;
	return ST_AGAIN;
}

static inline void callback_abandon(struct core *c, const struct callback *x)
{
	(void)c;
	(void)x;
}

#endif

#endif
