/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/operator.h"

#include "app/outcome.h"
#include "app/row.h"

#include <stddef.h>
#include <string.h>

/* Of a message's header, so many lines are shown. */
#define HEADER_LINES 60u

/* ---- messages ------------------------------------------------------------------ */

static const char *message_state(const struct queue_message *m, bool running)
{
	if (m->damaged)
		return "damaged";
	if (m->held)
		return "held";
	return running ? "active" : "waiting";
}

static void put_message(struct core *c, const struct queue_message *m, struct span sender,
	struct buf *row)
{
	static const char *const priorities[] = { "urgent", "normal", "bulk" };
	uint32_t wall = core_wall_s(c);

	row_word(row, "message");
	row_id(row, "id", m->id);
	row_u32(row, "size", m->prefix_len + m->body_len);
	row_u32(row, "arrival", m->arrival_s);
	row_u32(row, "age", m->arrival_s > 0 && wall > m->arrival_s ? wall - m->arrival_s : 0);
	row_text(row, "sender", sender);
	row_text(row, "state", span_of(message_state(m, schedule_is_running(&c->schedule, m->id))));
	row_text(row, "priority",
		span_of(priorities[m->priority <= QUEUE_BULK ? m->priority : QUEUE_BULK]));
	row_u32(row, "rcpts", m->rcpt_count);
	row_u32(row, "pending", m->pending);
	row_u32(row, "eight_bit", m->eight_bit);
}

/* Seconds until the message's row is due, or the recipient's own time if that is later. */
static uint32_t next_in_s(struct core *c, uint32_t id, uint32_t next_try_s)
{
	uint32_t own_s = c->now.wall_known && next_try_s > c->now.wall_s
		? next_try_s - c->now.wall_s
		: 0;
	uint32_t due_s;

	if (!schedule_when(&c->schedule, id, &due_s) || due_s < c->now_s + own_s)
		return own_s;
	return due_s - c->now_s;
}

static void put_rcpt(struct core *c, uint32_t id, const struct envelope_item *item, struct buf *row)
{
	static const char *const states[] = {
		[QUEUE_PENDING] = "pending",
		[QUEUE_DELIVERED] = "delivered",
		[QUEUE_FAILED] = "failed",
		[QUEUE_REPORTING] = "reporting",
		[QUEUE_REPORTED] = "reported",
	};
	struct queue_reply kept = { 0 };
	struct queue_rcpt r = { 0 };
	struct reply reply;

	if (!queue_rcpt_get(&c->queue, id, item->rcpt, &r))
		return;
	row_word(row, "rcpt");
	row_id(row, "id", id);
	row_u32(row, "n", item->rcpt);
	row_text(row, "to", item->text);
	row_text(row, "state", span_of(states[r.state]));
	row_u32(row, "attempts", r.attempts);
	if (r.state == QUEUE_PENDING)
		row_u32(row, "next", next_in_s(c, id, r.next_try_s));
	if (queue_reply_get(&c->queue, id, item->rcpt, &kept) != ST_OK)
		return;
	reply = outcome_reply(&kept);
	row_reply(row, &reply);
}

enum { MESSAGE_SENDER, MESSAGE_RCPTS, MESSAGE_FAILURE, MESSAGE_DELAY, MESSAGE_END };

static void put_report(struct core *c, struct operator_job *j, enum queue_job which,
	struct buf *row)
{
	struct queue_job_status job;

	j->phase++;
	if (!queue_job_get(&c->queue, j->m.id, which, &job) || job.state != QUEUE_JOB_ACTIVE)
		return;
	row_word(row, "report");
	row_id(row, "id", j->m.id);
	row_text(row, "kind", which == QUEUE_JOB_FAILURE ? SPAN("failure") : SPAN("delay"));
	row_u32(row, "attempts", bounce_attempts(&job));
	row_u32(row, "next", next_in_s(c, j->m.id, job.next_try_s));
}

