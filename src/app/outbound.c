/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/outbound.h"

#include "app/replies.h"
#include "app/talk.h"

#define CONNECT_TIMEOUT_MS 30000u

static struct delivery delivery_of(struct sending *s, size_t i)
{
	return (struct delivery){ s, s->tasks.core, &s->slot[i], &s->tasks.task[i] };
}

static struct span domain_of(const struct delivery *x)
{
	return task_to(x->t).domain;
}

/* ---- RECORD: outcomes for all recipients still open ---------------------------- */

static void end_hop(struct delivery *x)
{
	/* A domain that does not exist is not a hop that is down. */
	bool answered = x->o->reached || x->o->why.code / 100u == 5;

	if (x->o->hop != 0)
		schedule_hop_end(&x->core->schedule, x->o->hop, answered, x->core->now_s);
	x->o->hop = 0;
}

static uint32_t step_record(struct delivery *x)
{
	/* No user, no domain: of an address that has rotted this says nothing. */
	if (x->t->kind == TASK_DELIVERY && x->o->why.code / 100u == 5 && !delivery_verify(x) &&
		!x->o->verified)
		return 0;
	if (x->t->kind == TASK_EXPIRY && x->o->rcpt_at == 0) {
		report_message(&x->core->report, x->t->message, REPORT_IS_EXPIRED);
		x->o->rcpt_at = 1;
	}
	if (x->t->kind != TASK_NONE &&
		(!delivery_record_open(x) || !task_finish(&x->s->tasks, x->t)))
		return DELIVERY_POLL_MS;
	end_hop(x);
	x->o->state = OUTBOUND_FREE;
	return 0;
}

/* ---- starting ------------------------------------------------------------------ */

static void start(struct delivery *x)
{
	struct outbound *o = x->o;

	delivery_reset(o);
	o->messages = 0;
	o->reached = false;
	o->hop = x->t->hop;
	o->conn.handle = -1;
	o->local.handle = -1;
	delivery_give(x, say(SAY_EXPIRED), false);
	queue_verify_begin(&o->verifier, x->t->message);
	hosts_begin(x->core, &o->hosts, &x->t->route);
	o->state = OUTBOUND_RESOLVE;
	if (x->t->kind == TASK_EXPIRY)
		o->state = OUTBOUND_RECORD;
	else if (x->t->route.way == ROUTE_NO_USER || x->t->route.way == ROUTE_NO_DOMAIN)
		delivery_record_with(x, say(SAY_NO_USER), false);
	else if (CONFIG_LOCAL_DELIVERY && x->t->route.way == ROUTE_LOCAL) {
		o->to_hook = callback_is_wanted(x->core, &x->t->route);
		if (o->to_hook)
			callback_begin(&o->callback, &o->piece);
		else
			local_begin(&o->local, &o->piece);
		o->state = OUTBOUND_MAILBOX;
	}
}

static void start_due(struct sending *s)
{
	struct core *c = s->tasks.core;
	uint32_t message;
	size_t i;

	for (i = 0; i < CONFIG_CLIENT_SESSIONS; i++) {
		struct delivery x = delivery_of(s, i);

		if (x.o->state != OUTBOUND_FREE)
			continue;
		if (c->stopping || queue_has_stopped(&c->queue) ||
			!schedule_due(&c->schedule, c->now_s, TASK_ANY_HOP, &message))
			return;
		if (task_load(&s->tasks, x.t, message, TASK_ANY_HOP))
			start(&x);
	}
}

/* ---- RESOLVE, CONNECT ---------------------------------------------------------- */

static void connect_failed(struct delivery *x)
{
	struct ip_endpoint at = hosts_endpoint(&x->o->hosts);

	report_connect(&x->core->report, x->t->message, hosts_name(&x->o->hosts), &at, false);
	conn_close(&x->o->conn, &x->core->world->net);
	delivery_give(x, say(SAY_CONNECT_FAILED), false);
	delivery_next_address(x);
}

static uint32_t step_resolve(struct delivery *x)
{
	const struct net *net = &x->core->world->net;
	struct outbound *o = x->o;
	struct ip_endpoint at;
	int handle;

	switch (hosts_step(x->core, &o->hosts, domain_of(x))) {
	case HOSTS_WAIT:
		return DELIVERY_POLL_MS *
			20u; /* the resolver's own deadline and sockets wake us earlier */
	case HOSTS_END:
		/* A host that said something says more than "cannot be reached". */
		if (o->hosts.why->code / 100u == 5 || o->why.code == 0 ||
			o->hosts.address_count == 0)
			delivery_give(x, o->hosts.why, false);
		o->state = OUTBOUND_RECORD;
		return 0;
	case HOSTS_READY: break;
	}
	at = hosts_endpoint(&o->hosts);
	handle = net->ops->connect(net->ctx, &at);
	if (handle == ST_FULL) {
		delivery_record_with(x, say(SAY_NO_CONNECTION), true);
		return 0;
	}
	conn_init(&o->conn, handle >= 0 ? handle : -1);
	if (handle < 0) {
		connect_failed(x);
		return 0;
	}
	net->ops->watch(net->ctx, handle, NET_WRITE);
	o->conn.deadline_ms = x->core->now.mono_ms + CONNECT_TIMEOUT_MS;
	o->state = OUTBOUND_CONNECT;
	return 0;
}

