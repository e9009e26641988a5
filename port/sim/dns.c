/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/sim.h"

#include "base/bytes.h"

#include <string.h>

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_SOA = 6, TYPE_MX = 15, TYPE_AAAA = 28 };
enum { RCODE_OK = 0, RCODE_FORMERR = 1, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3, RCODE_REFUSED = 5 };

#define TTL_S 300u
#define LATE_MS 30000u
#define CALL_MS 60000u
#define FLAG_TC 0x0200u

struct question {
	uint16_t id, type;
	struct span wire; /* name, type, class as they came */
	char name[64];
};

/* ---- Questions ------------------------------------------------------------------ */

/* Our own names are short: a longer one is of nobody. */
static bool question_read(struct question *q, struct span in)
{
	size_t at = 12, len = 0, i, label;

	if (in.len < 17)
		return false;
	q->id = load_be16(in.at);
	while (at < in.len && (label = in.at[at]) != 0) {
		if (label > 63 || at + label + 1 >= in.len)
			return false;
		for (i = 0; i <= label && len + 1 < sizeof(q->name); i++)
			q->name[len++] = i == 0 ? '.' : (char)byte_lower(in.at[at + i]);
		at += label + 1;
	}
	if (at + 5 > in.len)
		return false;
	q->name[len] = '\0';
	q->type = load_be16(in.at + at + 1);
	q->wire = span_sub(in, 12, at + 5 - 12);
	return true;
}

/* ---- Answers -------------------------------------------------------------------- */

static void put16(struct buf *b, unsigned v)
{
	buf_put_byte(b, (uint8_t)(v >> 8 & 0xffu));
	buf_put_byte(b, (uint8_t)(v & 0xffu));
}

static void put_name(struct buf *b, const char *name)
{
	struct span s = span_of(name), label;

	while (s.len > 0) {
		label = span_sub(s, 0, span_find(s, '.'));
		buf_put_byte(b, (uint8_t)label.len);
		buf_put(b, label);
		s = span_from(s, label.len + 1);
	}
	buf_put_byte(b, 0);
}

struct answer {
	struct buf b;
	uint16_t answers;
	uint8_t rcode;
};

/* A record of the question's name; its length is filled in by record_end. */
static size_t record_begin(struct answer *a, unsigned type)
{
	put16(&a->b, 0xc00c);
	put16(&a->b, type);
	put16(&a->b, 1);
	put16(&a->b, 0);
	put16(&a->b, TTL_S);
	put16(&a->b, 0);
	a->answers++;
	return a->b.len;
}

static void record_end(struct answer *a, size_t begin)
{
	store_be16(a->b.at + begin - 2, (uint16_t)(a->b.len - begin));
}

static void put_mx(struct answer *a, unsigned preference, const char *host)
{
	size_t begin = record_begin(a, TYPE_MX);

	put16(&a->b, preference);
	put_name(&a->b, host);
	record_end(a, begin);
}

static void put_mx_hop(struct answer *a, unsigned preference, unsigned hop)
{
	char name[] = "h0.test";

	name[1] = (char)('0' + hop);
	put_mx(a, preference, name);
}

static void put_address(struct answer *a, unsigned type, struct ip ip)
{
	static const uint8_t six[15] = { 0x20, 0x01, 0x0d, 0xb8 };
	size_t begin;

	if (type != TYPE_A && type != TYPE_AAAA)
		return;
	begin = record_begin(a, type);
	if (type == TYPE_A)
		buf_put(&a->b, span_make(ip.bytes, 4));
	else
		buf_put(&a->b, span_make(six, sizeof(six)));
	if (type == TYPE_AAAA)
		buf_put_byte(&a->b, (uint8_t)(ip.bytes[3] - 1));
	record_end(a, begin);
}

static void of_domain(struct sim *w, struct answer *a, unsigned d, unsigned type)
{
	struct domain *x = &w->dns.domain[d];
	size_t begin;

	switch ((enum domain_kind)x->kind) {
	case DOMAIN_MX2:
		if (type == TYPE_MX)
			put_mx_hop(a, 20, x->hop[1]);
		/* fall through */
	case DOMAIN_MX:
		if (type == TYPE_MX)
			put_mx_hop(a, 10, x->hop[0]);
		break;
	case DOMAIN_IMPLICIT: put_address(a, type, net_ip(PARTY_HOP, x->hop[0])); break;
	case DOMAIN_CNAME:
		begin = record_begin(a, TYPE_CNAME);
		put_name(&a->b, "d0.test");
		record_end(a, begin);
		break;
	case DOMAIN_NULL_MX:
		if (type == TYPE_MX)
			put_mx(a, 0, "");
		break;
	case DOMAIN_NO_HOST:
		if (type == TYPE_MX)
			put_mx(a, 10, "nobody.test");
		break;
	case DOMAIN_NO_NAME:
	case DOMAIN_LOOP:
	case DOMAIN_VIA: a->rcode = RCODE_NXDOMAIN; break;
	case DOMAIN_KINDS: break;
	}
	if (x->kind == DOMAIN_VIA && type == TYPE_MX) {
		a->rcode = RCODE_OK;
		put_mx_hop(a, 10, x->hop[0]);
	}
}

