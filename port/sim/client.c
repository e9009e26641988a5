/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/sim.h"

#include "base/check.h"
#include "base/status.h"

#include <string.h>

#define PATIENCE_MS 900000u
/* Rule 8: DATA may wait half a minute for room, a commit for slow flash. */
#define ANSWER_MS 120000u
#define LOOK_MS 10000u

static const char *name_of(enum said said)
{
	static const char *const names[] = { "connecting", "EHLO", "MAIL", "RCPT", "DATA",
		"the dot", "RSET", "QUIT", "nonsense" };

	return names[said];
}

/* ---- Beginning and ending ------------------------------------------------------- */

static void rest(struct sim *w, unsigned index)
{
	struct client *c = &w->client[index];

	c->stream = -1;
	if (w->phase == PHASE_STORM)
		set_timer(w, TIMER_CLIENT + index,
			w->now_ms + 1u + draw_around(w, w->plan.pause_ms));
	else
		timer_off(&w->timers, TIMER_CLIENT + index);
}

void client_init(struct sim *w, unsigned index)
{
	struct client *c = &w->client[index];

	memset(c, 0, offsetof(struct client, out));
	c->may_relay = index == 0 || !w->plan.local || draw(w, 3) != 0;
	rest(w, index);
}

static void begin(struct sim *w, unsigned index)
{
	struct client *c = &w->client[index];
	struct party self = { PARTY_CLIENT, (uint8_t)index, true, false };
	struct ip own = net_client_ip(c->may_relay, index);
	struct ip_endpoint to;

	c->node = (uint8_t)draw(w, w->plan.nodes);
	to = (struct ip_endpoint){ net_ip(PARTY_NODE, c->node), 25 };
	c->stream = stream_connect(w, self, &own, &to);
	c->esmtp = draw(w, 8) != 0;
	c->pipelines = c->esmtp && draw(w, 2) == 0;
	c->hello_done = c->half_closed = c->quitting = c->in_message = false;
	c->messages_left = (uint8_t)(1u + draw_log(w, 6));
	c->chunk = fault(w, FAULT_client_slow) ? 1u + draw(w, 200) : 0;
	c->pace_ms = c->chunk == 0 ? 0 : (uint32_t)draw_log(w, 20000);
	c->abort_at = fault(w, FAULT_client_abort) ? (uint32_t)draw_log(w, 30000) : UINT32_MAX;
	c->end_how = (uint8_t)draw(w, 3);
	c->said_octets = c->out_len = c->out_at = 0;
	c->next_ms = 0;
	c->waits_ms = 0;
	c->patient_ms = w->now_ms + PATIENCE_MS;
	c->expected_count = 1;
	c->expected[0] = (struct expected){ .said = SAID_CONNECT };
	c->mine = c->overheard = (struct listener_ear){ .next = 0 };
	if (c->stream < 0)
		rest(w, index);
	else
		set_timer(w, TIMER_CLIENT + index, c->patient_ms);
}

static void end(struct sim *w, unsigned index, bool clean)
{
	struct client *c = &w->client[index];

	if (!clean && !w->net.stream[c->stream].party[0].reset)
		stream_break(w, c->stream);
	stream_close(w, c->stream, 0);
	rest(w, index);
}

static void abort_now(struct sim *w, unsigned index)
{
	struct client *c = &w->client[index];

	c->abort_at = UINT32_MAX;
	if (c->end_how == 0) {
		end(w, index, false);
	} else if (c->end_how == 1) {
		w->net.stream[c->stream].silent = true; /* it has left the network */
		stream_close(w, c->stream, 0);
		rest(w, index);
	} else {
		stream_finish(w, c->stream, 0);
		c->half_closed = true;
		c->out_at = c->out_len;
	}
}

/* ---- Saying --------------------------------------------------------------------- */

static void expect(struct client *c, enum said said, unsigned rcpt)
{
	c->expected[c->expected_count++ % EXPECT_MAX] = (struct expected){ (uint8_t)said,
		(uint8_t)rcpt, (uint16_t)c->message };
}

