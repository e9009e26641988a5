/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/storing.h"

#include "app/accept.h"
#include "app/replies.h"
#include "base/check.h"
#include "mail/envelope.h"
#include "mail/masquerade.h"

/* How long a session may wait for flash to make room before the client is asked to
 * come again; well under its two minutes for DATA (RFC 5321 4.5.3.2.3).  Flash that fails
 * bit by bit may have less room than was admitted, and then never makes any. */
#define STORAGE_WAIT_MS 30000u

static struct header_rewrite storing_rewrite(struct core *c, const struct storing *m)
{
	const struct conf_device *device;
	struct header_rewrite none = { SPAN_EMPTY, NULL, NULL };

	if (!CONFIG_MASQUERADE || !m->local_client)
		return none;
	device = core_device(c, &m->peer);
	return core_rewrite(c, device ? conf_span(core_conf(c), device->from) : SPAN_EMPTY);
}

void storing_init(struct storing *m, const struct ip *peer, bool local_client)
{
	m->writer = -1;
	m->peer = *peer;
	m->local_client = local_client;
	m->rcpt_count = 0;
	buf_init(&m->envelope, m->envelope_text, sizeof(m->envelope_text));
}

void storing_begin(struct core *c, struct storing *m, const struct address *sender,
	struct span origin)
{
	struct header_rewrite rewrite = storing_rewrite(c, m);
	uint8_t text[ADDRESS_MAX];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	if (!address_is_null(sender))
		header_rewrite_address(&b, &rewrite, sender);
	if (CONFIG_MASQUERADE && b.overflow) {
		buf_clear(&b);
		address_put(&b, sender);
	}
	buf_clear(&m->envelope);
	envelope_put(&m->envelope, ENVELOPE_SENDER, buf_span(&b));
	envelope_put(&m->envelope, ENVELOPE_ORIGIN, origin);
	m->rcpt_count = 0;
	m->asked_ms = 0;
}

const struct reply *storing_rcpt(struct core *c, struct storing *m, const struct address *to)
{
	struct accept_rcpt a = {
		.core = c,
		.local_client = m->local_client,
		.envelope = &m->envelope,
		.rcpt_count = m->rcpt_count,
	};
	const struct reply *r = accept_rcpt(&a, to);

	m->rcpt_count = a.rcpt_count;
	return r;
}

void storing_abort(struct core *c, struct storing *m)
{
	if (m->writer >= 0)
		queue_abort(&c->queue, m->writer);
	m->writer = -1;
}

/* The message will be refused once its end is seen; what it took is given back now. */
void storing_fail(struct core *c, struct storing *m, const struct reply *r)
{
	storing_abort(c, m);
	m->pending = SPAN_EMPTY;
	if (m->failed == NULL)
		m->failed = r;
}

/* What a call of the queue says, with an end to its "not now". */
static int storing_said(struct core *c, struct storing *m, int status)
{
	if (status != ST_AGAIN) {
		m->asked_ms = 0;
		return status;
	}
	if (m->asked_ms == 0)
		m->asked_ms = c->now.mono_ms;
	return c->now.mono_ms - m->asked_ms >= STORAGE_WAIT_MS ? ST_FULL : ST_AGAIN;
}

/* Writes *rest, taking off what was written.  true: all is, or storing has failed. */
static bool store(struct core *c, struct storing *m, enum queue_stream stream, struct span *rest)
{
	int n;

	while (m->writer >= 0 && rest->len > 0) {
		n = storing_said(c, m, queue_write(&c->queue, m->writer, stream, *rest));
		if (n == ST_AGAIN)
			return false;
		if (n < 0) {
			storing_fail(c, m, accept_storage_reply((enum status)n));
			break;
		}
		span_skip(rest, (size_t)n);
		if (stream == QUEUE_BODY)
			m->size += (uint32_t)n;
	}
	return true;
}

/* ST_OK: a writer is open; ST_AGAIN: wait for flash. */
enum status storing_open(struct core *c, struct storing *m)
{
	uint32_t hint = m->size_hint == 0 ? 0
					  : m->size_hint + (uint32_t)m->envelope.len + SCRATCH_SIZE;
	int writer = storing_said(c, m, queue_open(&c->queue, hint, m->rcpt_count));

