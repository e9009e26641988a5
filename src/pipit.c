/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipit.h"

#include "app/aliases.h"
#include "base/check.h"

#include <string.h>

/* Whether there is room for a second configuration. */
#define RELOADS (CONFIG_CONF_COPIES > 1)

/* With all sessions taken the listeners are looked at again when one ends. */
#define ACCEPTS_PER_STEP 16u

/* Seconds are counted in the steps: one must come well before mono_ms wraps. */
#define STEP_AGAIN_MS 86400000u

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* ---- configuration ------------------------------------------------------------- */

/* Collects the errors of one reading: all to the log, the first to the caller. */
struct problems {
	struct pipit *p;
	struct pipit_problem *where;
	const char *what;
};

static void keep_problem(struct pipit_problem *where, uint32_t line, struct span text)
{
	struct buf b;

	buf_init(&b, where->text, sizeof(where->text) - 1);
	buf_put(&b, span_sub(text, 0, sizeof(where->text) - 1));
	where->text[b.len] = '\0';
	where->line = line;
}

static void on_problem(void *ctx, uint32_t line, struct span text)
{
	struct problems *x = ctx;

	if (x->where->text[0] == '\0')
		keep_problem(x->where, line, text);
	report_problem(&x->p->core.report, x->what, line, text);
}

static enum status read_configuration(struct pipit *p, struct conf *conf, struct span text,
	const char *what, struct pipit_problem *where)
{
	struct problems problems = { p, where, what };
	struct conf_errors errors = { on_problem, &problems, 0 };
	struct conf_defaults defaults = { p->core.world->hostname, p->core.world->base_dir,
		p->core.world->hooks.on_local != NULL };

	(void)conf_parse(conf, text, &defaults, &errors);
	if (aliases_wanted(&p->core, conf) && errors.count == 0) {
		problems.what = "aliases";
		if (aliases_read(&p->core, conf, &errors) != ST_OK) {
			on_problem(&problems, 0,
				SPAN("the aliases file cannot be read: check its path and rights"));
			errors.count++;
		}
	}
	return errors.count == 0 ? ST_OK : ST_BAD;
}

static void apply(struct pipit *p)
{
	const struct conf *conf = core_conf(&p->core);

	p->core.report.level = conf->log_level;
	if (!CONFIG_DNS)
		return;
	if (conf->dns_server_count > 0)
		resolver_set_servers(&p->core.resolver, conf->dns_server, conf->dns_server_count);
	else
		resolver_set_servers(&p->core.resolver, p->core.world->dns_server,
			p->core.world->dns_server_count);
}

/* ---- listeners ----------------------------------------------------------------- */

