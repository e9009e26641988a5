/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/talk.h"

#include "app/outcome.h"
#include "app/replies.h"
#include "base/check.h"

/* Due messages looked at when a connection is free for one more. */
#define CANDIDATES 4u

/* The connection is free: is there more for the same next hop? */
static bool take_more(struct delivery *x)
{
	struct core *c = x->core;
	uint32_t message;
	unsigned i;

	for (i = 0; i < CANDIDATES; i++) {
		if (c->stopping || queue_has_stopped(&c->queue) ||
			x->o->messages >= CONFIG_MESSAGES_PER_CONNECTION ||
			!schedule_due(&c->schedule, c->now_s, x->o->hop, &message))
			return false;
		if (task_load(&x->s->tasks, x->t, message, x->o->hop)) {
			delivery_reset(x->o);
			queue_verify_begin(&x->o->verifier, message);
			return true;
		}
	}
	return false;
}

static void offer(struct delivery *x)
{
	struct smtpc_mail mail = { SPAN_EMPTY, x->o->source.size, x->o->source.eight_bit };
	struct envelope_item item;

	walk_begin(&x->o->walk, x->t->message);
	if (!task_is_report(x->t) &&
		walk_to(&x->core->queue, &x->o->walk, ENVELOPE_SENDER, &item) == ST_OK)
		mail.reverse_path = item.text;
	x->o->offered = true;
	x->o->messages++;
	smtpc_mail(&x->o->smtpc, &mail);
}

static bool on_ready(struct delivery *x)
{
	struct outbound *o = x->o;

	o->reached = true;
	if (o->offered) { /* the message before is done: every outcome is recorded */
		if (!task_finish(&x->s->tasks, x->t))
			return false;
		o->offered = false;
	}
	if (x->t->kind == TASK_NONE && !take_more(x)) {
		smtpc_quit(&o->smtpc);
		return true;
	}
	if (!o->verified && !delivery_verify(x)) {
		if (o->verified) { /* damaged: its recipients fail without being offered */
			if (!delivery_record_open(x)) {
				o->verified = false;
				queue_verify_begin(&o->verifier, x->t->message);
				return false;
			}
			o->offered = true;
			return true;
		}
		return false;
	}
	if (!source_open(x->core, &o->source, x->t, o->verifier.content)) {
		o->offered = true; /* removed by the operator: go on with the next */
		return true;
	}
	offer(x);
	return true;
}

static bool on_ask_rcpt(struct delivery *x)
{
	struct outbound *o = x->o;
	struct envelope_item item;

	if (o->rcpt_at == x->t->rcpt_count) {
		smtpc_rcpt_end(&o->smtpc);
		return true;
	}
	if (task_is_report(x->t)) {
		o->rcpt_at++;
		smtpc_rcpt(&o->smtpc, span_make(x->t->to, x->t->to_len));
		return true;
	}
	while (walk_to(&x->core->queue, &o->walk, ENVELOPE_RCPT, &item) == ST_OK) {
		if (item.rcpt != x->t->rcpt[o->rcpt_at].n)
			continue;
		o->rcpt_at++;
		smtpc_rcpt(&o->smtpc, item.text);
		return true;
	}
	smtpc_abort(&o->smtpc); /* the envelope cannot be read any more */
	return true;
}

static bool on_rcpt_result(struct delivery *x, const struct smtpc_event *e)
{
	struct queue_reply kept;
	struct task_rcpt *r;
	bool too_many;
	size_t i;

	CHECK(e->rcpt < x->t->rcpt_count);
	r = &x->t->rcpt[e->rcpt];
	if (e->reply.code / 100u == 2) {
		r->state = TASK_ACCEPTED;
	} else {
		/* 452 after others were accepted: the transaction is full, the next takes
		 * the rest (RFC 5321 4.5.3.1.10). */
		too_many = e->reply.code == 452;
		for (i = 0; too_many && i < e->rcpt; i++)
			if (x->t->rcpt[i].state == TASK_ACCEPTED)
				break;
		outcome_keep(&kept, &e->reply, true);
		if (!delivery_record_one(x, r, &kept, too_many && i < e->rcpt))
			return false;
	}
	smtpc_next(&x->o->smtpc);
	return true;
}

static bool on_ask_body(struct delivery *x)
{
	struct outbound *o = x->o;

	if (source_fill(x->core, &o->source, &o->piece) < 0)
		smtpc_abort(&o->smtpc);
	else
		source_took(&o->piece,
			smtpc_body(&o->smtpc, source_piece(&o->piece),
				source_is_last(&o->source, &o->piece)));
	return true;
}

