/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/task.h"

#include "app/bounce.h"
#include "app/outcome.h"

struct address task_to(const struct task *t)
{
	struct span text = span_make(t->to, t->to_len);
	struct address a;

	if (!address_parse(text, &a))
		a = (struct address){ text, SPAN_EMPTY };
	return a;
}

bool task_is_report(const struct task *t)
{
	return t->kind == TASK_FAILURE_REPORT ||
		(CONFIG_DELAY_REPORTS && t->kind == TASK_DELAY_REPORT);
}

static enum queue_job job_of(enum task_kind kind)
{
	return !CONFIG_DELAY_REPORTS || kind == TASK_FAILURE_REPORT ? QUEUE_JOB_FAILURE
								    : QUEUE_JOB_DELAY;
}

enum queue_job task_job(const struct task *t)
{
	return job_of((enum task_kind)t->kind);
}

static bool has_rcpt(const struct task *t, uint16_t n)
{
	size_t i;

	for (i = 0; i < t->rcpt_count; i++)
		if (t->rcpt[i].n == n)
			return true;
	return false;
}

/* Another slot works on this recipient. */
static bool is_taken(const struct tasks *all, uint32_t message, uint16_t n)
{
	size_t i;

	for (i = 0; i < CONFIG_CLIENT_SESSIONS; i++) {
		const struct task *t = &all->task[i];

		if (t->message == message && (t->kind == TASK_DELIVERY || t->kind == TASK_EXPIRY) &&
			has_rcpt(t, n))
			return true;
	}
	return false;
}

static bool kind_runs(const struct tasks *all, uint32_t message, enum task_kind kind)
{
	size_t i;

	for (i = 0; i < CONFIG_CLIENT_SESSIONS; i++)
		if (all->task[i].message == message && all->task[i].kind == kind)
			return true;
	return false;
}

static bool any_runs(const struct tasks *all, const struct task *but, uint32_t message)
{
	size_t i;

	for (i = 0; i < CONFIG_CLIENT_SESSIONS; i++)
		if (&all->task[i] != but && all->task[i].kind != TASK_NONE &&
			all->task[i].message == message)
			return true;
	return false;
}

/* ---- when ---------------------------------------------------------------------- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t in_seconds(const struct core *c, uint32_t wait_s)
{
	return c->now.mono_ms + (uint64_t)wait_s * 1000u;
}

static uint64_t rcpts_due_ms(struct tasks *all, const struct queue_message *m)
{
	struct core *c = all->core;
	uint64_t due = INSTANT_NEVER;
	struct queue_rcpt r;
	uint16_t n;

	for (n = 0; n < m->rcpt_count; n++)
		if (queue_rcpt_get(&c->queue, m->id, n, &r) && r.state == QUEUE_PENDING &&
			!is_taken(all, m->id, n))
			due = earlier(due,
				in_seconds(c, outcome_wait_s(c, r.attempts, r.next_try_s)));
	return due;
}

static uint64_t report_due_ms(struct tasks *all, const struct queue_message *m, enum task_kind kind)
{
	struct core *c = all->core;
	struct queue_job_status job;
	enum queue_job which = job_of(kind);

	if (!CONFIG_DELAY_REPORTS && kind == TASK_DELAY_REPORT)
		return INSTANT_NEVER;
	if (!queue_job_get(&c->queue, m->id, which, &job) || kind_runs(all, m->id, kind))
		return INSTANT_NEVER;
	if (job.state == QUEUE_JOB_ACTIVE)
		return in_seconds(c, outcome_wait_s(c, bounce_attempts(&job), job.next_try_s));
	if (kind == TASK_FAILURE_REPORT)
		return m->failed > 0 ? c->now.mono_ms : INSTANT_NEVER;
	if (job.state == QUEUE_JOB_IDLE && m->pending > 0)
		return bounce_delay_due_ms(c, m);
	return INSTANT_NEVER;
}

uint64_t task_due_ms(struct tasks *all, const struct queue_message *m)
{
	uint64_t due = report_due_ms(all, m, TASK_FAILURE_REPORT);

	if (m->held)
		return INSTANT_NEVER;
	if (m->pending > 0) {
		due = earlier(due, rcpts_due_ms(all, m));
		due = earlier(due, report_due_ms(all, m, TASK_DELAY_REPORT));
		due = earlier(due, outcome_expiry_ms(all->core, m));
	}
	return due;
}

void task_resume(struct tasks *all, const struct queue_message *m)
{
	uint64_t due = task_due_ms(all, m);

	if (due == INSTANT_NEVER && (m->pending > 0 || m->held))
		schedule_remove(&all->core->schedule,
			m->id); /* held, or all in other slots' hands */
	else
		schedule_put(&all->core->schedule, m->id,
			due == INSTANT_NEVER ? all->core->now.mono_ms : due, m->priority);
}

/* ---- loading ------------------------------------------------------------------- */

/* One look through a message's envelope for recipients that are due. */
struct loading {
	struct tasks *all;
	struct task *t;
	uint32_t hop_held;
	bool forced;          /* asked for by the operator: waits do not count */
	bool more;            /* others are due, for other hops */
	uint32_t blocked_hop; /* one that cannot be begun now */
	uint64_t blocked_ms;  /* the earliest time that it may be */
};

