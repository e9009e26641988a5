/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/delivery.h"

#include "app/outcome.h"

void delivery_reset(struct outbound *o)
{
	o->offered = false;
	o->verified = false;
	o->rcpt_at = 0;
	o->rcpt_given = 0;
	o->piece.len = 0;
}

/* The address failed before anything was promised: the next one, or the end. */
void delivery_next_address(struct delivery *x)
{
	hosts_next(&x->o->hosts);
	delivery_reset(x->o);
	queue_verify_begin(&x->o->verifier, x->t->message);
	x->o->state = OUTBOUND_RESOLVE;
}

/* true: the message may be offered.  Rot is found before DATA, never delivered. */
bool delivery_verify(struct delivery *x)
{
	enum status status;

	if (x->o->verified)
		return true;
	status = queue_verify(&x->core->queue, &x->o->verifier);
	if (status == ST_AGAIN)
		return false;
	x->o->verified = true;
	if (status == ST_OK || task_is_report(x->t))
		return true;
	report_damaged(&x->core->report, x->t->message);
	delivery_give(x, &REPLY(554, 5, 3, 0, "damaged in storage"), false);
	return false;
}

void delivery_give(struct delivery *x, const struct reply *why, bool again)
{
	x->o->why = outcome_keep(why);
	x->o->again = again;
}

void delivery_record_with(struct delivery *x, const struct reply *why, bool again)
{
	delivery_give(x, why, again);
	x->o->state = OUTBOUND_RECORD;
}

/* true: recorded.  A report's only "recipient" is its job. */
bool delivery_record_one(struct delivery *x, struct task_rcpt *r, const struct reply *reply, bool again)
{
	struct span host = x->t->route.way == ROUTE_LOCAL ? SPAN("local") : hosts_name(&x->o->hosts);
	bool done;

	if (x->t->kind == TASK_EXPIRY)
		done = outcome_record_expired(x->core, x->t->message, r->n);
	else if (task_is_report(x->t))
		done = bounce_end(x->core, x->t->message, task_job(x->t), reply);
	else
		done = outcome_record(x->core, x->t->message, r->n, host, reply, again);
	if (done)
		r->state = TASK_RECORDED;
	return done;
}

bool delivery_record_open(struct delivery *x)
{
	struct reply reply = outcome_reply(&x->o->why);
	size_t i;

	for (i = 0; i < x->t->rcpt_count; i++)
		if (x->t->rcpt[i].state != TASK_RECORDED
			&& !delivery_record_one(x, &x->t->rcpt[i], &reply, x->o->again))
			return false;
	return true;
}

