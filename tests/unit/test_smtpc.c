/* SPDX-License-Identifier: BSD-2-Clause */
/* test_smtpc - what the dialogues do not say: segments, limits, deadlines, the client against our
 * own server, and any input. */
#include "unit.h"

#include "base/rng.h"
#include "smtp/client.h"
#include "smtp/server.h"

static struct smtpc c;

static void feed(const char *text)
{
	assert_int_equal(smtpc_feed(&c, guarded(text)), strlen(text));
}

static void sent_all(void)
{
	while (smtpc_out(&c).len > 0)
		smtpc_sent(&c, smtpc_out(&c).len);
}

static enum smtpc_ask asked(void)
{
	return smtpc_event(&c).ask;
}

/* Greeted; pipelining and all. */
static void begin(void)
{
	memset(&c, 0xa5, sizeof(c));
	smtpc_init(&c, SPAN("gw.test"));
	assert_int_equal(smtpc_out(&c).len, 0);
	feed("220 there.test\r\n");
	assert_span(smtpc_out(&c), "EHLO gw.test\r\n");
	sent_all();
	feed("250-there.test\r\n250-PIPELINING\r\n250-SIZE\r\n250 8BITMIME\r\n");
	assert_int_equal(asked(), SMTPC_READY);
}

/* A peer that answers an EHLO of which only a part has left: what is left of it must
 * not run into the next command, and what was said not be said again. */
static void an_ehlo_that_is_answered_too_early(void **state)
{
	static const char *const early[] = { "250 there.test\r\n", "500 what?\r\n" };
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		smtpc_init(&c, SPAN("gw.test"));
		feed("220 there.test\r\n");
		smtpc_sent(&c, smtpc_out(&c).len - 1);
		feed(early[i]);
		assert_int_equal(asked(), SMTPC_CLOSED);
		assert_int_equal(smtpc_event(&c).failure, SMTPC_PROTOCOL);
		assert_int_equal(smtpc_out(&c).len, 0);
	}
}

static void begin_mail(void)
{
	const struct smtpc_mail mail = { SPAN("ada@x.test"), 10, false };

	begin();
	smtpc_mail(&c, &mail);
	assert_int_equal(asked(), SMTPC_ASK_RCPT);
	assert_int_equal(smtpc_out(&c).len, 0);
}

static void begin_body(void)
{
	begin_mail();
	smtpc_rcpt(&c, SPAN("bob@there.test"));
	assert_int_equal(smtpc_out(&c).len, 0);
	smtpc_rcpt_end(&c);
	assert_span(smtpc_out(&c),
		"MAIL FROM:<ada@x.test> SIZE=10\r\n"
		"RCPT TO:<bob@there.test>\r\nDATA\r\n");
	sent_all();
	feed("250 ok\r\n250 ok\r\n");
	smtpc_next(&c);
	feed("354 go\r\n");
	assert_int_equal(asked(), SMTPC_ASK_BODY);
}

static void a_reply_before_its_command(void **state)
{
	(void)state;
	begin_mail();
	smtpc_rcpt(&c, SPAN("bob@there.test"));
	smtpc_rcpt_end(&c);
	feed("250 ok\r\n");
	assert_int_equal(asked(), SMTPC_CLOSED);
	assert_int_equal(smtpc_event(&c).failure, SMTPC_PROTOCOL);
}

/* The body's end, its dot and nothing else make the last segment. */
static void last_segment(void **state)
{
	(void)state;
	begin_body();
	assert_int_equal(smtpc_body(&c, SPAN("Subject: x\r\n"), false), 12);
	assert_int_equal(smtpc_out(&c).len, 0);
	assert_int_equal(smtpc_body(&c, SPAN("\r\nend\r\n"), true), 7);
	assert_span(smtpc_out(&c), "Subject: x\r\n\r\nend\r\n.\r\n");
	assert_false(smtpc_dot_sent(&c));
	smtpc_sent(&c, 5);
	assert_false(smtpc_dot_sent(&c));
	sent_all();
	assert_true(smtpc_dot_sent(&c));
	feed("250 ok\r\n");
	assert_false(smtpc_dot_sent(&c));
	assert_int_equal(asked(), SMTPC_RESULT);
}

