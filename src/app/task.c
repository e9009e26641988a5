/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/task.h"

#include "app/bounce.h"
#include "app/outcome.h"

/* In the place of a recipient's number: the report itself. */
#define NUMBER_OF(kind) ((uint16_t)(UINT16_MAX - (kind)))

/* Without delay reports the failure report is the last kind. */
#define LAST_REPORT (CONFIG_DELAY_REPORTS ? TASK_DELAY_REPORT : TASK_FAILURE_REPORT)

struct address task_to(const struct task *t)
{
	struct span text = span_make(t->to, t->to_len);
	struct address a;

	if (!address_parse(text, &a))
		a = (struct address){ text, SPAN_EMPTY };
	return a;
}

/* Another slot works on this recipient or report. */
static bool is_taken(const struct tasks *all, uint32_t message, uint16_t n)
{
	size_t i, k;

	for (i = 0; i < CONFIG_CLIENT_SESSIONS; i++)
		for (k = 0; k < all->task[i].rcpt_count; k++)
			if (all->task[i].message == message && all->task[i].rcpt[k].n == n)
				return true;
	return false;
}

/* Nobody is left to be told, and no other slot works on the message. */
static bool is_over(const struct tasks *all, const struct task *but, const struct queue_message *m)
{
	size_t i;

	for (i = 0; i < CONFIG_CLIENT_SESSIONS; i++)
		if (&all->task[i] != but && all->task[i].message == m->id)
			return false;
	return m->pending + m->failed + m->reporting == 0;
}

static void clear(struct task *t)
{
	t->kind = TASK_NONE;
	t->message = 0;
	t->rcpt_count = 0;
}

static void take(struct task *t, uint16_t n)
{
	t->rcpt[t->rcpt_count].n = n;
	t->rcpt[t->rcpt_count++].state = TASK_OPEN;
}

/* One look at a message: for what can be begun now, or for when it comes again. */
struct loading {
	struct tasks *all;
	struct task *t;
	uint32_t message;
	uint32_t hop_held;
	bool turn;            /* its time has come: tries whose time no clock told are due */
	bool forced;          /* asked for by the operator: waits do not count */
	bool more;            /* others are due, for other hops */
	uint32_t blocked_hop; /* one that cannot be begun now */
	uint32_t blocked_s;   /* when what is due and cannot be begun comes again */
};

/* ---- when ---------------------------------------------------------------------- */

/* When the try after so many failed ones may begin. */
static uint32_t try_due_s(const struct loading *l, unsigned attempts, uint32_t next_try_s)
{
	struct core *c = l->all->core;

	return c->now_s + (l->forced ? 0 : outcome_wait_s(c, attempts, next_try_s, l->turn));
}

static bool is_open(const struct loading *l, uint16_t n, struct queue_rcpt *r)
{
	return queue_rcpt_get(&l->all->core->queue, l->message, n, r) &&
		r->state == QUEUE_PENDING && !is_taken(l->all, l->message, n);
}

static uint32_t rcpt_due_s(const struct loading *l, uint16_t n)
{
	struct queue_rcpt r;

	return is_open(l, n, &r) ? try_due_s(l, r.attempts, r.next_try_s) : INSTANT_NEVER;
}

static uint32_t report_due_s(const struct loading *l, const struct queue_message *m,
	enum task_kind kind)
{
	struct core *c = l->all->core;
	struct queue_job_status job;

	if (!queue_job_get(&c->queue, m->id, task_job(kind), &job) ||
		is_taken(l->all, m->id, NUMBER_OF(kind)))
		return INSTANT_NEVER;
	if (job.state == QUEUE_JOB_ACTIVE)
		return try_due_s(l, bounce_attempts(&job), job.next_try_s);
	if (!CONFIG_DELAY_REPORTS || kind == TASK_FAILURE_REPORT)
		return m->failed > 0 ? c->now_s : INSTANT_NEVER;
	return job.state == QUEUE_JOB_IDLE && m->pending > 0 ? bounce_delay_due_s(c, m)
							     : INSTANT_NEVER;
}

