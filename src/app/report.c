/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/report.h"

#include "app/row.h"
#include "pipit_limits.h"

/* A path, a reply and the keys around them. */
#define LINE_MAX (ADDRESS_MAX + 4u * REPLY_TEXT_MAX + 128u)

struct line {
	struct buf b;
	uint8_t text[LINE_MAX];
};

static void begin(struct line *l)
{
	buf_init(&l->b, l->text, sizeof(l->text));
}

static void begin_session(struct line *l, uint32_t session, const char *word)
{
	begin(l);
	row_id(&l->b, "s", session);
	row_word(&l->b, word);
}

static void begin_message(struct line *l, uint32_t message, const char *word)
{
	begin(l);
	row_id(&l->b, "m", message);
	row_word(&l->b, word);
}

static void put_endpoint(struct line *l, const char *key, const struct ip_endpoint *at)
{
	uint8_t text[IP_ENDPOINT_TEXT_MAX];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	ip_endpoint_put(&b, at);
	row_text(&l->b, key, buf_span(&b));
}

static void end(struct report *r, struct line *l, enum log_level level)
{
	if (level <= r->level && r->log.line != NULL)
		r->log.line(r->log.ctx, level, buf_span(&l->b));
}

#define COUNT(r, name) ((r)->counter[REPORT_##name]++)

void report_init(struct report *r, const struct log *log)
{
	unsigned i;

	r->log = *log;
	r->level = LOG_INFO;
	for (i = 0; i < REPORT_COUNT; i++)
		r->counter[i] = 0;
}

#define REPORT_NAME(name) #name,
const char *report_counter_name(enum report_counter c)
{
	static const char *const names[REPORT_COUNT] = { REPORT_COUNTERS(REPORT_NAME) };

	return names[c];
}

void report_started(struct report *r, const struct queue_mount_report *m)
{
	struct line l;

	begin(&l);
	row_word(&l.b, "started");
	row_text(&l.b, "version", SPAN(PIPIT_VERSION));
	row_u32(&l.b, "messages", m->messages);
	row_u32(&l.b, "torn", m->torn);
	row_u32(&l.b, "rotten", m->rotten);
	row_u32(&l.b, "formatted", m->formatted);
	end(r, &l, m->rotten > 0 ? LOG_ERROR : LOG_INFO);
}

void report_problem(struct report *r, const char *what, uint32_t line, struct span text)
{
	struct line l;

	begin(&l);
	row_word(&l.b, what);
	if (line > 0)
		row_u32(&l.b, "line", line);
	row_text(&l.b, "problem", text);
	end(r, &l, LOG_ERROR);
}

void report_listening(struct report *r, const struct ip_endpoint *at, bool ok)
{
	struct line l;

	begin(&l);
	row_word(&l.b, ok ? "listening" : "listen_failed");
	put_endpoint(&l, "at", at);
	end(r, &l, ok ? LOG_INFO : LOG_ERROR);
}

void report_reload(struct report *r, bool ok)
{
	struct line l;

	COUNT(r, reloads);
	if (!ok)
		COUNT(r, reloads_failed);
	begin(&l);
	row_word(&l.b, ok ? "reloaded" : "reload_failed");
	if (!ok)
		row_text(&l.b, "advice", SPAN("the configuration before stays in force"));
	end(r, &l, ok ? LOG_INFO : LOG_ERROR);
}

void report_queue_failed(struct report *r)
{
	struct line l;

	COUNT(r, queue_failures);
	begin(&l);
	row_word(&l.b, "queue_failed");
	row_text(&l.b, "advice",
		SPAN("the queue's device failed; nothing more is accepted; check the disk, then restart"));
	end(r, &l, LOG_ERROR);
}

void report_session(struct report *r, uint32_t session, const struct ip_endpoint *peer)
{
	struct line l;

	COUNT(r, sessions);
	begin_session(&l, session, "connected");
	put_endpoint(&l, "peer", peer);
	end(r, &l, LOG_DEBUG);
}

void report_session_refused(struct report *r, uint32_t session, const struct ip_endpoint *peer)
{
	struct line l;

	COUNT(r, sessions_refused);
	begin_session(&l, session, "session_refused");
	put_endpoint(&l, "peer", peer);
	end(r, &l, LOG_WARNING);
}

