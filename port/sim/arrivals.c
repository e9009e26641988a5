/* SPDX-License-Identifier: BSD-2-Clause */
/* What next hops and mailboxes have got, and whether that is right. */
#include "sim/sim.h"

#include <string.h>

/* A reply that was read is on flash by then, unless flash itself is slow. */
#define RECORD_MS 120000u

/* Ours for our steps: -12 % of the schedule, and the second that is being counted. */
#define EARLY_MS 1500u

static struct rcpt *rcpt_of(struct sim *w, struct token to)
{
	return &w->ledger.message[to.message].rcpt[to.rcpt];
}

/* ---- Rot -------------------------------------------------------------------------- */

bool ledger_is_rotten(const struct sim *w)
{
	unsigned i;

	for (i = 0; i < w->plan.nodes; i++)
		if (w->node[i].rotten)
			return true;
	return false;
}

/* ---- Twice ---------------------------------------------------------------------- */

static bool is_strict(const struct sim *w, unsigned node)
{
	return w->plan.nodes == 1 && !w->node[node].rotten;
}

static void arrives(struct sim *w, struct kept *k, const struct arrival *a, uint32_t id,
	const char *what, struct token to)
{
	count(w, FIGURE_duplicates, k->times > 0);
	if (k->times < UINT8_MAX)
		k->times++;
	if (a->abandoned)
		return;
	if (k->told && is_strict(w, a->node)) {
		ledger_show(w, to.message);
		sim_fail(w, "t%ur%d is %s again, although n%u had read that it was done",
			to.message, to.rcpt, what, a->node);
	}
	k->told = false;
	k->node = (uint16_t)a->node;
	k->boot = w->node[a->node].boots;
	k->id = id;
}

/* ---- Messages ------------------------------------------------------------------- */

static void message_arrives(struct sim *w, const struct arrival *a, struct token to)
{
	const struct message *m = &w->ledger.message[to.message];
	struct rcpt *r = rcpt_of(w, to);
	uint32_t id = 0;
	const char *wrong = content_check(w, to.message, a->data, &id);

	if (m->state == MESSAGE_MADE || (m->state == MESSAGE_REFUSED && !m->maybe) ||
		!r->accepted) {
		ledger_show(w, to.message);
		sim_fail(w, "t%ur%d is delivered, but nobody gave it to us", to.message, to.rcpt);
	}
	if (wrong != NULL) {
		ledger_show(w, to.message);
		sim_fail(w, "t%ur%d is delivered, but %s", to.message, to.rcpt, wrong);
	}
	if (r->report.told && is_strict(w, a->node) && !a->abandoned)
		sim_fail(w, "t%ur%d is delivered after its sender was told it would not be",
			to.message, to.rcpt);
	story(w, "%s takes t%ur%d%s", a->mailbox ? "a mailbox" : "the next hop", to.message,
		to.rcpt, r->delivery.times > 0 ? " once more" : "");
	arrives(w, &r->delivery, a, id, "delivered", to);
}

/* ---- Reports -------------------------------------------------------------------- */

/* Walks the report's lines: each Final-Recipient with its Action and Status. */
struct report_walk {
	struct span rest;
	struct token about;
	bool failed;
	bool temporary;   /* its status begins with 4 */
	unsigned unknown; /* those whose address is none that the simulator makes */
};

static bool hop_is_narrow(const struct sim *w, const struct message *m)
{
	unsigned i;

	for (i = 0; i < w->plan.hops; i++)
		if ((m->shape & SHAPE_EIGHT_BIT && !(w->hop[i].esmtp && w->hop[i].eight_bit)) ||
			(w->hop[i].size_max > 0 && w->hop[i].size_max < m->size + 12000u))
			return true;
	/* With the fields that one Pipit adds it may be too large for the next. */
	return w->plan.nodes > 1 && w->plan.size_max < m->size + 12000u;
}

/* Reasons that need no answer of anybody. */
static bool any_may_fail(const struct sim *w, const struct message *m)
{
	unsigned i;

	for (i = 0; i < w->plan.nodes; i++)
		if (w->node[i].clock_doubt)
			return true;
	return ledger_is_rotten(w) || ledger_is_old(w, m, w->now_ms);
}

/* Rule 5: is there a reason for this failure?  What is still a 4xx has waited too long. */
static bool may_fail(const struct sim *w, const struct message *m, const struct rcpt *r,
	bool temporary)
{
	if (temporary || ledger_is_rotten(w))
		return any_may_fail(w, m);
	return r->failed || hop_is_narrow(w, m) ||
		(r->domain != DOMAIN_LOCAL && dns_may_bounce(w, r->domain));
}

