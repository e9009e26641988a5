/* SPDX-License-Identifier: BSD-2-Clause */
#include "smtp/server.h"

#include "base/check.h"
#include "mail/printable.h"
#include "mail/word.h"
#include "smtp/command.h"

#include <string.h>

_Static_assert(CONFIG_SMTP_REPLY_BUF >= SMTPD_REPLY_MAX, "EHLO's reply must fit");
_Static_assert(CONFIG_SMTP_LINE_MAX >= REPLY_TEXT_PUT_MAX + 32u, "a waiting 421 stands in text");

/* The walk:  START -HELO-> READY -MAIL-> MAIL -RCPT-> RCPT -DATA-> BODY -CRLF.CRLF-> READY
 *
 * HELO and RSET lead back to READY from anywhere but BODY.  The state moves when
 * an answer arrives, never when the question is asked. */
enum { START, READY, MAIL, RCPT, BODY, ENDED, STATES };

#define IN(state) (1u << (state))
#define ANY (IN(START) | IN(READY) | IN(MAIL) | IN(RCPT))

/* What we think of the body being read. */
enum { BODY_GOOD, BODY_BARE, BODY_BIG };

#define TLS_HANDSHAKE 0x16 /* RFC 8446 5.1: the first octet of a TLS client */

/* ---- replies ------------------------------------------------------------------- */

static void say(struct smtpd *s, const char *text)
{
	buf_puts(&s->replies, text);
	buf_puts(&s->replies, "\r\n");
}

/* A whole reply or nothing: a client that reads no replies may not read its 421. */
static void say_reply(struct smtpd *s, const struct reply *r)
{
	const size_t before = s->replies.len;

	reply_put(&s->replies, r);
	if (s->replies.overflow)
		s->replies.len = before;
	s->replies.overflow = false;
}

static void end(struct smtpd *s)
{
	s->state = ENDED;
	s->ask = SMTPD_CLOSE;
}

/* Whoever makes one mistake after the other speaks another protocol, or sends a
 * refused body as commands: either way nothing good comes of listening on. */
static void refuse(struct smtpd *s, const char *text)
{
	if (++s->errors < CONFIG_SMTP_ERRORS_MAX) {
		say(s, text);
		return;
	}
	say(s, "421 4.7.0 Too many errors");
	end(s);
}

/* Commands that lead to no message; true: too many of them. */
static bool idled(struct smtpd *s)
{
	if (++s->idle_commands < SMTPD_IDLE_COMMANDS_MAX)
		return false;
	say(s, "421 4.7.0 Too many commands, no message");
	end(s);
	return true;
}

static void idle(struct smtpd *s, const char *text)
{
	if (!idled(s))
		say(s, text);
}

static void say_hostname(struct smtpd *s, const char *code, struct span hostname, const char *more)
{
	buf_puts(&s->replies, code);
	buf_put(&s->replies, hostname);
	say(s, more);
}

/* ---- commands ------------------------------------------------------------------ */

static void ask(struct smtpd *s, enum smtpd_ask question)
{
	s->ask = (uint8_t)question;
}

/* The client's name is only repeated, in Received and in logs, so anything that
 * can be repeated is good enough; devices send all sorts of names. */
static bool hello(struct smtpd *s, struct span arg, bool esmtp)
{
	const struct span name = span_word(&arg);

	if (name.len == 0 || name.len > DOMAIN_MAX || !printable_ok(name)) {
		refuse(s, "501 5.5.4 Give your host name");
		return false;
	}
	if (idled(s))
		return false;
	s->helo_len = (uint16_t)(name.len < sizeof(s->helo) ? name.len : sizeof(s->helo));
	memcpy(s->helo, name.at, s->helo_len);
	s->esmtp = esmtp;
	s->state = READY;
	return true;
}

static void on_helo(struct smtpd *s, const struct smtpd_settings *set, struct span arg)
{
	if (hello(s, arg, false))
		say_hostname(s, "250 ", set->hostname, "");
}

static void on_ehlo(struct smtpd *s, const struct smtpd_settings *set, struct span arg)
{
	if (!hello(s, arg, true))
		return;
	say_hostname(s, "250-", set->hostname, "\r\n250-PIPELINING");
	buf_puts(&s->replies, "250-SIZE");
	if (set->size_max > 0) {
		buf_put_byte(&s->replies, ' ');
		buf_put_u32(&s->replies, set->size_max);
	}
	say(s, "\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 HELP");
}