static bool on_result(struct delivery *x, const struct smtpc_event *e)
{
	if (e->failure == SMTPC_CAPABILITY)
		delivery_give(x, &e->reply, false);
	else
		delivery_quote(x, &e->reply);
	if (!delivery_record_open(x))
		return false;
	smtpc_next(&x->o->smtpc);
	return true;
}

/* true: answered, the machine goes on. */
static bool outbound_answer(void *self)
{
	struct delivery *x = self;
	struct smtpc_event e = smtpc_event(&x->o->smtpc);

	switch (e.ask) {
	case SMTPC_READY: return on_ready(x);
	case SMTPC_ASK_RCPT: return on_ask_rcpt(x);
	case SMTPC_RCPT_RESULT: return on_rcpt_result(x, &e);
	case SMTPC_ASK_BODY: return on_ask_body(x);
	case SMTPC_RESULT: return on_result(x, &e);
	case SMTPC_NONE:
	case SMTPC_CLOSED: break;
	}
	return false;
}

static size_t outbound_feed(void *self, struct span bytes)
{
	return smtpc_feed(&((struct delivery *)self)->o->smtpc, bytes);
}

static struct span outbound_out(void *self)
{
	return smtpc_out(&((struct delivery *)self)->o->smtpc);
}

static void outbound_sent(void *self, size_t n)
{
	smtpc_sent(&((struct delivery *)self)->o->smtpc, n);
}

static uint32_t outbound_progress(void *self)
{
	return smtpc_progress(&((struct delivery *)self)->o->smtpc);
}

static uint32_t outbound_timeout_ms(void *self)
{
	return smtpc_timeout_ms(&((struct delivery *)self)->o->smtpc);
}

static const struct conn_machine machine = {
	.feed = outbound_feed,
	.turn = outbound_answer,
	.out = outbound_out,
	.sent = outbound_sent,
	.progress = outbound_progress,
	.timeout_ms = outbound_timeout_ms,
};

static bool any_accepted(const struct task *t)
{
	size_t i;

	for (i = 0; i < t->rcpt_count; i++)
		if (t->rcpt[i].state == TASK_ACCEPTED)
			return true;
	return false;
}

/* The session is over.  What its task has not on record yet is tried at the next
 * address, unless the final dot was sent: then it may have arrived. */
static void talk_ended(struct delivery *x, const struct smtpc_event *e)
{
	struct outbound *o = x->o;

	conn_close(&o->conn, &x->core->world->net);
	if (x->t->kind == TASK_NONE || e->failure == SMTPC_DONE) {
		o->state = OUTBOUND_RECORD;
		return;
	}
	if (e->failure == SMTPC_REPLIED)
		/* A host that turns us away at the door is not the recipient's last word. */
		delivery_quote(x,
			&(struct reply){ 451,
				{ e->reply.enhanced[0] ? 4u : 0u, e->reply.enhanced[1],
					e->reply.enhanced[2] },
				e->reply.text });
	else
		delivery_give(x, say(SAY_CONNECTION_LOST), false);
	if (smtpc_dot_sent(&o->smtpc) && any_accepted(x->t)) {
		report_doubtful(&x->core->report, x->t->message, hosts_name(&o->hosts));
		o->state = OUTBOUND_RECORD;
	} else if (o->messages > 1) {
		/* The host was glad to have the ones before: it may just be tired of this
		 * connection. */
		delivery_record_with(x, say(SAY_CONNECTION_LOST), true);
	} else {
		delivery_next_address(x);
	}
}

uint32_t talk_step(struct delivery *x)
{
	struct outbound *o = x->o;
	enum conn_state state = conn_step(&o->conn, &x->core->world->net, x->core->now.mono_ms,
		&machine, x);
	struct smtpc_event e;

	if (state == CONN_LOST || state == CONN_ENDED)
		smtpc_peer_closed(&o->smtpc);
	else if (state == CONN_TIMED_OUT)
		smtpc_timed_out(&o->smtpc);
	e = smtpc_event(&o->smtpc);
	if (e.ask == SMTPC_CLOSED) {
		talk_ended(x, &e);
		return 0;
	}
	if (e.ask != SMTPC_NONE) {
		o->conn.deadline_ms = 0; /* flash makes us wait, not the peer */
		return state == CONN_OPEN ? DELIVERY_POLL_MS : 0;
	}
	return state == CONN_BUSY ? 0 : instant_until_ms(x->core->now.mono_ms, o->conn.deadline_ms);
}
