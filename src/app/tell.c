/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/tell.h"

#include "app/walk.h"

/* "250 2.0.0 text", without a line end. */
static struct span put_reply(struct buf *b, const struct reply *r)
{
	reply_put(b, r);
	return span_head(buf_span(b), b->len - 2u);
}

void tell_outcome(struct core *c, uint32_t message, const struct report_outcome *o)
{
	static const uint8_t outcome[] = {
		[QUEUE_PENDING] = PIPIT_DEFERRED,
		[QUEUE_DELIVERED] = PIPIT_SENT,
		[QUEUE_FAILED] = PIPIT_FAILED,
	};
	const struct pipit_hooks *hooks = &c->world->hooks;
	struct envelope_item item = { .text = SPAN_EMPTY };
	uint8_t text[QUEUE_REPLY_TEXT_MAX + 24u];
	struct walk w;
	struct buf b;

	if (hooks->on_outcome == NULL)
		return;
	walk_begin(&w, message);
	do {
		if (walk_to(&c->queue, &w, ENVELOPE_RCPT, &item) != ST_OK)
			return;
	} while (item.rcpt != o->rcpt);
	buf_init(&b, text, sizeof(text));
	hooks->on_outcome(hooks->ctx, message, item.text, (enum pipit_outcome)outcome[o->state],
		put_reply(&b, o->reply));
}
