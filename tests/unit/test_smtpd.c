/* SPDX-License-Identifier: BSD-2-Clause */
/* test_smtpd - what the dialogues do not say: back-pressure, progress, deadlines, and any input. */
#include "unit.h"

#include "base/rng.h"
#include "smtp/server.h"

static const struct smtpd_settings set = { .hostname = SPAN_INIT("gw.test"), .size_max = 1000000 };
static const struct reply ok = { 250, { 2, 0, 0 }, SPAN_INIT("Ok") };

static struct smtpd s;

static size_t feed(const char *text)
{
	return smtpd_feed(&s, &set, guarded(text));
}

static void sent_all(void)
{
	smtpd_sent(&s, smtpd_out(&s).len);
}

static void begin(const char *text)
{
	smtpd_init(&s, &set, NULL);
	sent_all();
	assert_int_equal(feed(text), strlen(text));
	sent_all();
}

/* In a body. */
static void begin_body(void)
{
	begin("EHLO client.test\r\n");
	feed("MAIL FROM:<ada@x.test>\r\n");
	smtpd_answer(&s, &set, &ok);
	feed("RCPT TO:<bob@here.test>\r\n");
	smtpd_answer(&s, &set, &ok);
	feed("DATA\r\n");
	assert_false(smtpd_in_data(&s));
	smtpd_answer(&s, &set, &ok);
	sent_all();
	assert_true(smtpd_in_data(&s));
}

/* An open question takes nothing; the answer lets the next command in. */
static void question_stops(void **state)
{
	const char *text = "MAIL FROM:<ada@x.test>\r\nRSET\r\n";
	struct smtpd_event e;

	(void)state;
	begin("HELO client.test\r\n");
	assert_int_equal(feed(text), strlen("MAIL FROM:<ada@x.test>\r\n"));
	assert_int_equal(feed("RSET\r\n"), 0);
	e = smtpd_event(&s);
	assert_int_equal(e.ask, SMTPD_ASK_MAIL);
	assert_span(e.path.local, "ada");
	assert_int_equal(smtpd_out(&s).len, 0);
	smtpd_answer(&s, &set, &ok);
	assert_int_equal(feed("RSET\r\n"), 6);
}

/* A client that reads no replies is not read either, and nothing is lost for it. */
static void replies_stop(void **state)
{
	const char *help = "HELP\r\n";
	unsigned taken = 0;
	size_t reply, all;

	(void)state;
	begin("HELO client.test\r\n");
	feed(help);
	reply = smtpd_out(&s).len;
	sent_all();
	while (taken < 1000 && feed(help) == 6)
		taken++;
	all = smtpd_out(&s).len;
	assert_int_equal(all, taken * reply);
	assert_true(CONFIG_SMTP_REPLY_BUF - all < SMTPD_REPLY_MAX);
	smtpd_sent(&s, 1);
	assert_int_equal(smtpd_out(&s).at[0], '1');
	sent_all();
	assert_int_equal(feed(help), 6);
	assert_int_equal(smtpd_out(&s).len, reply);
}

static void who(void **state)
{
	(void)state;
	begin("NOOP\r\n");
	assert_int_equal(smtpd_helo(&s).len, 0);
	assert_false(smtpd_esmtp(&s));
	feed("EHLO client.test\r\n");
	assert_span(smtpd_helo(&s), "client.test");
	assert_true(smtpd_esmtp(&s));
	feed("HELO [192.0.2.1] and more\r\n");
	assert_span(smtpd_helo(&s), "[192.0.2.1]");
	assert_false(smtpd_esmtp(&s));
}

static void when_idle(void **state)
{
	(void)state;
	begin("NOOP\r\n");
	assert_true(smtpd_idle(&s));
	begin_body();
	assert_false(smtpd_idle(&s));
	feed(".\r\n");
	assert_false(smtpd_idle(&s));
	assert_true(smtpd_in_data(&s));
	smtpd_answer(&s, &set, &ok);
	assert_true(smtpd_idle(&s));
	assert_false(smtpd_in_data(&s));
}

/* Octets now and then are no progress; commands and kilobytes are. */
static void slow_clients(void **state)
{
	uint32_t before;
	unsigned i;

	(void)state;
	begin("HELO client.test\r\n");
	before = smtpd_progress(&s);
	for (i = 0; i < 100000; i++)
		assert_int_equal(feed("x"), 1);
	assert_int_equal(smtpd_progress(&s), before);
	feed("\r\n");
	assert_int_equal(smtpd_progress(&s), before + 1);
	assert_int_equal(smtpd_timeout_ms(&s), CONFIG_SMTP_COMMAND_TIMEOUT_S * 1000);
	begin_body();
	assert_int_equal(smtpd_timeout_ms(&s), CONFIG_SMTP_DATA_TIMEOUT_S * 1000);
	before = smtpd_progress(&s);
	for (i = 0; i < 10 * 1024; i++) {
		assert_int_equal(feed("x"), 1);
		smtpd_body_taken(&s, 1);
	}
	assert_int_equal(smtpd_progress(&s), before + 10);
}