static void on_mail(struct smtpd *s, const struct smtpd_settings *set, struct span arg)
{
	struct command_mail mail;
	const char *wrong = command_mail(arg, set->legacy, &mail);

	if (!wrong && set->size_max > 0 && mail.size > set->size_max)
		wrong = "552 5.3.4 Message too big";
	if (wrong) {
		refuse(s, wrong);
		return;
	}
	s->path = mail.path;
	s->size = mail.size;
	ask(s, SMTPD_ASK_MAIL);
}

static void on_rcpt(struct smtpd *s, const struct smtpd_settings *set, struct span arg)
{
	const char *wrong = command_rcpt(arg, set->legacy, &s->path);

	if (wrong)
		refuse(s, wrong);
	else
		ask(s, SMTPD_ASK_RCPT);
}

static void on_data(struct smtpd *s, const struct smtpd_settings *set, struct span arg)
{
	(void)set;
	if (arg.len > 0)
		refuse(s, "501 5.5.4 DATA has no arguments");
	else if (s->state == MAIL)
		idle(s, "554 5.5.1 No valid recipients");
	else
		ask(s, SMTPD_ASK_DATA);
}

static void on_rset(struct smtpd *s, const struct smtpd_settings *set, struct span arg)
{
	(void)set;
	(void)arg;
	if (s->state != START)
		s->state = READY;
	idle(s, "250 2.0.0 Ok");
}

static void on_noop(struct smtpd *s, const struct smtpd_settings *set, struct span arg)
{
	(void)set;
	(void)arg;
	idle(s, "250 2.0.0 Ok");
}

/* RFC 5321 7.3: who lives here is told to nobody. */
static void on_vrfy(struct smtpd *s, const struct smtpd_settings *set, struct span arg)
{
	(void)set;
	if (arg.len == 0)
		refuse(s, "501 5.5.4 VRFY needs an argument");
	else
		idle(s, "252 2.1.5 Send mail and see");
}

static void on_help(struct smtpd *s, const struct smtpd_settings *set, struct span arg)
{
	(void)set;
	(void)arg;
	idle(s, "214 2.0.0 See RFC 5321");
}

static void on_quit(struct smtpd *s, const struct smtpd_settings *set, struct span arg)
{
	(void)set;
	(void)arg;
	say(s, "221 2.0.0 Bye");
	end(s);
}

static void on_absent(struct smtpd *s, const struct smtpd_settings *set, struct span arg)
{
	(void)set;
	(void)arg;
	refuse(s, "502 5.5.1 Not implemented");
}

/* A browser that was lured here, with mail commands in what it posts: nothing of it
 * may be read as SMTP (ALPACA). */
static void on_foreign(struct smtpd *s, const struct smtpd_settings *set, struct span arg)
{
	(void)set;
	(void)arg;
	say(s, "421 4.7.0 This is SMTP");
	end(s);
}

/* clang-format off */
static const struct command {
	const char *verbs;
	uint8_t allowed;
	void (*run)(struct smtpd *, const struct smtpd_settings *, struct span);
} commands[] = {
	{ "HELO", ANY,                 on_helo },
	{ "EHLO", ANY,                 on_ehlo },
	{ "MAIL", IN(READY),           on_mail },
	{ "RCPT", IN(MAIL) | IN(RCPT), on_rcpt },
	{ "DATA", IN(MAIL) | IN(RCPT), on_data },
	{ "RSET", ANY,                 on_rset },
	{ "NOOP", ANY,                 on_noop },
	{ "QUIT", ANY,                 on_quit },
	{ "VRFY", ANY,                 on_vrfy },
	{ "HELP", ANY,                 on_help },
	{ "EXPN ETRN AUTH STARTTLS BDAT", ANY, on_absent },
	{ "GET POST PUT HEAD OPTIONS CONNECT PRI", ANY, on_foreign }, /* HTTP and HTTP/2 */
};
/* clang-format on */

static const struct command *command_find(struct span verb)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (word_among(verb, commands[i].verbs) >= 0)
			return &commands[i];
	return NULL;
}

/* No error: a client that pipelines sends RCPT and DATA before it knows that MAIL
 * was refused. */
