/* SPDX-License-Identifier: BSD-2-Clause */
/* What a Pipit sees of the network: handles.  A wrong handle ends the run. */
#include "sim/sim.h"

#include "base/status.h"

#include <string.h>

static struct handle *handle_of(struct node *n, int handle, enum handle_kind kind)
{
	if (handle < 0 || (unsigned)handle >= NODE_HANDLES ||
		n->handle[handle].kind == HANDLE_FREE ||
		(kind != HANDLE_FREE && n->handle[handle].kind != kind))
		sim_fail(n->w, "n%u uses handle %d, which is not open", n->index, handle);
	n->ops++;
	return &n->handle[handle];
}

static int handle_take(struct node *n, enum handle_kind kind)
{
	unsigned i;

	n->ops++;
	if (fault(n->w, FAULT_handles))
		return ST_FULL;
	for (i = 0; i < NODE_HANDLES && n->handle[i].kind != HANDLE_FREE; i++)
		;
	if (i == NODE_HANDLES)
		sim_fail(n->w, "n%u leaks handles: all %u are taken", n->index, NODE_HANDLES);
	memset(&n->handle[i], 0, sizeof(n->handle[i]));
	n->handle[i].kind = (uint8_t)kind;
	n->handle[i].life = ++n->lives;
	n->moved++;
	return (int)i;
}

static int op_listen(void *ctx, const struct ip_endpoint *local)
{
	struct node *n = ctx;
	unsigned i;

	for (i = 0; i < NODE_HANDLES && n->handle[i].kind != HANDLE_FREE; i++)
		;
	n->handle[i] = (struct handle){ .kind = HANDLE_LISTENER,
		.port = local->port,
		.life = ++n->lives };
	return (int)i;
}

static int op_accept(void *ctx, int listener, struct ip_endpoint *peer, struct ip_endpoint *local)
{
	struct node *n = ctx;
	const struct handle *l = handle_of(n, listener, HANDLE_LISTENER);
	const struct stream *x;
	int s, h;

	for (s = 0; s < CONFIG_SIM_STREAMS; s++)
		if (n->w->net.stream[s].state == STREAM_WAITING &&
			n->w->net.stream[s].party[1].who == n->index)
			break;
	if (s == CONFIG_SIM_STREAMS)
		return ST_AGAIN;
	h = handle_take(n, HANDLE_STREAM);
	if (h < 0)
		return h;
	s = stream_accept(n->w, n->index, l->port);
	if (s < 0) {
		n->handle[h].kind = HANDLE_FREE;
		return s;
	}
	x = &n->w->net.stream[s];
	n->handle[h].stream = (uint16_t)s;
	n->handle[h].end = 1;
	*peer = x->at[0];
	*local = x->at[1];
	return h;
}

static int op_connect(void *ctx, const struct ip_endpoint *to)
{
	struct node *n = ctx;
	struct party self = { PARTY_NODE, n->index, true, false };
	struct ip own = net_ip(PARTY_NODE, n->index);
	int h = handle_take(n, HANDLE_STREAM), s;

	if (h < 0)
		return h;
	s = stream_connect(n->w, self, &own, to);
	if (s < 0) {
		n->handle[h].kind = HANDLE_FREE;
		return s;
	}
	n->handle[h].stream = (uint16_t)s;
	ledger_call(n->w, n->index, to);
	return h;
}

static int op_connected(void *ctx, int handle)
{
	struct node *n = ctx;
	const struct handle *h = handle_of(n, handle, HANDLE_STREAM);
	int status = stream_connected(n->w, h->stream);

	if (status != ST_AGAIN)
		ledger_called(n->w, n->index, &n->w->net.stream[h->stream].at[1], status == ST_OK);
	return status;
}

static int recv_datagram(struct node *n, unsigned handle, void *to, size_t len)
{
	unsigned i;

	for (i = 0; i < CONFIG_SIM_PACKETS; i++) {
		struct packet *p = &n->w->net.packet[i];

		if (!p->used || !p->arrived || p->node != n->index || p->handle != handle ||
			p->life != n->handle[handle].life)
			continue;
		p->used = false;
		len = len < p->len ? len : p->len;
		memcpy(to, p->bytes, len);
		n->moved++;
		return (int)len;
	}
	return ST_AGAIN;
}

static int op_recv(void *ctx, int handle, void *to, size_t len)
{
	struct node *n = ctx;
	const struct handle *h = handle_of(n, handle, HANDLE_FREE);
	int got;

	if (h->kind == HANDLE_DATAGRAM)
		return recv_datagram(n, (unsigned)handle, to, len);
	got = stream_recv(n->w, h->stream, h->end, to, len);
	if (got > 0) {
		n->moved++;
		count(n->w, FIGURE_octets, (uint64_t)got);
		session_heard(n->w, h->stream);
	}
	return got;
}