/* A message that will be refused is read on, but not stored. */
static void broken_body(void **state)
{
	(void)state;
	begin_body();
	feed("good\r\n");
	smtpd_body_taken(&s, 6);
	assert_int_equal(feed("bare\nand\r\nmore\r\n"), 16);
	assert_int_equal(smtpd_event(&s).ask, SMTPD_NONE);
	assert_int_equal(feed("\r\n.\r\n"), 5);
	assert_int_equal(smtpd_event(&s).ask, SMTPD_ASK_COMMIT);
	assert_true(smtpd_event(&s).broken);
	smtpd_answer(&s, &set, &ok);
	assert_true(span_starts_nocase(smtpd_out(&s), SPAN("550 5.6.11 ")));
	assert_true(smtpd_idle(&s));
}

/* Stopped at every question: CLOSE, storage still marked open when it was. */
static void stopping(void **state)
{
	const struct reply stop = REPLY(421, 4, 3, 2, "Stopping");

	(void)state;
	begin("HELO client.test\r\n");
	feed("MAIL FROM:<ada@x.test>\r\n");
	smtpd_stop(&s, &stop);
	assert_int_equal(smtpd_event(&s).ask, SMTPD_CLOSE);
	assert_span(smtpd_out(&s), "421 4.3.2 Stopping\r\n");
	smtpd_stop(&s, &stop);
	assert_span(smtpd_out(&s), "421 4.3.2 Stopping\r\n");
	assert_int_equal(feed("NOOP\r\n"), 6);
	assert_false(smtpd_in_data(&s));
	begin_body();
	feed("x");
	smtpd_stop(&s, &stop);
	assert_int_equal(smtpd_event(&s).ask, SMTPD_CLOSE);
	assert_true(smtpd_in_data(&s));
}

/* Hundreds of refused recipients: not a mistake each, but an end to it. */
static void dictionary(void **state)
{
	const struct reply no = REPLY(550, 5, 1, 1, "No such user");
	unsigned n = 0;

	(void)state;
	begin("HELO client.test\r\n");
	feed("MAIL FROM:<>\r\n");
	smtpd_answer(&s, &set, &ok);
	while (n < 1000 && smtpd_event(&s).ask != SMTPD_CLOSE) {
		sent_all();
		feed("RCPT TO:<ada@here.test>\r\n");
		smtpd_answer(&s, &set, &no);
		n++;
	}
	assert_true(n >= SMTPD_IDLE_COMMANDS_MAX / 2 && n <= SMTPD_IDLE_COMMANDS_MAX);
}

/* Whatever comes: questions one at a time, replies as lines, bodies without a lone CR or LF. */
static void check_out(void)
{
	struct span out = smtpd_out(&s);
	size_t i;

	for (i = 0; i < out.len; i++) {
		assert_true(out.at[i] == '\r' || out.at[i] == '\n' ||
			(out.at[i] >= ' ' && out.at[i] < 127));
		assert_true(out.at[i] != '\n' || (i > 0 && out.at[i - 1] == '\r'));
	}
	if (out.len > 0)
		assert_int_equal(out.at[out.len - 1], '\n');
	sent_all();
}

static void answer_any(struct rng *rng)
{
	struct smtpd_event e = smtpd_event(&s);
	struct reply r = ok;

	if (e.ask == SMTPD_BODY) {
		assert_true(e.body.len > 0);
		smtpd_body_taken(&s, 1 + rng_below(rng, (uint32_t)e.body.len));
	} else if (e.ask != SMTPD_NONE && e.ask != SMTPD_CLOSE) {
		if (rng_below(rng, 8) == 0)
			r = REPLY(450, 4, 0, 0, "Later");
		smtpd_answer(&s, &set, &r);
	}
}

static void any_input(void **state)
{
	static const char *const words[] = { "MAIL FROM:<a@b.test>", "RCPT TO:<a@b.test>", "DATA",
		"\r\n", "\r\n", "\r\n", "\r\n", ".", "\n", "\r", "RSET", "HELO x", "EHLO y", "QUIT",
		" ", "x", "\xff", "<", ">", "SIZE=1", "VRFY a", "\x16", "NOOP", "\r\n.\r\n" };
	const uint8_t seed[16] = { 9 };
	struct rng rng;
	unsigned round, i, commits = 0;

	(void)state;
	rng_seed(&rng, seed);
	for (round = 0; round < 3000; round++) {
		struct smtpd_settings any = set;

		any.legacy = round % 2;
		memset(&s, 0xa5, sizeof(s));
		smtpd_init(&s, &any, NULL);
		for (i = 0; i < 120 && smtpd_event(&s).ask != SMTPD_CLOSE; i++) {
			const char *word = words[rng_below(&rng, COUNT(words))];
			size_t at = 0, len = strlen(word);

			if (i < 8)
				word = (const char *[]){ "HELO x", "\r\n", "MAIL FROM:<a@b.test>",
					"\r\n", "RCPT TO:<a@b.test>", "\r\n", "DATA", "\r\n" }[i];
			len = strlen(word);
			while (at < len) {
				at += smtpd_feed(&s, &any,
					guarded_span(span_make(word + at, len - at)));
				check_out();
				commits += smtpd_event(&s).ask == SMTPD_ASK_COMMIT;
				answer_any(&rng);
			}
		}
	}
	assert_true(commits > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_stops),
		cmocka_unit_test(replies_stop),
		cmocka_unit_test(who),
		cmocka_unit_test(when_idle),
		cmocka_unit_test(slow_clients),
		cmocka_unit_test(broken_body),
		cmocka_unit_test(stopping),
		cmocka_unit_test(dictionary),
		cmocka_unit_test(any_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