/* Segments are full but the last, whatever the body's pieces are. */
static void full_segments(void **state)
{
	static uint8_t body[70000];
	size_t at = 0, wire = 0, n;
	struct smtpc_event e;

	(void)state;
	memset(body, 'x', sizeof(body));
	begin_body();
	while (at < sizeof(body)) {
		e = smtpc_event(&c);
		if (e.ask == SMTPC_ASK_BODY) {
			n = sizeof(body) - at < 100 ? sizeof(body) - at : 100;
			n = smtpc_body(&c, guarded_span(span_make(body + at, n)),
				at + n == sizeof(body));
			assert_true(n >= 100 || n >= e.body_room || at + n == sizeof(body));
			at += n;
			continue;
		}
		n = smtpc_out(&c).len;
		assert_true(n > CONFIG_SMTP_CLIENT_BUF - 200);
		smtpc_sent(&c, n);
		wire += n;
	}
	wire += smtpc_out(&c).len;
	sent_all();
	assert_true(smtpc_dot_sent(&c));
	assert_int_equal(wire, sizeof(body) + 5);
}

/* What is lost after the dot may arrive twice; CLOSED still says so. */
static void lost_after_dot(void **state)
{
	(void)state;
	begin_body();
	smtpc_body(&c, SPAN("x"), true);
	smtpc_peer_closed(&c);
	assert_false(smtpc_dot_sent(&c));
	begin_body();
	smtpc_body(&c, SPAN("x"), true);
	sent_all();
	smtpc_timed_out(&c);
	assert_int_equal(asked(), SMTPC_CLOSED);
	assert_int_equal(smtpc_event(&c).stage, SMTPC_AT_DOT);
	assert_int_equal(smtpc_event(&c).failure, SMTPC_CONNECTION);
	assert_true(smtpc_dot_sent(&c));
}

/* After an abort nothing leaves any more, least of all an end. */
static void aborted(void **state)
{
	(void)state;
	begin_body();
	smtpc_body(&c, SPAN("half a line"), false);
	smtpc_abort(&c);
	assert_int_equal(asked(), SMTPC_CLOSED);
	assert_int_equal(smtpc_out(&c).len, 0);
	assert_false(smtpc_dot_sent(&c));
}

/* An open result is told before the end of the connection. */
static void result_first(void **state)
{
	(void)state;
	begin_mail();
	smtpc_rcpt(&c, SPAN("bob@there.test"));
	smtpc_rcpt_end(&c);
	sent_all();
	feed("250 ok\r\n550 5.1.1 no\r\n");
	smtpc_peer_closed(&c);
	assert_int_equal(asked(), SMTPC_RCPT_RESULT);
	assert_int_equal(smtpc_event(&c).reply.code, 550);
	assert_span(smtpc_event(&c).reply.text, "no");
	smtpc_next(&c);
	assert_int_equal(asked(), SMTPC_CLOSED);
	assert_int_equal(smtpc_event(&c).failure, SMTPC_CONNECTION);
	assert_int_equal(smtpc_event(&c).reply.code, 0);
}

static void deadlines(void **state)
{
	(void)state;
	memset(&c, 0, sizeof(c));
	smtpc_init(&c, SPAN("gw.test"));
	assert_int_equal(smtpc_timeout_ms(&c), 300000);
	begin_body();
	assert_int_equal(smtpc_timeout_ms(&c), 180000);
	smtpc_body(&c, SPAN("x"), true);
	sent_all();
	assert_int_equal(smtpc_timeout_ms(&c), 600000);
}

/* One octet of a reply now and then is no progress. */
static void slow_server(void **state)
{
	uint32_t before;
	unsigned i;

	(void)state;
	memset(&c, 0, sizeof(c));
	smtpc_init(&c, SPAN("gw.test"));
	before = smtpc_progress(&c);
	feed("220-");
	for (i = 0; i < 1000; i++)
		feed("x");
	feed("\r\n220-x\r\n");
	assert_int_equal(smtpc_progress(&c), before);
	feed("220 x\r\n");
	assert_true(smtpc_progress(&c) > before);
}

/* ---- against our own server --------------------------------------------------------- */

