/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/delivery.h"

#include "app/outcome.h"
#include "app/replies.h"

void delivery_reset(struct outbound *o)
{
	o->offered = false;
	o->verified = false;
	o->rcpt_at = 0;
	o->rcpt_given = 0;
	o->piece.len = 0;
}

/* Who has an outcome on record is not offered again. */
static void drop_recorded(struct task *t)
{
	uint16_t i, kept = 0;

	for (i = 0; i < t->rcpt_count; i++)
		if (t->rcpt[i].state != TASK_RECORDED)
			t->rcpt[kept++] = (struct task_rcpt){ t->rcpt[i].n, TASK_OPEN };
	t->rcpt_count = kept;
}

/* The address failed before anything was promised: the next one, or the end. */
void delivery_next_address(struct delivery *x)
{
	drop_recorded(x->t);
	if (x->t->rcpt_count == 0) {
		x->o->state = OUTBOUND_RECORD;
		return;
	}
	hosts_next(&x->o->hosts);
	delivery_reset(x->o);
	queue_verify_begin(&x->o->verifier, x->t->message);
	x->o->state = OUTBOUND_RESOLVE;
}

/* true: the message may be offered, or failed for what its envelope says.  Rot is found before
 * DATA, never delivered.  A message that is gone has none. */
bool delivery_verify(struct delivery *x)
{
	enum status status;

	if (x->o->verified)
		return true;
	status = queue_verify(&x->core->queue, &x->o->verifier);
	if (status == ST_AGAIN)
		return false;
	x->o->verified = true;
	if (status == ST_OK || status == ST_MISSING || task_is_report(x->t))
		return true;
	report_message(&x->core->report, x->t->message, REPORT_IS_DAMAGED);
	delivery_give(x, say(SAY_DAMAGED), false);
	return false;
}

void delivery_give(struct delivery *x, const struct reply *why, bool again)
{
	outcome_keep(&x->o->why, why, false);
	x->o->again = again;
}

void delivery_quote(struct delivery *x, const struct reply *why)
{
	outcome_keep(&x->o->why, why, true);
	x->o->again = false;
}

void delivery_record_with(struct delivery *x, const struct reply *why, bool again)
{
	delivery_give(x, why, again);
	x->o->state = OUTBOUND_RECORD;
}

bool delivery_record_one(struct delivery *x, struct task_rcpt *r, const struct queue_reply *kept,
	bool again)
{
	enum outcome_how how = again ? OUTCOME_AGAIN : OUTCOME_COUNTS;
	struct span host = hosts_name(&x->o->hosts);
	bool done;

	if (x->t->kind == TASK_EXPIRY)
		how = OUTCOME_EXPIRED;
	else if (CONFIG_LOCAL_DELIVERY && x->t->route.way == ROUTE_LOCAL)
		host = SPAN("local");
	if (task_is_report(x->t))
		done = bounce_end(x->core, x->t->message, task_job((enum task_kind)x->t->kind),
			outcome_reply(kept).code);
	else
		done = outcome_record(x->core, x->t->message, r->n, host, kept, how);
	if (done)
		r->state = TASK_RECORDED;
	return done;
}

bool delivery_record_open(struct delivery *x)
{
	size_t i;

	for (i = 0; i < x->t->rcpt_count; i++)
		if (x->t->rcpt[i].state != TASK_RECORDED &&
			!delivery_record_one(x, &x->t->rcpt[i], &x->o->why, x->o->again))
			return false;
	return true;
}