/* The next row of the message in hand.  An empty one: go on. */
static void message_row(struct core *c, struct operator_job *j, struct buf *row)
{
	struct envelope_item item;
	enum status status;

	if (j->phase == MESSAGE_SENDER) {
		walk_begin(&j->at.walk, j->m.id);
		if (walk_to(&c->queue, &j->at.walk, ENVELOPE_SENDER, &item) != ST_OK)
			item.text = SPAN("?");
		put_message(c, &j->m, item.text, row);
		j->phase = MESSAGE_RCPTS;
	} else if (j->phase == MESSAGE_RCPTS) {
		status = walk_to(&c->queue, &j->at.walk, ENVELOPE_RCPT, &item);
		if (status == ST_OK)
			put_rcpt(c, j->m.id, &item, row);
		else
			j->phase = MESSAGE_FAILURE;
	} else {
		put_report(c, j, j->phase == MESSAGE_FAILURE ? QUEUE_JOB_FAILURE : QUEUE_JOB_DELAY,
			row);
	}
}

static bool next_of_queue(const struct operator_view *v, struct operator_job *j, struct buf *row)
{
	struct core *c = v->sending->tasks.core;

	while (row->len == 0) {
		if (j->phase == MESSAGE_END) {
			if (!queue_next(&c->queue, &j->cursor, &j->m))
				return false;
			j->phase = MESSAGE_SENDER;
		}
		message_row(c, j, row);
	}
	return true;
}

/* ---- show ---------------------------------------------------------------------- */

/* One line of the header, or what of it fits. */
static bool header_row(struct core *c, struct operator_job *j, struct buf *row)
{
	uint8_t text[160];
	struct span line;
	int n = queue_read(&c->queue, &j->header, text, sizeof(text));
	size_t end;

	if (n <= 0 && j->header.stream == QUEUE_PREFIX) {
		queue_reader_open(&j->header, j->m.id, QUEUE_BODY);
		return true;
	}
	if (n <= 0 || j->lines++ >= HEADER_LINES)
		return false;
	line = span_make(text, (size_t)n);
	end = span_find(line, '\n');
	if (end < line.len)
		j->header.offset -= (uint32_t)(line.len - end - 1);
	line = span_sub(line, 0, end);
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0)
		return false; /* the empty line: the header is over */
	row_word(row, "line");
	row_text(row, "text", line);
	return true;
}

static bool next_of_show(const struct operator_view *v, struct operator_job *j, struct buf *row)
{
	struct core *c = v->sending->tasks.core;

	while (row->len == 0 && j->phase != MESSAGE_END)
		message_row(c, j, row);
	while (row->len == 0)
		if (!header_row(c, j, row))
			return false;
	return true;
}

/* ---- retry, hold, release, remove ---------------------------------------------- */

enum { ACT_RETRY, ACT_HOLD, ACT_RELEASE, ACT_REMOVE };

static bool goes_to(struct core *c, struct operator_job *j)
{
	struct envelope_item item;
	struct address to;
	struct queue_rcpt r;

	walk_begin(&j->at.walk, j->m.id);
	while (walk_to(&c->queue, &j->at.walk, ENVELOPE_RCPT, &item) == ST_OK)
		if (address_parse(item.text, &to) &&
			queue_rcpt_get(&c->queue, j->m.id, item.rcpt, &r) &&
			r.state == QUEUE_PENDING && span_equal_nocase(to.domain, j->arg))
			return true;
	return false;
}

static enum status act(const struct operator_view *v, struct operator_job *j)
{
	struct core *c = v->sending->tasks.core;
	enum status status = ST_OK;
	uint32_t ticket;