struct pair {
	struct smtpd server;
	struct smtpd_settings set;
	struct rng rng;
	uint8_t sent[3000], got[4096];
	size_t sent_len, sent_at, got_len;
	unsigned rcpts, asked, given, accepted, refused, rcpts_at_server;
	unsigned committed, delivered;
	bool mailed;
};

static struct pair p;

static void server_side(void)
{
	const struct reply ok = REPLY(250, 2, 0, 0, "Ok"), no = REPLY(550, 5, 1, 1, "No");
	struct smtpd_event e = smtpd_event(&p.server);
	size_t n;

	if (e.ask == SMTPD_BODY) {
		n = 1 + rng_below(&p.rng, (uint32_t)e.body.len);
		assert_true(p.got_len + n <= sizeof(p.got));
		memcpy(p.got + p.got_len, e.body.at, n);
		p.got_len += n;
		smtpd_body_taken(&p.server, n);
	} else if (e.ask == SMTPD_ASK_RCPT) {
		const bool yes = e.path.local.at[0] == 'y';

		p.rcpts_at_server += yes;
		smtpd_answer(&p.server, &p.set, yes ? &ok : &no);
	} else if (e.ask != SMTPD_NONE && e.ask != SMTPD_CLOSE) {
		p.committed += e.ask == SMTPD_ASK_COMMIT;
		smtpd_answer(&p.server, &p.set, &ok);
	}
}

static void client_body(const struct smtpc_event *e)
{
	size_t n = 1 + rng_below(&p.rng, 200), taken;

	if (n > p.sent_len - p.sent_at)
		n = p.sent_len - p.sent_at;
	taken = smtpc_body(&c, guarded_span(span_make(p.sent + p.sent_at, n)),
		p.sent_at + n == p.sent_len);
	assert_true(taken == n || taken >= e->body_room);
	p.sent_at += taken;
}

static void client_side(void)
{
	struct smtpc_event e = smtpc_event(&c);
	const struct smtpc_mail mail = { SPAN("ada@x.test"), (uint32_t)p.sent_len, false };

	switch (e.ask) {
	case SMTPC_READY:
		if (p.mailed)
			smtpc_quit(&c);
		else
			smtpc_mail(&c, &mail);
		p.mailed = true;
		break;
	case SMTPC_ASK_RCPT:
		if (p.asked == p.rcpts) {
			smtpc_rcpt_end(&c);
			break;
		}
		p.asked++;
		smtpc_rcpt(&c, rng_below(&p.rng, 3) ? SPAN("yes@here.test") : SPAN("no@here.test"));
		break;
	case SMTPC_RCPT_RESULT:
		assert_int_equal(e.rcpt, p.accepted + p.refused);
		*(e.reply.code == 250 ? &p.accepted : &p.refused) += 1;
		smtpc_next(&c);
		break;
	case SMTPC_ASK_BODY: client_body(&e); break;
	case SMTPC_RESULT:
		p.delivered += e.stage == SMTPC_AT_DOT && e.reply.code == 250;
		smtpc_next(&c);
		break;
	default: break;
	}
}

/* Some octets each way; a random part is taken. */
static void wires(void)
{
	struct span out = smtpc_out(&c);
	size_t n;

	if (out.len > 0) {
		n = smtpd_feed(&p.server, &p.set,
			guarded_span(span_sub(out, 0, 1 + rng_below(&p.rng, 700))));
		smtpc_sent(&c, n);
	}
	out = smtpd_out(&p.server);
	if (out.len > 0) {
		n = smtpc_feed(&c, guarded_span(span_sub(out, 0, 1 + rng_below(&p.rng, 60))));
		smtpd_sent(&p.server, n);
	}
}

/* Lines as a queue holds them: CRLF only, any dots. */
static void body_make(void)
{
	p.sent_len = 0;
	while (p.sent_len < sizeof(p.sent) - 3 && rng_below(&p.rng, 300) > 0) {
		if (rng_below(&p.rng, 3) == 0) {
			p.sent[p.sent_len++] = '\r';
			p.sent[p.sent_len++] = '\n';
		} else {
			p.sent[p.sent_len++] = (uint8_t) "..x\0\xff"[rng_below(&p.rng, 5)];
		}
	}
	p.sent[p.sent_len++] = '\r';
	p.sent[p.sent_len++] = '\n';
}

