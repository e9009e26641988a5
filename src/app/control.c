/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/control.h"

#include "app/row.h"
#include "base/check.h"

/* An operator may think between two requests, a broken script may not stay for ever. */
#define IDLE_MS 300000u

/* Looks again at what the resolver or flash is busy with. */
#define POLL_MS 20u

/* A session and what it may see: the `self` of its connection. */
struct side {
	const struct operator_view *view;
	struct control *x;
};

static void session_open(struct core *c, struct control *x, int handle)
{
	x->open = true;
	x->deaf = false;
	x->line_len = 0;
	x->job.next = NULL;
	buf_init(&x->out, x->out_text, sizeof(x->out_text));
	conn_init(&x->conn, handle);
	x->conn.deadline_ms = c->now.mono_ms + IDLE_MS;
}

static void session_close(struct core *c, struct control *x)
{
	if (!x->open)
		return;
	if (x->job.next != NULL)
		operator_cancel(c, &x->job);
	conn_close(&x->conn, &c->world->net);
	x->open = false;
}

void control_close(struct core *c, struct control_line *all)
{
	size_t i;

	for (i = 0; i < CONFIG_CONTROL_SESSIONS; i++)
		session_close(c, &all->session[i]);
}

/* Takes up to one line; none while an answer is being given. */
static size_t control_feed(void *self, struct span in)
{
	struct control *x = ((struct side *)self)->x;
	size_t i;

	if (x->job.next != NULL)
		return 0;
	for (i = 0; i < in.len; i++) {
		if (in.at[i] == '\n') {
			struct span line = span_make(x->line, x->line_len);

			if (line.len > 0 && line.at[line.len - 1] == '\r')
				line.len--;
			operator_begin(((struct side *)self)->view, &x->job,
				x->deaf ? SPAN("?") : line);
			x->line_len = 0;
			x->deaf = false;
			return i + 1;
		}
		if (x->line_len == sizeof(x->line))
			x->deaf = true;
		else
			x->line[x->line_len++] = in.at[i];
	}
	return in.len;
}

static void put_last(struct control *x, struct buf *row)
{
	row_word(row, x->job.error || x->job.why ? "error" : "ok");
	if (x->job.error)
		row_word(row, x->job.error);
	if (x->job.why) {
		buf_put_byte(row, ' ');
		reply_enhanced_put(row, x->job.why->enhanced);
		buf_put_byte(row, ' ');
		buf_put(row, x->job.why->text);
	}
	x->job.next = NULL;
}

/* One more row, if there is room for any. */
static bool control_turn(void *self)
{
	struct side *s = self;
	struct control *x = s->x;
	struct buf row;

	if (x->job.next == NULL || buf_room(&x->out) < CONTROL_ROW_MAX + 1u)
		return false;
	buf_init(&row, x->out.at + x->out.len, CONTROL_ROW_MAX);
	if (!x->job.next(s->view, &x->job, &row))
		put_last(x, &row);
	if (row.len == 0)
		return false;
	x->out.len += row.len; /* a row too long for its place is cut, never the next one */
	buf_put_byte(&x->out, '\n');
	return true;
}

static struct span control_out(void *self)
{
	return buf_span(&((struct side *)self)->x->out);
}

static void control_sent(void *self, size_t n)
{
	buf_drop(&((struct side *)self)->x->out, n);
}

static uint32_t control_progress(void *self)
{
	return ((struct side *)self)->x->job.next == NULL ? 0 : 1;
}

static uint32_t control_timeout_ms(void *self)
{
	(void)self;
	return IDLE_MS;
}

static const struct conn_machine machine = {
	.feed = control_feed,
	.turn = control_turn,
	.out = control_out,
	.sent = control_sent,
	.progress = control_progress,
	.timeout_ms = control_timeout_ms,
};

static uint32_t session_step(const struct operator_view *view, struct control *x)
{
	struct core *c = view->sending->tasks.core;
	struct side self = { view, x };
	enum conn_state state;

	if (!x->open)
		return UINT32_MAX;
	state = conn_step(&x->conn, &c->world->net, c->now.mono_ms, &machine, &self);
	if (state == CONN_ENDED && x->job.next != NULL)
		return POLL_MS; /* asked and shut its side: the answer still goes out */
	if (state == CONN_BUSY)
		return 0;
	if (state != CONN_OPEN) {
		session_close(c, x);
		return 0;
	}
	return x->job.next != NULL ? POLL_MS
				   : instant_until_ms(c->now.mono_ms, x->conn.deadline_ms);
}

static void accept_sessions(struct core *c, struct control_line *all)
{
	const struct net *net = &c->world->net;
	struct ip_endpoint peer, local;
	size_t i;
	int handle;

	if (c->world->control < 0)
		return;
	for (i = 0; i < CONFIG_CONTROL_SESSIONS; i++) {
		if (all->session[i].open)
			continue;
		net->ops->watch(net->ctx, c->world->control, NET_READ);
		handle = net->ops->accept(net->ctx, c->world->control, &peer, &local);
		if (handle < 0)
			return;
		session_open(c, &all->session[i], handle);
	}
	net->ops->watch(net->ctx, c->world->control, 0u);
}

uint32_t control_step(const struct operator_view *view, struct control_line *all)
{
	uint32_t wait_ms, least_ms = UINT32_MAX;
	size_t i;

	accept_sessions(view->sending->tasks.core, all);
	for (i = 0; i < CONFIG_CONTROL_SESSIONS; i++) {
		wait_ms = session_step(view, &all->session[i]);
		least_ms = wait_ms < least_ms ? wait_ms : least_ms;
	}
	return least_ms;
}