static void failure_arrives(struct sim *w, const struct arrival *a, const struct report_walk *x)
{
	struct token about = x->about;
	struct message *m = &w->ledger.message[about.message];
	struct rcpt *r = rcpt_of(w, about);

	if (!may_fail(w, m, r, x->temporary)) {
		ledger_show(w, about.message);
		sim_fail(w, "t%ur%d is bounced for no reason", about.message, about.rcpt);
	}
	if (r->delivery.told && is_strict(w, a->node) && !a->abandoned) {
		ledger_show(w, about.message);
		sim_fail(w, "t%ur%d is bounced, although n%u had read that it was delivered",
			about.message, about.rcpt, a->node);
	}
	story(w, "the sender of t%ur%d is told that it failed", about.message, about.rcpt);
	arrives(w, &r->report, a, m->id, "bounced", about);
}

static void delay_arrives(struct sim *w, const struct arrival *a, struct token about)
{
	story(w, "the sender of t%ur%d is told that it is late", about.message, about.rcpt);
	count(w, FIGURE_delayed, 1);
	arrives(w, &rcpt_of(w, about)->delay, a, w->ledger.message[about.message].id, "delayed",
		about);
}

static bool report_next(struct report_walk *x)
{
	static const char final[] = "Final-Recipient: rfc822; ";

	while (x->rest.len > 0) {
		size_t end = span_find(x->rest, '\n');
		struct span line = span_sub(x->rest, 0, end);

		x->rest = span_from(x->rest, end + 1);
		if (span_starts_nocase(line, SPAN("Final-Recipient: rfc822; ")))
			x->about = token_read(span_from(line, sizeof(final) - 1));
		if (span_starts_nocase(line, SPAN("Action: ")))
			x->failed = span_starts_nocase(line, SPAN("Action: failed"));
		if (!span_starts_nocase(line, SPAN("Status: ")))
			continue;
		x->temporary = span_starts_nocase(line, SPAN("Status: 4"));
		if (x->about.valid)
			return true;
		x->unknown++;
	}
	return false;
}

static bool is_whole_report(struct span data)
{
	size_t i;

	for (i = 0; i < data.len; i++)
		if (data.at[i] > 126)
			return false;
	return data.len > 4 && memcmp(data.at + data.len - 4, "--\r\n", 4) == 0;
}

static bool has_line(struct span data, struct span start)
{
	for (; data.len > 0; data = span_from(data, span_find(data, '\n') + 1))
		if (span_starts_nocase(data, start))
			return true;
	return false;
}

/* One Pipit reports to the next, where the sender has its mailbox.  That one has the report as
 * a message from <>: when the mailbox does not take it, postmaster is told and nobody else.
 * The header that is quoted says what kind of report it was. */
static void loss_arrives(struct sim *w, const struct arrival *a, const struct report_walk *x)
{
	struct message *m = &w->ledger.message[x->about.message];

	if (ledger_is_rotten(w))
		return;
	if (w->plan.nodes == 1 || a->node != m->node || !m->sender_local || m->null_sender)
		sim_fail(w, "n%u reports on what it never got", a->node);
	if (!x->failed || !w->plan.postmaster || a->to[0].valid)
		sim_fail(w, "n%u reports on a report, and not its loss to postmaster", a->node);
	if (!m->report_refused && !any_may_fail(w, m)) {
		ledger_show(w, x->about.message);
		sim_fail(w, "a report to the sender of t%u is lost for no reason",
			x->about.message);
	}
	story(w, "postmaster is told that a report to the sender of t%u is lost", x->about.message);
	m->loss_told |= !has_line(a->data, SPAN("Subject: Delayed mail"));
}

static void report_arrives(struct sim *w, const struct arrival *a)
{
	struct report_walk x = { .rest = a->data };
	unsigned about = 0;

	if (!is_whole_report(a->data) && !ledger_is_rotten(w))
		sim_fail(w, "n%u sends a report that is cut or not ASCII", a->node);
	if (!a->to[0].valid && !w->plan.postmaster && !ledger_is_rotten(w))
		sim_fail(w, "n%u reports to somebody who has sent nothing", a->node);
	while (report_next(&x)) {
		about++;
		if (w->ledger.message[x.about.message].state == MESSAGE_MADE &&
			!ledger_is_rotten(w))
			sim_fail(w, "n%u reports on what it never got", a->node);
		if (x.about.rcpt < 0)
			loss_arrives(w, a, &x);
		else if (x.failed)
			failure_arrives(w, a, &x);
		else
			delay_arrives(w, a, x.about);
	}
	/* A bit of an address may have flipped; its sender is told what is left of it. */
	if (x.unknown > 0 && !ledger_is_rotten(w))
		sim_fail(w, "n%u reports on somebody whom nobody has named", a->node);
	if (about + x.unknown == 0 && !ledger_is_rotten(w))
		sim_fail(w, "n%u sends a report about nobody", a->node);
}

/* A report comes from <> and goes to a sender, or postmaster. */
static bool is_report(const struct arrival *a)
{
	return a->from_null && a->to_count == 1 && (!a->to[0].valid || a->to[0].rcpt < 0);
}

