/* SPDX-License-Identifier: BSD-2-Clause */
#include "smtp/client.h"

#include "base/check.h"
#include "mail/printable.h"
#include "mail/word.h"

#include <string.h>

/* The longest command: "MAIL FROM:<...> SIZE=4294967295 BODY=8BITMIME" behind an "RSET". */
#define COMMAND_MAX (ADDRESS_MAX + 60u)

/* A body piece is asked for until less room than this is left: a full segment. */
#define ROOM_MIN 64u

_Static_assert(CONFIG_SMTP_CLIENT_BUF >= COMMAND_MAX, "every command must fit");
_Static_assert(CONFIG_SMTP_CLIENT_RING >= 4, "RSET, MAIL, one RCPT and DATA");

/* The walk, by what is waited for:
 *
 *   GREETING -220-> HELLO -250-> IDLE -smtpc_mail-> RCPTS -smtpc_rcpt_end-> REPLIES
 *   REPLIES -354-> CONTENT -last octet-> REPLIES -the dot's reply, RESULT-> IDLE
 *   IDLE -smtpc_quit-> QUITTING
 *
 * MAIL refused, or no recipient accepted: from RCPTS or REPLIES through DRAIN, where the
 * replies to what was pipelined are swallowed, to IDLE.  Any state leads to OVER. */
enum { GREETING, HELLO, IDLE, RCPTS, REPLIES, CONTENT, DRAIN, QUITTING, OVER };

static const struct reply no_recipient = { 554, { 5, 5, 1 },
	SPAN_INIT("No recipient was accepted") };
static const struct reply too_big = { 552, { 5, 3, 4 },
	SPAN_INIT("The next host does not take messages of this size") };
static const struct reply not_8bit = { 554, { 5, 6, 3 },
	SPAN_INIT("The next host does not take 8-bit content") };
static const struct reply nothing_said = { 0 };

/* ---- the ring of expected replies ----------------------------------------------- */

static void expect(struct smtpc *s, enum smtpc_stage stage)
{
	CHECK(s->ring_count < CONFIG_SMTP_CLIENT_RING);
	if (s->ring_count == 0)
		s->said = false;
	s->ring[(s->ring_first + s->ring_count) % CONFIG_SMTP_CLIENT_RING] = (uint8_t)stage;
	s->ring_count++;
}

static uint8_t expected_next(struct smtpc *s)
{
	const uint8_t stage = s->ring[s->ring_first];

	CHECK(s->ring_count > 0);
	s->ring_first = (uint8_t)((s->ring_first + 1u) % CONFIG_SMTP_CLIENT_RING);
	s->ring_count--;
	return stage;
}

/* What the peer is busy with; for the timeout and for "lost connection while". */
static uint8_t stage_now(const struct smtpc *s)
{
	if (s->ring_count > 0)
		return s->ring[s->ring_first];
	if (s->state == CONTENT)
		return SMTPC_AT_DOT;
	return s->state <= HELLO ? SMTPC_AT_EHLO : SMTPC_AT_MAIL;
}

/* ---- events ----------------------------------------------------------------------- */

static void report(struct smtpc *s, enum smtpc_ask event, uint8_t stage, enum smtpc_failure failure,
	const struct reply *ours)
{
	s->event = (uint8_t)event;
	s->stage = stage;
	s->failure = (uint8_t)failure;
	s->ours = ours;
}

static void close_with(struct smtpc *s, enum smtpc_failure failure, uint8_t stage)
{
	/* What is still in out must not leave: half a body with an end that we
	 * did not mean would be a message. */
	buf_clear(&s->unsent);
	s->out_at = s->out_held = 0;
	s->state = OVER;
	s->filling = false;
	s->closing = true;
	s->close_stage = stage;
	s->close_failure = (uint8_t)failure;
}

/* The end is told when no other event stands before it. */
static void close_report(struct smtpc *s)
{
	const bool spoken = s->close_failure == SMTPC_REPLIED;

	if (!s->closing || s->event != SMTPC_NONE)
		return;
	report(s, SMTPC_CLOSED, s->close_stage, (enum smtpc_failure)s->close_failure,
		spoken ? NULL : &nothing_said);
}

