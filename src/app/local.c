/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/local.h"

#include "app/replies.h"

/* Pieces of one message handed over in one step. */
#define PIECES_PER_STEP 8u

enum phase { PHASE_BEGIN, PHASE_HEAD, PHASE_BODY, PHASE_FINISH, PHASE_RESULT };

void local_begin(struct local *l, struct piece *piece)
{
	l->phase = PHASE_BEGIN;
	l->head_sent = 0;
	l->handle = -1;
	l->piece = piece;
	piece->len = 0;
}

void local_abandon(struct core *c, struct local *l)
{
	if (l->handle >= 0)
		c->world->mailbox.abandon(c->world->mailbox.ctx, l->handle);
	l->handle = -1;
}

static enum status end(struct core *c, struct local *l, struct reply *reply,
	const struct reply *with)
{
	local_abandon(c, l);
	*reply = *with;
	return ST_OK;
}

static enum status open_mailbox(struct core *c, struct local *l, const struct task *t,
	struct reply *reply)
{
	const struct conf *conf = core_conf(c);
	struct mailbox_target target = { .kind = MAILBOX_MAILDIR };
	struct address to = task_to(t);
	struct route route = route_decide(conf, &to); /* the configuration may be new */
	struct buf path;

	if (c->world->mailbox.begin == NULL || route.way != ROUTE_LOCAL)
		return end(c, l, reply, say(SAY_NO_LOCAL));
	buf_init(&path, c->scratch, sizeof(c->scratch));
	if (route_deliver_path(conf, route.index, &to, &path) != ST_OK)
		return end(c, l, reply, say(SAY_NO_MAILBOX));
	target.path = buf_span(&path);
	target.user = to.local;
	target.recipient = span_make(t->to, t->to_len);
	l->handle = c->world->mailbox.begin(c->world->mailbox.ctx, &target);
	if (l->handle == ST_AGAIN)
		return ST_AGAIN;
	if (l->handle < 0)
		return end(c, l, reply, say(SAY_HELPER_FAILED));
	l->phase = PHASE_HEAD;
	return ST_OK;
}

/* RFC 5321 4.4: final delivery records the reverse-path. */
static void put_head(struct core *c, const struct task *t, struct buf *b)
{
	struct envelope_item item;
	struct walk w;

	buf_puts(b, "Return-Path: <");
	walk_begin(&w, t->message);
	if (!task_is_report(t) && walk_to(&c->queue, &w, ENVELOPE_SENDER, &item) == ST_OK)
		buf_put(b, item.text);
	buf_puts(b, ">\r\nDelivered-To: ");
	buf_put(b, span_make(t->to, t->to_len));
	buf_puts(b, "\r\n");
}

static int write_out(struct core *c, struct local *l, struct span bytes)
{
	return c->world->mailbox.write(c->world->mailbox.ctx, l->handle, bytes);
}

static int write_head(struct core *c, struct local *l, const struct task *t)
{
	struct buf b;
	int n;

	buf_init(&b, c->scratch, sizeof(c->scratch));
	put_head(c, t, &b);
	n = write_out(c, l, span_from(buf_span(&b), l->head_sent));
	if (n > 0)
		l->head_sent = (uint16_t)(l->head_sent + n);
	if (l->head_sent == b.len)
		l->phase = PHASE_BODY;
	return n;
}

static int write_body(struct core *c, struct local *l, struct source *source)
{
	int n;

	if (source_fill(c, source, l->piece) < 0)
		return ST_CORRUPT;
	if (l->piece->len == 0) {
		l->phase = PHASE_FINISH;
		return 0;
	}
	n = write_out(c, l, source_piece(l->piece));
	if (n > 0)
		source_took(l->piece, (size_t)n);
	return n;
}

static int finish(struct core *c, struct local *l)
{
	int n = c->world->mailbox.finish(c->world->mailbox.ctx, l->handle);

	if (n == ST_OK)
		l->phase = PHASE_RESULT;
	return n;
}

static enum status take_result(struct core *c, struct local *l, struct reply *reply,
	uint8_t text[REPLY_TEXT_MAX])
{
	struct mailbox_result result;
	struct buf b;

	if (c->world->mailbox.result(c->world->mailbox.ctx, l->handle, &result) == ST_AGAIN)
		return ST_AGAIN;
	l->handle = -1;
	buf_init(&b, text, REPLY_TEXT_MAX);
	buf_put_max(&b, span_of(result.text), REPLY_TEXT_MAX);
	if (result.outcome == MAILBOX_DELIVERED)
		*reply = *say(SAY_DELIVERED);
	else if (result.outcome == MAILBOX_LATER)
		*reply = (struct reply){ 450, { 4, 2, 0 }, buf_span(&b) };
	else
		*reply = (struct reply){ 550, { 5, 2, 0 }, buf_span(&b) };
	return ST_OK;
}

static int turn(struct core *c, struct local *l, const struct task *t, struct source *source)
{
	if (l->phase == PHASE_HEAD)
		return write_head(c, l, t);
	if (l->phase == PHASE_BODY)
		return write_body(c, l, source);
	return finish(c, l);
}

enum status local_step(struct core *c, struct local *l, const struct task *t, struct source *source,
	struct reply *reply, uint8_t text[REPLY_TEXT_MAX])
{
	unsigned i;
	int n = 0;

	if (l->phase == PHASE_BEGIN)
		n = open_mailbox(c, l, t, reply);
	if (n == ST_AGAIN || (n == ST_OK && l->handle < 0))
		return (enum status)n;
	for (i = 0; i < PIECES_PER_STEP && n >= 0 && l->phase != PHASE_RESULT; i++)
		n = turn(c, l, t, source);
	if (n == ST_AGAIN)
		return ST_AGAIN;
	if (n == ST_CORRUPT)
		return end(c, l, reply, say(SAY_DAMAGED));
	if (n < 0)
		return end(c, l, reply, say(SAY_HELPER_FAILED));
	return l->phase == PHASE_RESULT ? take_result(c, l, reply, text) : ST_AGAIN;
}
