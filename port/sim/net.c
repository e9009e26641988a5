/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/sim.h"

#include "base/check.h"
#include "base/status.h"
#include "sys/net.h"

#include <string.h>

#define BACKLOG 16u
#define LATE_MS 60000u
#define STALL_MS 600000u
#define LINGER_MS 2000u

/* ---- Addresses ------------------------------------------------------------------ */

static struct ip ip4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return (struct ip){ .family = 4,
		.bytes = { (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d } };
}

struct ip net_ip(enum party_kind kind, unsigned who)
{
	if (kind == PARTY_NODE)
		return ip4(10, 0, 0, 1 + who);
	if (kind == PARTY_DNS)
		return ip4(203, 0, 113, 53 + who);
	return ip4(192, 0, 2, 1 + who);
}

struct ip net_client_ip(bool may_relay, unsigned who)
{
	return may_relay ? ip4(10, 0, 1, 1 + who) : ip4(198, 51, 100, 1 + who);
}

struct party net_who(const struct sim *w, const struct ip *ip)
{
	unsigned last = ip->bytes[3];

	if (CONFIG_IPV6 && ip->family == 6) {
		last = ip->bytes[IP_BYTES_MAX - 1];
		return (struct party){ last < w->plan.hops ? PARTY_HOP : PARTY_NONE, (uint8_t)last,
			true, false };
	}
	if (ip->bytes[0] == 10 && last >= 1 && last <= w->plan.nodes)
		return (struct party){ PARTY_NODE, (uint8_t)(last - 1), true, false };
	if (ip->bytes[0] == 192 && last >= 1 && last <= w->plan.hops)
		return (struct party){ PARTY_HOP, (uint8_t)(last - 1), true, false };
	if (ip->bytes[0] == 203 && last >= 53 && last < 53 + DNS_SERVERS_SIM)
		return (struct party){ PARTY_DNS, (uint8_t)(last - 53), true, false };
	return (struct party){ PARTY_NONE, 0, false, false };
}

/* ---- Timers and wakes ----------------------------------------------------------- */

void net_init(struct sim *w)
{
	unsigned i;

	for (i = 0; i < CONFIG_SIM_STREAMS; i++)
		w->net.stream[i].state = STREAM_FREE;
	for (i = 0; i < CONFIG_SIM_PACKETS; i++)
		w->net.packet[i].used = false;
}

static struct stream *stream_of(struct sim *w, int s)
{
	CHECK(s >= 0 && s < CONFIG_SIM_STREAMS && w->net.stream[s].state != STREAM_FREE);
	return &w->net.stream[s];
}

