/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/storing.h"

#include "app/accept.h"
#include "app/replies.h"
#include "base/check.h"
#include "mail/trace.h"

/* How long a session may wait for flash to make room before the client is asked to
 * come again; well under its two minutes for DATA (RFC 5321 4.5.3.2.3).  Flash that fails
 * bit by bit may have less room than was admitted, and then never makes any. */
#define STORAGE_WAIT_MS 30000u

struct header_rewrite storing_rewrite(struct core *c, const struct inbound *in)
{
	const struct conf_device *device;
	struct header_rewrite none = { SPAN_EMPTY, NULL, NULL };

	if (!CONFIG_MASQUERADE || !in->local_client)
		return none;
	device = core_device(c, &in->peer.ip);
	return core_rewrite(c, device ? conf_span(core_conf(c), device->from) : SPAN_EMPTY);
}

void storing_abort(struct core *c, struct inbound *in)
{
	if (in->writer >= 0)
		queue_abort(&c->queue, in->writer);
	in->writer = -1;
}

/* The message will be refused once its end is seen; what it took is given back now. */
void storing_fail(struct core *c, struct inbound *in, const struct reply *r)
{
	storing_abort(c, in);
	in->pending = SPAN_EMPTY;
	if (in->failed == NULL)
		in->failed = r;
}

/* What a call of the queue says, with an end to its "not now". */
static int storing_said(struct core *c, struct inbound *in, int status)
{
	if (status != ST_AGAIN) {
		in->asked_ms = 0;
		return status;
	}
	if (in->asked_ms == 0)
		in->asked_ms = c->now.mono_ms;
	return c->now.mono_ms - in->asked_ms >= STORAGE_WAIT_MS ? ST_FULL : ST_AGAIN;
}

/* Writes *rest, taking off what was written.  true: all is, or storing has failed. */
static bool store(struct core *c, struct inbound *in, enum queue_stream stream, struct span *rest)
{
	int n;

	while (in->writer >= 0 && rest->len > 0) {
		n = storing_said(c, in, queue_write(&c->queue, in->writer, stream, *rest));
		if (n == ST_AGAIN)
			return false;
		if (n < 0) {
			storing_fail(c, in, accept_storage_reply((enum status)n));
			break;
		}
		span_skip(rest, (size_t)n);
		if (stream == QUEUE_BODY)
			in->size += (uint32_t)n;
	}
	return true;
}

/* ST_OK: a writer is open; ST_AGAIN: wait for flash. */
enum status storing_open(struct core *c, struct inbound *in)
{
	uint32_t hint = in->size_hint == 0
		? 0
		: in->size_hint + (uint32_t)in->envelope.len + SCRATCH_SIZE;
	int writer = storing_said(c, in, queue_open(&c->queue, hint, in->rcpt_count));

	if (writer < 0)
		return (enum status)writer;
	in->state = INBOUND_STORING;
	in->writer = writer;
	in->prefix_sent = 0;
	in->size = 0;
	in->arrival_s = 0;
	in->finished = false;
	in->pending = buf_span(&in->envelope);
	in->failed = NULL;
	header_init(&in->header);
	return ST_OK;
}

bool storing_envelope(struct core *c, struct inbound *in)
{
	return store(c, in, QUEUE_ENVELOPE, &in->pending);
}

static void check_limits(struct core *c, struct inbound *in)
{
	if (in->size > core_conf(c)->max_message_size)
		storing_fail(c, in, say(SAY_TOO_BIG));
	if (in->header.received > RECEIVED_MAX && in->failed == NULL) {
		report_loop(&c->report);
		storing_fail(c, in, say(SAY_LOOP));
	}
}

bool storing_body(struct core *c, struct inbound *in, struct span body, size_t *took)
{
	struct header_rewrite rewrite = storing_rewrite(c, in);

	*took = body.len;
	if (in->writer < 0)
		return true; /* refused already: only its end is awaited */
	if (in->pending.len == 0)
		in->piece = header_feed(&in->header, &rewrite, body, &in->pending);
	*took = in->piece;
	if (!store(c, in, QUEUE_BODY, &in->pending))
		return false;
	check_limits(c, in);
	return true;
}

/* What goes before the message: the trace, and what a submission lacks.  The
 * same octets at every call, since the times and the random part are kept. */
static struct span make_prefix(struct core *c, struct inbound *in)
{
	const struct conf *conf = core_conf(c);
	struct trace t = {
		.helo = smtpd_helo(&in->smtpd),
		.peer = in->peer.ip,
		.hostname = conf_span(conf, conf->hostname),
		.id = queue_writer_id(&c->queue, in->writer),
		.wall_s = in->arrival_s,
		.esmtp = smtpd_esmtp(&in->smtpd),
		.for_rcpt = accept_single_rcpt(&in->envelope, in->rcpt_count),
	};
	struct buf b;

	buf_init(&b, c->scratch, sizeof(c->scratch));
	trace_put_received(&b, &t);
	if (in->local_client && !in->header.has_date)
		trace_put_date(&b, in->arrival_s);
	if (in->local_client && !in->header.has_message_id)
		trace_put_message_id(&b, t.hostname, t.id, in->arrival_s, in->nonce);
	if (in->header.headless)
		buf_puts(&b, "\r\n"); /* a body at once: ours is the whole header */
	CHECK(!b.overflow);
	return buf_span(&b);
}

/* The last octets of the body, then the prefix.  true: all is written. */
bool storing_finish(struct core *c, struct inbound *in)
{
	struct header_rewrite rewrite = storing_rewrite(c, in);
	struct span prefix, rest;
	bool done;

	if (!in->finished) {
		in->pending = header_finish(&in->header, &rewrite);
		in->arrival_s = core_wall_s(c);
		in->nonce = rng_next(&c->rng);
		in->finished = true;
	}
	if (!store(c, in, QUEUE_BODY, &in->pending))
		return false;
	check_limits(c, in);
	if (in->writer < 0)
		return true;
	prefix = make_prefix(c, in);
	rest = span_from(prefix, in->prefix_sent);
	done = store(c, in, QUEUE_PREFIX, &rest);
	in->prefix_sent = (uint16_t)(prefix.len - rest.len);
	return done;
}

enum status storing_commit(struct core *c, struct inbound *in)
{
	struct queue_commit record = {
		.arrival_s = in->arrival_s,
		.expiry_s = in->arrival_s > 0 ? in->arrival_s + core_conf(c)->expire_s : 0,
		.rcpt_count = in->rcpt_count,
		.priority = QUEUE_NORMAL,
		.eight_bit = in->header.eight_bit,
	};
	enum status status = (enum status)storing_said(c, in,
		queue_commit(&c->queue, in->writer, &record, &in->message, &in->ticket));

	if (status == ST_OK) {
		in->writer = -1;
		in->state = INBOUND_COMMITTED;
	}
	return status;
}