static void out_of_order(struct smtpd *s)
{
	static const char *const texts[STATES] = {
		[START] = "503 5.5.1 Say EHLO first",
		[READY] = "503 5.5.1 Say MAIL first",
		[MAIL] = "503 5.5.1 MAIL was said already",
		[RCPT] = "503 5.5.1 MAIL was said already",
	};

	idle(s, texts[s->state]);
}

/* ---- input --------------------------------------------------------------------- */

static void run_line(struct smtpd *s, const struct smtpd_settings *set, enum line_result result)
{
	struct span text = span_make(s->text, s->line.len);
	const struct span verb = span_word(&text);
	const struct command *c = command_find(verb);

	/* HTTP is known by its verb even in a line that is otherwise refused. */
	if (result == LINE_DONE || (c && c->run == on_foreign)) {
		if (!c)
			refuse(s, "500 5.5.2 Command not known");
		else if ((IN(s->state) & c->allowed) == 0)
			out_of_order(s);
		else
			c->run(s, set, text);
	} else if (result == LINE_LONG) {
		refuse(s, "500 5.5.2 Line too long");
	} else {
		refuse(s, "500 5.5.2 Lines end in CRLF, without CR, LF, NUL");
	}
	s->progress++;
}

static void take_line(struct smtpd *s, const struct smtpd_settings *set, struct span *in)
{
	enum line_result result;

	if (line_fresh(&s->line) && in->at[0] == TLS_HANDSHAKE) {
		on_foreign(s, set, SPAN_EMPTY);
		return;
	}
	result = line_read(&s->line, s->text, sizeof(s->text), set->legacy, in);
	if (result != LINE_MORE)
		run_line(s, set, result);
}

/* What is open now that the array was filled or emptied. */
static void body_ask(struct smtpd *s)
{
	if (s->text_len > 0)
		ask(s, SMTPD_BODY);
	else
		ask(s, s->body_ended ? SMTPD_ASK_COMMIT : SMTPD_NONE);
}

static void take_body(struct smtpd *s, const struct smtpd_settings *set, struct span *in)
{
	const size_t before = in->len;
	struct buf b;

	buf_init(&b, s->text, sizeof(s->text));
	s->body_ended = dot_decode(&s->dot, in, &b);
	s->size += (uint32_t)(before - in->len); /* size is free since MAIL: octets read */
	if (s->size >= 1024u) {
		s->size = 0;
		s->progress++;
	}
	if (s->dot.broken)
		s->verdict = BODY_BARE;
	else if (set->size_max > 0 && b.len > set->size_max - s->body_octets)
		s->verdict = BODY_BIG;
	/* A message that will be refused is read on, but need not be stored. */
	if (s->verdict != BODY_GOOD)
		b.len = 0;
	s->body_octets += (uint32_t)b.len;
	s->text_len = (uint16_t)b.len;
	s->text_at = 0;
	body_ask(s);
}

size_t smtpd_feed(struct smtpd *s, const struct smtpd_settings *set, struct span in)
{
	struct span rest = in;

	if (s->state == ENDED)
		return in.len; /* read and dropped, so that our last reply is not reset away */
	while (rest.len > 0 && s->ask == SMTPD_NONE && buf_room(&s->replies) >= SMTPD_REPLY_MAX) {
		if (s->state == BODY)
			take_body(s, set, &rest);
		else
			take_line(s, set, &rest);
	}
	return in.len - rest.len;
}

/* ---- questions and answers ----------------------------------------------------- */

void smtpd_init(struct smtpd *s, const struct smtpd_settings *set, const struct reply *refusal)
{
	s->state = START;
	s->ask = SMTPD_NONE;
	s->verdict = BODY_GOOD;
	s->errors = s->idle_commands = 0;
	s->esmtp = s->body_ended = s->stopping = s->storage = false;
	line_init(&s->line);
	dot_decoder_init(&s->dot, false);
	s->path = (struct address){ SPAN_EMPTY, SPAN_EMPTY };
	s->size = s->body_octets = s->progress = 0;
	s->text_len = s->text_at = 0;
	s->helo_len = 0;
	buf_init(&s->replies, s->reply, sizeof(s->reply));
	if (!refusal) {
		say_hostname(s, "220 ", set->hostname, " ESMTP Pipit");
		return;
	}
	say_reply(s, refusal);
	end(s);
}

