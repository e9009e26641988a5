/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/sim.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#define GUARD 0xa5
#define LATE_MS 5000u
#define OFF_MS 3600000u
#define STOP_MS 30000u
#define REPAIR_MS 1800000u
#define LOG_TEXT "report_dropped"

/* Rule 9.  A step that fills the index from flash reads all of it; no other comes near. */
#define STEP_OPS_MAX 60000u
#define IDLE_STEPS_MAX 200u
#define SAME_MS_STEPS 64u

/* ---- What the machine is -------------------------------------------------------- */

struct instant node_now(const struct node *n)
{
	int64_t wall = (int64_t)n->w->plan.wall_s + (int64_t)(n->w->now_ms / 1000u) +
		n->clock_off_s;

	if (wall < 1)
		wall = 1;
	/* The milliseconds wrap a minute after each boot. */
	return (struct instant){ .mono_ms = (uint32_t)(n->w->now_ms - n->boot_ms) - 60000u,
		.wall_s = n->clock_known ? (uint32_t)wall : 0,
		.wall_known = n->clock_known };
}

static void fill_random(void *ctx, void *to, size_t len)
{
	struct node *n = ctx;
	uint8_t *at = to;
	size_t i;

	for (i = 0; i < len; i++)
		at[i] = (uint8_t)(rng_next(&n->random) >> 16);
}

static uint32_t hex(struct span s)
{
	uint32_t v = 0;
	size_t i;

	for (i = 0; i < s.len && s.at[i] != ' '; i++)
		v = v << 4 | (uint32_t)(s.at[i] <= '9' ? s.at[i] - '0' : s.at[i] - 'a' + 10);
	return v;
}

static void log_line(void *ctx, enum log_level level, struct span text)
{
	struct node *n = ctx;
	struct span rest = text, first = span_word(&rest), fact = span_word(&rest);

	if (level != LOG_DEBUG)
		story(n->w, "n%u| %.*s", n->index, (int)text.len, (const char *)text.at);
	if (span_equal(fact, SPAN(LOG_TEXT)))
		ledger_dropped(n->w, n->index, hex(span_from(first, 2)));
	if (span_equal(fact, SPAN("damaged")))
		n->told_rot = true;
}

bool node_listens(const struct node *n)
{
	unsigned i;

	for (i = 0; n->power != NODE_OFF && i < NODE_HANDLES; i++)
		if (n->handle[i].kind == HANDLE_LISTENER)
			return true;
	return false;
}

void node_init(struct sim *w, unsigned index)
{
	struct node *n = &w->node[index];
	uint8_t seed[16];
	unsigned i;

	memset(n, 0, offsetof(struct node, handle));
	n->w = w;
	n->index = (uint8_t)index;
	for (i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)draw(w, 256);
	rng_seed(&n->random, seed);
	CHECK(nor_room(&w->plan.flash) <= sizeof(n->room));
	nor_init(&n->nor, &w->plan.flash, n->room);
	nor_seed(&n->nor, draw(w, UINT32_MAX));
	n->nor.lazy = w->plan.file;
	n->nor.unstable = w->plan.unstable && !w->plan.file;
	memset(n->guard_before, GUARD, NODE_GUARD);
	memset(n->guard_after, GUARD, NODE_GUARD);
	memset(n->handle, 0, sizeof(n->handle));
	n->lives = 0;
	n->clock_never = fault(w, FAULT_clock_unknown) && draw(w, 2);
	node_configure(n, false);
	n->world = (struct pipit_world){
		.net = node_net(n),
		.flash = node_flash(n),
		.random = { fill_random, n },
		.log = { log_line, n },
		.mailbox = node_mailbox(n),
		.hostname = SPAN("unnamed.sim.test"),
		.control = -1,
	};
	set_timer(w, TIMER_ROT + index, fault_next_ms(w, FAULT_rot));
	node_boot(w, index);
}

/* ---- Power ---------------------------------------------------------------------- */