static void say_line(struct client *c, const char *line)
{
	struct buf b = { c->out, c->out_len, sizeof(c->out), false };

	buf_puts(&b, line);
	buf_puts(&b, "\r\n");
	CHECK(!b.overflow);
	c->out_len = (uint32_t)b.len;
}

static void say_hello(struct client *c)
{
	expect(c, SAID_HELLO, 0);
	say_line(c, c->esmtp ? "EHLO client.test" : "HELO client.test");
}

static void say_mail(struct sim *w, struct client *c)
{
	const struct message *m = &w->ledger.message[c->message];
	struct buf b = { c->out, c->out_len, sizeof(c->out), false };

	expect(c, SAID_MAIL, 0);
	buf_puts(&b, "MAIL FROM:<");
	message_sender(w, c->message, &b);
	buf_puts(&b, ">");
	if (c->esmtp && draw(w, 2) == 0) {
		buf_puts(&b, " SIZE=");
		buf_put_u32(&b, draw(w, 4) ? m->size : m->size / 2u + draw(w, 100));
	}
	if (c->esmtp && m->shape & SHAPE_EIGHT_BIT && draw(w, 2) == 0)
		buf_puts(&b, " BODY=8BITMIME");
	buf_puts(&b, "\r\n");
	c->out_len = (uint32_t)b.len;
}

static void say_rcpt(struct sim *w, struct client *c, unsigned rcpt)
{
	struct buf b = { c->out, c->out_len, sizeof(c->out), false };

	expect(c, SAID_RCPT, rcpt);
	buf_puts(&b, "RCPT TO:<");
	message_rcpt(w, c->message, rcpt, &b);
	buf_puts(&b, ">\r\n");
	c->out_len = (uint32_t)b.len;
}

static void say_body(struct sim *w, struct client *c)
{
	static uint8_t body[CONTENT_ROOM];
	uint32_t len = content_make(w, c->message, body), i;

	CHECK(c->out_at == c->out_len);
	c->out_at = c->out_len = 0;
	for (i = 0; i < len; i++) {
		if (body[i] == '.' && (i == 0 || body[i - 1] == '\n'))
			c->out[c->out_len++] = '.';
		CHECK(c->out_len + 8u < sizeof(c->out));
		c->out[c->out_len++] = body[i];
	}
	expect(c, SAID_DOT, 0);
	say_line(c, ".");
}

static void say_rude(struct sim *w, struct client *c)
{
	static const char *const lines[] = { "NOOP", "HELP me", "VRFY t0@d0.test", "STARTTLS",
		"DATA now", "RCPT TO:<", "MAIL FROM:<a@b", "\x01\x02\x03", "EXPN all",
		"BDAT 5 LAST" };

	expect(c, SAID_RUDE, 0);
	say_line(c, lines[draw(w, sizeof(lines) / sizeof(lines[0]))]);
}

static void quit(struct client *c)
{
	if (c->quitting)
		return;
	c->quitting = true;
	expect(c, SAID_QUIT, 0);
	say_line(c, "QUIT");
}

static void next_message(struct sim *w, unsigned index)
{
	struct client *c = &w->client[index];
	unsigned i;

	c->in_message = false;
	if (c->messages_left == 0 || w->phase == PHASE_CALM ||
		ledger_message(w, c->node, c->may_relay, &c->message) == NULL) {
		quit(c);
		return;
	}
	c->in_message = true;
	c->messages_left--;
	if (fault(w, FAULT_client_rude))
		say_rude(w, c);
	say_mail(w, c);
	for (i = 0; c->pipelines && i < w->ledger.message[c->message].rcpts; i++)
		say_rcpt(w, c, i);
	if (!c->pipelines)
		return;
	expect(c, SAID_DATA, 0);
	say_line(c, "DATA");
}

/* ---- Replies -------------------------------------------------------------------- */

static unsigned code_of(const struct listener_ear *e)
{
	if (e->len < 5 || !byte_is_digit(e->line[0]) || !byte_is_digit(e->line[1]) ||
		!byte_is_digit(e->line[2]) || e->line[e->len - 2] != '\r')
		return 0;
	return (unsigned)(e->line[0] - '0') * 100u + (unsigned)(e->line[1] - '0') * 10u +
		(unsigned)(e->line[2] - '0');
}