/* A next hop is its name and port: two routes may share a host. */
static uint32_t hop_of(const struct conf *conf, const struct route *route, const struct address *to)
{
	uint32_t hop = span_hash_nocase(route_hop_name(conf, route, to));

	if (route->way == ROUTE_HOST)
		hop += conf->route[route->index].port * 31u;
	else if (route->way == ROUTE_SMARTHOST)
		hop += conf->smarthost[route->index].port * 31u;
	return hop | 1u; /* never TASK_ANY_HOP */
}

static void set_to(struct task *t, struct span text)
{
	struct buf b;

	buf_init(&b, t->to, sizeof(t->to));
	buf_put(&b, text);
	t->to_len = (uint16_t)b.len;
}

/* The first recipient decides the hop.  false: it cannot be begun now. */
static bool take_hop(struct loading *l, struct span text)
{
	struct core *c = l->all->core;
	struct task *t = l->t;
	struct address to;
	enum status status = ST_OK;
	uint64_t until_ms = c->now.mono_ms;

	set_to(t, text);
	to = task_to(t);
	t->route = route_decide(core_conf(c), &to);
	t->conf_generation = c->conf_generation;
	t->hop = hop_of(core_conf(c), &t->route, &to);
	if (l->hop_held == TASK_ANY_HOP)
		status = schedule_hop_begin(&c->schedule, t->hop, c->now, CONFIG_HOP_CONCURRENCY,
			&until_ms);
	else if (t->hop != l->hop_held)
		status = ST_AGAIN;
	if (status == ST_OK)
		return true;
	if (until_ms < l->blocked_ms) {
		l->blocked_ms = until_ms;
		l->blocked_hop = t->hop;
	}
	return false;
}

/* Whether another recipient goes the same way; a mailbox takes one at a time. */
static bool same_hop(struct loading *l, struct span text)
{
	struct core *c = l->all->core;
	struct address to;
	struct route route;

	if (!address_parse(text, &to) || l->t->route.way == ROUTE_LOCAL)
		return false;
	route = route_decide(core_conf(c), &to);
	return route.way == l->t->route.way && hop_of(core_conf(c), &route, &to) == l->t->hop;
}

static bool is_due(struct loading *l, uint32_t message, uint16_t n)
{
	struct core *c = l->all->core;
	struct queue_rcpt r;

	return queue_rcpt_get(&c->queue, message, n, &r) && r.state == QUEUE_PENDING &&
		(l->forced || outcome_is_due(c, r.next_try_s)) && !is_taken(l->all, message, n);
}

static void consider(struct loading *l, uint32_t message, const struct envelope_item *item)
{
	struct task *t = l->t;

	if (!is_due(l, message, item->rcpt))
		return;
	if (t->kind == TASK_NONE) {
		if (!take_hop(l, item->text))
			return;
		t->kind = TASK_DELIVERY;
		t->message = message;
	} else if (t->rcpt_count == CONFIG_CLIENT_RCPTS || !same_hop(l, item->text)) {
		l->more = true;
		return;
	}
	t->rcpt[t->rcpt_count].n = item->rcpt;
	t->rcpt[t->rcpt_count].state = TASK_OPEN;
	t->rcpt_count++;
}

static void load_rcpts(struct loading *l, const struct queue_message *m)
{
	struct queue *q = &l->all->core->queue;
	struct envelope_item item;
	struct walk w;
	enum status status;

	walk_begin(&w, m->id);
	while ((status = walk_to(q, &w, ENVELOPE_RCPT, &item)) == ST_OK)
		consider(l, m->id, &item);
	/* An envelope that cannot be read can be neither delivered nor reported:
	 * the message stays for the operator, and says so. */
	if (status != ST_MISSING && l->t->kind == TASK_NONE) {
		report_message(&l->all->core->report, m->id, REPORT_IS_DAMAGED);
		l->blocked_ms = earlier(l->blocked_ms,
			in_seconds(l->all->core, CONFIG_HOP_BACK_OFF_MAX));
	}
}

/* All that is pending has run out of time. */
static bool load_expired(struct tasks *all, struct task *t, const struct queue_message *m)
{
	struct queue_rcpt r;
	uint16_t n;

	if (m->pending == 0 || outcome_expiry_ms(all->core, m) > all->core->now.mono_ms)
		return false;
	for (n = 0; n < m->rcpt_count && t->rcpt_count < CONFIG_CLIENT_RCPTS; n++) {
		/* With `expire 0` there is one attempt, but there is one. */
		if (!queue_rcpt_get(&all->core->queue, m->id, n, &r) || r.state != QUEUE_PENDING ||
			is_taken(all, m->id, n) ||
			(r.attempts == 0 && core_conf(all->core)->expire_s == 0))
			continue;
		t->rcpt[t->rcpt_count].n = n;
		t->rcpt[t->rcpt_count++].state = TASK_OPEN;
	}
	if (t->rcpt_count == 0)
		return false;
	t->kind = TASK_EXPIRY;
	t->message = m->id;
	t->hop = TASK_ANY_HOP;
	return true;
}