/* What comes first: the power goes, or somebody restarts or reconfigures it. */
static void plan_event(struct sim *w, unsigned index)
{
	static const enum fault kinds[] = { FAULT_power, FAULT_restart, FAULT_reload };
	uint64_t first = TIME_NEVER, at;
	unsigned i;

	for (i = 0; i < 3; i++) {
		at = fault_next_ms(w, kinds[i]);
		if (at < first) {
			first = at;
			w->node[index].next = (uint8_t)(EVENT_CUT + i);
		}
	}
	set_timer(w, TIMER_POWER + index, first);
}

/* The struct is forgotten; its peers and its flash find out. */
static void turn_off(struct sim *w, unsigned index, uint64_t off_ms)
{
	struct node *n = &w->node[index];

	ledger_power(w, index);
	mailbox_forget(n);
	net_power_cut(w, index);
	node_handles_forget(n);
	n->power = NODE_OFF;
	n->next = EVENT_BOOT;
	timer_off(&w->timers, TIMER_NODE + index);
	set_timer(w, TIMER_POWER + index, w->now_ms + off_ms);
}

static void lose_power(struct sim *w, unsigned index, bool in_flash)
{
	struct node *n = &w->node[index];

	if (!in_flash)
		nor_cut_now(&n->nor);
	n->nor.cut_at = 0;
	count(w, FIGURE_cuts, 1);
	fault_count(w, FAULT_power);
	story(w, "n%u loses power%s%s", index, in_flash ? " in a flash operation: " : "",
		in_flash ? n->nor.last : "");
	turn_off(w, index, draw_log(w, OFF_MS));
}

static enum nor_tear draw_tear(struct sim *w)
{
	return (enum nor_tear)draw(w, NOR_TEARS);
}

static void arm_cut(struct sim *w, struct node *n, uint32_t within)
{
	n->nor.tear = draw_tear(w);
	n->nor.cut_at = n->nor.ops + draw_log(w, within);
}

void node_promised(struct sim *w, unsigned index)
{
	struct node *n = &w->node[index];

	if (!fault(w, FAULT_promise_cut) || n->power != NODE_ON)
		return;
	if (draw(w, 2) == 0) {
		arm_cut(w, n, 20);
		return;
	}
	n->next = EVENT_CUT_NOW;
	set_timer(w, TIMER_POWER + index, w->now_ms + draw_log(w, 300) - 1u);
}

static bool init_pipit(struct node *n, enum status *status, struct pipit_problem *where)
{
	if (setjmp(n->nor.off) != 0)
		return false;
	*status = pipit_init(&n->mta, &n->world, span_make(n->conf, n->conf_len), where);
	return true;
}

/* Ends what is idle, which may reach the flash. */
static bool stop_pipit(struct node *n)
{
	if (setjmp(n->nor.off) != 0)
		return false;
	pipit_stop(&n->mta);
	return true;
}

static void note_rot(struct node *n)
{
	n->told_rot |= n->mta.core.queue.rotten > 0;
}

static void set_clock(struct sim *w, struct node *n)
{
	n->clock_known = !n->clock_never && !fault(w, FAULT_clock_unknown);
	n->clock_doubt |= !n->clock_known;
	if (!n->clock_known && !n->clock_never)
		set_timer(w, TIMER_CLOCK + n->index, w->now_ms + draw_log(w, 600000));
	else
		set_timer(w, TIMER_CLOCK + n->index, fault_next_ms(w, FAULT_clock_jump));
}

