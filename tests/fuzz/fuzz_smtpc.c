/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_smtpc - the client machine: a server may say anything, in any pieces.  What the machine
 * sends and reports is the same, it sends only whole commands, and every recipient and
 * every message gets one result. */
#include "fuzz/fuzz.h"

#include "smtp/client.h"

#include <string.h>

#define RCPTS_MAX 12u

struct session {
	struct smtpc s;
	struct fuzz_pieces pieces;
	struct fuzz_log log;
	uint32_t seed;
	uint32_t messages, results;
	uint16_t given, replied, rcpts;
	bool closed, in_message;
	size_t body_at;
	struct buf sent;
	uint8_t octets[1u << 18];
};

static const struct span body = SPAN_INIT("Subject: x\r\n\r\n.dot\r\nbare \r cr\n lf\r\n..\r\n.");

static void drain(struct session *x)
{
	struct span out;
	size_t n;

	for (out = smtpc_out(&x->s); out.len > 0; out = smtpc_out(&x->s)) {
		n = fuzz_piece(&x->pieces, out.len);
		buf_put(&x->log.b, span_sub(out, 0, n));
		buf_put(&x->sent, span_sub(out, 0, n));
		smtpc_sent(&x->s, n);
	}
	MUST(!x->sent.overflow);
}

static void note(struct session *x, const struct smtpc_event *e)
{
	fuzz_note_number(&x->log, "event", (uint32_t)e->ask);
	fuzz_note_number(&x->log, "stage", (uint32_t)e->stage);
	fuzz_note_number(&x->log, "failure", (uint32_t)e->failure);
	fuzz_note_number(&x->log, "rcpt", e->rcpt);
	fuzz_note_number(&x->log, "code", e->reply.code);
	fuzz_note(&x->log, "text", e->reply.text);
	MUST(e->reply.code == 0 || (e->reply.code >= 200 && e->reply.code < 600));
	MUST(fuzz_printable(e->reply.text) && e->reply.text.len <= REPLY_TEXT_MAX);
}

static void ready(struct session *x)
{
	const struct smtpc_mail m = { x->seed & 2 ? SPAN_EMPTY : SPAN("ada@x.test"),
		x->seed & 4 ? 100000 : 50, x->seed & 8 };

	MUST(!x->in_message);
	if (x->messages == 1 + x->seed % 3) {
		smtpc_quit(&x->s);
		return;
	}
	x->messages++;
	x->in_message = true;
	x->given = x->replied = 0;
	x->rcpts = (uint16_t)(1 + (x->seed >> 4) % RCPTS_MAX);
	x->body_at = 0;
	smtpc_mail(&x->s, &m);
}

static void give_rcpt(struct session *x)
{
	if (x->given == x->rcpts) {
		smtpc_rcpt_end(&x->s);
		return;
	}
	x->given++;
	smtpc_rcpt(&x->s, SPAN("bob@there.test"));
}

static void give_body(struct session *x)
{
	const struct span left = span_from(body, x->body_at);
	const struct span piece = span_sub(left, 0, fuzz_piece(&x->pieces, left.len));
	const size_t n = smtpc_body(&x->s, piece, piece.len == left.len);

	if (x->seed % 29 == 5) {
		smtpc_abort(&x->s);
		return;
	}
	MUST(n <= piece.len);
	x->body_at += n;
}

static bool is_result(enum smtpc_ask ask)
{
	return ask == SMTPC_RCPT_RESULT || ask == SMTPC_RESULT || ask == SMTPC_CLOSED;
}

static void answer_result(struct session *x, const struct smtpc_event *e)
{
	note(x, e);
	if (e->ask == SMTPC_CLOSED) {
		x->closed = true;
		return;
	}
	MUST(x->in_message);
	if (e->ask == SMTPC_RCPT_RESULT) {
		MUST(e->rcpt == x->replied && e->rcpt < x->given);
		x->replied++;
	} else {
		x->in_message = false;
		x->results++;
	}
	smtpc_next(&x->s);
}

/* Until the machine only waits; while more is there (fed), only results are taken. */
static void settle(struct session *x, bool fed)
{
	struct smtpc_event e;

	for (;;) {
		if (!fed)
			drain(x);
		e = smtpc_event(&x->s);
		if (e.ask == SMTPC_NONE || x->closed || (fed && !is_result(e.ask)))
			return;
		if (is_result(e.ask))
			answer_result(x, &e);
		else if (e.ask == SMTPC_READY)
			ready(x);
		else if (e.ask == SMTPC_ASK_RCPT)
			give_rcpt(x);
		else
			give_body(x);
	}
}

/* All that was sent: lines, which end in CRLF. */
static void check_sent(const struct session *x)
{
	const struct span sent = buf_span(&x->sent);

	MUST(sent.len == 0 || sent.at[sent.len - 1] == '\n' || x->closed || x->in_message);
	MUST(fuzz_crlf_only(span_sub(sent, 0, span_find_last(sent, '\n') + 1)));
}

static void run(struct session *x, uint32_t seed, struct span in, uint32_t pieces)
{
	struct span heard, piece;
	size_t n;

	memset(&x->s, 0xa5, sizeof(x->s));
	memset(&x->messages, 0, (size_t)((uint8_t *)&x->sent - (uint8_t *)&x->messages));
	x->pieces = fuzz_pieces(pieces);
	x->seed = seed;
	buf_init(&x->sent, x->octets, sizeof(x->octets));
	fuzz_log_begin(&x->log);
	smtpc_init(&x->s, SPAN("gw.test"));
	settle(x, false);
	while (in.len > 0 && !x->closed) {
		heard = fuzz_take(&in, span_find(in, 0)); /* what comes before the client acts */
		(void)fuzz_u8(&in);
		while (heard.len > 0 && !x->closed) {
			piece = fuzz_exact(fuzz_take(&heard, fuzz_piece(&x->pieces, heard.len)));
			while (piece.len > 0 && !x->closed) {
				n = smtpc_feed(&x->s, piece);
				MUST(n <= piece.len);
				MUST(n > 0 || is_result(smtpc_event(&x->s).ask));
				span_skip(&piece, n);
				settle(x, piece.len > 0 || heard.len > 0);
			}
		}
		settle(x, false);
	}
	if (!x->closed) {
		(seed & 1 ? smtpc_peer_closed : smtpc_timed_out)(&x->s);
		settle(x, false);
	}
	MUST(x->closed && x->results + x->in_message == x->messages);
	check_sent(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct session whole, parts;
	struct span in = span_make(data, size);
	const uint32_t seed = fuzz_u16(&in), pieces = fuzz_u8(&in);

	run(&whole, seed, in, 0);
	run(&parts, seed, in, pieces + 1);
	fuzz_log_same(&whole.log, &parts.log);
	return 0;
}