static bool has_tail(const char *name, const char *tail)
{
	return strcmp(name + 3, tail) == 0;
}

/* name begins with a dot, as question_read writes it. */
static void look_up(struct sim *w, struct answer *a, const struct question *q)
{
	unsigned k = (unsigned)(q->name[0] ? q->name[2] - '0' : 99);

	if (q->name[0] == '\0' || q->name[1] == '\0')
		a->rcode = RCODE_NXDOMAIN;
	else if (q->name[1] == 'd' && has_tail(q->name, ".test") && k < CONFIG_SIM_DOMAINS)
		of_domain(w, a, k, q->type);
	else if (q->name[1] == 'h' && has_tail(q->name, ".test") && k < w->plan.hops)
		put_address(a, q->type, net_ip(PARTY_HOP, k));
	else if (q->name[1] == 'n' && has_tail(q->name, ".sim.test") && k < w->plan.nodes)
		put_address(a, q->type == TYPE_A ? TYPE_A : 0, net_ip(PARTY_NODE, k));
	else
		a->rcode = RCODE_NXDOMAIN;
}

/* The truth about q, and what a fault makes of it. */
static struct span answer_make(struct sim *w, const struct question *q, bool tcp,
	uint8_t room[DNS_REPLY_ROOM])
{
	static const uint8_t refusals[] = { RCODE_SERVFAIL, RCODE_REFUSED, RCODE_FORMERR };
	struct answer a = { .rcode = RCODE_OK };
	unsigned flags = 0x8400;

	buf_init(&a.b, room, DNS_REPLY_ROOM);
	buf_put(&a.b, span_make("\0\0\0\0\0\0\0\0\0\0\0\0", 12));
	buf_put(&a.b, q->wire);
	if (fault(w, FAULT_dns_servfail))
		a.rcode = refusals[draw(w, 3)];
	else if (!tcp && fault(w, FAULT_dns_cut))
		flags |= FLAG_TC;
	else if (fault(w, FAULT_dns_denied)) {
		a.rcode = RCODE_NXDOMAIN;
		w->dns.domain[q->name[1] == 'd' ? (unsigned)(q->name[2] - '0') % CONFIG_SIM_DOMAINS
						: 0]
			.denied = true;
		w->ledger.any_denied |= q->name[1] != 'd';
	} else
		look_up(w, &a, q);
	store_be16(room, q->id);
	store_be16(room + 2, (uint16_t)(flags | a.rcode));
	store_be16(room + 4, 1);
	store_be16(room + 6, a.answers);
	return buf_span(&a.b);
}

/* Before the true answer comes one that must not be believed. */
static void forge(struct sim *w, unsigned node, unsigned handle, uint32_t life,
	const struct question *q)
{
	uint8_t room[DNS_REPLY_ROOM];
	struct question lie = *q;
	struct answer a = { .rcode = RCODE_OK };
	uint8_t wrong[300];
	unsigned how = draw(w, 4), i;

	memcpy(wrong, q->wire.at, q->wire.len);
	lie.wire = span_make(wrong, q->wire.len);
	if (how == 0)
		lie.id = (uint16_t)(q->id + 1u + draw(w, 65535));
	else if (how == 1)
		wrong[1] ^= 0x01; /* the name */
	else if (how == 2)
		wrong[q->wire.len - 3] ^= 0x10; /* the type */
	buf_init(&a.b, room, sizeof(room));
	buf_put(&a.b, span_make("\0\0\x84\0\0\1\0\1\0\0\0\0", 12));
	store_be16(room, lie.id);
	buf_put(&a.b, lie.wire);
	if (how == 3) {
		for (i = 2; i < a.b.len; i++)
			room[i] = (uint8_t)draw(w, 256);
		if (room[2] & 0x80) /* noise that is no reply, or not to this question */
			room[13] = (uint8_t)(wrong[1] ^ 0x55);
	}
	put_mx(&a, 1, "evil.test");
	packet_send(w, node, (uint16_t)handle, life, room, a.b.len, draw(w, 3));
}