void node_boot(struct sim *w, unsigned index)
{
	struct node *n = &w->node[index];
	struct pipit_problem where;
	enum status status;

	nor_boot(&n->nor);
	n->boots++;
	n->boot_ms = w->now_ms;
	n->idle_steps = n->same_ms = 0;
	set_clock(w, n);
	/* Memory holds anything after power comes back. */
	memset(&n->mta, (int)draw(w, 256), sizeof(n->mta));
	if (w->phase == PHASE_STORM && w->plan.rate[FAULT_power] > 0 && draw(w, 4) == 0)
		arm_cut(w, n, 60);
	n->power = NODE_ON;
	if (!init_pipit(n, &status, &where)) {
		lose_power(w, index, true);
		return;
	}
	if (status != ST_OK && (status == ST_BAD || (!n->flash_failed && !n->rotten)))
		sim_fail(w, "n%u does not start: %d, %s", index, status, where.text);
	if (status != ST_OK) {
		story(w, "n%u does not start: %s", index, where.text);
		n->dead = n->rotten && (status == ST_FOREIGN || status == ST_CORRUPT);
		n->told_rot |= n->dead;
		turn_off(w, index, draw_log(w, OFF_MS));
		return;
	}
	n->flash_failed = n->dead = false;
	n->on_ms = w->now_ms;
	count(w, FIGURE_boots, 1);
	note_rot(n);
	story(w, "n%u is up, %s", index,
		n->clock_known ? "and knows the time" : "and does not know the time");
	plan_event(w, index);
	set_timer(w, TIMER_NODE + index, w->now_ms);
}

static void reload(struct sim *w, struct node *n)
{
	struct pipit_problem where;
	enum status status;

	node_configure(n, draw(w, 2) != 0);
	status = pipit_reload(&n->mta, span_make(n->conf, n->conf_len), &where);
	if (status != ST_OK && !(status == ST_MISSING && CONFIG_CONF_COPIES < 2))
		sim_fail(w, "n%u does not reload: %s", n->index, where.text);
	soon(w, TIMER_NODE + n->index, w->now_ms);
}

void node_power_due(struct sim *w, unsigned index)
{
	struct node *n = &w->node[index];

	if (n->power == NODE_OFF) {
		node_boot(w, index);
		return;
	}
	if (n->power == NODE_STOPPING) { /* it was given its time */
		n->nor.cut_at = 0;
		pipit_close(&n->mta);
		nor_cut_now(&n->nor);
		turn_off(w, index, draw_log(w, 60000));
		return;
	}
	switch ((enum node_event)n->next) {
	case EVENT_CUT:
		if (draw(w, 3) == 0) {
			lose_power(w, index, false);
			return;
		}
		arm_cut(w, n, 200);
		break;
	case EVENT_CUT_NOW: lose_power(w, index, false); return;
	case EVENT_RESTART:
		fault_count(w, FAULT_restart);
		story(w, "n%u is told to stop", index);
		if (!stop_pipit(n)) {
			lose_power(w, index, true);
			return;
		}
		n->power = NODE_STOPPING;
		n->stop_ms = w->now_ms + STOP_MS;
		set_timer(w, TIMER_POWER + index, n->stop_ms);
		soon(w, TIMER_NODE + index, w->now_ms);
		return;
	case EVENT_RELOAD:
		fault_count(w, FAULT_reload);
		reload(w, n);
		break;
	case EVENT_BOOT: break;
	}
	plan_event(w, index);
}

void node_calm(struct sim *w, unsigned index)
{
	struct node *n = &w->node[index];

	n->nor.cut_at = 0;
	n->clock_off_s = 0;
	timer_off(&w->timers, TIMER_ROT + index);
	if (n->power == NODE_OFF) {
		set_timer(w, TIMER_POWER + index, w->now_ms + 1u);
		return;
	}
	if (n->power == NODE_ON)
		timer_off(&w->timers, TIMER_POWER + index);
	if (n->clock_known)
		timer_off(&w->timers, TIMER_CLOCK + index);
	soon(w, TIMER_NODE + index, w->now_ms);
}

/* ---- Clock and rot -------------------------------------------------------------- */