void ledger_arrived(struct sim *w, const struct arrival *a)
{
	unsigned i;

	if (is_report(a)) {
		report_arrives(w, a);
		return;
	}
	for (i = 0; i < a->to_count; i++) {
		if ((!a->to[i].valid || a->to[i].rcpt < 0) && ledger_is_rotten(w))
			continue;
		if (!a->to[i].valid || a->to[i].rcpt < 0)
			sim_fail(w, "n%u delivers to an address that nobody wrote", a->node);
		message_arrives(w, a, a->to[i]);
	}
}

/* ---- What was told -------------------------------------------------------------- */

static void told(struct sim *w, struct kept *k, const struct arrival *a)
{
	if (k->times == 0 || k->node != a->node || k->boot != w->node[a->node].boots)
		return;
	k->told = true;
	k->told_ms = w->now_ms;
}

void ledger_told(struct sim *w, const struct arrival *a)
{
	struct report_walk x = { .rest = a->data };
	struct rcpt *r;
	unsigned i;

	node_promised(w, a->node);
	for (i = 0; !is_report(a) && i < a->to_count; i++)
		if (a->to[i].valid && a->to[i].rcpt >= 0)
			told(w, &rcpt_of(w, a->to[i])->delivery, a);
	if (!is_report(a))
		return;
	while (report_next(&x)) {
		if (x.about.rcpt < 0)
			continue; /* about a report: loss_arrives */
		r = rcpt_of(w, x.about);
		told(w, x.failed ? &r->report : &r->delay, a);
	}
}

/* Whether what was told is on flash for certain; the RAM of before the cut says so. */
static bool is_safe(struct sim *w, unsigned node, const struct kept *k, uint16_t n, uint8_t open)
{
	struct queue *q = &w->node[node].mta.core.queue;
	struct queue_rcpt r;

	if (queue_rcpt_get(q, k->id, n, &r) && r.state == open)
		return false;
	if (queue_has_stopped(q))
		return false;
	return !queue_busy(q) || w->now_ms - k->told_ms > RECORD_MS;
}

static void check_safe(struct sim *w, unsigned node, struct rcpt *r)
{
	struct kept *of[] = { &r->delivery, &r->report, &r->delay };
	static const uint8_t open[] = { QUEUE_PENDING, QUEUE_REPORTING, QUEUE_PENDING };
	unsigned i;

	for (i = 0; i < 3; i++)
		if (of[i]->told && of[i]->node == node && of[i]->boot == w->node[node].boots)
			of[i]->told = is_safe(w, node, of[i], r->n, open[i]);
}

void ledger_power(struct sim *w, unsigned node)
{
	struct queue_message q;
	unsigned i, k;

	for (i = 0; i < w->ledger.messages; i++) {
		struct message *m = &w->ledger.message[i];

		if (m->node == node && queue_get(&w->node[node].mta.core.queue, m->id, &q))
			m->cut_reporting |= q.failed + q.reporting > 0;
		/* Another node that has relayed it knows it by a number of its own. */
		m->cut_reporting |= m->node != node && m->report_refused;
		for (k = 0; k < m->rcpts; k++)
			check_safe(w, node, &m->rcpt[k]);
	}
}

/* ---- Refused -------------------------------------------------------------------- */

void ledger_never(struct sim *w, struct token to)
{
	if (to.valid && to.rcpt < 0)
		w->ledger.message[to.message].report_refused = true;
	else if (to.valid)
		rcpt_of(w, to)->failed = true;
}

void ledger_later(struct sim *w, unsigned node, uint32_t boot, struct token to, uint64_t at_ms)
{
	struct rcpt *r;

	if (!to.valid || to.rcpt < 0)
		return;
	r = rcpt_of(w, to);
	if (r->later_by != node || r->later_boot != boot)
		r->laters = 0;
	r->laters = (uint8_t)(r->laters < UINT8_MAX ? r->laters + 1 : UINT8_MAX);
	r->later_by = (uint8_t)node;
	r->later_boot = boot;
	r->later_ms = at_ms;
}

void ledger_offered_again(struct sim *w, unsigned node, uint32_t boot, struct token to)
{
	const struct rcpt *r;
	uint64_t wait_ms;
	unsigned step;

	if (!to.valid || to.rcpt < 0)
		return;
	r = rcpt_of(w, to);
	/* What was recorded before a cut may be lost with it, and what was said before it may
	 * be heard after; without a clock, or with one that jumps, all recipients of a message
	 * come with the first that is due. */
	if (r->laters == 0 || !is_strict(w, node) || w->node[node].clock_doubt ||
		r->later_by != node || r->later_boot != boot)
		return;
	step = r->laters - 1u < 5u ? r->laters - 1u : 4u;
	wait_ms = w->plan.retry_s[step] * 875u;
	if (w->now_ms + EARLY_MS < r->later_ms + wait_ms)
		sim_fail(w, "t%ur%d is offered again after %llu ms, its schedule says %llu",
			to.message, to.rcpt, (unsigned long long)(w->now_ms - r->later_ms),
			(unsigned long long)wait_ms);
}
