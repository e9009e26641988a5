/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/conn.h"

#include "base/check.h"
#include "base/status.h"

void conn_init(struct conn *c, int handle)
{
	c->handle = handle;
	c->rx_at = 0;
	c->rx_len = 0;
	c->ended = false;
	c->lost = false;
	c->progress = 0;
	c->deadline_ms = 0;
}

void conn_close(struct conn *c, const struct net *net)
{
	if (c->handle >= 0)
		net->ops->close(net->ctx, c->handle);
	c->handle = -1;
}

static bool receive(struct conn *c, const struct net *net)
{
	int n;

	if (c->rx_len > 0 || c->ended || c->lost)
		return false;
	n = net->ops->recv(net->ctx, c->handle, c->rx, sizeof(c->rx));
	if (n == ST_AGAIN)
		return false;
	if (n < 0)
		c->lost = true;
	else if (n == 0)
		c->ended = true;
	else
		c->rx_len = (uint16_t)n;
	c->rx_at = 0;
	return n > 0;
}

static bool feed(struct conn *c, const struct conn_machine *m, void *self)
{
	size_t n;

	if (c->rx_len == 0)
		return false;
	n = m->feed(self, span_make(c->rx + c->rx_at, c->rx_len));
	CHECK(n <= c->rx_len);
	c->rx_at = (uint16_t)(c->rx_at + n);
	c->rx_len = (uint16_t)(c->rx_len - n);
	return n > 0;
}

static bool transmit(struct conn *c, const struct net *net, const struct conn_machine *m,
	void *self)
{
	struct span out = m->out(self);
	int n;

	if (out.len == 0 || c->lost)
		return false;
	n = net->ops->send(net->ctx, c->handle, out.at, out.len);
	if (n == ST_AGAIN)
		return false;
	if (n <= 0) {
		c->lost = true;
		return false;
	}
	m->sent(self, (size_t)n);
	return true;
}

/* A deadline moves only with the machine's progress: an octet now and then is
 * not progress. */
static bool timed_out(struct conn *c, uint32_t now_ms, const struct conn_machine *m, void *self)
{
	uint32_t progress = m->progress(self);

	if (c->deadline_ms == 0 || progress != c->progress) {
		c->progress = progress;
		c->deadline_ms = now_ms + m->timeout_ms(self);
	}
	return instant_until_ms(now_ms, c->deadline_ms) == 0;
}

enum conn_state conn_step(struct conn *c, const struct net *net, uint32_t now_ms,
	const struct conn_machine *m, void *self)
{
	bool moved = true;
	unsigned turn;
	bool wants_read, wants_write;

	for (turn = 0; moved && turn < CONFIG_CONN_TURNS; turn++) {
		moved = receive(c, net);
		moved |= feed(c, m, self);
		moved |= m->turn(self);
		moved |= transmit(c, net, m, self);
	}
	if (c->lost)
		return CONN_LOST;
	if (timed_out(c, now_ms, m, self))
		return CONN_TIMED_OUT;
	if (moved)
		return CONN_BUSY;
	wants_read = c->rx_len == 0;
	wants_write = m->out(self).len > 0;
	if (c->ended && wants_read && !wants_write)
		return CONN_ENDED;
	wants_read &= !c->ended;
	net->ops->watch(net->ctx, c->handle,
		(wants_read ? NET_READ : 0u) | (wants_write ? NET_WRITE : 0u));
	return CONN_OPEN;
}