void node_clock_due(struct sim *w, unsigned index)
{
	struct node *n = &w->node[index];
	int64_t by = (int64_t)draw_log(w, 400000000);

	if (!n->clock_known) {
		n->clock_known = true;
		story(w, "n%u learns the time", index);
	} else {
		fault_count(w, FAULT_clock_jump);
		n->clock_doubt = true;
		n->clock_off_s = draw(w, 3) == 0 ? 0 : draw(w, 2) ? by : -by;
		story(w, "n%u has a clock that is %lld s wrong", index, (long long)n->clock_off_s);
	}
	set_timer(w, TIMER_CLOCK + index, fault_next_ms(w, FAULT_clock_jump));
}

void node_rot_due(struct sim *w, unsigned index)
{
	struct node *n = &w->node[index];
	uint32_t at = draw(w, n->nor.size), tries;
	uint8_t bit = (uint8_t)(1u << draw(w, 8));

	for (tries = 0; tries < 20 && n->nor.mem[at] == 0xff; tries++)
		at = draw(w, n->nor.size);
	n->nor.mem[at] ^= bit;
	n->nor.medium[at] ^= bit;
	n->rotten = true;
	fault_count(w, FAULT_rot);
	set_timer(w, TIMER_ROT + index, fault_next_ms(w, FAULT_rot));
}

/* ---- Steps ---------------------------------------------------------------------- */

void node_wake(struct sim *w, unsigned index)
{
	struct node *n = &w->node[index];

	if (n->power != NODE_OFF && node_handles_ready(n) > 0)
		soon(w, TIMER_NODE + index, w->now_ms);
}

static bool step_pipit(struct node *n, uint32_t *wait_ms)
{
	if (setjmp(n->nor.off) != 0)
		return false;
	*wait_ms = pipit_step(&n->mta, node_now(n));
	return true;
}

static void check_step(struct sim *w, struct node *n, uint32_t wait_ms)
{
	unsigned i;

	for (i = 0; i < NODE_GUARD; i++)
		if (n->guard_before[i] != GUARD || n->guard_after[i] != GUARD)
			sim_fail(w, "n%u writes outside its struct", n->index);
	if (n->ops > w->figures->step_ops_max)
		w->figures->step_ops_max = n->ops;
	if (n->ops > STEP_OPS_MAX)
		sim_fail(w, "n%u makes %llu calls in one step", n->index,
			(unsigned long long)n->ops);
	n->idle_steps = n->moved > 0 || wait_ms > 0 ? 0 : n->idle_steps + 1u;
	if (n->idle_steps > IDLE_STEPS_MAX)
		sim_fail(w, "n%u spins: %u steps without a wait in which nothing moves", n->index,
			n->idle_steps);
}

/* A queue that has stopped needs a restart: somebody sees to it. */
static void repair(struct sim *w, struct node *n)
{
	note_rot(n);
	if (!queue_has_stopped(&n->mta.core.queue) || n->power != NODE_ON)
		return;
	story(w, "n%u needs a restart: its flash has failed", n->index);
	n->power = NODE_STOPPING;
	set_timer(w, TIMER_POWER + n->index, w->now_ms + draw_log(w, REPAIR_MS));
}

/* When it is to be stepped next: at once when a handle is ready, as poll(2) would return. */
static void plan_step(struct sim *w, struct node *n, uint32_t wait_ms)
{
	uint64_t at = w->now_ms + wait_ms;

	if (node_handles_ready(n) > 0)
		at = w->now_ms;
	/* Computing takes time too. */
	n->same_ms = at == w->now_ms ? n->same_ms + 1u : 0;
	if (n->same_ms >= SAME_MS_STEPS) {
		n->same_ms = 0;
		at++;
	}
	set_timer(w, TIMER_NODE + n->index,
		wait_ms == UINT32_MAX && at != w->now_ms ? TIME_NEVER : at);
}