static bool same_endpoint(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
	return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

static bool is_wanted(const struct conf *conf, const struct ip_endpoint *at)
{
	size_t i;

	for (i = 0; i < conf->listen_count; i++)
		if (same_endpoint(&conf->listen[i].at, at))
			return true;
	return false;
}

static void close_listener(struct pipit *p, struct listener *l)
{
	const struct net *net = &p->core.world->net;

	if (l->open)
		net->ops->close(net->ctx, l->handle);
	l->open = false;
}

static void close_listeners(struct pipit *p)
{
	size_t i;

	for (i = 0; i < CONFIG_CONF_LISTENS; i++)
		close_listener(p, &p->listener[i]);
}

static struct listener *listener_for(struct pipit *p, const struct ip_endpoint *at)
{
	struct listener *free_one = NULL;
	size_t i;

	for (i = 0; i < CONFIG_CONF_LISTENS; i++) {
		struct listener *l = &p->listener[i];

		if (l->open && same_endpoint(&l->at, at))
			return l;
		if (!l->open && free_one == NULL)
			free_one = l;
	}
	return free_one;
}

/* Closes what the configuration no longer names and opens what is new.  false: one could not
 * be opened. */
static bool open_listeners(struct pipit *p)
{
	const struct conf *conf = core_conf(&p->core);
	const struct net *net = &p->core.world->net;
	bool all = true;
	size_t i;

	for (i = 0; RELOADS && i < CONFIG_CONF_LISTENS; i++)
		if (!is_wanted(conf, &p->listener[i].at))
			close_listener(p, &p->listener[i]);
	for (i = 0; i < conf->listen_count; i++) {
		struct listener *l = RELOADS ? listener_for(p, &conf->listen[i].at)
					     : &p->listener[i];

		CHECK(l != NULL);
		if (l->open)
			continue;
		l->at = conf->listen[i].at;
		l->handle = net->ops->listen(net->ctx, &l->at);
		l->open = l->handle >= 0;
		report_listening(&p->core.report, &l->at, l->open);
		/* A machine without IPv6 has no [::1]: in the log, but no reason not to start. */
		if (!l->open && !(l->handle == ST_MISSING && ip_is_loopback(&l->at.ip)))
			all = false;
	}
	return all;
}

/* ---- start and end ------------------------------------------------------------- */

static void prepare(struct pipit *p, const struct pipit_world *world)
{
	struct core *c = &p->core;
	uint8_t seed[16];

	memset(p, 0, sizeof(*p));
	c->world = world;
	world->random.fill(world->random.ctx, seed, sizeof(seed));
	rng_seed(&c->rng, seed);
	report_init(&c->report, &world->log);
	if (CONFIG_DNS)
		resolver_init(&c->resolver, &world->net, &world->random);
	schedule_init(&c->schedule);
	p->sending.tasks.core = c;
}

static enum status mount(struct pipit *p, struct pipit_problem *where)
{
	struct queue_mount_report report = { 0 };
	enum status status = queue_mount(&p->core.queue, &p->core.world->flash, &report);
	struct span why = report.why ? span_of(report.why)
				     : SPAN("the queue's device cannot be read");

	if (status == ST_OK) {
		report_started(&p->core.report, &report);
		return ST_OK;
	}
	keep_problem(where, 0, why);
	report_problem(&p->core.report, "queue", 0, why);
	return status;
}

enum status pipit_init(struct pipit *p, const struct pipit_world *world, struct span config,
	struct pipit_problem *where)
{
	enum status status;

	*where = (struct pipit_problem){ 0 };
	prepare(p, world);
	status = read_configuration(p, &p->core.conf[0], config, "configuration", where);
	if (status != ST_OK)
		return status;
	apply(p);
	status = mount(p, where);
	if (status != ST_OK)
		return status;
	if (open_listeners(p))
		return ST_OK;
	keep_problem(where, 0,
		SPAN("a listen address cannot be opened: is it in use, or its port below 1024?"));
	pipit_close(p);
	return ST_IO;
}

enum status pipit_reload(struct pipit *p, struct span config, struct pipit_problem *where)
{
	/* Nothing keeps a pointer into a configuration between two events, so the
	 * other copy is free as soon as this one is in use. */
	uint8_t other = (uint8_t)((p->core.conf_in_use + 1u) % CONFIG_CONF_COPIES);
	enum status status;

	*where = (struct pipit_problem){ 0 };
	if (!RELOADS)
		return ST_MISSING;
	status = read_configuration(p, &p->core.conf[other], config, "configuration", where);
	if (status == ST_OK) {
		p->core.conf_in_use = other;
		p->core.conf_generation++;
		apply(p);
		(void)open_listeners(p); /* one that fails is in the log; the others work */
	}
	report_reload(&p->core.report, status == ST_OK);
	return status;
}

bool pipit_wants_reload(struct pipit *p)
{
	bool wanted = p->core.reload_wanted;

	p->core.reload_wanted = false;
	return wanted;
}

struct span pipit_ntp_server(const struct pipit *p)
{
	const struct conf *conf = core_conf(&p->core);

	return conf_span(conf, conf->ntp_server);
}

uint32_t pipit_time_floor(const struct pipit *p)
{
	return queue_time_floor(&p->core.queue);
}

void pipit_stop(struct pipit *p)
{
	p->core.stopping = true;
	close_listeners(p);
}

static bool receiving_idle(const struct pipit *p)
{
	size_t i;

	for (i = 0; i < CONFIG_SERVER_SESSIONS; i++)
		if (p->inbound[i].state != INBOUND_FREE)
			return false;
	return true;
}

bool pipit_stopped(const struct pipit *p)
{
	return p->core.stopping && receiving_idle(p) && submission_idle(&p->submissions) &&
		outbound_idle(&p->sending) && !queue_busy(&p->core.queue);
}

void pipit_close(struct pipit *p)
{
	size_t i;

	close_listeners(p);
	for (i = 0; i < CONFIG_SERVER_SESSIONS; i++)
		inbound_close(&p->core, &p->inbound[i]);
	submission_close(&p->core, &p->submissions);
	control_close(&p->core, &p->control);
	outbound_close(&p->sending);
}

/* ---- submissions ---------------------------------------------------------------- */

enum status pipit_submit_begin(struct pipit *p, const struct pipit_envelope *e, pipit_handle *h)
{
	return p->core.stopping ? ST_AGAIN : submission_begin(&p->core, &p->submissions, e, h);
}

enum status pipit_submit_data(struct pipit *p, pipit_handle h, struct span bytes)
{
	return submission_data(&p->core, &p->submissions, h, bytes);
}

enum status pipit_submit_end(struct pipit *p, pipit_handle h, uint32_t *message)
{
	return submission_end(&p->core, &p->submissions, h, message);
}

void pipit_submit_abort(struct pipit *p, pipit_handle h)
{
	submission_abort(&p->core, &p->submissions, h);
}

/* ---- the loop body ------------------------------------------------------------- */

static struct inbound *free_inbound(struct pipit *p)
{
	size_t i;

	for (i = 0; i < CONFIG_SERVER_SESSIONS; i++)
		if (p->inbound[i].state == INBOUND_FREE)
			return &p->inbound[i];
	return NULL;
}

static unsigned sessions_of(const struct pipit *p, const struct ip *peer)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < CONFIG_SERVER_SESSIONS; i++)
		n += p->inbound[i].state != INBOUND_FREE && ip_equal(&p->inbound[i].peer.ip, peer);
	return n;
}