static void against_our_server(void **state)
{
	const uint8_t seed[16] = { 11 };
	struct rng rng;
	unsigned round, turn, delivered = 0;

	(void)state;
	rng_seed(&rng, seed);
	for (round = 0; round < 400; round++) {
		memset(&p, 0, sizeof(p));
		p.rng = rng;
		rng_next(&rng);
		p.set.hostname = SPAN("here.test");
		p.set.legacy = round % 3 == 0;
		p.rcpts = rng_below(&p.rng, round % 10 == 0 ? 90 : 6);
		body_make();
		smtpd_init(&p.server, &p.set, NULL);
		smtpc_init(&c, SPAN("gw.test"));
		for (turn = 0; turn < 200000 && asked() != SMTPC_CLOSED; turn++) {
			server_side();
			client_side();
			wires();
		}
		assert_int_equal(asked(), SMTPC_CLOSED);
		assert_int_equal(smtpc_event(&c).failure, SMTPC_DONE);
		assert_int_equal(p.accepted + p.refused, p.rcpts);
		assert_int_equal(p.accepted, p.rcpts_at_server);
		assert_int_equal(p.delivered, p.accepted > 0);
		assert_int_equal(p.committed, p.delivered);
		if (p.delivered && !p.set.legacy)
			assert_true(span_equal(span_make(p.got, p.got_len),
				span_make(p.sent, p.sent_len)));
		delivered += p.delivered;
	}
	assert_true(delivered > 100);
}

/* ---- any input ----------------------------------------------------------------------- */

static void answer_any(struct rng *rng)
{
	const struct smtpc_mail mail = { SPAN("ada@x.test"), 10, rng_below(rng, 2) };
	struct smtpc_event e = smtpc_event(&c);

	switch (e.ask) {
	case SMTPC_READY:
		if (rng_below(rng, 9) == 0)
			smtpc_quit(&c);
		else
			smtpc_mail(&c, &mail);
		break;
	case SMTPC_ASK_RCPT:
		if (rng_below(rng, 3) == 0)
			smtpc_rcpt_end(&c);
		else
			smtpc_rcpt(&c, SPAN("bob@there.test"));
		break;
	case SMTPC_ASK_BODY:
		smtpc_body(&c, SPAN("\r\n.\r\n..\n.\r"), rng_below(rng, 3) == 0);
		break;
	case SMTPC_RCPT_RESULT:
	case SMTPC_RESULT: smtpc_next(&c); break;
	default: break;
	}
	if (rng_below(rng, 2) == 0 && smtpc_out(&c).len > 0)
		smtpc_sent(&c, 1 + rng_below(rng, (uint32_t)smtpc_out(&c).len));
	if (rng_below(rng, 400) == 0)
		smtpc_peer_closed(&c);
}

static void any_input(void **state)
{
	static const char *const words[] = { "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n",
		"354 go\r\n", "354 go\r\n", "550 no\r\n", "450 5.1.1 no\r\n", "421 bye\r\n",
		"220 x\r\n", "250-x\r\n", "2", "\n", "\r",
		"250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 99\r\n", "\xff", " " };
	const uint8_t seed[16] = { 13 };
	struct rng rng;
	unsigned round, i, results = 0;

	(void)state;
	rng_seed(&rng, seed);
	for (round = 0; round < 20000; round++) {
		memset(&c, 0xa5, sizeof(c));
		smtpc_init(&c, SPAN("gw.test"));
		feed("220 x\r\n");
		sent_all();
		for (i = 0; i < 60 && asked() != SMTPC_CLOSED; i++) {
			const char *word = words[rng_below(&rng, COUNT(words) - (i < 20 ? 6 : 0))];

			if (i < 3)
				word = "250-x\r\n250 PIPELINING\r\n";
			smtpc_feed(&c, guarded(word));
			results += asked() == SMTPC_RESULT;
			answer_any(&rng);
		}
	}
	assert_true(results > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ehlo_that_is_answered_too_early),
		cmocka_unit_test(a_reply_before_its_command),
		cmocka_unit_test(last_segment),
		cmocka_unit_test(full_segments),
		cmocka_unit_test(lost_after_dot),
		cmocka_unit_test(aborted),
		cmocka_unit_test(result_first),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(slow_server),
		cmocka_unit_test(against_our_server),
		cmocka_unit_test(any_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