struct smtpd_event smtpd_event(const struct smtpd *s)
{
	struct smtpd_event e = { .ask = (enum smtpd_ask)s->ask };

	if (e.ask == SMTPD_ASK_MAIL)
		e.size = s->size;
	if (e.ask == SMTPD_ASK_MAIL || e.ask == SMTPD_ASK_RCPT)
		e.path = s->path;
	if (e.ask == SMTPD_BODY)
		e.body = span_make(s->text + s->text_at, (size_t)(s->text_len - s->text_at));
	e.broken = e.ask == SMTPD_ASK_COMMIT && s->verdict != BODY_GOOD;
	return e;
}

static void body_begin(struct smtpd *s, const struct smtpd_settings *set)
{
	dot_decoder_init(&s->dot, set->legacy);
	s->verdict = BODY_GOOD;
	s->body_ended = false;
	s->size = s->body_octets = 0;
	s->text_len = s->text_at = 0;
	s->state = BODY;
	s->storage = true;
	say(s, "354 End data with <CR><LF>.<CR><LF>");
}

static void committed(struct smtpd *s, const struct reply *r)
{
	s->state = READY;
	s->storage = false;
	if (s->verdict == BODY_BARE)
		say(s, "550 5.6.11 Message holds a bare CR or LF");
	else if (s->verdict == BODY_BIG)
		say(s, "552 5.3.4 Message too big");
	else
		say_reply(s, r);
	if (s->verdict == BODY_GOOD && r->code < 400)
		s->errors = s->idle_commands = 0;
	/* What follows may be the rest of the body to whoever sent it: not commands. */
	if (s->verdict == BODY_BARE && s->dot.doubtful)
		end(s);
	/* The 421 has waited in text since smtpd_stop. */
	if (s->stopping) {
		buf_put(&s->replies, span_make(s->text, s->text_len));
		end(s);
	}
}

void smtpd_answer(struct smtpd *s, const struct smtpd_settings *set, const struct reply *r)
{
	const uint8_t question = s->ask;
	const bool yes = r->code < 400;

	CHECK(question == SMTPD_ASK_MAIL || question == SMTPD_ASK_RCPT ||
		question == SMTPD_ASK_DATA || question == SMTPD_ASK_COMMIT);
	s->ask = SMTPD_NONE;
	if (question == SMTPD_ASK_COMMIT) {
		committed(s, r);
	} else if (question == SMTPD_ASK_DATA && yes) {
		body_begin(s, set);
	} else {
		if (yes)
			s->state = question == SMTPD_ASK_MAIL ? MAIL : RCPT;
		say_reply(s, r);
	}
	/* RFC 5321 3.8: after a 421 the connection is closed.  "Too many recipients" must
	 * not lose those that were accepted; names that do not exist are another matter. */
	if (r->code == 421)
		end(s);
	else if ((r->code >= 500 || (!yes && question != SMTPD_ASK_RCPT)) && s->state != ENDED)
		(void)idled(s);
}

void smtpd_body_taken(struct smtpd *s, size_t n)
{
	CHECK(s->ask == SMTPD_BODY);
	CHECK(n <= (size_t)(s->text_len - s->text_at));
	s->text_at = (uint16_t)(s->text_at + n);
	if (s->text_at == s->text_len)
		s->text_len = s->text_at = 0;
	body_ask(s);
}

void smtpd_stop(struct smtpd *s, const struct reply *r)
{
	struct buf b;

	if (s->state == ENDED || s->stopping)
		return;
	if (s->ask != SMTPD_ASK_COMMIT) {
		say_reply(s, r);
		end(s);
		return;
	}
	/* The message may be durable any moment: to say 421 instead of 250 now would
	 * make the client send it again. */
	buf_init(&b, s->text, sizeof(s->text));
	reply_put(&b, r);
	s->text_len = (uint16_t)b.len;
	s->stopping = true;
}

uint32_t smtpd_timeout_ms(const struct smtpd *s)
{
	return 1000u *
		(s->state == BODY ? CONFIG_SMTP_DATA_TIMEOUT_S : CONFIG_SMTP_COMMAND_TIMEOUT_S);
}

bool smtpd_idle(const struct smtpd *s)
{
	return (s->state == START || s->state == READY) && s->ask == SMTPD_NONE;
}
