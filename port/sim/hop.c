/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/sim.h"

#include "base/check.h"
#include "base/status.h"

#include <stdio.h>
#include <string.h>

#define SLOW_MS 240000u
#define PATIENCE_MS 400000u
#define MOOD_MS 14400000u

/* ---- Moods ---------------------------------------------------------------------- */

void hop_init(struct sim *w, unsigned index)
{
	struct hop *h = &w->hop[index];

	memset(h, 0, sizeof(*h));
	h->esmtp = draw(w, 8) != 0;
	h->pipelining = draw(w, 3) != 0;
	h->eight_bit = draw(w, 4) != 0;
	if (draw(w, 3) == 0)
		h->size_max = draw(w, 4) ? 10u * CONTENT_ROOM : 2000u + draw(w, CONFIG_SIM_CONTENT);
	set_timer(w, TIMER_HOP + index, fault_next_ms(w, FAULT_hop_down));
}

void hop_mood_due(struct sim *w, unsigned index)
{
	static const char *const names[] = { "fine again", "down", "busy", "closing" };
	struct hop *h = &w->hop[index];

	if (h->mood == MOOD_FINE && w->phase == PHASE_STORM) {
		h->mood = (uint8_t)(1u + draw(w, MOODS - 1u));
		fault_count(w, FAULT_hop_down);
		set_timer(w, TIMER_HOP + index, w->now_ms + draw_log(w, MOOD_MS));
	} else {
		h->mood = MOOD_FINE;
		set_timer(w, TIMER_HOP + index, fault_next_ms(w, FAULT_hop_down));
	}
	story(w, "next hop h%u is %s", index, names[h->mood]);
}

void hop_calm(struct sim *w, unsigned index)
{
	w->hop[index].mood = MOOD_FINE;
	timer_off(&w->timers, TIMER_HOP + index);
}

/* ---- Replies -------------------------------------------------------------------- */

static struct session *session_of(struct sim *w, int stream)
{
	uint16_t at = w->net.stream[stream].session;

	return at == NONE ? NULL : &w->session[at];
}

static void reply(struct session *s, const char *text)
{
	size_t n = strlen(text);

	CHECK(s->out_len + n + 2u <= sizeof(s->out));
	memcpy(s->out + s->out_len, text, n);
	memcpy(s->out + s->out_len + n, "\r\n", 2);
	s->out_len += (uint32_t)n + 2u;
}

/* Octets written when what stands in out now has left. */
static uint32_t reply_end(const struct sim *w, const struct session *s)
{
	return w->net.stream[s->stream].pipe[1].written + s->out_len - s->out_at;
}

static void later(const struct sim *w, struct session *s, struct token to)
{
	if (s->later_count < SESSION_LATER)
		s->later[s->later_count++] = (struct session_later){ to, w->now_ms };
}

static void later_all(const struct sim *w, struct session *s)
{
	unsigned i;

	for (i = 0; i < s->rcpt_count; i++)
		later(w, s, s->rcpt[i]);
}

static void later_heard(struct sim *w, struct session *s)
{
	unsigned i;

	for (i = 0; i < s->later_count; i++)
		ledger_later(w, s->node, s->boot, s->later[i].to, s->later[i].at_ms);
	s->later_count = 0;
}

static void never_all(struct sim *w, struct session *s)
{
	unsigned i;

	for (i = 0; i < s->rcpt_count; i++)
		ledger_never(w, s->rcpt[i]);
}

static void lose(struct sim *w, struct session *s)
{
	int stream = s->stream;

	stream_break(w, stream);
	stream_close(w, stream, 1);
}