	if (j->act == ACT_RETRY) {
		if (!j->m.held)
			schedule_flush(&c->schedule, j->m.id);
	} else if (j->act == ACT_REMOVE) {
		status = queue_remove(&c->queue, j->m.id, &ticket);
		if (status == ST_OK) {
			schedule_remove(&c->schedule, j->m.id);
			report_message(&c->report, j->m.id, REPORT_IS_REMOVED);
		}
	} else {
		j->m.held = j->act == ACT_HOLD;
		status = queue_hold(&c->queue, j->m.id, j->m.held);
		if (status == ST_OK)
			task_resume(&v->sending->tasks, j->m.id);
	}
	return status;
}

static bool next_of_act(const struct operator_view *v, struct operator_job *j, struct buf *row)
{
	struct core *c = v->sending->tasks.core;
	enum status status;

	/* phase 1: the message in hand is to be changed, flash was busy. */
	while (row->len == 0) {
		if (j->phase == 0 && !queue_next(&c->queue, &j->cursor, &j->m)) {
			if (j->lines == 0 && !j->all)
				j->error = "no such message";
			return false;
		}
		if (j->phase == 0 && !j->all && j->m.id != j->id && (j->id != 0 || !goes_to(c, j)))
			continue;
		j->phase = 1;
		status = act(v, j);
		if (status == ST_AGAIN)
			return true;
		j->phase = 0;
		j->lines = 1;
		if (status != ST_OK) {
			j->error = "the queue cannot be written";
			return false;
		}
		row_word(row, "changed");
		row_id(row, "id", j->m.id);
	}
	return true;
}

/* ---- status -------------------------------------------------------------------- */

static void gauge(struct buf *row, const char *name, uint32_t value)
{
	row_word(row, "value");
	row_text(row, "name", span_of(name));
	row_u32(row, "value", value);
}

static void gauge_of(struct buf *row, const char *name, uint32_t value, uint32_t max)
{
	gauge(row, name, value);
	row_u32(row, "max", max);
}

static uint32_t deliveries(const struct sending *s)
{
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < CONFIG_CLIENT_SESSIONS; i++)
		n += s->slot[i].state != OUTBOUND_FREE;
	return n;
}

/* Gauges that stand in a struct: name, where, and where their maximum is (0: none). */
static const struct gauge {
	const char *name;
	uint8_t at, max;
} queue_gauges[] = {
#define AT(field) offsetof(struct queue_stats, field)
	{ "queue_messages", AT(messages), AT(messages_max) },
	{ "queue_recipients", AT(recipients), AT(recipients_max) },
	{ "queue_bytes", AT(live_bytes), AT(admit_bytes) },
	{ "queue_free_sectors", AT(free_sectors), AT(geometry.sector_count) },
	{ "queue_erases", AT(erases), 0 },
	{ "queue_erases_min", AT(erases_min), 0 },
	{ "queue_erases_max", AT(erases_max), 0 },
	{ "queue_programs", AT(programs), 0 },
	{ "queue_programmed_bytes", AT(program_bytes), 0 },
	{ "queue_syncs", AT(syncs), 0 },
	{ "queue_reclaims", AT(reclaims), 0 },
	{ "queue_rotten", AT(rotten), 0 },
	{ "queue_retired", AT(retired), 0 },
	{ "queue_stopped", AT(stopped), 0 },
#undef AT
}, dns_gauges[] = {
#define AT(field) offsetof(struct resolver_stats, field)
	{ "dns_questions", AT(questions), 0 },
	{ "dns_cache_hits", AT(cache_hits), 0 },
	{ "dns_timeouts", AT(timeouts), 0 },
	{ "dns_mismatched", AT(mismatched), 0 },
#undef AT
};

#define COUNT_OF(array) (uint32_t)(sizeof(array) / sizeof(array[0]))
#define OWN_GAUGES 4u
#define DNS_GAUGES (OWN_GAUGES + (CONFIG_DNS ? COUNT_OF(dns_gauges) : 0u))
#define QUEUE_GAUGES (DNS_GAUGES + COUNT_OF(queue_gauges))