void dns_ask(struct sim *w, unsigned node, unsigned handle, struct span query)
{
	uint8_t room[DNS_REPLY_ROOM];
	uint32_t life = w->node[node].handle[handle].life;
	uint64_t in_ms = 1u + draw(w, 2u * w->plan.latency_ms + 1u);
	struct question q;
	struct span reply;

	count(w, FIGURE_dns_queries, 1);
	if (!question_read(&q, query))
		sim_fail(w, "n%u asks DNS what is no question", node);
	if (fault(w, FAULT_dns_forged))
		forge(w, node, handle, life, &q);
	if (fault(w, FAULT_dns_loss))
		return;
	reply = answer_make(w, &q, false, room);
	if (fault(w, FAULT_dns_late))
		in_ms += draw_log(w, LATE_MS);
	packet_send(w, node, (uint16_t)handle, life, reply.at, reply.len, in_ms);
}

/* ---- By TCP --------------------------------------------------------------------- */

bool dns_answers(struct sim *w, int stream)
{
	unsigned i;

	for (i = 0; i < DNS_CALLS && w->dns.call[i].used; i++)
		;
	if (i == DNS_CALLS)
		return false;
	w->dns.call[i].used = true;
	w->dns.call[i].stream = (uint16_t)stream;
	w->dns.call[i].end_ms = w->now_ms + CALL_MS;
	w->dns.call[i].in_len = w->dns.call[i].out_len = w->dns.call[i].out_at = 0;
	return true;
}

static struct dns_call *call_of(struct sim *w, int stream)
{
	unsigned i;

	for (i = 0; i < DNS_CALLS; i++)
		if (w->dns.call[i].used && w->dns.call[i].stream == stream)
			return &w->dns.call[i];
	return NULL;
}

void dns_call_gone(struct sim *w, int stream)
{
	struct dns_call *c = call_of(w, stream);

	if (c != NULL)
		c->used = false;
}

static void call_answer(struct sim *w, struct dns_call *c)
{
	struct question q;
	struct span reply;

	if (c->in_len < 2 || c->in_len < 2u + load_be16(c->in))
		return;
	count(w, FIGURE_dns_queries, 1);
	if (!question_read(&q, span_make(c->in + 2, c->in_len - 2u)))
		sim_fail(w, "DNS is asked by TCP what is no question");
	reply = answer_make(w, &q, true, c->out + 2);
	store_be16(c->out, (uint16_t)reply.len);
	c->out_len = (uint16_t)(reply.len + 2u);
	c->in_len = 0;
}

void dns_call_due(struct sim *w, int stream)
{
	struct dns_call *c = call_of(w, stream);
	int n = 1;

	if (c == NULL)
		return;
	while (n > 0 && c->in_len < sizeof(c->in)) {
		n = stream_recv(w, stream, 1, c->in + c->in_len, sizeof(c->in) - c->in_len);
		if (n > 0)
			c->in_len = (uint16_t)(c->in_len + n);
	}
	if (c->out_len == 0)
		call_answer(w, c);
	if (c->out_at < c->out_len) {
		int sent = stream_send(w, stream, 1, c->out + c->out_at,
			(size_t)(c->out_len - c->out_at));

		if (sent > 0)
			c->out_at = (uint16_t)(c->out_at + sent);
		if (sent < 0 && sent != ST_AGAIN)
			n = 0;
	}
	if (n == 0 || (n < 0 && n != ST_AGAIN) || w->now_ms >= c->end_ms)
		stream_close(w, stream, 1);
	else
		soon(w, TIMER_SESSION + (unsigned)stream, c->end_ms);
}

/* ---- The zone ------------------------------------------------------------------- */

void dns_init(struct sim *w)
{
	/* clang-format off */
	static const uint8_t kinds[] = {
		DOMAIN_MX, DOMAIN_MX, DOMAIN_MX2, DOMAIN_MX2, DOMAIN_IMPLICIT, DOMAIN_CNAME,
		DOMAIN_NULL_MX, DOMAIN_NO_NAME, DOMAIN_NO_HOST,
	};
	/* clang-format on */
	unsigned i;

	memset(&w->dns, 0, sizeof(w->dns));
	for (i = 0; i < CONFIG_SIM_DOMAINS; i++) {
		struct domain *x = &w->dns.domain[i];

		/* The first two are good: senders live in d0. */
		x->kind = i < 2 ? DOMAIN_MX : kinds[draw(w, sizeof(kinds))];
		x->hop[0] = (uint8_t)draw(w, w->plan.hops);
		x->hop[1] = (uint8_t)draw(w, w->plan.hops);
	}
	if (w->plan.nodes > 1) {
		w->dns.domain[2].kind = DOMAIN_VIA;
		w->dns.domain[3].kind = w->plan.loops ? DOMAIN_LOOP : DOMAIN_VIA;
	}
}

bool dns_may_bounce(const struct sim *w, unsigned domain)
{
	const struct domain *x = &w->dns.domain[domain];

	return x->denied || w->ledger.any_denied || x->kind == DOMAIN_NULL_MX ||
		x->kind == DOMAIN_NO_NAME || x->kind == DOMAIN_LOOP ||
		(x->kind == DOMAIN_CNAME && w->dns.domain[0].denied);
}