/* true: the octet ended a reply. */
static bool hears(struct sim *w, struct listener_ear *e, uint8_t octet, unsigned *code)
{
	bool last;

	if (e->len == sizeof(e->line))
		sim_fail(w, "a reply line of more than 512 octets");
	e->line[e->len++] = octet;
	if (octet != '\n')
		return false;
	*code = code_of(e);
	if (*code == 0)
		sim_fail(w, "a reply is no reply: %.*s", (int)e->len, (const char *)e->line);
	last = e->line[3] != '-';
	if (!last)
		e->len = 0;
	return last;
}

static uint32_t queue_id(const struct listener_ear *e)
{
	static const char mark[] = "queued as ";
	uint32_t id = 0;
	unsigned i, k;

	for (i = 4; i + sizeof(mark) + 8 < e->len; i++)
		if (memcmp(e->line + i, mark, sizeof(mark) - 1) == 0)
			for (k = i + sizeof(mark) - 1; k < i + sizeof(mark) + 7; k++)
				id = id << 4 |
					(uint32_t)(e->line[k] <= '9' ? e->line[k] - '0'
								     : e->line[k] - 'a' + 10);
	return id;
}

/* What the Pipit says from now on binds it. */
static void overheard(struct sim *w, struct client *c, unsigned code)
{
	const struct expected *x = &c->expected[c->overheard.next % EXPECT_MAX];

	if (code == 421 || c->overheard.next == c->expected_count) {
		if (code != 421)
			sim_fail(w, "n%u answers %u to nothing", c->node, code);
		c->overheard.deaf = true;
		return;
	}
	c->overheard.next++;
	if (x->said == SAID_RCPT && code / 100u == 2)
		ledger_rcpt_accepted(w, x->message, x->rcpt);
	if (x->said == SAID_DOT && code / 100u == 2)
		ledger_accepted(w, x->message, queue_id(&c->overheard));
	else if (x->said == SAID_DOT)
		ledger_refused(w, x->message, code);
	if (x->said == SAID_DOT)
		story(w, "n%u answers t%u with %.*s", c->node, x->message,
			(int)c->overheard.len - 2, (const char *)c->overheard.line);
}

void client_overhears(struct sim *w, unsigned index, unsigned stream, struct span said)
{
	struct client *c = &w->client[index];
	unsigned code;
	size_t i;

	if (c->stream != (int)stream)
		return;
	for (i = 0; i < said.len && !c->overheard.deaf; i++)
		if (hears(w, &c->overheard, said.at[i], &code)) {
			overheard(w, c, code);
			c->overheard.len = 0;
		}
}

static void data_answered(struct sim *w, struct client *c, unsigned code)
{
	if (code == 354) {
		say_body(w, c);
		return;
	}
	expect(c, SAID_RSET, 0);
	say_line(c, "RSET");
}

static void rcpt_answered(struct sim *w, struct client *c, const struct expected *x)
{
	const struct message *m = &w->ledger.message[c->message];

	if (c->pipelines)
		return;
	if (x->rcpt + 1u < m->rcpts) {
		say_rcpt(w, c, x->rcpt + 1u);
		return;
	}
	if (m->rcpts_accepted == 0) {
		expect(c, SAID_RSET, 0);
		say_line(c, "RSET");
		return;
	}
	expect(c, SAID_DATA, 0);
	say_line(c, "DATA");
}

static void answered(struct sim *w, unsigned index, const struct expected *x, unsigned code)
{
	struct client *c = &w->client[index];

	switch ((enum said)x->said) {
	case SAID_CONNECT: say_hello(c); break;
	case SAID_HELLO: next_message(w, index); break;
	case SAID_MAIL:
		if (!c->pipelines && code / 100u == 2)
			say_rcpt(w, c, 0);
		else if (!c->pipelines)
			next_message(w, index);
		break;
	case SAID_RCPT: rcpt_answered(w, c, x); break;
	case SAID_DATA: data_answered(w, c, code); break;
	case SAID_RSET:
	case SAID_DOT: next_message(w, index); break;
	case SAID_QUIT:
	case SAID_RUDE: break;
	}
}

/* ---- The step ------------------------------------------------------------------- */