/* What may happen instead of an answer to any command; true: it has. */
static bool misbehaves(struct sim *w, struct session *s)
{
	static const char *const junk[] = { "hello", "25", "2500 what", "abc def", "-1 no", "999 x",
		"250" };

	if (fault(w, FAULT_hop_slow))
		s->reply_ms = w->now_ms + draw_log(w, SLOW_MS);
	if (fault(w, FAULT_hop_mute)) {
		s->mute = true;
		return true;
	}
	if (fault(w, FAULT_hop_junk)) {
		reply(s, junk[draw(w, 6)]);
		return true;
	}
	if (w->hop[s->hop].mood == MOOD_CLOSING || fault(w, FAULT_hop_closing)) {
		reply(s, "421 4.3.2 closing");
		s->ending = true;
		return true;
	}
	if (fault(w, FAULT_hop_lost)) {
		lose(w, s);
		return true;
	}
	return false;
}

/* A report to postmaster is the last thing that can be done: nobody refuses it. */
static bool says_never(struct sim *w, const struct session *s)
{
	bool never = fault(w, FAULT_hop_never);
	unsigned i;

	for (i = 0; i < s->rcpt_count; i++)
		never = never && s->rcpt[i].valid;
	return never;
}

static bool says_later(struct sim *w, const struct session *s)
{
	return w->hop[s->hop].mood == MOOD_LATER || fault(w, FAULT_hop_later);
}

/* ---- Commands ------------------------------------------------------------------- */

static _Noreturn void wrong(const struct sim *w, const struct session *s, const char *what)
{
	sim_fail(w, "n%u to h%u: %s: %.*s", s->node, s->hop, what, (int)s->line_len,
		(const char *)s->line);
}

static bool starts(const struct session *s, const char *verb)
{
	return span_starts_nocase(span_make(s->line, s->line_len), span_of(verb));
}

static bool has(const struct session *s, const char *word)
{
	size_t n = strlen(word), i;

	for (i = 0; i + n <= s->line_len; i++)
		if (memcmp(s->line + i, word, n) == 0)
			return true;
	return false;
}

static void on_hello(struct sim *w, struct session *s)
{
	const struct hop *h = &w->hop[s->hop];
	char size[40];

	if (!h->esmtp && starts(s, "EHLO")) {
		reply(s, "502 5.5.1 what is that");
		return;
	}
	s->state = SESSION_READY;
	s->hello_esmtp = starts(s, "EHLO");
	if (!s->hello_esmtp) {
		reply(s, "250 hop.test");
		return;
	}
	reply(s, "250-hop.test has this:");
	if (h->pipelining)
		reply(s, "250-PIPELINING");
	if (h->eight_bit)
		reply(s, "250-8BITMIME");
	if (h->size_max > 0) {
		snprintf(size, sizeof(size), "250-SIZE %u", h->size_max);
		reply(s, size);
	}
	reply(s, "250 XNOTHING");
}

static void transaction_over(struct session *s)
{
	s->rcpt_count = s->rcpt_seen = 0;
	s->state = SESSION_READY;
}

static void on_mail(struct sim *w, struct session *s)
{
	const struct hop *h = &w->hop[s->hop];
	struct span path = span_from(span_make(s->line, s->line_len), 10);
	unsigned i;

	if (s->state != SESSION_READY)
		wrong(w, s, "out of order");
	if (!starts(s, "MAIL FROM:<") || !has(s, ">"))
		wrong(w, s, "no reverse-path");
	if (has(s, " SIZE=") && (!s->hello_esmtp || h->size_max == 0))
		wrong(w, s, "SIZE was not offered");
	s->said_8bit = has(s, " BODY=8BITMIME");
	if (s->said_8bit && (!s->hello_esmtp || !h->eight_bit))
		wrong(w, s, "8BITMIME was not offered");
	s->from_null = path.len > 1 && path.at[1] == '>';
	s->from = token_read(path);
	s->rcpt_count = s->rcpt_seen = 0;
	if (says_later(w, s)) {
		reply(s, "451 4.3.0 not now");
	} else if (!s->from_null && fault(w, FAULT_hop_never)) {
		for (i = 0; i < RCPTS_MAX; i++)
			ledger_never(w,
				(struct token){ s->from.valid, s->from.message, (int16_t)i });
		reply(s, "550 5.7.1 not from you");
	} else {
		s->state = SESSION_MAIL;
		reply(s, "250 2.1.0 ok");
	}
}

