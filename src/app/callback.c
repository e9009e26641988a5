/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/callback.h"

#include "app/replies.h"

#include <string.h>

/* Pieces of one message read in one step. */
#define PIECES_PER_STEP 8u

/* Lives as long as one call of the hook. */
struct pipit_reader {
	struct core *core;
	const struct callback_message *m;
	unsigned pieces; /* that may still be read from flash */
	bool damaged;
};

void callback_begin(struct callback *x, struct piece *piece)
{
	x->offset = 0;
	piece->len = 0;
}

void callback_abandon(struct core *c, const struct callback *x)
{
	if (c->callback == x)
		c->callback = NULL;
}

uint32_t pipit_read_offset(const struct pipit_reader *r)
{
	return r->m->x->offset;
}

int pipit_read(struct pipit_reader *r, void *to, size_t cap)
{
	struct piece *piece = r->m->piece;
	struct span got;

	if (piece->len == 0) {
		if (r->pieces == 0)
			return ST_AGAIN;
		r->pieces--;
		r->damaged |= source_fill(r->core, r->m->source, piece) < 0;
	}
	if (r->damaged)
		return ST_CORRUPT;
	got = span_head(source_piece(piece), cap);
	if (got.len > 0)
		memcpy(to, got.at, got.len);
	source_took(piece, got.len);
	r->m->x->offset += (uint32_t)got.len;
	return (int)got.len;
}

/* The reverse-path: empty for a report, and where the envelope cannot be read. */
static struct span sender_of(struct core *c, const struct callback_message *m)
{
	struct envelope_item item;

	walk_begin(m->walk, m->task->message);
	if (task_is_report(m->task) || walk_to(&c->queue, m->walk, ENVELOPE_SENDER, &item) != ST_OK)
		return SPAN_EMPTY;
	return item.text;
}

static enum pipit_verdict ask(struct core *c, const struct callback_message *m,
	struct pipit_reader *reader)
{
	const struct pipit_hooks *hooks = &c->world->hooks;
	const struct span to = span_make(m->task->to, m->task->to_len);
	const struct pipit_envelope e = {
		.sender = sender_of(c, m),
		.recipient = &to,
		.recipient_count = 1,
		.size = m->source->size,
		.message = m->task->message,
	};

	return hooks->on_local(hooks->ctx, &e, reader);
}

enum status callback_step(struct core *c, const struct callback_message *m, struct reply *reply)
{
	struct pipit_reader reader = { c, m, PIECES_PER_STEP, false };
	enum pipit_verdict verdict;

	if (c->callback != NULL && c->callback != m->x)
		return ST_AGAIN; /* one message at a time */
	c->callback = m->x;
	verdict = ask(c, m, &reader);
	if (verdict == PIPIT_MORE && !reader.damaged)
		return ST_AGAIN;
	c->callback = NULL;
	if (reader.damaged)
		*reply = *say(SAY_DAMAGED);
	else if (verdict == PIPIT_DELIVERED)
		*reply = *say(SAY_DELIVERED);
	else
		*reply = *say(verdict == PIPIT_REFUSED ? SAY_NOT_WANTED : SAY_NOT_NOW);
	return ST_OK;
}