	if (writer < 0)
		return (enum status)writer;
	m->writer = writer;
	m->prefix_sent = 0;
	m->size = 0;
	m->arrival_s = 0;
	m->finished = false;
	m->pending = buf_span(&m->envelope);
	m->failed = NULL;
	header_init(&m->header);
	return ST_OK;
}

bool storing_envelope(struct core *c, struct storing *m)
{
	return store(c, m, QUEUE_ENVELOPE, &m->pending);
}

static void check_limits(struct core *c, struct storing *m)
{
	if (m->size > core_conf(c)->max_message_size)
		storing_fail(c, m, say(SAY_TOO_BIG));
	if (m->header.received > RECEIVED_MAX && m->failed == NULL) {
		report_loop(&c->report);
		storing_fail(c, m, say(SAY_LOOP));
	}
}

bool storing_body(struct core *c, struct storing *m, struct span body, size_t *took)
{
	struct header_rewrite rewrite = storing_rewrite(c, m);

	*took = body.len;
	if (m->writer < 0)
		return true; /* refused already: only its end is awaited */
	if (m->pending.len == 0)
		m->piece = header_feed(&m->header, &rewrite, body, &m->pending);
	*took = m->piece;
	if (!store(c, m, QUEUE_BODY, &m->pending))
		return false;
	check_limits(c, m);
	return true;
}

/* What goes before the message: the trace, and what a submission lacks.  The
 * same octets at every call, since the times and the random part are kept. */
static struct span make_prefix(struct core *c, struct storing *m, const struct trace *client)
{
	const struct conf *conf = core_conf(c);
	struct trace t = *client;
	struct buf b;

	t.peer = m->peer;
	t.hostname = conf_span(conf, conf->hostname);
	t.id = queue_writer_id(&c->queue, m->writer);
	t.wall_s = m->arrival_s;
	t.for_rcpt = accept_single_rcpt(&m->envelope, m->rcpt_count);
	buf_init(&b, c->scratch, sizeof(c->scratch));
	trace_put_received(&b, &t);
	if (m->local_client && !m->header.has_date)
		trace_put_date(&b, m->arrival_s);
	if (m->local_client && !m->header.has_message_id)
		trace_put_message_id(&b, t.hostname, t.id, m->arrival_s, m->nonce);
	if (m->header.headless)
		buf_puts(&b, "\r\n"); /* a body at once: ours is the whole header */
	CHECK(!b.overflow);
	return buf_span(&b);
}

/* The last octets of the body, then the prefix.  true: all is written. */
bool storing_finish(struct core *c, struct storing *m, const struct trace *client)
{
	struct header_rewrite rewrite = storing_rewrite(c, m);
	struct span prefix, rest;
	bool done;

	if (!m->finished) {
		m->pending = header_finish(&m->header, &rewrite);
		m->arrival_s = core_wall_s(c);
		m->nonce = rng_next(&c->rng);
		m->finished = true;
	}
	if (!store(c, m, QUEUE_BODY, &m->pending))
		return false;
	check_limits(c, m);
	if (m->writer < 0)
		return true;
	prefix = make_prefix(c, m, client);
	rest = span_from(prefix, m->prefix_sent);
	done = store(c, m, QUEUE_PREFIX, &rest);
	m->prefix_sent = (uint16_t)(prefix.len - rest.len);
	return done;
}

enum status storing_commit(struct core *c, struct storing *m)
{
	struct queue_commit record = {
		.arrival_s = m->arrival_s,
		.expiry_s = m->arrival_s > 0 ? m->arrival_s + core_conf(c)->expire_s : 0,
		.rcpt_count = m->rcpt_count,
		.priority = QUEUE_NORMAL,
		.eight_bit = m->header.eight_bit,
	};
	enum status status = (enum status)storing_said(c, m,
		queue_commit(&c->queue, m->writer, &record, &m->message, &m->ticket));

	if (status == ST_OK)
		m->writer = -1;
	return status;
}