/* ---- commands --------------------------------------------------------------------- */

static void path_put(struct smtpc *s, const char *verb, struct span path)
{
	buf_puts(&s->unsent, verb);
	printable_put(&s->unsent, span_head(path, ADDRESS_MAX));
}

/* A command, or its end behind a path: its reply is expected. */
static void command(struct smtpc *s, enum smtpc_stage stage, const char *text)
{
	buf_puts(&s->unsent, text);
	CHECK(!s->unsent.overflow);
	expect(s, stage);
}

/* The message is done with here; replies to what was pipelined may still come. */
static void transaction_over(struct smtpc *s)
{
	s->state = s->ring_count > 0 ? DRAIN : IDLE;
}

static void dot_alone(struct smtpc *s)
{
	command(s, SMTPC_AT_DOT, ".\r\n");
	s->rset_due = false; /* the dot ends the transaction, whatever is said to it */
}

/* ---- replies ---------------------------------------------------------------------- */

/* One line of EHLO's reply (RFC 5321 4.1.1.1); the first carries the peer's name. */
static void capability(struct smtpc *s)
{
	struct span line = reply_parser_line(&s->parser);
	const int keyword = word_among(span_word(&line), "PIPELINING 8BITMIME SIZE");

	if (s->parser.lines < 2 || s->helo)
		return;
	if (keyword == 0)
		s->pipelining = true;
	else if (keyword == 1)
		s->eight_bit_mime = true;
	else if (keyword == 2) {
		s->size_known = true;
		if (!span_to_u32(span_word(&line), UINT32_MAX, &s->size_max))
			s->size_max = 0; /* no number, or one beyond any message */
	}
}

static void on_banner(struct smtpc *s, unsigned class)
{
	if (class != 2) {
		close_with(s, SMTPC_REPLIED, SMTPC_AT_BANNER);
		return;
	}
	s->state = HELLO;
	expect(s, SMTPC_AT_EHLO);
}

static void on_ehlo(struct smtpc *s, unsigned class)
{
	if (s->out_at < s->unsent.len) {
		close_with(s, SMTPC_PROTOCOL, SMTPC_AT_EHLO); /* before all of it was said */
	} else if (class == 2) {
		buf_clear(&s->unsent);
		s->out_at = 0;
		s->state = IDLE;
	} else if (class == 5 && !s->helo) {
		/* A server of RFC 821: the same line with the other verb. */
		memcpy(s->out, "HELO", 4);
		s->out_at = 0;
		s->helo = true;
		expect(s, SMTPC_AT_EHLO);
	} else {
		close_with(s, SMTPC_REPLIED, SMTPC_AT_EHLO);
	}
}

static void on_mail(struct smtpc *s, unsigned class)
{
	if (class == 2) {
		s->rset_due = true;
		return;
	}
	report(s, SMTPC_RESULT, SMTPC_AT_MAIL, SMTPC_REPLIED, NULL);
	transaction_over(s);
}

static void on_rcpt(struct smtpc *s, unsigned class)
{
	s->rcpts_replied++;
	s->rcpts_accepted = (uint16_t)(s->rcpts_accepted + (class == 2));
	report(s, SMTPC_RCPT_RESULT, SMTPC_AT_RCPT, SMTPC_REPLIED, NULL);
}

static void on_data(struct smtpc *s, unsigned class)
{
	if (class == 3 && s->rcpts_accepted > 0) {
		dot_encoder_init(&s->dot);
		s->state = CONTENT;
		s->filling = true;
		return;
	}
	/* 354 although nobody is to get it: an empty message for no one, whose
	 * reply says nothing (RFC 2920 3.1). */
	if (class == 3)
		dot_alone(s);
	if (s->rcpts_accepted > 0)
		report(s, SMTPC_RESULT, SMTPC_AT_DATA, SMTPC_REPLIED, NULL);
	else
		report(s, SMTPC_RESULT, SMTPC_AT_RCPT, SMTPC_REPLIED, &no_recipient);
	transaction_over(s);
}