static void on_rcpt(struct sim *w, struct session *s)
{
	struct span path = span_from(span_make(s->line, s->line_len), 8);
	struct token to;

	if (s->state != SESSION_MAIL && s->rcpt_seen == 0 && s->state != SESSION_READY)
		wrong(w, s, "out of order");
	if (!starts(s, "RCPT TO:<") || s->line[s->line_len - 1] != '>')
		wrong(w, s, "no forward-path");
	if (s->state != SESSION_MAIL) {
		reply(s, "503 5.5.1 say MAIL"); /* pipelined behind a MAIL that was refused */
		return;
	}
	to = token_read(path);
	ledger_offered_again(w, s->node, s->boot, to);
	s->rcpt_seen++;
	if (says_later(w, s)) {
		reply(s, "450 4.2.1 mailbox busy");
		later(w, s, to);
	} else if (fault(w, FAULT_hop_never) && to.valid) {
		reply(s, "550 5.1.1 no such user");
		ledger_never(w, to);
	} else if (s->rcpt_count == SESSION_RCPTS) {
		reply(s, "452 4.5.3 too many");
	} else {
		s->rcpt[s->rcpt_count++] = to;
		reply(s, "250 2.1.5 ok");
	}
}

static void on_data(struct sim *w, struct session *s)
{
	if (s->state != SESSION_MAIL || s->rcpt_count == 0) {
		reply(s, "554 5.5.1 no valid recipients");
		return;
	}
	if (says_later(w, s)) {
		reply(s, "451 4.3.0 not now");
		later_all(w, s);
		transaction_over(s);
	} else if (says_never(w, s)) {
		reply(s, "554 5.7.1 no");
		never_all(w, s);
		transaction_over(s);
	} else {
		s->state = SESSION_DATA;
		s->data_len = 0;
		s->dots = 2; /* as if behind CR LF */
		reply(s, "354 go on");
	}
}

static void command(struct sim *w, struct session *s, bool more)
{
	bool ehlo = starts(s, "EHLO ") || starts(s, "HELO ");

	story(w, "n%u to h%u: %.*s", s->node, s->hop, (int)s->line_len, (const char *)s->line);
	if (more && !(s->hello_esmtp && w->hop[s->hop].pipelining))
		wrong(w, s, "more follows, but PIPELINING was not offered");
	if (more && (ehlo || starts(s, "DATA") || starts(s, "QUIT")))
		wrong(w, s, "more follows what must be the last of a group");
	if (s->state == SESSION_HELLO && !ehlo && !starts(s, "QUIT"))
		wrong(w, s, "no EHLO");
	if (starts(s, "MAIL") || starts(s, "RSET") || starts(s, "QUIT"))
		later_heard(w, s);
	if (starts(s, "RSET"))
		transaction_over(s);
	if (misbehaves(w, s))
		return;
	if (ehlo)
		on_hello(w, s);
	else if (starts(s, "MAIL "))
		on_mail(w, s);
	else if (starts(s, "RCPT "))
		on_rcpt(w, s);
	else if (starts(s, "DATA"))
		on_data(w, s);
	else if (starts(s, "RSET")) {
		reply(s, "250 2.0.0 ok");
	} else if (starts(s, "QUIT")) {
		reply(s, "221 2.0.0 bye");
		s->ending = true;
	} else {
		wrong(w, s, "not a command");
	}
}

/* ---- The body ------------------------------------------------------------------- */

