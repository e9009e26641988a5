/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/inbound.h"

#include "app/accept.h"
#include "app/replies.h"

/* While flash works for us the loop looks again after this. */
#define FLASH_POLL_MS 5u

/* A session and what it shares with the others: the `self` of its connection. */
struct side {
	struct core *core;
	struct inbound *in;
};

static struct smtpd_settings settings(struct core *c, const struct inbound *in)
{
	const struct conf *conf = core_conf(c);
	const struct conf_device *device = core_device(c, &in->peer.ip);
	uint32_t room = queue_message_max(&c->queue);

	return (struct smtpd_settings){
		.hostname = conf_span(conf, conf->hostname),
		.size_max = conf->max_message_size < room ? conf->max_message_size : room,
		.legacy = device != NULL && device->legacy,
	};
}

static void answer(struct core *c, struct inbound *in, const struct reply *r)
{
	struct smtpd_settings set = settings(c, in);

	smtpd_answer(&in->smtpd, &set, r);
}

/* ---- ASK_MAIL, ASK_RCPT: the envelope ------------------------------------------ */

static struct span put_origin(const struct inbound *in, struct buf *b)
{
	buf_put(b, smtpd_helo(&in->smtpd));
	buf_puts(b, " [");
	ip_put(b, &in->peer.ip);
	buf_puts(b, "]");
	return buf_span(b);
}

static void on_mail(struct core *c, struct inbound *in, const struct smtpd_event *e)
{
	const struct reply *r = accept_mail(c, e->size);
	uint8_t origin[ADDRESS_MAX];
	struct buf b;

	if (r->code < 300) {
		buf_init(&b, origin, sizeof(origin));
		storing_begin(c, &in->mail, &e->path, put_origin(in, &b));
		in->mail.size_hint = e->size;
	}
	answer(c, in, r);
}

static void on_rcpt(struct core *c, struct inbound *in, const struct smtpd_event *e)
{
	const struct reply *r = storing_rcpt(c, &in->mail, &e->path);

	if (r->code >= 400) {
		struct buf b;

		buf_init(&b, c->scratch, sizeof(c->scratch));
		if (CONFIG_LOG_DETAILS)
			address_put(&b, &e->path);
		report_refused(&c->report, in->id, "rcpt", buf_span(&b), r);
	}
	answer(c, in, r);
}

/* ---- ASK_DATA: storage opens --------------------------------------------------- */

static bool refuse_data(struct core *c, struct inbound *in, const struct reply *r)
{
	report_refused(&c->report, in->id, "data", SPAN_EMPTY, r);
	in->state = INBOUND_OPEN;
	answer(c, in, r);
	return true;
}

static bool on_data(struct core *c, struct inbound *in)
{
	enum status status = ST_OK;

	if (in->state == INBOUND_OPEN)
		status = storing_open(c, &in->mail);
	if (status == ST_AGAIN)
		return false;
	if (status != ST_OK)
		return refuse_data(c, in, accept_storage_reply(status));
	in->state = INBOUND_STORING;
	if (!storing_envelope(c, &in->mail))
		return false;
	if (in->mail.failed != NULL)
		return refuse_data(c, in, in->mail.failed);
	answer(c, in, say(SAY_GO_AHEAD));
	return true;
}

/* ---- BODY: from the wire to the queue ------------------------------------------ */

static bool on_body(struct core *c, struct inbound *in, const struct smtpd_event *e)
{
	size_t took;

	if (!storing_body(c, &in->mail, e->body, &took))
		return false;
	smtpd_body_taken(&in->smtpd, took);
	return true;
}

/* ---- ASK_COMMIT: durable, then our 250 ----------------------------------------- */

static bool refuse_message(struct core *c, struct inbound *in)
{
	storing_abort(c, &in->mail);
	in->state = INBOUND_OPEN;
	report_refused(&c->report, in->id, "message", SPAN_EMPTY, in->mail.failed);
	answer(c, in, in->mail.failed);
	return true;
}

/* The commit is on flash or never will be: this is the moment of the promise. */
static bool settle(struct core *c, struct inbound *in)
{
	int durable = queue_durable(&c->queue, in->mail.ticket);
	const struct reply *r = say(SAY_STORAGE_FAILED);
	struct reply queued;
	uint8_t text[32];
	struct buf b;

	if (durable == 0)
		return false;
	in->state = INBOUND_OPEN;
	if (durable > 0) {
		schedule_put(&c->schedule, in->mail.message, c->now_s, QUEUE_NORMAL);
		report_accepted(&c->report, in->id, in->mail.message, in->mail.size,
			in->mail.rcpt_count, accept_sender(&in->mail.envelope));
		buf_init(&b, text, sizeof(text));
		buf_puts(&b, "queued as ");
		buf_put_hex(&b, in->mail.message, 8);
		queued = (struct reply){ 250, { 2, 0, 0 }, buf_span(&b) };
		r = &queued;
	}
	if (!in->gone)
		answer(c, in, r);
	return true;
}

static bool on_commit(struct core *c, struct inbound *in, const struct smtpd_event *e)
{
	struct trace client = { .helo = smtpd_helo(&in->smtpd), .esmtp = smtpd_esmtp(&in->smtpd) };
	enum status status;

	if (in->state == INBOUND_COMMITTED)
		return settle(c, in);
	if (e->broken)
		storing_fail(c, &in->mail, say(SAY_BARE_CRLF));
	if (!storing_finish(c, &in->mail, &client))
		return false;
	if (in->mail.failed != NULL)
		return refuse_message(c, in);
	status = storing_commit(c, &in->mail);
	if (status == ST_AGAIN)
		return false;
	if (status != ST_OK) {
		storing_fail(c, &in->mail, accept_storage_reply(status));
		return refuse_message(c, in);
	}
	in->state = INBOUND_COMMITTED;
	return settle(c, in);
}