static void on_dot(struct smtpc *s, unsigned class)
{
	(void)class;
	s->rset_due = s->dot_sent = false;
	report(s, SMTPC_RESULT, SMTPC_AT_DOT, SMTPC_REPLIED, NULL);
	transaction_over(s);
}

static void on_quit(struct smtpc *s, unsigned class)
{
	(void)class;
	close_with(s, SMTPC_DONE, SMTPC_AT_QUIT);
}

static void on_rset(struct smtpc *s, unsigned class)
{
	(void)class;
	s->out_held = 0;
}

static void (*const on_stage[])(struct smtpc *, unsigned class) = {
	[SMTPC_AT_BANNER] = on_banner,
	[SMTPC_AT_EHLO] = on_ehlo,
	[SMTPC_AT_MAIL] = on_mail,
	[SMTPC_AT_RCPT] = on_rcpt,
	[SMTPC_AT_DATA] = on_data,
	[SMTPC_AT_DOT] = on_dot,
	[SMTPC_AT_QUIT] = on_quit,
	[SMTPC_AT_RSET] = on_rset,
};

/* Replies that nobody waits for any more. */
static void drained(struct smtpc *s, uint8_t stage, unsigned class)
{
	if (stage == SMTPC_AT_DATA && class == 3)
		dot_alone(s);
	transaction_over(s);
}

/* A reply without a command, or to one that was not sent yet.  In the middle of a
 * body it is a refusal, and the only thing to do with the rest of the body is not to
 * send it.  Anything else means that we and the peer do not agree on which reply is
 * whose. */
static void unexpected(struct smtpc *s, unsigned class)
{
	if (s->state == CONTENT && class >= 4) {
		report(s, SMTPC_RESULT, SMTPC_AT_DOT, SMTPC_REPLIED, NULL);
		close_with(s, SMTPC_REPLIED, SMTPC_AT_DOT);
		return;
	}
	close_with(s, SMTPC_PROTOCOL, stage_now(s));
}

static void on_reply(struct smtpc *s)
{
	const unsigned class = s->parser.code / 100u;
	uint8_t stage;

	s->progress++;
	if (s->parser.code == 421 && s->state != QUITTING) {
		close_with(s, SMTPC_REPLIED, stage_now(s));
		return;
	}
	if (s->ring_count == 0 || !s->said) {
		unexpected(s, class);
		return;
	}
	stage = expected_next(s);
	/* Only DATA has a 3xx, and has no 2xx. */
	if (class <= 3 && (class == 3) != (stage == SMTPC_AT_DATA))
		close_with(s, SMTPC_PROTOCOL, stage);
	else if (s->state == DRAIN)
		drained(s, stage, class);
	else
		on_stage[stage](s, class);
}

/* Whether more recipients or body may be put into out before it leaves.  Filling
 * goes on to the brim and begins again at half, so that segments are full. */
static void refill(struct smtpc *s)
{
	const size_t room = buf_room(&s->unsent);

	if (s->state == RCPTS && !s->pipelining)
		s->filling = s->ring_count == 0;
	else if (s->state == RCPTS &&
		(room < COMMAND_MAX || s->ring_count == CONFIG_SMTP_CLIENT_RING))
		s->filling = false;
	else if (s->state == RCPTS && s->ring_count <= CONFIG_SMTP_CLIENT_RING / 2)
		s->filling = true;
	else if (s->state == CONTENT && room < ROOM_MIN)
		s->filling = false;
	else if (s->state == CONTENT && room >= sizeof(s->out) / 2)
		s->filling = true;
}

size_t smtpc_feed(struct smtpc *s, struct span in)
{
	struct span rest = in;
	enum reply_result r;

	while (rest.len > 0 && s->state != OVER && s->event == SMTPC_NONE) {
		r = reply_parse(&s->parser, &rest);
		if (s->state == HELLO && (r == REPLY_LINE || r == REPLY_COMPLETE) &&
			s->parser.code == 250)
			capability(s);
		if (r == REPLY_COMPLETE)
			on_reply(s);
		else if (r == REPLY_BROKEN)
			close_with(s, SMTPC_PROTOCOL, stage_now(s));
	}
	refill(s);
	close_report(s);
	return s->event == SMTPC_CLOSED ? in.len : in.len - rest.len;
}

