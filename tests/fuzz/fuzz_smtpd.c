/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_smtpd - the server machine: what it says and asks is the same in whatever pieces the
 * client speaks, its replies are replies, and no lone CR or LF gets through unrefused. */
#include "fuzz/fuzz.h"

#include "smtp/server.h"

#include <string.h>

#define BODY_MAX (1u << 20)

struct session {
	struct smtpd s;
	struct smtpd_settings set;
	struct fuzz_pieces pieces;
	struct fuzz_log log;
	uint32_t seed, asked;
	bool closed;
	struct span in;        /* all that the client says */
	size_t taken, data_at; /* how much of it was taken; where the last body begins */
	struct buf body;
	uint8_t octets[BODY_MAX];
};

/* A line of ours: three digits, blank or hyphen, printable text, CRLF. */
static void check_replies(struct span out)
{
	struct span line;

	while (out.len > 0) {
		line = fuzz_take(&out, span_find(out, '\n') + 1);
		MUST(line.len >= 6 && line.len <= REPLY_LINE_MAX);
		MUST(byte_is_digit(line.at[0]) && byte_is_digit(line.at[1]) &&
			byte_is_digit(line.at[2]));
		MUST(line.at[3] == ' ' || line.at[3] == '-');
		MUST(fuzz_crlf_only(line) && fuzz_printable(line));
	}
}

static void drain(struct session *x)
{
	const struct span out = smtpd_out(&x->s);
	size_t n;

	if (out.len == 0)
		return;
	check_replies(out);
	buf_put(&x->log.b, out);
	while (smtpd_out(&x->s).len > 0) {
		n = fuzz_piece(&x->pieces, smtpd_out(&x->s).len);
		smtpd_sent(&x->s, n);
	}
}

/* Yes most of the time; which question gets another answer is in the seed. */
static struct reply answer_to(const struct session *x)
{
	switch ((x->seed >> (x->asked % 13)) * 2654435761u >> 28) {
	case 0: return REPLY(550, 5, 1, 1, "No");
	case 1: return REPLY(451, 4, 3, 0, "Not now");
	case 2: return x->asked % 3 == 0 ? REPLY(421, 4, 3, 2, "Enough") : REPLY(452, 4, 5, 3, "");
	default: return REPLY(250, 2, 0, 0, "Yes");
	}
}

static void note_path(struct session *x, const char *what, const struct smtpd_event *e)
{
	uint8_t text[CONFIG_SMTP_LINE_MAX];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	address_put(&b, &e->path);
	MUST(!b.overflow && fuzz_printable(buf_span(&b)));
	fuzz_note(&x->log, what, buf_span(&b));
	fuzz_note_number(&x->log, "size", e->size);
}

/* What a second reader makes of the same octets: lines, a dot taken off, up to the lone one. */
static void check_body(const struct session *x)
{
	struct span wire = span_sub(x->in, x->data_at, x->taken - x->data_at), line;
	struct span body = buf_span(&x->body);

	MUST(fuzz_crlf_only(wire));
	for (;;) {
		line = fuzz_take(&wire, span_find(wire, '\n') + 1);
		if (span_equal(line, SPAN(".\r\n")))
			break;
		line = span_from(line, line.len > 0 && line.at[0] == '.');
		MUST(line.len > 0 && span_equal(fuzz_take(&body, line.len), line));
	}
	MUST(wire.len == 0 && body.len == 0);
}

static void note_commit(struct session *x, const struct smtpd_event *e)
{
	fuzz_note_number(&x->log, "commit broken", e->broken);
	if (!e->broken) {
		MUST(fuzz_crlf_only(buf_span(&x->body)));
		if (!x->set.legacy)
			check_body(x);
		MUST(x->set.size_max == 0 || x->body.len <= x->set.size_max);
		fuzz_note(&x->log, "body", buf_span(&x->body));
	}
	buf_clear(&x->body);
}

static void answer(struct session *x, const struct smtpd_event *e)
{
	const struct reply stop = REPLY(421, 4, 3, 2, "Stopping"), r = answer_to(x);

	if (e->ask == SMTPD_ASK_COMMIT)
		note_commit(x, e);
	else if (e->ask == SMTPD_ASK_DATA)
		x->data_at = x->taken;
	else
		note_path(x, e->ask == SMTPD_ASK_MAIL ? "mail" : "rcpt", e);
	x->asked++;
	if (x->seed % 61 == x->asked)
		smtpd_stop(&x->s, &stop);
	if (smtpd_event(&x->s).ask != SMTPD_CLOSE)
		smtpd_answer(&x->s, &x->set, &r);
}

static void settle(struct session *x)
{
	struct smtpd_event e;
	size_t n;

	for (;;) {
		drain(x);
		e = smtpd_event(&x->s);
		MUST(smtpd_in_data(&x->s) || (e.ask != SMTPD_BODY && e.ask != SMTPD_ASK_COMMIT));
		if (e.ask == SMTPD_NONE || x->closed)
			return;
		if (e.ask == SMTPD_CLOSE) {
			x->closed = true;
			fuzz_note(&x->log, "close", SPAN_EMPTY);
		} else if (e.ask == SMTPD_BODY) {
			MUST(e.body.len > 0);
			n = fuzz_piece(&x->pieces, e.body.len);
			buf_put_max(&x->body, e.body, n);
			smtpd_body_taken(&x->s, n);
		} else {
			answer(x, &e);
		}
	}
}

static void run(struct session *x, uint32_t options, struct span in, uint32_t pieces)
{
	const struct reply refusal = REPLY(421, 4, 3, 2, "Busy");
	struct span piece;
	size_t n;

	memset(&x->s, 0xa5, sizeof(x->s));
	x->set = (struct smtpd_settings){ SPAN("gw.test"), options & 2 ? 300 : 0, options & 1 };
	x->pieces = fuzz_pieces(pieces);
	x->seed = options >> 3;
	x->asked = 0;
	x->closed = false;
	x->in = in;
	x->taken = 0;
	buf_init(&x->body, x->octets, sizeof(x->octets));
	fuzz_log_begin(&x->log);
	smtpd_init(&x->s, &x->set, (options & 0xffu) == 0xf4u ? &refusal : NULL);
	settle(x);
	while (in.len > 0) {
		piece = fuzz_exact(fuzz_take(&in, fuzz_piece(&x->pieces, in.len)));
		while (piece.len > 0) {
			n = smtpd_feed(&x->s, &x->set, piece);
			MUST(n <= piece.len && (n > 0 || smtpd_event(&x->s).ask != SMTPD_NONE));
			span_skip(&piece, n);
			x->taken += n;
			settle(x);
		}
	}
	MUST(smtpd_timeout_ms(&x->s) > 0);
	fuzz_note(&x->log, "helo", smtpd_helo(&x->s));
	fuzz_note_number(&x->log, "idle", smtpd_idle(&x->s));
	fuzz_note_number(&x->log, "open", smtpd_in_data(&x->s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct session whole, parts;
	struct span in = span_make(data, size);
	const uint32_t options = fuzz_u16(&in), pieces = fuzz_u8(&in);

	run(&whole, options, in, 0);
	run(&parts, options, in, pieces + 1);
	fuzz_log_same(&whole.log, &parts.log);
	return 0;
}
