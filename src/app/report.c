/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/report.h"

#include "app/row.h"
#include "pipit_limits.h"

/* A path, a reply and the keys around them. */
#define LINE_MAX (ADDRESS_MAX + (CONFIG_LOG_DETAILS ? 4u * REPLY_TEXT_MAX + 128u : 0u))

/* No counter of its own. */
#define NONE REPORT_COUNT

/* One row a fact: its word, how loud it is, what it counts. */
/* clang-format off */
static const struct fact {
	const char *word;
	uint8_t level;
	uint8_t counter;
}
	started         = { "started",         LOG_INFO,    NONE },
	listening       = { "listening",       LOG_INFO,    NONE },
	listen_failed   = { "listen_failed",   LOG_ERROR,   NONE },
	reloaded        = { "reloaded",        LOG_INFO,    REPORT_reloads },
	reload_failed   = { "reload_failed",   LOG_ERROR,   REPORT_reloads_failed },
	queue_failed    = { "queue_failed",    LOG_ERROR,   REPORT_queue_failures },
	session         = { "connected",       LOG_DEBUG,   REPORT_sessions },
	session_refused = { "session_refused", LOG_WARNING, REPORT_sessions_refused },
	session_lost    = { "lost",            LOG_INFO,    REPORT_sessions_lost },
	session_timeout = { "timeout",         LOG_INFO,    REPORT_sessions_timeout },
	refused         = { "refused",         LOG_INFO,    REPORT_refused },
	accepted        = { "accepted",        LOG_INFO,    REPORT_accepted },
	connected       = { "connected",       LOG_DEBUG,   REPORT_connects },
	connect_failed  = { "connect_failed",  LOG_INFO,    REPORT_connects_failed },
	dns_failed      = { "dns_failed",      LOG_WARNING, REPORT_dns_failures },
	deferred        = { "deferred",        LOG_INFO,    REPORT_deferred },
	delivered       = { "delivered",       LOG_INFO,    REPORT_delivered },
	failed          = { "failed",          LOG_WARNING, REPORT_failed },
	expired         = { "expired",         LOG_WARNING, REPORT_expired },
	doubtful        = { "doubtful",        LOG_WARNING, REPORT_doubtful },
	damaged         = { "damaged",         LOG_ERROR,   REPORT_damaged },
	reported        = { "reported",        LOG_INFO,    REPORT_reports },
	report_dropped  = { "report_dropped",  LOG_WARNING, REPORT_reports_dropped },
	removed         = { "removed",         LOG_INFO,    REPORT_removed },
	done            = { "done",            LOG_DEBUG,   NONE };
/* clang-format on */

struct line {
	struct buf b;
	uint8_t level;
	uint8_t text[LINE_MAX];
};

/* Counts the fact and begins its line with what it is about: a session (s=), a
 * message (m=), or nothing (NULL). */
static void begin(struct report *r, struct line *l, const struct fact *f, const char *key,
	uint32_t id)
{
	if (f->counter != NONE)
		r->counter[f->counter]++;
	l->level = f->level;
	buf_init(&l->b, l->text, sizeof(l->text));
	if (key != NULL)
		row_id(&l->b, key, id);
	row_word(&l->b, f->word);
}

/* ---- what a line says beyond its fact ------------------------------------------ */

static void put_text(struct line *l, const char *key, struct span value)
{
	if (CONFIG_LOG_DETAILS)
		row_text(&l->b, key, value);
}

static void put_u32(struct line *l, const char *key, uint32_t value)
{
	if (CONFIG_LOG_DETAILS)
		row_u32(&l->b, key, value);
}

static void put_endpoint(struct line *l, const char *key, const struct ip_endpoint *at)
{
	uint8_t text[IP_ENDPOINT_TEXT_MAX];
	struct buf b;

	if (!CONFIG_LOG_DETAILS)
		return;
	buf_init(&b, text, sizeof(text));
	ip_endpoint_put(&b, at);
	row_text(&l->b, key, buf_span(&b));
}

/* The codes say why, also where the text is not wanted. */
static void put_reply(struct line *l, const struct reply *reply)
{
	if (CONFIG_LOG_DETAILS)
		row_reply(&l->b, reply);
	else
		row_u32(&l->b, "code", reply->code);
}

/* ---- lines --------------------------------------------------------------------- */

static void end(struct report *r, struct line *l)
{
	if (l->level <= r->level && r->log.line != NULL)
		r->log.line(r->log.ctx, (enum log_level)l->level, buf_span(&l->b));
}

/* A fact about a session or a message with nothing, or one text, to add. */
static void plain(struct report *r, const struct fact *f, const char *about, uint32_t id,
	const char *key, struct span text)
{
	struct line l;

	begin(r, &l, f, about, id);
	if (key != NULL)
		put_text(&l, key, text);
	end(r, &l);
}