static void arrived(struct sim *w, struct session *s)
{
	const struct party *from = &w->net.stream[s->stream].party[0];
	const struct arrival a = { s->node, s->rcpt, s->rcpt_count, s->from_null, false,
		!from->open || from->reset, span_make(s->data, s->data_len) };

	ledger_arrived(w, &a);
	s->stored = true;
	memcpy(s->stored_to, s->rcpt, sizeof(s->stored_to));
	s->stored_count = s->rcpt_count;
	s->stored_null = s->from_null;
	s->stored_len = s->data_len;
}

static void check_octets(const struct sim *w, const struct session *s)
{
	bool eight = false;
	uint32_t i;

	for (i = 0; i < s->data_len; i++) {
		eight |= s->data[i] > 127;
		if ((s->data[i] == '\n') != (i > 0 && s->data[i - 1] == '\r') ||
			(s->data[i] == '\r' && i + 1 == s->data_len))
			wrong(w, s, "a bare CR or LF in the body");
	}
	if (eight && !s->said_8bit)
		wrong(w, s, "8-bit octets without BODY=8BITMIME");
}

static void on_dot(struct sim *w, struct session *s)
{
	s->line_len = 0;
	check_octets(w, s);
	if (fault(w, FAULT_hop_lost_dot)) {
		if (draw(w, 2) == 0)
			arrived(w, s);
		s->stored = false; /* it will not be told */
		lose(w, s);
		return;
	}
	if (misbehaves(w, s)) {
		transaction_over(s);
		return;
	}
	if (says_later(w, s)) {
		reply(s, "451 4.3.0 cannot store it");
		later_all(w, s);
	} else if (says_never(w, s)) {
		reply(s, "554 5.6.0 do not like it");
		never_all(w, s);
	} else {
		arrived(w, s);
		reply(s, "250 2.0.0 thank you");
		s->stored_upto = reply_end(w, s);
	}
	transaction_over(s);
}

static void keep(struct sim *w, struct session *s, uint8_t octet)
{
	if (s->data_len == sizeof(s->data))
		sim_fail(w, "n%u sends h%u more than any message has", s->node, s->hop);
	s->data[s->data_len++] = octet;
}

/* dots: 0 in a line, 1 behind CR, 2 behind CR LF, 3 behind CR LF ., 4 behind CR LF . CR */
static void body_octet(struct sim *w, struct session *s, uint8_t octet)
{
	if (s->dots == 2 && octet == '.') {
		s->dots = 3; /* this one goes in any case */
		return;
	}
	if (s->dots == 3 && octet == '\r') {
		s->dots = 4;
		return;
	}
	if (s->dots == 4 && octet == '\n') {
		s->dots = 0;
		on_dot(w, s);
		return;
	}
	/* A line that begins with a dot had two. */
	if (s->dots == 4 || (s->dots == 3 && octet != '.'))
		sim_fail(w, "n%u sends h%u a line that begins with one dot", s->node, s->hop);
	keep(w, s, octet);
	s->dots = octet == '\r' ? 1 : s->dots == 1 && octet == '\n' ? 2 : 0;
}

/* ---- The session ---------------------------------------------------------------- */

bool hop_answers(struct sim *w, int stream)
{
	struct stream *x = &w->net.stream[stream];
	struct session *s;
	unsigned i;

	for (i = 0; i < CONFIG_SIM_SESSIONS && w->session[i].used; i++)
		;
	if (i == CONFIG_SIM_SESSIONS || w->hop[x->party[1].who].mood == MOOD_DOWN)
		return false;
	s = &w->session[i];
	memset(s, 0, offsetof(struct session, line));
	s->used = true;
	s->hop = x->party[1].who;
	s->node = x->party[0].who;
	s->stream = (uint16_t)stream;
	s->boot = w->node[s->node].boots;
	s->end_ms = w->now_ms + PATIENCE_MS;
	x->session = (uint16_t)i;
	if (!misbehaves(w, s))
		reply(s, fault(w, FAULT_hop_never) ? "554 5.3.2 go away" : "220 hop.test ready");
	return true;
}