static bool listen(struct sim *w, unsigned index)
{
	struct client *c = &w->client[index];
	uint8_t in[256];
	unsigned code;
	int n, i;

	while ((n = stream_recv(w, c->stream, 0, in, sizeof(in))) > 0) {
		c->patient_ms = w->now_ms + PATIENCE_MS;
		for (i = 0; i < n && !c->mine.deaf; i++) {
			if (!hears(w, &c->mine, in[i], &code))
				continue;
			c->mine.len = 0;
			c->mine.deaf = code == 421 || c->mine.next == c->expected_count;
			if (!c->mine.deaf)
				answered(w, index, &c->expected[c->mine.next++ % EXPECT_MAX], code);
		}
	}
	return n == ST_AGAIN;
}

/* The dot has left: from now on the message may be delivered. */
static void note_dot(struct sim *w, struct client *c)
{
	const struct expected *x = &c->expected[(c->expected_count - 1u) % EXPECT_MAX];

	if (c->out_at == c->out_len && x->said == SAID_DOT)
		ledger_offered(w, x->message);
}

static void talk(struct sim *w, unsigned index)
{
	struct client *c = &w->client[index];
	int n = 1;

	while (!c->half_closed && c->out_at < c->out_len && n > 0 && w->now_ms >= c->next_ms) {
		uint32_t len = c->out_len - c->out_at;

		if (c->chunk > 0 && len > c->chunk)
			len = c->chunk;
		if (len > c->abort_at - c->said_octets)
			len = c->abort_at - c->said_octets;
		if (len == 0) {
			abort_now(w, index);
			return;
		}
		n = stream_send(w, c->stream, 0, c->out + c->out_at, len);
		if (n > 0) {
			c->out_at += (uint32_t)n;
			c->said_octets += (uint32_t)n;
			c->next_ms = w->now_ms + c->pace_ms;
			c->waits_ms = 0;
			note_dot(w, c);
		}
	}
	if (c->out_at == c->out_len)
		c->out_at = c->out_len = 0;
}

/* Rule 8.  Only where nothing but the Pipit can be the reason. */
static void check_patience(struct sim *w, unsigned index)
{
	struct client *c = &w->client[index];
	const struct stream *x = &w->net.stream[c->stream];
	const struct node *n = &w->node[c->node];

	if (x->silent || x->state != STREAM_OPEN || !x->party[1].open || c->half_closed ||
		c->out_at != c->out_len || c->mine.deaf || c->overheard.deaf ||
		c->overheard.next == c->expected_count || x->pipe[0].read != x->pipe[0].written ||
		x->pipe[1].written != x->pipe[1].read || x->pipe[1].shut_until_ms > w->now_ms ||
		n->power != NODE_ON) {
		c->waits_ms = 0;
		return;
	}
	if (c->waits_ms == 0)
		c->waits_ms = w->now_ms;
	if (w->now_ms - c->waits_ms > ANSWER_MS)
		sim_fail(w, "n%u has read %s of client %u and said nothing for %llu ms", c->node,
			name_of((enum said)c->expected[c->overheard.next % EXPECT_MAX].said), index,
			(unsigned long long)(w->now_ms - c->waits_ms));
}

void client_due(struct sim *w, unsigned index)
{
	struct client *c = &w->client[index];
	uint64_t at;
	int status;

	if (c->stream < 0) {
		if (w->phase == PHASE_STORM)
			begin(w, index);
		return;
	}
	status = stream_connected(w, c->stream);
	if (status == ST_OK) {
		bool alive = listen(w, index);

		if (c->stream >= 0 && alive)
			talk(w, index);
		else if (c->stream >= 0)
			end(w, index, true);
		if (c->stream < 0)
			return;
		check_patience(w, index);
	}
	if (status == ST_IO || w->now_ms >= c->patient_ms) {
		end(w, index, status == ST_IO);
		return;
	}
	at = c->patient_ms;
	if (c->waits_ms != 0 && w->now_ms + LOOK_MS < at)
		at = w->now_ms + LOOK_MS;
	if (c->out_at < c->out_len && c->next_ms > w->now_ms && c->next_ms < at)
		at = c->next_ms;
	soon(w, TIMER_CLIENT + index, at);
}