void node_due(struct sim *w, unsigned index)
{
	struct node *n = &w->node[index];
	uint32_t wait_ms = 0;

	if (n->power == NODE_OFF)
		return;
	if (fault(w, FAULT_late)) {
		set_timer(w, TIMER_NODE + index, w->now_ms + draw_log(w, LATE_MS));
		return;
	}
	n->ops = n->moved = 0;
	count(w, FIGURE_steps, 1);
	if (!step_pipit(n, &wait_ms)) {
		lose_power(w, index, true);
		return;
	}
	check_step(w, n, wait_ms);
	if (n->power == NODE_STOPPING && pipit_stopped(&n->mta)) {
		set_timer(w, TIMER_POWER + index, w->now_ms);
		return;
	}
	repair(w, n);
	plan_step(w, n, wait_ms);
}

/* ---- The end -------------------------------------------------------------------- */

static unsigned slots_used(const struct node *n)
{
	unsigned i, used = 0;

	for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++)
		used += n->mta.core.queue.slots[i].id != 0;
	return used;
}

bool node_is_empty(const struct node *n)
{
	const struct pipit *p = &n->mta;
	unsigned i;

	if (n->dead)
		return true;
	if (n->power != NODE_ON || slots_used(n) > 0 || queue_busy(&p->core.queue) ||
		!outbound_idle(&p->sending))
		return false;
	for (i = 0; i < CONFIG_SERVER_SESSIONS; i++)
		if (p->inbound[i].state != INBOUND_FREE)
			return false;
	for (i = 0; i < CONFIG_DNS_QUERIES; i++)
		if (p->core.resolver.query[i].state != DNS_QUERY_FREE)
			return false;
	return true;
}

void node_check_pools(struct sim *w, unsigned index)
{
	const struct node *n = &w->node[index];
	const struct queue *q = &n->mta.core.queue;
	const struct schedule *s = &n->mta.core.schedule;
	unsigned i, active = 0, writers = 0, rows = 0;

	if (n->dead)
		return;
	for (i = 0; i < CONFIG_ROUTE_HOPS; i++)
		active += s->hop[i].active;
	for (i = 0; i < CONFIG_QUEUE_WRITERS; i++)
		writers += q->writers[i].id != 0;
	for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++)
		rows += s->row[i].id != 0;
	if (node_handles_used(n) != 1)
		sim_fail(w, "n%u has %u handles at the end, of 1", index, node_handles_used(n));
	if (active + writers + rows > 0)
		sim_fail(w, "n%u ends with %u hops, %u writers, %u rows in use", index, active,
			writers, rows);
	if (q->rcpt_count + q->message_count + q->journal_live + q->live_bytes > 0)
		sim_fail(w, "n%u's empty queue counts %u recipients, %u messages, %u and %u octets",
			index, q->rcpt_count, q->message_count, q->journal_live, q->live_bytes);
}

void node_show(const struct node *n)
{
	const struct schedule_row *row = n->mta.core.schedule.row;
	struct queue_message m;
	uint32_t cursor = 0;
	unsigned i;

	printf("n%u: power %u, %u boots, %u messages, %u slots, clock %s, off %lld s\n", n->index,
		n->power, n->boots, n->mta.core.queue.message_count, slots_used(n),
		n->clock_known ? "known" : "unknown", (long long)n->clock_off_s);
	while (queue_next(&n->mta.core.queue, &cursor, &m)) {
		printf("  %08x: %u pending, %u failed, %u reporting, arrival %u, expiry %u, now %u",
			m.id, m.pending, m.failed, m.reporting, m.arrival_s, m.expiry_s,
			node_now(n).wall_s);
		for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++)
			if (row[i].id == m.id)
				printf(", due at %u s of %u%s", row[i].due_s, n->mta.core.now_s,
					row[i].running ? ", running" : "");
		printf("\n");
	}
	for (i = 0; i < CONFIG_CLIENT_SESSIONS; i++)
		printf("  slot %u: state %u\n", i, n->mta.sending.slot[i].state);
	for (i = 0; i < CONFIG_SERVER_SESSIONS; i++)
		if (n->mta.inbound[i].state != INBOUND_FREE)
			printf("  session %u: state %u\n", i, n->mta.inbound[i].state);
}