void session_gone(struct sim *w, int stream)
{
	struct session *s = session_of(w, stream);

	if (w->net.stream[stream].party[1].kind == PARTY_DNS)
		dns_call_gone(w, stream);
	if (s != NULL)
		s->used = false;
	w->net.stream[stream].session = NONE;
}

/* false: nothing more can be said now. */
static bool say(struct sim *w, struct session *s)
{
	int n = 1;

	if (w->now_ms < s->reply_ms)
		return false;
	while (s->out_at < s->out_len && n > 0) {
		n = stream_send(w, s->stream, 1, s->out + s->out_at, s->out_len - s->out_at);
		if (n > 0)
			s->out_at += (uint32_t)n;
	}
	if (s->out_at < s->out_len)
		return false;
	s->out_at = s->out_len = 0;
	return true;
}

static void line_octet(struct sim *w, struct session *s, uint8_t octet, bool more)
{
	if (s->line_len == sizeof(s->line))
		wrong(w, s, "too long a line");
	s->line[s->line_len++] = octet;
	if (octet != '\n')
		return;
	if (s->line_len < 2 || s->line[s->line_len - 2] != '\r')
		wrong(w, s, "a line that does not end in CRLF");
	s->line_len -= 2;
	if (memchr(s->line, '\r', s->line_len) != NULL || memchr(s->line, 0, s->line_len) != NULL)
		wrong(w, s, "a command with CR or NUL in it");
	command(w, s, more);
	s->line_len = 0;
}

/* One octet at a time, until there is something to say. */
static int take(struct sim *w, struct session *s)
{
	struct pipe *in = &w->net.stream[s->stream].pipe[0];
	int stream = s->stream, n;
	uint8_t octet;

	while (s->out_len == 0) {
		n = stream_recv(w, stream, 1, &octet, 1);
		if (n <= 0)
			return n;
		s->end_ms = w->now_ms + PATIENCE_MS;
		if (s->mute)
			continue;
		if (s->state == SESSION_DATA)
			body_octet(w, s, octet);
		else
			line_octet(w, s, octet, in->arrived != in->read);
		if (!w->net.stream[stream].party[1].open)
			return ST_MISSING;
	}
	return ST_AGAIN;
}

static void hop_due(struct sim *w, struct session *s)
{
	int stream = s->stream, n;

	while (say(w, s) && !s->ending) {
		n = take(w, s);
		if (n == ST_MISSING)
			return;
		if (n == 0 || n == ST_IO) {
			stream_close(w, stream, 1);
			return;
		}
		if (s->out_len == 0)
			break;
	}
	if (s->out_len == 0 && s->ending) {
		stream_close(w, stream, 1);
		return;
	}
	if (w->now_ms >= s->end_ms) {
		lose(w, s);
		return;
	}
	soon(w, TIMER_SESSION + (unsigned)stream,
		s->reply_ms > w->now_ms && s->reply_ms < s->end_ms ? s->reply_ms : s->end_ms);
}

void session_due(struct sim *w, int stream)
{
	struct stream *x = &w->net.stream[stream];
	struct session *s;

	if (x->state == STREAM_FREE || !x->party[1].open)
		return;
	if (x->party[1].kind == PARTY_DNS) {
		dns_call_due(w, stream);
		return;
	}
	s = session_of(w, stream);
	if (s == NULL)
		return;
	if (x->party[1].reset) {
		stream_close(w, stream, 1);
		return;
	}
	hop_due(w, s);
}

void session_heard(struct sim *w, int stream)
{
	const struct stream *x = &w->net.stream[stream];
	struct session *s = session_of(w, stream);
	uint32_t read = x->pipe[1].read;

	if (s == NULL)
		return;
	if (s->stored && s->stored_upto <= read) {
		const struct arrival a = { s->node, s->stored_to, s->stored_count, s->stored_null,
			false, false, span_make(s->data, s->stored_len) };

		s->stored = false;
		ledger_told(w, &a);
	}
}