static uint32_t field(const void *stats, size_t at)
{
	const uint8_t *base = stats;
	uint32_t value;

	memcpy(&value, base + at, sizeof(value));
	return value;
}

static void field_gauge(struct buf *row, const struct gauge *g, const void *stats)
{
	gauge(row, g->name, field(stats, g->at));
	if (g->max != 0)
		row_u32(row, "max", field(stats, g->max));
}

static void own_gauge(const struct operator_view *v, unsigned which, struct buf *row)
{
	struct core *c = v->sending->tasks.core;
	const struct conf *conf = core_conf(c);

	switch (which) {
	case 0:
		row_word(row, "info");
		row_text(row, "version", SPAN(PIPIT_VERSION));
		row_text(row, "hostname", conf_span(conf, conf->hostname));
		break;
	case 1: gauge(row, "uptime", c->now_s); break;
	case 2: gauge_of(row, "server_sessions", v->sessions, CONFIG_SERVER_SESSIONS); break;
	default: gauge_of(row, "deliveries", deliveries(v->sending), CONFIG_CLIENT_SESSIONS); break;
	}
}

#define NAME_OF(name) #name,
static const char *const counter_names[REPORT_COUNT] = { REPORT_COUNTERS(NAME_OF) };

static bool next_of_status(const struct operator_view *v, struct operator_job *j, struct buf *row)
{
	struct core *c = v->sending->tasks.core;
	struct queue_stats stats;
	uint32_t n = j->cursor++;

	if (n < OWN_GAUGES) {
		own_gauge(v, n, row);
	} else if (CONFIG_DNS && n < DNS_GAUGES) {
		field_gauge(row, &dns_gauges[n - OWN_GAUGES], resolver_stats(&c->resolver));
	} else if (n < QUEUE_GAUGES) {
		queue_stats(&c->queue, &stats);
		field_gauge(row, &queue_gauges[n - DNS_GAUGES], &stats);
	} else if (n < QUEUE_GAUGES + REPORT_COUNT) {
		n -= QUEUE_GAUGES;
		row_word(row, "counter");
		row_text(row, "name", span_of(counter_names[n]));
		row_u32(row, "value", c->report.counter[n]);
	} else {
		return false;
	}
	return true;
}

/* ---- resolve ------------------------------------------------------------------- */

static void put_host(const struct hosts *h, struct buf *row)
{
	size_t i;

	row_word(row, "host");
	row_text(row, "name", hosts_name(h));
	if (h->route.way == ROUTE_MX && h->list.count > 0)
		row_u32(row, "preference", h->mx.record[h->list.order[h->host_at - 1]].preference);
	row_u32(row, "port", h->port);
	row_text(row, "tls", SPAN("none"));
	row_word(row, "addresses=");
	for (i = 0; i < h->address_count; i++) {
		if (i > 0)
			buf_put_byte(row, ',');
		ip_put(row, &h->address[i]);
	}
}

static bool next_of_resolve(const struct operator_view *v, struct operator_job *j, struct buf *row)
{
	static const char *const ways[] = {
		[ROUTE_LOCAL] = "local",
		[ROUTE_HOST] = "host",
		[ROUTE_SMARTHOST] = "smarthost",
		[ROUTE_MX] = "mx",
		[ROUTE_LITERAL] = "literal",
		[ROUTE_NO_USER] = "local",
		[ROUTE_NO_DOMAIN] = "none",
	};
	struct core *c = v->sending->tasks.core;
	struct address to = { SPAN("postmaster"), j->arg };
	struct route route;

	if (j->phase == 0) {
		j->phase = 1;
		route = route_decide(core_conf(c), &to);
		row_word(row, "route");
		row_text(row, "way", span_of(ways[route.way]));
		hosts_begin(c, &j->at.hosts, &route);
		if (route.way == ROUTE_LOCAL || route.way == ROUTE_NO_USER ||
			route.way == ROUTE_NO_DOMAIN)
			j->phase = 2;
		return true;
	}
	if (j->phase == 2)
		return false;
	switch (hosts_step(c, &j->at.hosts, to.domain)) {
	case HOSTS_WAIT: return true;
	case HOSTS_READY:
		put_host(&j->at.hosts, row);
		j->at.hosts.address_at = j->at.hosts.address_count;
		hosts_next(&j->at.hosts);
		j->lines++;
		return true;
	case HOSTS_END: break;
	}
	if (j->lines == 0)
		j->why = j->at.hosts.why;
	return false;
}

