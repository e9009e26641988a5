/* SPDX-License-Identifier: BSD-2-Clause */
/* The server under test: C: lines are fed as one stream, whatever comes back between. */
#include "dialog/script.h"

#include "smtp/server.h"

#include <stdlib.h>
#include <string.h>

static struct smtpd_settings settings_of(const struct script *s)
{
	return (struct smtpd_settings){
		.hostname = SPAN("gw.test"),
		.size_max = s->size_max,
		.legacy = s->legacy,
	};
}

static void drain(struct run *r, struct smtpd *s)
{
	struct span out;
	size_t n;

	for (out = smtpd_out(s); out.len > 0; out = smtpd_out(s)) {
		n = out.len < r->step ? out.len : r->step;
		run_wrote(r, 'S', span_sub(out, 0, n));
		smtpd_sent(s, n);
	}
}

/* "BODY text", once, whatever the pieces were.  How much of a broken message was given
 * before it broke depends on the pieces, and is of no interest. */
static void body_flush(struct run *r, bool is_broken)
{
	static uint8_t text[sizeof(r->body) + 8];

	if (is_broken)
		r->body_len = 0;
	if (r->body_len == 0)
		return;
	memcpy(text, "BODY ", 5);
	memcpy(text + 5, r->body, r->body_len);
	run_happened(r, '?', span_make(text, r->body_len + 5));
	r->body_len = 0;
}

static void body_take(struct run *r, struct smtpd *s, struct span body)
{
	const size_t n = body.len < r->step ? body.len : r->step;

	if (r->body_len + n > sizeof(r->body))
		abort();
	memcpy(r->body + r->body_len, body.at, n);
	r->body_len += n;
	smtpd_body_taken(s, n);
}

static struct span question(const struct smtpd_event *e)
{
	static uint8_t text[512];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	switch (e->ask) {
	case SMTPD_ASK_MAIL:
	case SMTPD_ASK_RCPT:
		buf_puts(&b, e->ask == SMTPD_ASK_MAIL ? "MAIL " : "RCPT ");
		buf_puts(&b, address_is_null(&e->path) ? "<>" : "");
		address_put(&b, &e->path);
		if (e->size > 0) {
			buf_puts(&b, " size=");
			buf_put_u32(&b, e->size);
		}
		break;
	case SMTPD_ASK_DATA: buf_puts(&b, "DATA"); break;
	case SMTPD_ASK_COMMIT: buf_puts(&b, e->broken ? "COMMIT broken" : "COMMIT"); break;
	default: buf_puts(&b, "CLOSE"); break;
	}
	return buf_span(&b);
}

static void answer(struct run *r, struct smtpd *s, const struct smtpd_settings *set,
	struct span text)
{
	const struct reply stop = REPLY(421, 4, 3, 2, "Stopping");
	struct reply reply;

	if (span_starts_nocase(text, SPAN("STOP "))) {
		smtpd_stop(s, &stop);
		text = span_from(text, 5);
	}
	reply = script_reply(text.len > 0 ? text : SPAN("OK"));
	if (!r->failed && smtpd_event(s).ask != SMTPD_CLOSE)
		smtpd_answer(s, set, &reply);
}

/* Until the machine asks nothing and says nothing.  closed: CLOSE was told. */
static void settle(struct run *r, struct smtpd *s, const struct smtpd_settings *set, bool *closed)
{
	struct smtpd_event e;

	while (!r->failed) {
		drain(r, s);
		e = smtpd_event(s);
		if (e.ask == SMTPD_BODY) {
			body_take(r, s, e.body);
			continue;
		}
		if (e.ask == SMTPD_NONE || *closed)
			return;
		body_flush(r, e.broken);
		if (e.ask == SMTPD_CLOSE) {
			*closed = true;
			run_happened(r, '?', SPAN("CLOSE"));
			return;
		}
		answer(r, s, set, run_happened(r, '?', question(&e)));
	}
}

static void act(struct smtpd *s, struct span action)
{
	const struct reply timeout = REPLY(421, 4, 4, 2, "Too slow");

	if (span_equal(action, SPAN("timeout")))
		smtpd_stop(s, &timeout);
	else
		abort();
}

void run_server(struct run *r)
{
	const struct smtpd_settings set = settings_of(r->script);
	static struct smtpd s;
	bool closed = false;
	struct span in, action;
	size_t n;

	memset(&s, 0xa5, sizeof(s));
	smtpd_init(&s, &set, r->script->refused ? &r->script->refusal : NULL);
	do {
		settle(r, &s, &set, &closed);
		in = run_input(r, 'C', true);
		while (in.len > 0 && !r->failed) {
			n = smtpd_feed(&s, &set, run_guard(span_sub(in, 0, r->step)));
			in = span_from(in, n);
			if (n == 0 && smtpd_event(&s).ask == SMTPD_NONE)
				abort();
			settle(r, &s, &set, &closed);
		}
		action = run_action(r, 'C');
		if (action.len > 0)
			act(&s, action);
	} while (action.len > 0);
	run_end(r, 'C');
}