static uint32_t step_connect(struct delivery *x)
{
	const struct conf *conf = core_conf(x->core);
	const struct net *net = &x->core->world->net;
	struct outbound *o = x->o;
	struct ip_endpoint at = hosts_endpoint(&o->hosts);
	int status = net->ops->connected(net->ctx, o->conn.handle);

	uint32_t left_ms = instant_until_ms(x->core->now.mono_ms, o->conn.deadline_ms);

	if (status == ST_AGAIN && left_ms > 0)
		return left_ms;
	if (status != ST_OK) {
		connect_failed(x);
		return 0;
	}
	report_connect(&x->core->report, x->t->message, hosts_name(&o->hosts), &at, true);
	smtpc_init(&o->smtpc, conf_span(conf, conf->hostname));
	o->conn.deadline_ms = 0;
	o->state = OUTBOUND_TALK;
	return 0;
}

/* ---- MAILBOX ------------------------------------------------------------------- */

static enum status hand_over(struct delivery *x, struct reply *reply, uint8_t text[REPLY_TEXT_MAX])
{
	struct outbound *o = x->o;
	const struct callback_message m = { &o->callback, x->t, &o->source, &o->piece, &o->walk };

	if (o->to_hook)
		return callback_step(x->core, &m, reply);
	return local_step(x->core, &o->local, x->t, &o->source, reply, text);
}

static uint32_t step_mailbox(struct delivery *x)
{
	uint8_t text[REPLY_TEXT_MAX];
	struct outbound *o = x->o;
	struct reply reply;

	if (!o->offered) {
		if (!delivery_verify(x)) {
			if (o->verified)
				o->state = OUTBOUND_RECORD;
			return 0;
		}
		if (!source_open(x->core, &o->source, x->t, o->verifier.content)) {
			o->state = OUTBOUND_RECORD;
			return 0;
		}
		o->offered = true;
	}
	if (hand_over(x, &reply, text) == ST_AGAIN)
		return DELIVERY_POLL_MS;
	o->reached = true;
	delivery_record_with(x, &reply, false);
	return 0;
}

/* ---- the slots ----------------------------------------------------------------- */

static uint32_t step_slot(struct delivery *x)
{
	switch ((enum outbound_state)x->o->state) {
	case OUTBOUND_FREE: break;
	case OUTBOUND_RESOLVE: return step_resolve(x);
	case OUTBOUND_CONNECT: return step_connect(x);
	case OUTBOUND_TALK: return talk_step(x);
	case OUTBOUND_MAILBOX: return CONFIG_LOCAL_DELIVERY ? step_mailbox(x) : UINT32_MAX;
	case OUTBOUND_RECORD: return step_record(x);
	}
	return UINT32_MAX;
}

uint32_t outbound_step(struct sending *s)
{
	uint32_t wait_ms, least_ms;
	size_t i, free_slots = 0;

	start_due(s);
	least_ms = UINT32_MAX;
	for (i = 0; i < CONFIG_CLIENT_SESSIONS; i++) {
		struct delivery x = delivery_of(s, i);

		wait_ms = step_slot(&x);
		least_ms = wait_ms < least_ms ? wait_ms : least_ms;
		free_slots += x.o->state == OUTBOUND_FREE;
	}
	if (free_slots > 0 && !s->tasks.core->stopping &&
		!queue_has_stopped(&s->tasks.core->queue)) {
		wait_ms = schedule_wait_ms(&s->tasks.core->schedule, s->tasks.core->now_s);
		least_ms = wait_ms < least_ms ? wait_ms : least_ms;
	}
	return least_ms;
}

bool outbound_idle(const struct sending *s)
{
	size_t i;

	for (i = 0; i < CONFIG_CLIENT_SESSIONS; i++)
		if (s->slot[i].state != OUTBOUND_FREE)
			return false;
	return true;
}

void outbound_close(struct sending *s)
{
	size_t i;

	for (i = 0; i < CONFIG_CLIENT_SESSIONS; i++) {
		struct delivery x = delivery_of(s, i);

		if (x.o->state == OUTBOUND_FREE)
			continue;
		conn_close(&x.o->conn, &x.core->world->net);
		local_abandon(x.core, &x.o->local);
		callback_abandon(x.core, &x.o->callback);
		hosts_cancel(x.core, &x.o->hosts);
		x.o->state = OUTBOUND_FREE;
	}
}