static uint32_t accept_from(struct pipit *p, const struct listener *l)
{
	const struct net *net = &p->core.world->net;
	struct ip_endpoint peer, local;
	struct inbound *in;
	unsigned i;
	int handle;

	for (i = 0; i < ACCEPTS_PER_STEP; i++) {
		in = free_inbound(p);
		net->ops->watch(net->ctx, l->handle, in ? NET_READ : 0u);
		if (in == NULL)
			return UINT32_MAX; /* the next peers wait in the backlog */
		handle = net->ops->accept(net->ctx, l->handle, &peer, &local);
		if (handle == ST_FULL) {
			/* No descriptor is left: waiting for readiness would spin. */
			net->ops->watch(net->ctx, l->handle, 0u);
			return 100u;
		}
		if (handle < 0)
			return UINT32_MAX;
		inbound_open(&p->core, in, handle, &peer,
			sessions_of(p, &peer.ip) >= CONFIG_SESSIONS_PER_CLIENT);
	}
	return 0;
}

static uint32_t step_receiving(struct pipit *p)
{
	uint32_t wait_ms = UINT32_MAX;
	size_t i;

	for (i = 0; i < CONFIG_CONF_LISTENS; i++)
		if (p->listener[i].open)
			wait_ms = least(wait_ms, accept_from(p, &p->listener[i]));
	for (i = 0; i < CONFIG_SERVER_SESSIONS; i++) {
		if (p->core.stopping)
			inbound_stop(&p->core, &p->inbound[i]);
		wait_ms = least(wait_ms, inbound_step(&p->core, &p->inbound[i]));
	}
	return wait_ms;
}

static uint32_t step_control(struct pipit *p)
{
	struct operator_view view = { &p->sending, 0 };
	size_t i;

	for (i = 0; i < CONFIG_SERVER_SESSIONS; i++)
		view.sessions += p->inbound[i].state != INBOUND_FREE;
	return control_step(&view, &p->control);
}

static uint32_t step_queue(struct pipit *p)
{
	uint32_t wait_ms = queue_step(&p->core.queue, p->core.now);

	if (queue_has_stopped(&p->core.queue) && !p->core.queue_failed) {
		p->core.queue_failed = true;
		report_queue_failed(&p->core.report);
	}
	return wait_ms;
}

/* At the first step the time is known: what an earlier run left is scheduled. */
static void resume(struct pipit *p)
{
	struct queue_message m;
	uint32_t cursor = 0;

	p->core.started = true;
	p->core.second_ms = p->core.now.mono_ms;
	while (queue_next(&p->core.queue, &cursor, &m))
		task_resume(&p->sending.tasks, m.id);
}

static void keep_time(struct core *c, struct instant now)
{
	uint32_t passed_s = c->started ? (now.mono_ms - c->second_ms) / 1000u : 0;

	c->now = now;
	c->now_s += passed_s;
	c->second_ms += 1000u * passed_s;
}

uint32_t pipit_step(struct pipit *p, struct instant now)
{
	uint32_t wait_ms;

	keep_time(&p->core, now);
	if (!p->core.started)
		resume(p);
	wait_ms = least(STEP_AGAIN_MS, step_receiving(p));
	wait_ms = least(wait_ms, submission_step(&p->core, &p->submissions));
	if (CONFIG_DNS)
		wait_ms = least(wait_ms,
			resolver_step(&p->core.resolver, now.mono_ms, p->core.now_s));
	wait_ms = least(wait_ms, outbound_step(&p->sending));
	wait_ms = least(wait_ms, step_control(p));
	wait_ms = least(wait_ms, step_queue(p));
	return pipit_stopped(p) ? 0 : wait_ms;
}