void report_session_lost(struct report *r, uint32_t session, bool timeout)
{
	struct line l;

	if (timeout)
		COUNT(r, sessions_timeout);
	else
		COUNT(r, sessions_lost);
	begin_session(&l, session, timeout ? "timeout" : "lost");
	end(r, &l, LOG_INFO);
}

void report_refused(struct report *r, uint32_t session, const char *stage, struct span subject,
	const struct reply *reply)
{
	struct line l;

	COUNT(r, refused);
	begin_session(&l, session, "refused");
	row_text(&l.b, "stage", span_of(stage));
	if (subject.len > 0)
		row_text(&l.b, "path", subject);
	row_reply(&l.b, reply);
	end(r, &l, LOG_INFO);
}

void report_loop(struct report *r)
{
	COUNT(r, loops);
}

void report_accepted(struct report *r, uint32_t session, uint32_t message, uint32_t size,
	uint16_t rcpts, struct span sender)
{
	struct line l;

	COUNT(r, accepted);
	begin_session(&l, session, "accepted");
	row_id(&l.b, "m", message);
	row_u32(&l.b, "size", size);
	row_u32(&l.b, "rcpts", rcpts);
	row_text(&l.b, "from", sender);
	end(r, &l, LOG_INFO);
}

void report_connect(struct report *r, uint32_t message, struct span host, const struct ip_endpoint *at,
	bool ok)
{
	struct line l;

	if (ok)
		COUNT(r, connects);
	else
		COUNT(r, connects_failed);
	begin_message(&l, message, ok ? "connected" : "connect_failed");
	row_text(&l.b, "host", host);
	put_endpoint(&l, "at", at);
	end(r, &l, ok ? LOG_DEBUG : LOG_INFO);
}

void report_dns_failed(struct report *r, uint32_t message, struct span domain)
{
	struct line l;

	COUNT(r, dns_failures);
	begin_message(&l, message, "dns_failed");
	row_text(&l.b, "name", domain);
	end(r, &l, LOG_WARNING);
}

void report_outcome(struct report *r, uint32_t message, uint8_t state, uint16_t rcpt,
	struct span host, uint32_t next_s, const struct reply *reply)
{
	static const char *const words[] = {
		[QUEUE_PENDING] = "deferred",
		[QUEUE_DELIVERED] = "delivered",
		[QUEUE_FAILED] = "failed",
	};
	struct line l;

	if (state == QUEUE_DELIVERED)
		COUNT(r, delivered);
	else if (state == QUEUE_FAILED)
		COUNT(r, failed);
	else
		COUNT(r, deferred);
	begin_message(&l, message, words[state]);
	row_u32(&l.b, "rcpt", rcpt);
	if (host.len > 0)
		row_text(&l.b, "host", host);
	if (state == QUEUE_PENDING)
		row_u32(&l.b, "next", next_s);
	row_reply(&l.b, reply);
	end(r, &l, state == QUEUE_FAILED ? LOG_WARNING : LOG_INFO);
}

static void message_fact(struct report *r, uint32_t message, const char *word, enum log_level level)
{
	struct line l;

	begin_message(&l, message, word);
	end(r, &l, level);
}

void report_expired(struct report *r, uint32_t message)
{
	COUNT(r, expired);
	message_fact(r, message, "expired", LOG_WARNING);
}

void report_doubtful(struct report *r, uint32_t message, struct span host)
{
	struct line l;

	COUNT(r, doubtful);
	begin_message(&l, message, "doubtful");
	row_text(&l.b, "host", host);
	end(r, &l, LOG_WARNING);
}

void report_damaged(struct report *r, uint32_t message)
{
	COUNT(r, damaged);
	message_fact(r, message, "damaged", LOG_ERROR);
}

void report_report(struct report *r, uint32_t message, bool failure, bool sent)
{
	struct line l;

	if (sent)
		COUNT(r, reports);
	else
		COUNT(r, reports_dropped);
	begin_message(&l, message, sent ? "reported" : "report_dropped");
	row_text(&l.b, "kind", failure ? SPAN("failure") : SPAN("delay"));
	end(r, &l, sent ? LOG_INFO : LOG_WARNING);
}

void report_removed(struct report *r, uint32_t message)
{
	COUNT(r, removed);
	message_fact(r, message, "removed", LOG_INFO);
}

void report_done(struct report *r, uint32_t message)
{
	message_fact(r, message, "done", LOG_DEBUG);
}