/* The earlier of due_s and at_s; what is due but cannot be begun waits for its hop, or, when
 * something else is in the way (flash), a moment. */
static uint32_t earlier(const struct loading *l, uint32_t due_s, uint32_t at_s)
{
	if (at_s <= l->all->core->now_s)
		at_s = l->blocked_s;
	return at_s < due_s ? at_s : due_s;
}

/* When anything of the message is due. */
static uint32_t next_s(const struct loading *l, const struct queue_message *m)
{
	uint32_t due_s = INSTANT_NEVER;
	unsigned i;

	if (m->held)
		return INSTANT_NEVER;
	if (m->pending + m->failed + m->reporting == 0)
		return l->blocked_s; /* to be removed */
	if (m->pending > 0)
		due_s = earlier(l, due_s, core_end_s(l->all->core, m->arrival_s, m->expiry_s));
	for (i = 0; i < m->rcpt_count; i++)
		due_s = earlier(l, due_s, rcpt_due_s(l, (uint16_t)i));
	for (i = TASK_FAILURE_REPORT; i <= LAST_REPORT; i++)
		due_s = earlier(l, due_s, report_due_s(l, m, (enum task_kind)i));
	return due_s;
}

/* Nothing due: held, gone, or all in other slots' hands; the last of these schedules it again. */
static void schedule_again(const struct loading *l)
{
	struct core *c = l->all->core;
	uint32_t due_s = INSTANT_NEVER;
	struct queue_message m;

	if (queue_get(&c->queue, l->message, &m))
		due_s = next_s(l, &m);
	if (due_s == INSTANT_NEVER)
		schedule_remove(&c->schedule, l->message);
	else if (l->turn)
		schedule_put_off(&c->schedule, l->message, due_s, l->blocked_hop);
	else
		schedule_put(&c->schedule, l->message, due_s, m.priority);
}

void task_resume(struct tasks *all, uint32_t message)
{
	struct loading l = { .all = all, .message = message, .blocked_s = all->core->now_s };

	schedule_again(&l);
}

/* ---- loading ------------------------------------------------------------------- */

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