void smtpc_peer_closed(struct smtpc *s)
{
	if (s->state != OVER)
		close_with(s, s->state == QUITTING ? SMTPC_DONE : SMTPC_CONNECTION, stage_now(s));
	close_report(s);
}

void smtpc_timed_out(struct smtpc *s)
{
	smtpc_peer_closed(s);
}

/* ---- questions and answers ---------------------------------------------------------- */

void smtpc_init(struct smtpc *s, struct span hostname)
{
	s->state = GREETING;
	s->event = SMTPC_NONE;
	s->stage = s->failure = s->close_stage = s->close_failure = 0;
	s->ring_first = s->ring_count = 0;
	s->pipelining = s->size_known = s->eight_bit_mime = s->helo = false;
	s->rset_due = s->closing = s->filling = s->dot_sent = false;
	s->rcpts_replied = s->rcpts_accepted = 0;
	s->out_at = s->out_held = s->sent_octets = 0;
	buf_init(&s->unsent, s->out, sizeof(s->out));
	s->size_max = s->progress = 0;
	s->ours = &nothing_said;
	dot_encoder_init(&s->dot);
	reply_parser_init(&s->parser);
	expect(s, SMTPC_AT_BANNER);
	s->said = true;
	buf_puts(&s->unsent, "EHLO ");
	buf_put(&s->unsent, hostname);
	buf_puts(&s->unsent, "\r\n");
}

static enum smtpc_ask asked(const struct smtpc *s)
{
	if (s->event != SMTPC_NONE)
		return (enum smtpc_ask)s->event;
	if (s->state == IDLE)
		return SMTPC_READY;
	if (s->filling)
		return s->state == RCPTS ? SMTPC_ASK_RCPT : SMTPC_ASK_BODY;
	return SMTPC_NONE;
}

struct smtpc_event smtpc_event(const struct smtpc *s)
{
	struct smtpc_event e = { .ask = asked(s) };

	if (s->event != SMTPC_NONE) {
		e.stage = (enum smtpc_stage)s->stage;
		e.failure = (enum smtpc_failure)s->failure;
		e.reply = s->ours ? *s->ours : reply_parser_reply(&s->parser);
		e.rcpt = (uint16_t)(s->rcpts_replied - 1);
	} else if (s->filling) {
		e.body_room = (buf_room(&s->unsent) - DOT_END_MAX) / 2;
	}
	return e;
}

static bool capable(struct smtpc *s, const struct smtpc_mail *m)
{
	const struct reply *wrong = NULL;

	if (s->size_max > 0 && m->size > s->size_max)
		wrong = &too_big;
	else if (m->eight_bit && !s->eight_bit_mime)
		wrong = &not_8bit;
	if (wrong)
		report(s, SMTPC_RESULT, SMTPC_AT_MAIL, SMTPC_CAPABILITY, wrong);
	return !wrong;
}

static void mail_put(struct smtpc *s, const struct smtpc_mail *m)
{
	const bool sized = s->size_known && m->size > 0;

	path_put(s, "MAIL FROM:<", m->reverse_path);
	buf_puts(&s->unsent, sized ? "> SIZE=" : ">");
	if (sized)
		buf_put_u32(&s->unsent, m->size);
	command(s, SMTPC_AT_MAIL, m->eight_bit ? " BODY=8BITMIME\r\n" : "\r\n");
}

void smtpc_mail(struct smtpc *s, const struct smtpc_mail *m)
{
	size_t before;

	CHECK(asked(s) == SMTPC_READY);
	s->rcpts_replied = s->rcpts_accepted = 0;
	s->dot_sent = false;
	if (!capable(s, m))
		return;
	if (s->rset_due)
		command(s, SMTPC_AT_RSET, "RSET\r\n");
	before = s->unsent.len;
	mail_put(s, m);
	if (s->rset_due && !s->pipelining)
		s->out_held = (uint16_t)(s->unsent.len - before);
	s->rset_due = false;
	s->state = RCPTS;
	refill(s);
}