/* ---- requests ------------------------------------------------------------------ */

static bool next_of_nothing(const struct operator_view *v, struct operator_job *j, struct buf *row)
{
	(void)v;
	(void)j;
	(void)row;
	return false;
}

enum argument { NO_ARGUMENT, ONE_MESSAGE, WHAT, A_DOMAIN };

static const struct request {
	const char *word;
	bool (*next)(const struct operator_view *v, struct operator_job *j, struct buf *row);
	uint8_t argument;
	uint8_t act;
} requests[] = {
	{ "queue", next_of_queue, NO_ARGUMENT, 0 },
	{ "show", next_of_show, ONE_MESSAGE, 0 },
	{ "retry", next_of_act, WHAT, ACT_RETRY },
	{ "hold", next_of_act, WHAT, ACT_HOLD },
	{ "release", next_of_act, WHAT, ACT_RELEASE },
	{ "remove", next_of_act, WHAT, ACT_REMOVE },
	{ "status", next_of_status, NO_ARGUMENT, 0 },
	{ "resolve", next_of_resolve, A_DOMAIN, 0 },
	{ "reload", next_of_nothing, NO_ARGUMENT, 0 },
};

/* Eight hexadecimal digits; 0 is no id. */
static uint32_t parse_id(struct span s)
{
	uint32_t id = 0;
	size_t i;

	if (s.len != 8)
		return 0;
	for (i = 0; i < 8; i++) {
		uint8_t c = byte_lower(s.at[i]);

		if (!byte_is_digit(c) && !(c >= 'a' && c <= 'f'))
			return 0;
		id = (id << 4) | (uint32_t)(byte_is_digit(c) ? c - '0' : c - 'a' + 10);
	}
	return id;
}

static void refuse(struct operator_job *j, const char *why)
{
	j->next = next_of_nothing;
	j->error = why;
}

static void take_argument(struct core *c, struct operator_job *j, const struct request *r,
	struct span arg)
{
	j->arg = arg;
	j->id = parse_id(arg);
	j->all = span_equal_nocase(arg, SPAN("all"));
	if ((r->argument == NO_ARGUMENT) != (arg.len == 0))
		refuse(j, "wrong argument");
	else if (r->argument == ONE_MESSAGE && !queue_get(&c->queue, j->id, &j->m))
		refuse(j, "no such message");
}

void operator_begin(const struct operator_view *v, struct operator_job *j, struct span request)
{
	struct core *c = v->sending->tasks.core;
	struct span word = span_word(&request);
	size_t i;

	j->error = NULL;
	j->why = NULL;
	j->cursor = 0;
	j->lines = 0;
	j->phase = 0;
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (span_equal_nocase(word, span_of(requests[i].word)))
			break;
	if (i == sizeof(requests) / sizeof(requests[0])) {
		refuse(j, "no such request");
		return;
	}
	j->next = requests[i].next;
	j->act = requests[i].act;
	if (j->next == next_of_queue)
		j->phase = MESSAGE_END;
	take_argument(c, j, &requests[i], request);
	queue_reader_open(&j->header, j->m.id, QUEUE_PREFIX);
	if (j->next == next_of_nothing && j->error == NULL)
		c->reload_wanted = true;
}

void operator_cancel(struct core *c, struct operator_job *j)
{
	if (j->next == next_of_resolve && j->phase == 1)
		hosts_cancel(c, &j->at.hosts);
}