static int op_send(void *ctx, int handle, const void *from, size_t len)
{
	struct node *n = ctx;
	const struct handle *h = handle_of(n, handle, HANDLE_FREE);
	const struct stream *x;
	int sent;

	if (h->kind == HANDLE_DATAGRAM) {
		dns_ask(n->w, n->index, (unsigned)handle, span_make(from, len));
		n->moved++;
		return (int)len;
	}
	sent = stream_send(n->w, h->stream, h->end, from, len);
	if (sent <= 0)
		return sent;
	n->moved++;
	x = &n->w->net.stream[h->stream];
	/* What a Pipit has said counts from now on, whether or not it arrives. */
	if (h->end == 1 && x->party[0].kind == PARTY_CLIENT)
		client_overhears(n->w, x->party[0].who, h->stream, span_make(from, (size_t)sent));
	return sent;
}

/* Answers that came for handles which are gone. */
static void drop_packets(struct node *n)
{
	unsigned i;

	for (i = 0; i < CONFIG_SIM_PACKETS; i++) {
		struct packet *p = &n->w->net.packet[i];
		const struct handle *h = &n->handle[p->handle];

		if (p->used && p->arrived && p->node == n->index &&
			(h->kind != HANDLE_DATAGRAM || h->life != p->life))
			p->used = false;
	}
}

static void op_close(void *ctx, int handle)
{
	struct node *n = ctx;
	struct handle *h = handle_of(n, handle, HANDLE_FREE);
	enum handle_kind kind = h->kind;

	h->kind = HANDLE_FREE;
	n->moved++;
	if (kind == HANDLE_STREAM)
		stream_close(n->w, h->stream, h->end);
	else if (kind == HANDLE_DATAGRAM)
		drop_packets(n);
}

static int op_datagram(void *ctx, const struct ip_endpoint *to)
{
	struct node *n = ctx;
	struct party server = net_who(n->w, &to->ip);
	int h = handle_take(n, HANDLE_DATAGRAM);

	if (h >= 0)
		n->handle[h].server = server.who;
	return h;
}

static void op_watch(void *ctx, int handle, unsigned events)
{
	struct node *n = ctx;

	handle_of(n, handle, HANDLE_FREE)->watched = (uint8_t)events;
}

struct net node_net(struct node *n)
{
	static const struct net_ops ops = {
		.listen = op_listen,
		.accept = op_accept,
		.connect = op_connect,
		.connected = op_connected,
		.recv = op_recv,
		.send = op_send,
		.close = op_close,
		.datagram = op_datagram,
		.watch = op_watch,
	};

	return (struct net){ &ops, n };
}

static bool datagram_waits(const struct node *n, unsigned handle)
{
	unsigned i;

	for (i = 0; i < CONFIG_SIM_PACKETS; i++) {
		const struct packet *p = &n->w->net.packet[i];

		if (p->used && p->arrived && p->node == n->index && p->handle == handle &&
			p->life == n->handle[handle].life)
			return true;
	}
	return false;
}

static bool call_waits(const struct node *n)
{
	int s;

	for (s = 0; s < CONFIG_SIM_STREAMS; s++)
		if (n->w->net.stream[s].state == STREAM_WAITING &&
			n->w->net.stream[s].party[1].who == n->index)
			return true;
	return false;
}

/* Handles that are ready for what is watched: poll(2) would return. */
unsigned node_handles_ready(const struct node *n)
{
	unsigned i, ready, count = 0;

	for (i = 0; i < NODE_HANDLES; i++) {
		const struct handle *h = &n->handle[i];

		if (h->watched == 0 || h->kind == HANDLE_FREE)
			continue;
		if (h->kind == HANDLE_LISTENER)
			ready = call_waits(n) ? NET_READ : 0;
		else if (h->kind == HANDLE_DATAGRAM)
			ready = NET_WRITE | (datagram_waits(n, i) ? NET_READ : 0u);
		else
			ready = stream_ready(n->w, h->stream, h->end);
		count += (ready & h->watched) != 0;
	}
	return count;
}

void node_handles_forget(struct node *n)
{
	memset(n->handle, 0, sizeof(n->handle));
	drop_packets(n);
}

unsigned node_handles_used(const struct node *n)
{
	unsigned i, used = 0;

	for (i = 0; i < NODE_HANDLES; i++)
		used += n->handle[i].kind != HANDLE_FREE;
	return used;
}

/* ---- Datagrams to it ------------------------------------------------------------ */

void packet_send(struct sim *w, unsigned node, uint16_t handle, uint32_t life, const void *bytes,
	size_t len, uint64_t in_ms)
{
	unsigned i;

	for (i = 0; i < CONFIG_SIM_PACKETS && w->net.packet[i].used; i++)
		;
	if (i == CONFIG_SIM_PACKETS || len > PACKET_ROOM)
		return;
	w->net.packet[i] = (struct packet){ .used = true,
		.node = (uint8_t)node,
		.handle = handle,
		.life = life,
		.len = (uint16_t)len };
	memcpy(w->net.packet[i].bytes, bytes, len);
	set_timer(w, TIMER_PACKET + i, w->now_ms + in_ms);
}

void packet_due(struct sim *w, unsigned at)
{
	struct packet *p = &w->net.packet[at];
	const struct handle *h = &w->node[p->node].handle[p->handle];

	if (!p->used)
		return;
	p->arrived = true;
	if (h->kind == HANDLE_DATAGRAM && h->life == p->life)
		node_wake(w, p->node);
	else
		p->used = false;
}
