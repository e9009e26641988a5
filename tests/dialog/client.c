/* SPDX-License-Identifier: BSD-2-Clause */
/* The client under test: S: lines are fed when everything before them has happened. */
#include "dialog/script.h"

#include "smtp/client.h"

#include <stdlib.h>
#include <string.h>

static const char *const stages[] = { "BANNER", "EHLO", "MAIL", "RCPT", "DATA", "DOT", "QUIT",
	"RSET" };
static const char *const failures[] = { "done", "connection", "protocol", "capability", "replied" };

static void reply_text(struct buf *b, const struct reply *r)
{
	buf_put_u32(b, r->code);
	if (r->enhanced[0] > 0) {
		buf_puts(b, " ");
		reply_enhanced_put(b, r->enhanced);
	}
	buf_puts(b, r->text.len > 0 ? " " : "");
	buf_put(b, r->text);
}

static struct span question(const struct smtpc_event *e)
{
	static uint8_t text[512];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	switch (e->ask) {
	case SMTPC_READY: buf_puts(&b, "READY"); break;
	case SMTPC_ASK_RCPT: buf_puts(&b, "RCPT"); break;
	case SMTPC_ASK_BODY: buf_puts(&b, "BODY"); break;
	case SMTPC_RCPT_RESULT:
		buf_puts(&b, "RCPT ");
		buf_put_u32(&b, e->rcpt);
		buf_puts(&b, ": ");
		reply_text(&b, &e->reply);
		break;
	default:
		buf_puts(&b, e->ask == SMTPC_RESULT ? "RESULT " : "CLOSED ");
		buf_puts(&b, stages[e->stage]);
		buf_puts(&b, " ");
		buf_puts(&b, failures[e->failure]);
		buf_puts(&b, ": ");
		reply_text(&b, &e->reply);
		break;
	}
	return buf_span(&b);
}

/* "MAIL ada@x.test size=10 8bit" or "QUIT" */
static void answer_ready(struct smtpc *s, struct span text)
{
	struct smtpc_mail mail = { .size = 100 };
	struct span word;

	if (span_equal(span_word(&text), SPAN("QUIT"))) {
		smtpc_quit(s);
		return;
	}
	mail.reverse_path = span_word(&text);
	if (span_equal(mail.reverse_path, SPAN("<>")))
		mail.reverse_path = SPAN_EMPTY;
	while (text.len > 0) {
		word = span_word(&text);
		if (span_equal(word, SPAN("8bit")))
			mail.eight_bit = true;
		else if (!span_to_u32(span_from(word, 5), UINT32_MAX, &mail.size))
			abort();
	}
	smtpc_mail(s, &mail);
}

/* The body goes in as pieces of step octets, as far as each is taken. */
static void answer_body(struct run *r, struct smtpc *s, struct span text)
{
	struct span piece;
	bool last;

	if (span_equal(text, SPAN("ABORT"))) {
		smtpc_abort(s);
		return;
	}
	if (r->body_len == 0) {
		memcpy(r->body, text.at, text.len);
		r->body_len = text.len;
	}
	text = span_make(r->body, r->body_len);
	piece = run_guard(span_sub(text, 0, r->step));
	last = piece.len == text.len;
	text = span_from(text, smtpc_body(s, piece, last));
	r->body_len = text.len;
	if (text.len > 0)
		memmove(r->body, text.at, text.len);
}

static void answer(struct run *r, struct smtpc *s, enum smtpc_ask ask, struct span text)
{
	if (r->failed)
		return;
	if (ask == SMTPC_READY)
		answer_ready(s, text);
	else if (ask == SMTPC_ASK_RCPT && span_equal(text, SPAN("END")))
		smtpc_rcpt_end(s);
	else if (ask == SMTPC_ASK_RCPT)
		smtpc_rcpt(s, text);
	else if (ask == SMTPC_ASK_BODY)
		answer_body(r, s, text);
	else
		smtpc_next(s);
}

static void drain(struct run *r, struct smtpc *s)
{
	struct span out;
	size_t n;

	for (out = smtpc_out(s); out.len > 0; out = smtpc_out(s)) {
		n = out.len < r->step ? out.len : r->step;
		run_wrote(r, 'C', span_sub(out, 0, n));
		smtpc_sent(s, n);
	}
}

static bool result(enum smtpc_ask ask)
{
	return ask == SMTPC_RCPT_RESULT || ask == SMTPC_RESULT || ask == SMTPC_CLOSED;
}

/* Until the machine only waits.  Questions stay open, and nothing leaves, while more of
 * what the server says is there (fed), or comes next in the script. */
static void settle(struct run *r, struct smtpc *s, bool fed, bool *closed)
{
	struct smtpc_event e;
	const struct script_line *next;

	while (!r->failed && !*closed) {
		if (!fed)
			drain(r, s);
		e = smtpc_event(s);
		if (e.ask == SMTPC_NONE || (fed && !result(e.ask)))
			return;
		next = &r->script->lines[r->next];
		if (e.ask == SMTPC_ASK_BODY && r->body_len > 0) {
			answer_body(r, s, SPAN_EMPTY);
			continue;
		}
		if (r->next < r->script->count && (next->kind == 'S' || next->kind == '!') &&
			!result(e.ask))
			return;
		*closed = e.ask == SMTPC_CLOSED;
		if (*closed)
			run_happened(r, '?', question(&e));
		else
			answer(r, s, e.ask, run_happened(r, '?', question(&e)));
	}
}

static void act(struct smtpc *s, struct span action)
{
	if (span_equal(action, SPAN("closed")))
		smtpc_peer_closed(s);
	else if (span_equal(action, SPAN("timeout")))
		smtpc_timed_out(s);
	else
		abort();
}

void run_client(struct run *r)
{
	static struct smtpc s;
	bool closed = false;
	struct span in, action;

	memset(&s, 0xa5, sizeof(s));
	smtpc_init(&s, SPAN("gw.test"));
	do {
		settle(r, &s, false, &closed);
		in = run_input(r, 'S', false);
		action = in.len == 0 ? run_action(r, 0) : SPAN_EMPTY;
		if (action.len > 0)
			act(&s, action);
		while (in.len > 0 && !r->failed) {
			const size_t n = smtpc_feed(&s, run_guard(span_sub(in, 0, r->step)));

			in = span_from(in, n);
			if (n == 0 && smtpc_event(&s).ask == SMTPC_NONE)
				abort();
			settle(r, &s, in.len > 0, &closed);
		}
	} while (!r->failed && r->next < r->script->count);
	settle(r, &s, false, &closed);
	run_end(r, 0);
}