static bool report_is_due(struct tasks *all, const struct queue_message *m, enum task_kind kind,
	bool forced)
{
	struct queue_job_status job;
	enum queue_job which = job_of(kind);

	if (queue_job_get(&all->core->queue, m->id, which, &job) && job.state == QUEUE_JOB_ACTIVE)
		return !kind_runs(all, m->id, kind) &&
			(forced || outcome_is_due(all->core, job.next_try_s));
	return report_due_ms(all, m, kind) <= all->core->now.mono_ms;
}

static bool load_report(struct loading *l, const struct queue_message *m, enum task_kind kind)
{
	struct core *c = l->all->core;
	struct task *t = l->t;
	struct buf to;

	if (!report_is_due(l->all, m, kind, l->forced))
		return false;
	buf_init(&to, t->to, sizeof(t->to));
	if (!bounce_begin(c, m->id, job_of(kind), &to))
		return false;
	t->to_len = (uint16_t)to.len;
	if (!take_hop(l, buf_span(&to)))
		return false;
	t->kind = (uint8_t)kind;
	t->message = m->id;
	t->rcpt_count = 1;
	t->rcpt[0].n = UINT16_MAX;
	t->rcpt[0].state = TASK_OPEN;
	return true;
}

/* What is due but could not start waits for its hop, or, when something else was
 * in the way (flash), a moment. */
static uint64_t not_now(const struct loading *l, uint64_t due_ms)
{
	uint64_t now_ms = l->all->core->now.mono_ms;

	if (due_ms > now_ms)
		return due_ms;
	return l->blocked_ms != INSTANT_NEVER ? l->blocked_ms : now_ms + 1000u;
}

/* Nothing of the message can start: when does it come again? */
static void put_off(struct loading *l, uint32_t message)
{
	struct core *c = l->all->core;
	struct queue_message m;
	uint64_t due = c->now.mono_ms; /* nobody is left to be told: to be removed */

	if (!queue_get(&c->queue, message, &m)) {
		schedule_remove(&c->schedule, message);
		return;
	}
	if (m.pending + m.failed + m.reporting > 0) {
		due = not_now(l, report_due_ms(l->all, &m, TASK_FAILURE_REPORT));
		if (m.pending > 0) {
			due = earlier(due, not_now(l, rcpts_due_ms(l->all, &m)));
			due = earlier(due,
				not_now(l, report_due_ms(l->all, &m, TASK_DELAY_REPORT)));
			due = earlier(due, not_now(l, outcome_expiry_ms(c, &m)));
		}
		if (l->forced)
			due = earlier(due, l->blocked_ms);
	}
	if (due == INSTANT_NEVER)
		schedule_remove(&c->schedule, message);
	else
		schedule_put_off(&c->schedule, message, due, m.priority, l->blocked_hop);
}

static void clear(struct task *t)
{
	t->kind = TASK_NONE;
	t->message = 0;
	t->rcpt_count = 0;
}

bool task_load(struct tasks *all, struct task *t, uint32_t message, uint32_t hop_held)
{
	struct loading l = { .all = all,
		.t = t,
		.hop_held = hop_held,
		.blocked_ms = INSTANT_NEVER };
	struct core *c = all->core;
	struct queue_message m;

	clear(t);
	l.forced = schedule_is_asked(&c->schedule, message);
	if (!queue_get(&c->queue, message, &m) || m.held) {
		schedule_remove(&c->schedule, message);
		return false;
	}
	if (hop_held == TASK_ANY_HOP && load_expired(all, t, &m))
		return true;
	if (m.pending > 0)
		load_rcpts(&l, &m);
	if (t->kind == TASK_NONE && !load_report(&l, &m, TASK_FAILURE_REPORT) &&
		CONFIG_DELAY_REPORTS)
		(void)load_report(&l, &m, TASK_DELAY_REPORT);
	if (t->kind == TASK_NONE) {
		if (m.pending + m.failed + m.reporting == 0 && !any_runs(all, t, message)) {
			t->message = message; /* only its removal is left over from a power cut */
			if (task_finish(all, t))
				return false;
			clear(t);
		}
		put_off(&l, message);
		return false;
	}
	if (l.more)
		schedule_put_off(&c->schedule, message, c->now.mono_ms, m.priority, 0);
	return true;
}

bool task_finish(struct tasks *all, struct task *t)
{
	struct core *c = all->core;
	uint32_t message = t->message, ticket;
	struct queue_message m;
	enum status status;

	if (!queue_get(&c->queue, message, &m)) {
		clear(t); /* the operator removed it meanwhile */
		schedule_remove(&c->schedule, message);
		return true;
	}
	if (m.pending + m.failed + m.reporting == 0 && !any_runs(all, t, message)) {
		status = queue_remove(&c->queue, message, &ticket);
		if (status == ST_AGAIN)
			return false;
		if (status == ST_OK)
			report_message(&c->report, message, REPORT_IS_DONE);
		clear(t);
		schedule_remove(&c->schedule, message);
		return true;
	}
	clear(t);
	task_resume(all, &m);
	return true;
}