/* ---- the questions in protocol order ------------------------------------------- */

/* true: answered, the machine goes on. */
static bool inbound_answer(void *self)
{
	struct core *c = ((struct side *)self)->core;
	struct inbound *in = ((struct side *)self)->in;
	struct smtpd_event e = smtpd_event(&in->smtpd);

	switch (e.ask) {
	case SMTPD_ASK_MAIL: on_mail(c, in, &e); return true;
	case SMTPD_ASK_RCPT: on_rcpt(c, in, &e); return true;
	case SMTPD_ASK_DATA: return on_data(c, in);
	case SMTPD_BODY: return on_body(c, in, &e);
	case SMTPD_ASK_COMMIT: return on_commit(c, in, &e);
	case SMTPD_NONE:
	case SMTPD_CLOSE: break;
	}
	return false;
}

static size_t inbound_feed(void *self, struct span bytes)
{
	struct side *x = self;
	struct smtpd_settings set = settings(x->core, x->in);

	return smtpd_feed(&x->in->smtpd, &set, bytes);
}

static struct span inbound_out(void *self)
{
	return smtpd_out(&((struct side *)self)->in->smtpd);
}

static void inbound_sent(void *self, size_t n)
{
	smtpd_sent(&((struct side *)self)->in->smtpd, n);
}

static uint32_t inbound_progress(void *self)
{
	return smtpd_progress(&((struct side *)self)->in->smtpd);
}

static uint32_t inbound_timeout_ms(void *self)
{
	return smtpd_timeout_ms(&((struct side *)self)->in->smtpd);
}

static const struct conn_machine machine = {
	.feed = inbound_feed,
	.turn = inbound_answer,
	.out = inbound_out,
	.sent = inbound_sent,
	.progress = inbound_progress,
	.timeout_ms = inbound_timeout_ms,
};

/* ---- the slot ------------------------------------------------------------------ */

void inbound_open(struct core *c, struct inbound *in, int handle, const struct ip_endpoint *peer,
	bool refused)
{
	struct smtpd_settings set;

	in->state = INBOUND_OPEN;
	in->gone = false;
	in->stopping = refused;
	in->peer = *peer;
	in->id = ++c->session_next;
	storing_init(&in->mail, &peer->ip, route_may_relay(core_conf(c), &peer->ip));
	conn_init(&in->conn, handle);
	set = settings(c, in);
	smtpd_init(&in->smtpd, &set, refused ? say(SAY_TOO_MANY) : NULL);
	report_session(&c->report, in->id, peer, !refused);
}

/* The client is gone.  A message not committed was never answered 250. */
static void hang_up(struct core *c, struct inbound *in)
{
	conn_close(&in->conn, &c->world->net);
	in->gone = true;
	if (in->state == INBOUND_COMMITTED)
		return;
	storing_abort(c, &in->mail);
	in->state = INBOUND_FREE;
}

void inbound_close(struct core *c, struct inbound *in)
{
	if (in->state != INBOUND_FREE)
		hang_up(c, in);
}

void inbound_stop(struct core *c, struct inbound *in)
{
	(void)c;
	if (in->state == INBOUND_FREE || in->gone || in->stopping || !smtpd_idle(&in->smtpd))
		return;
	in->stopping = true;
	smtpd_stop(&in->smtpd, say(SAY_STOPPING));
}

/* Time is up for the client: say so, and if even that cannot be sent, hang up. */
static void time_out(struct core *c, struct inbound *in)
{
	if (!in->stopping)
		report_session_lost(&c->report, in->id, true);
	else
		hang_up(c, in);
	in->stopping = true;
	in->conn.deadline_ms = 0;
	if (!in->gone)
		smtpd_stop(&in->smtpd, say(SAY_TIMEOUT));
}

static uint32_t after_step(struct core *c, struct inbound *in, enum conn_state state)
{
	enum smtpd_ask ask = smtpd_event(&in->smtpd).ask;

	if (ask == SMTPD_CLOSE && smtpd_out(&in->smtpd).len == 0) {
		hang_up(c, in);
		return 0;
	}
	/* Half closed with a question open: the client may still read our answer. */
	if (state == CONN_ENDED && ask != SMTPD_NONE && ask != SMTPD_CLOSE)
		return FLASH_POLL_MS;
	if (state == CONN_ENDED || state == CONN_LOST) {
		if (!in->stopping)
			report_session_lost(&c->report, in->id, false);
		hang_up(c, in);
		return 0;
	}
	if (state == CONN_BUSY)
		return 0;
	if (ask != SMTPD_NONE && ask != SMTPD_CLOSE) {
		in->conn.deadline_ms = 0; /* we are slow, not the client */
		return FLASH_POLL_MS;
	}
	if (state == CONN_TIMED_OUT) {
		time_out(c, in);
		return 0;
	}
	return instant_until_ms(c->now.mono_ms, in->conn.deadline_ms);
}

uint32_t inbound_step(struct core *c, struct inbound *in)
{
	struct side x = { c, in };
	enum conn_state state;

	if (in->state == INBOUND_FREE)
		return UINT32_MAX;
	if (in->gone) {
		if (!settle(c, in))
			return FLASH_POLL_MS;
		in->state = INBOUND_FREE;
		return UINT32_MAX;
	}
	state = conn_step(&in->conn, &c->world->net, c->now.mono_ms, &machine, &x);
	return after_step(c, in, state);
}