static void with_endpoint(struct report *r, const struct fact *f, const char *about, uint32_t id,
	const char *key, const struct ip_endpoint *at)
{
	struct line l;

	begin(r, &l, f, about, id);
	put_endpoint(&l, key, at);
	end(r, &l);
}

void report_init(struct report *r, const struct log *log)
{
	r->log = *log;
	r->level = LOG_INFO;
}

void report_started(struct report *r, const struct queue_mount_report *m)
{
	struct line l;

	begin(r, &l, &started, NULL, 0);
	put_text(&l, "version", SPAN(PIPIT_VERSION));
	put_u32(&l, "messages", m->messages);
	put_u32(&l, "torn", m->torn);
	put_u32(&l, "rotten", m->rotten);
	put_u32(&l, "formatted", m->formatted);
	if (m->rotten > 0)
		l.level = LOG_ERROR;
	end(r, &l);
}

void report_problem(struct report *r, const char *what, uint32_t line, struct span text)
{
	struct fact f = { what, LOG_ERROR, NONE };
	struct line l;

	begin(r, &l, &f, NULL, 0);
	if (line > 0)
		row_u32(&l.b, "line", line);
	row_text(&l.b, "problem", text);
	end(r, &l);
}

void report_listening(struct report *r, const struct ip_endpoint *at, bool ok)
{
	with_endpoint(r, ok ? &listening : &listen_failed, NULL, 0, "at", at);
}

void report_reload(struct report *r, bool ok)
{
	plain(r, ok ? &reloaded : &reload_failed, NULL, 0, ok ? NULL : "advice",
		SPAN("the configuration before stays in force"));
}

void report_queue_failed(struct report *r)
{
	plain(r, &queue_failed, NULL, 0, "advice",
		SPAN("the queue's device failed; nothing more is accepted; "
		     "check the disk, then restart"));
}

void report_session(struct report *r, uint32_t id, const struct ip_endpoint *peer, bool welcome)
{
	with_endpoint(r, welcome ? &session : &session_refused, "s", id, "peer", peer);
}

void report_session_lost(struct report *r, uint32_t id, bool timeout)
{
	plain(r, timeout ? &session_timeout : &session_lost, "s", id, NULL, SPAN_EMPTY);
}

void report_refused(struct report *r, uint32_t id, const char *stage, struct span path,
	const struct reply *reply)
{
	struct line l;

	begin(r, &l, &refused, "s", id);
	put_text(&l, "stage", span_of(stage));
	if (path.len > 0)
		put_text(&l, "path", path);
	put_reply(&l, reply);
	end(r, &l);
}

void report_loop(struct report *r)
{
	r->counter[REPORT_loops]++;
}

void report_accepted(struct report *r, uint32_t id, uint32_t message, uint32_t size, uint16_t rcpts,
	struct span sender)
{
	struct line l;

	begin(r, &l, &accepted, "s", id);
	row_id(&l.b, "m", message);
	put_u32(&l, "size", size);
	put_u32(&l, "rcpts", rcpts);
	put_text(&l, "from", sender);
	end(r, &l);
}

void report_connect(struct report *r, uint32_t message, struct span host,
	const struct ip_endpoint *at, bool ok)
{
	struct line l;

	begin(r, &l, ok ? &connected : &connect_failed, "m", message);
	put_text(&l, "host", host);
	put_endpoint(&l, "at", at);
	end(r, &l);
}

void report_dns_failed(struct report *r, struct span domain)
{
	plain(r, &dns_failed, NULL, 0, "name", domain);
}

void report_outcome(struct report *r, uint32_t message, const struct report_outcome *o)
{
	const struct fact *f = o->state == QUEUE_DELIVERED ? &delivered
		: o->state == QUEUE_FAILED                 ? &failed
							   : &deferred;
	struct line l;

	begin(r, &l, f, "m", message);
	put_u32(&l, "rcpt", o->rcpt);
	if (o->host.len > 0)
		put_text(&l, "host", o->host);
	if (f == &deferred)
		put_u32(&l, "next", o->next_s);
	put_reply(&l, o->reply);
	end(r, &l);
}

void report_doubtful(struct report *r, uint32_t message, struct span host)
{
	plain(r, &doubtful, "m", message, "host", host);
}

void report_report(struct report *r, uint32_t message, bool failure, bool sent)
{
	plain(r, sent ? &reported : &report_dropped, "m", message, "kind",
		failure ? SPAN("failure") : SPAN("delay"));
}

void report_message(struct report *r, uint32_t message, enum report_fact fact)
{
	static const struct fact *const facts[] = {
		[REPORT_IS_EXPIRED] = &expired,
		[REPORT_IS_DAMAGED] = &damaged,
		[REPORT_IS_REMOVED] = &removed,
		[REPORT_IS_DONE] = &done,
	};

	plain(r, facts[fact], "m", message, NULL, SPAN_EMPTY);
}