/* What this end waits for may be there. */
static void wake(struct sim *w, int s, unsigned end)
{
	const struct party *p = &w->net.stream[s].party[end];

	if (!p->open)
		return;
	switch ((enum party_kind)p->kind) {
	case PARTY_NODE: node_wake(w, p->who); break;
	case PARTY_CLIENT: soon(w, TIMER_CLIENT + p->who, w->now_ms); break;
	case PARTY_HOP:
	case PARTY_DNS: soon(w, TIMER_SESSION + (unsigned)s, w->now_ms); break;
	case PARTY_NONE: break;
	}
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void plan_next(struct sim *w, int s)
{
	const struct stream *x = &w->net.stream[s];
	uint64_t at = x->die_ms;
	unsigned e;

	if (x->state == STREAM_CALLING)
		at = sooner(at, x->answer_ms);
	for (e = 0; e < 2; e++) {
		const struct pipe *p = &x->pipe[e];

		if (p->count > 0 && !x->silent)
			at = sooner(at, p->segment[p->first].at_ms);
		if (p->shut_until_ms > w->now_ms)
			at = sooner(at, p->shut_until_ms);
	}
	set_timer(w, TIMER_STREAM + (unsigned)s, at);
}

/* ---- Making connections --------------------------------------------------------- */

static void pipe_init(struct sim *w, struct pipe *p)
{
	static const uint32_t windows[] = { PIPE_ROOM, PIPE_ROOM, 1460, 536, 64, 7 };

	memset(p, 0, offsetof(struct pipe, segment));
	p->window = windows[draw(w, fault(w, FAULT_partial) ? 6 : 2)];
	p->latency_ms = draw(w, w->plan.latency_ms + 1u);
	p->reset_at = UINT32_MAX;
	if (fault(w, FAULT_reset))
		p->reset_at = (uint32_t)draw_log(w, 20000);
}

/* Whether the machine that is called takes the connection now. */
static bool taken(struct sim *w, int s)
{
	struct stream *x = &w->net.stream[s];
	unsigned i, waiting = 0;

	if (x->party[1].kind == PARTY_HOP)
		return hop_answers(w, s);
	if (x->party[1].kind == PARTY_DNS)
		return dns_answers(w, s);
	if (x->party[1].kind != PARTY_NODE || !node_listens(&w->node[x->party[1].who]))
		return false;
	for (i = 0; i < CONFIG_SIM_STREAMS; i++)
		waiting += w->net.stream[i].state == STREAM_WAITING &&
			w->net.stream[i].party[1].who == x->party[1].who;
	return waiting < BACKLOG;
}

int stream_connect(struct sim *w, struct party from, const struct ip *own,
	const struct ip_endpoint *to)
{
	struct stream *x;
	int s;

	for (s = 0; s < CONFIG_SIM_STREAMS && w->net.stream[s].state != STREAM_FREE; s++)
		;
	if (s == CONFIG_SIM_STREAMS)
		return ST_FULL;
	x = &w->net.stream[s];
	x->state = STREAM_CALLING;
	x->silent = false;
	x->session = NONE;
	x->party[0] = from;
	x->party[1] = net_who(w, &to->ip);
	x->at[0] = (struct ip_endpoint){ *own, (uint16_t)(1024u + draw(w, 60000)) };
	x->at[1] = *to;
	x->die_ms = TIME_NEVER;
	pipe_init(w, &x->pipe[0]);
	pipe_init(w, &x->pipe[1]);
	x->answer_ms = w->now_ms + x->pipe[0].latency_ms + x->pipe[1].latency_ms;
	if (fault(w, FAULT_blackhole))
		x->answer_ms = TIME_NEVER;
	count(w, FIGURE_connections, 1);
	plan_next(w, s);
	return s;
}

static void answer_call(struct sim *w, int s)
{
	struct stream *x = &w->net.stream[s];

	x->answer_ms = TIME_NEVER;
	if (fault(w, FAULT_refuse) || !taken(w, s)) {
		x->state = STREAM_REFUSED;
		x->party[1].open = false;
		wake(w, s, 0);
		return;
	}
	x->state = x->party[1].kind == PARTY_NODE ? STREAM_WAITING : STREAM_OPEN;
	x->silent = fault(w, FAULT_silence);
	wake(w, s, 0);
	wake(w, s, 1);
}

int stream_connected(const struct sim *w, int s)
{
	switch (w->net.stream[s].state) {
	case STREAM_CALLING: return ST_AGAIN;
	case STREAM_REFUSED: return ST_IO;
	default: return ST_OK;
	}
}

int stream_accept(struct sim *w, unsigned node, uint16_t port)
{
	int s;

	for (s = 0; s < CONFIG_SIM_STREAMS; s++) {
		struct stream *x = &w->net.stream[s];

		if (x->state != STREAM_WAITING || x->party[1].who != node || x->at[1].port != port)
			continue;
		x->state = STREAM_OPEN;
		return s;
	}
	return ST_AGAIN;
}

/* ---- Octets --------------------------------------------------------------------- */

static bool is_up(const struct stream *x)
{
	return x->state == STREAM_OPEN || x->state == STREAM_WAITING;
}

static uint32_t room_of(const struct sim *w, const struct pipe *p)
{
	uint32_t held = p->written - p->read;

	if (p->shut_until_ms > w->now_ms || p->fin || held >= p->window)
		return 0;
	return p->window - held;
}

static void add_segment(struct sim *w, struct pipe *p)
{
	uint64_t at = w->now_ms + p->latency_ms;
	struct segment *g;

	if (fault(w, FAULT_delay))
		at += draw_log(w, LATE_MS);
	if (at < p->last_ms)
		at = p->last_ms;
	p->last_ms = at;
	if (p->count == SEGMENTS)
		p->count--; /* the last two become one */
	g = &p->segment[(p->first + p->count++) % SEGMENTS];
	g->upto = p->written;
	g->at_ms = at;
}

int stream_send(struct sim *w, int s, unsigned end, const void *from, size_t len)
{
	struct stream *x = stream_of(w, s);
	struct pipe *p = &x->pipe[end];
	uint32_t n, i;

	if (x->party[end].reset)
		return ST_IO;
	CHECK(x->party[end].open && len > 0);
	if (fault(w, FAULT_stall))
		p->shut_until_ms = w->now_ms + draw_log(w, STALL_MS);
	n = room_of(w, p);
	if (n > len)
		n = (uint32_t)len;
	if (n > 0 && fault(w, FAULT_partial))
		n = 1u + draw(w, n);
	for (i = 0; i < n; i++)
		p->ring[(p->written + i) % PIPE_ROOM] = ((const uint8_t *)from)[i];
	p->written += n;
	if (n > 0)
		add_segment(w, p);
	plan_next(w, s);
	return n > 0 ? (int)n : ST_AGAIN;
}

int stream_recv(struct sim *w, int s, unsigned end, void *to, size_t len)
{
	struct stream *x = stream_of(w, s);
	struct pipe *p = &x->pipe[1u - end];
	uint32_t n = p->arrived - p->read, i;

	CHECK(x->party[end].open && len > 0);
	if (n == 0 && x->party[end].reset)
		return ST_IO;
	if (n == 0)
		return p->fin_arrived ? 0 : ST_AGAIN;
	if (n > len)
		n = (uint32_t)len;
	if (fault(w, FAULT_partial))
		n = 1u + draw(w, n);
	for (i = 0; i < n; i++)
		((uint8_t *)to)[i] = p->ring[(p->read + i) % PIPE_ROOM];
	p->read += n;
	wake(w, s, 1u - end);
	return (int)n;
}

unsigned stream_ready(const struct sim *w, int s, unsigned end)
{
	const struct stream *x = &w->net.stream[s];
	unsigned ready = 0;

	if (x->state == STREAM_CALLING)
		return 0;
	if (x->state == STREAM_REFUSED || x->party[end].reset)
		return NET_READ | NET_WRITE;
	if (x->pipe[1u - end].arrived != x->pipe[1u - end].read || x->pipe[1u - end].fin_arrived)
		ready |= NET_READ;
	if (room_of(w, &x->pipe[end]) > 0)
		ready |= NET_WRITE;
	return ready;
}

/* ---- Endings -------------------------------------------------------------------- */

static void free_if_over(struct sim *w, int s)
{
	struct stream *x = &w->net.stream[s];

	if (x->party[0].open || x->party[1].open)
		return;
	session_gone(w, s);
	x->state = STREAM_FREE;
	timer_off(&w->timers, TIMER_STREAM + (unsigned)s);
	timer_off(&w->timers, TIMER_SESSION + (unsigned)s);
}

void stream_finish(struct sim *w, int s, unsigned end)
{
	struct stream *x = stream_of(w, s);
	struct pipe *p = &x->pipe[end];

	if (p->fin)
		return;
	p->fin = true;
	if (is_up(x))
		add_segment(w, p);
	plan_next(w, s);
}

void stream_close(struct sim *w, int s, unsigned end)
{
	struct stream *x = stream_of(w, s);
	struct pipe *in = &x->pipe[1u - end];

	if (x->state == STREAM_CALLING)
		x->party[1].open = false;
	stream_finish(w, s, end);
	x->party[end].open = false;
	/* What comes now is thrown away; who goes on sending learns of it soon. */
	if (in->arrived != in->read && x->die_ms == TIME_NEVER)
		x->die_ms = w->now_ms + LINGER_MS;
	in->read = in->arrived;
	plan_next(w, s);
	free_if_over(w, s);
}

void stream_break(struct sim *w, int s)
{
	struct stream *x = stream_of(w, s);
	bool keep = draw(w, 2) == 0;
	unsigned e;

	x->die_ms = TIME_NEVER;
	for (e = 0; e < 2; e++) {
		struct pipe *p = &x->pipe[e];

		x->party[e].reset = true;
		p->count = 0;
		p->reset_at = UINT32_MAX;
		if (!keep)
			p->arrived = p->read;
	}
	plan_next(w, s);
	wake(w, s, 0);
	wake(w, s, 1);
}

static void arrive(struct sim *w, int s, unsigned e)
{
	struct stream *x = &w->net.stream[s];
	struct pipe *p = &x->pipe[e];

	while (p->count > 0 && p->segment[p->first].at_ms <= w->now_ms) {
		p->arrived = p->segment[p->first].upto;
		p->first = (uint8_t)((p->first + 1u) % SEGMENTS);
		p->count--;
		if (p->fin && p->count == 0)
			p->fin_arrived = true;
		if (p->arrived >= p->reset_at) {
			p->arrived = p->reset_at > p->read ? p->reset_at : p->read;
			stream_break(w, s);
			return;
		}
		if (!x->party[1u - e].open && p->arrived != p->read) {
			p->read = p->arrived;
			if (x->die_ms == TIME_NEVER)
				x->die_ms = w->now_ms + LINGER_MS;
		}
		wake(w, s, 1u - e);
	}
}

void stream_due(struct sim *w, int s)
{
	struct stream *x = &w->net.stream[s];
	unsigned e;

	if (x->state == STREAM_FREE)
		return;
	if (x->state == STREAM_CALLING && x->answer_ms <= w->now_ms)
		answer_call(w, s);
	for (e = 0; e < 2; e++) {
		if (!x->silent)
			arrive(w, s, e);
		if (x->pipe[e].shut_until_ms != 0 && x->pipe[e].shut_until_ms <= w->now_ms) {
			x->pipe[e].shut_until_ms = 0;
			wake(w, s, e);
		}
	}
	if (x->die_ms <= w->now_ms && !x->silent)
		stream_break(w, s);
	plan_next(w, s);
}

void net_calm(struct sim *w)
{
	int s;
	unsigned e;

	for (s = 0; s < CONFIG_SIM_STREAMS; s++)
		for (e = 0; w->net.stream[s].state != STREAM_FREE && e < 2; e++) {
			w->net.stream[s].pipe[e].reset_at = UINT32_MAX;
			if (w->net.stream[s].pipe[e].shut_until_ms > w->now_ms)
				w->net.stream[s].pipe[e].shut_until_ms = w->now_ms + 1u;
			plan_next(w, s);
		}
}

/* Its last octets may still arrive; then its peers hear nothing, or, when it is
 * up again, that it knows nothing of their connection. */
void net_power_cut(struct sim *w, unsigned node)
{
	int s;
	unsigned e;

	for (s = 0; s < CONFIG_SIM_STREAMS; s++)
		for (e = 0; w->net.stream[s].state != STREAM_FREE && e < 2; e++) {
			struct stream *x = &w->net.stream[s];

			if (x->party[e].kind != PARTY_NODE || x->party[e].who != node ||
				!x->party[e].open || (e == 1 && x->state == STREAM_CALLING))
				continue;
			x->party[e].open = false;
			if (x->state == STREAM_CALLING) /* nobody has heard of it */
				x->party[1].open = false;
			if (x->state == STREAM_WAITING && e == 1)
				x->state = STREAM_OPEN;
			if (draw(w, 2) == 0)
				x->pipe[e].count = 0;
			x->pipe[1u - e].read = x->pipe[1u - e].arrived;
			x->silent |= draw(w, 3) == 0;
			if (!x->silent)
				x->die_ms = w->now_ms + draw_log(w, 100000);
			plan_next(w, s);
			free_if_over(w, s);
		}
}