/* t->to decides the hop.  false: it cannot be begun now. */
static bool take_hop(struct loading *l, enum task_kind kind)
{
	struct core *c = l->all->core;
	struct task *t = l->t;
	struct address to = task_to(t);
	uint32_t until_s = c->now_s;

	t->route = route_decide(core_conf(c), &to);
	t->conf_generation = c->conf_generation;
	t->hop = hop_of(core_conf(c), &t->route, &to);
	if (l->hop_held == TASK_ANY_HOP
			? schedule_hop_begin(&c->schedule, t->hop, c->now_s, &until_s)
			: t->hop == l->hop_held) {
		t->kind = (uint8_t)kind;
		t->message = l->message;
		return true;
	}
	if (until_s < l->blocked_s) {
		l->blocked_s = until_s;
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

/* The first recipient that is due decides the hop, others join it. */
static void consider(struct loading *l, const struct envelope_item *item)
{
	struct task *t = l->t;
	struct buf to;

	if (rcpt_due_s(l, item->rcpt) > l->all->core->now_s)
		return;
	if (t->kind == TASK_NONE) {
		buf_init(&to, t->to, sizeof(t->to));
		buf_put(&to, item->text);
		t->to_len = (uint16_t)to.len;
		if (!take_hop(l, TASK_DELIVERY))
			return;
	} else if (t->rcpt_count == CONFIG_CLIENT_RCPTS || !same_hop(l, item->text)) {
		l->more = true;
		return;
	}
	take(t, item->rcpt);
}

static void load_rcpts(struct loading *l)
{
	struct core *c = l->all->core;
	struct envelope_item item;
	struct walk w;
	enum status status;

	walk_begin(&w, l->message);
	while ((status = walk_to(&c->queue, &w, ENVELOPE_RCPT, &item)) == ST_OK)
		consider(l, &item);
	/* An envelope that cannot be read can be neither delivered nor reported:
	 * the message stays for the operator, and says so. */
	if (status != ST_MISSING && l->t->kind == TASK_NONE) {
		report_message(&c->report, l->message, REPORT_IS_DAMAGED);
		if (l->blocked_s > c->now_s + CONFIG_HOP_BACK_OFF_MAX)
			l->blocked_s = c->now_s + CONFIG_HOP_BACK_OFF_MAX;
	}
}

/* All that is pending has run out of time. */
static bool load_expired(struct loading *l, const struct queue_message *m)
{
	struct core *c = l->all->core;
	struct task *t = l->t;
	struct queue_rcpt r;
	uint16_t n;

	if (core_end_s(c, m->arrival_s, m->expiry_s) > c->now_s)
		return false;
	/* With `expire 0` there is one attempt, but there is one. */
	for (n = 0; n < m->rcpt_count && t->rcpt_count < CONFIG_CLIENT_RCPTS; n++)
		if (is_open(l, n, &r) && (r.attempts > 0 || core_conf(c)->expire_s > 0))
			take(t, n);
	if (t->rcpt_count == 0)
		return false;
	t->kind = TASK_EXPIRY;
	t->message = m->id;
	t->hop = TASK_ANY_HOP;
	return true;
}

static void load_report(struct loading *l, const struct queue_message *m, enum task_kind kind)
{
	struct core *c = l->all->core;
	struct task *t = l->t;
	struct buf to;

	if (report_due_s(l, m, kind) > c->now_s)
		return;
	buf_init(&to, t->to, sizeof(t->to));
	if (!bounce_begin(c, m->id, task_job(kind), &to))
		return;
	t->to_len = (uint16_t)to.len;
	if (take_hop(l, kind))
		take(t, NUMBER_OF(kind));
}

static void load(struct loading *l, const struct queue_message *m)
{
	unsigned kind;

	if (l->hop_held == TASK_ANY_HOP && load_expired(l, m))
		return;
	if (m->pending > 0)
		load_rcpts(l);
	for (kind = TASK_FAILURE_REPORT; kind <= LAST_REPORT && l->t->kind == TASK_NONE; kind++)
		load_report(l, m, (enum task_kind)kind);
}

/* false: flash is busy. */
static bool remove_message(struct core *c, uint32_t message)
{
	uint32_t ticket;
	enum status status = queue_remove(&c->queue, message, &ticket);

	if (status == ST_OK)
		report_message(&c->report, message, REPORT_IS_DONE);
	return status != ST_AGAIN;
}

bool task_load(struct tasks *all, struct task *t, uint32_t message, uint32_t hop_held)
{
	struct core *c = all->core;
	struct loading l = {
		.all = all,
		.t = t,
		.message = message,
		.hop_held = hop_held,
		.turn = true,
		.forced = schedule_is_asked(&c->schedule, message),
		.blocked_s = INSTANT_NEVER,
	};
	struct queue_message m;

	clear(t);
	if (queue_get(&c->queue, message, &m) && !m.held)
		load(&l, &m);
	if (t->kind != TASK_NONE) {
		if (l.more)
			schedule_put_off(&c->schedule, message, c->now_s, 0);
		return true;
	}
	/* A power cut left only the removal over, or nobody was to be told. */
	if (queue_get(&c->queue, message, &m) && is_over(all, t, &m))
		(void)remove_message(c, message);
	if (l.blocked_s == INSTANT_NEVER)
		l.blocked_s = c->now_s + 1u;
	schedule_again(&l);
	return false;
}

bool task_finish(struct tasks *all, struct task *t)
{
	uint32_t message = t->message;
	struct queue_message m;

	/* It is not there any more when the operator removed it meanwhile. */
	if (queue_get(&all->core->queue, message, &m) && is_over(all, t, &m) &&
		!remove_message(all->core, message))
		return false;
	clear(t);
	task_resume(all, message);
	return true;
}