void smtpc_quit(struct smtpc *s)
{
	CHECK(asked(s) == SMTPC_READY);
	command(s, SMTPC_AT_QUIT, "QUIT\r\n");
	s->state = QUITTING;
}

void smtpc_rcpt(struct smtpc *s, struct span forward_path)
{
	CHECK(asked(s) == SMTPC_ASK_RCPT);
	path_put(s, "RCPT TO:<", forward_path);
	command(s, SMTPC_AT_RCPT, ">\r\n");
	refill(s);
}

void smtpc_rcpt_end(struct smtpc *s)
{
	CHECK(asked(s) == SMTPC_ASK_RCPT);
	s->filling = false;
	if (s->ring_count > 0 || s->rcpts_accepted > 0) {
		command(s, SMTPC_AT_DATA, "DATA\r\n");
		s->state = REPLIES;
		return;
	}
	/* Every reply is here already, and none of them was yes. */
	report(s, SMTPC_RESULT, SMTPC_AT_RCPT, SMTPC_REPLIED, &no_recipient);
	transaction_over(s);
}

size_t smtpc_body(struct smtpc *s, struct span bytes, bool last)
{
	struct span rest = bytes;

	CHECK(asked(s) == SMTPC_ASK_BODY);
	dot_encode(&s->dot, &rest, &s->unsent, DOT_END_MAX);
	if (last && rest.len == 0) {
		dot_encode_end(&s->dot, &s->unsent);
		expect(s, SMTPC_AT_DOT);
		s->state = REPLIES;
		s->filling = false;
	}
	refill(s);
	return bytes.len - rest.len;
}

void smtpc_abort(struct smtpc *s)
{
	smtpc_peer_closed(s);
}

void smtpc_next(struct smtpc *s)
{
	CHECK(s->event == SMTPC_RCPT_RESULT || s->event == SMTPC_RESULT);
	s->event = SMTPC_NONE;
	close_report(s);
}

/* ---- output ---------------------------------------------------------------------------- */

struct span smtpc_out(const struct smtpc *s)
{
	if (s->state == GREETING || s->filling)
		return SPAN_EMPTY;
	return span_sub(buf_span(&s->unsent), s->out_at, s->unsent.len - s->out_at - s->out_held);
}

void smtpc_sent(struct smtpc *s, size_t n)
{
	CHECK(n <= smtpc_out(s).len);
	s->said |= n > 0;
	s->sent_octets = (uint16_t)(s->sent_octets + n);
	if (s->sent_octets >= 1024u) {
		s->sent_octets = 0;
		s->progress++;
	}
	/* EHLO stays until its reply: it may have to be said again, as HELO. */
	if (s->state == HELLO) {
		s->out_at = (uint16_t)(s->out_at + n);
		return;
	}
	buf_drop(&s->unsent, n);
	if (s->unsent.len == 0 && s->state == REPLIES && stage_now(s) == SMTPC_AT_DOT)
		s->dot_sent = true;
	refill(s);
}

uint32_t smtpc_timeout_ms(const struct smtpc *s)
{
	/* RFC 5321 4.5.3.2, in seconds; nobody says how long a good-bye may take. */
	static const uint16_t limits_s[] = {
		[SMTPC_AT_BANNER] = 300,
		[SMTPC_AT_EHLO] = 300,
		[SMTPC_AT_MAIL] = 300,
		[SMTPC_AT_RCPT] = 300,
		[SMTPC_AT_DATA] = 120,
		[SMTPC_AT_DOT] = 600,
		[SMTPC_AT_QUIT] = 10,
		[SMTPC_AT_RSET] = 300,
	};
	const uint32_t block_s = 180;

	return 1000u * (s->state == CONTENT ? block_s : limits_s[stage_now(s)]);
}
