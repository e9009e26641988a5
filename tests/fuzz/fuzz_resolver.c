/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_resolver - the resolver among servers that say anything, by UDP and TCP, and forgers:
 * every question ends in time, no handle or cache entry is left behind, and nothing of a
 * reply with another id or another case of letters is ever believed. */
#include "fuzz/fuzz.h"

#include "base/bytes.h"
#include "dns/resolver.h"

#include <string.h>

#define HANDLES 8
#define REPLY_MAX 1024u
#define OPS_MAX 60u

/* What only forgers say. */
static const uint8_t forged_ip[4] = { 203, 0, 113, 66 };

struct handle {
	bool open, tcp, connected, ended;
	uint8_t query[DNS_QUERY_MAX + 2];
	size_t query_len;
	uint8_t in[REPLY_MAX + 2];
	size_t in_len, in_at;
};

static struct net_world {
	struct resolver r;
	uint32_t now_ms;
	uint32_t now_s;
	struct handle handle[HANDLES];
	bool asked[CONFIG_DNS_QUERIES];
	uint32_t random;
	int fail; /* what the port says next, once */
	size_t piece;
} w;

/* ---- the port ---------------------------------------------------------------------- */

static int failing(void)
{
	const int st = w.fail;

	w.fail = 0;
	return st;
}

static int open_handle(bool tcp)
{
	int h, st = failing();

	if (st < 0)
		return st;
	for (h = 0; h < HANDLES; h++)
		if (!w.handle[h].open) {
			w.handle[h] = (struct handle){ .open = true, .tcp = tcp };
			return h;
		}
	return ST_FULL;
}

static int net_datagram(void *ctx, const struct ip_endpoint *to)
{
	(void)ctx;
	MUST(to->port != 0);
	return open_handle(false);
}

static int net_connect(void *ctx, const struct ip_endpoint *to)
{
	(void)ctx;
	MUST(to->port != 0);
	return open_handle(true);
}

static int net_connected(void *ctx, int h)
{
	const int st = failing();

	(void)ctx;
	MUST(w.handle[h].open && w.handle[h].tcp);
	return st < 0 ? st : w.handle[h].connected ? ST_OK : ST_AGAIN;
}

static int net_send(void *ctx, int h, const void *from, size_t len)
{
	struct handle *x = &w.handle[h];
	const int st = failing();

	(void)ctx;
	MUST(x->open && len > 0 && x->query_len + len <= sizeof(x->query));
	if (st < 0)
		return st;
	if (x->tcp && len > w.piece)
		len = w.piece;
	memcpy(x->query + x->query_len, from, len);
	x->query_len += len;
	return (int)len;
}

static int net_recv(void *ctx, int h, void *to, size_t len)
{
	struct handle *x = &w.handle[h];
	const size_t there = x->in_len - x->in_at;
	const int st = failing();

	(void)ctx;
	MUST(x->open);
	if (st < 0)
		return st;
	if (there == 0)
		return x->ended ? 0 : ST_AGAIN;
	if (x->tcp && len > w.piece)
		len = w.piece;
	if (len > there)
		len = there;
	memcpy(to, x->in + x->in_at, len);
	x->in_at = x->tcp ? x->in_at + len : x->in_len;
	return (int)len;
}

static void net_close(void *ctx, int h)
{
	(void)ctx;
	MUST(w.handle[h].open);
	w.handle[h].open = false;
}

static void net_watch(void *ctx, int h, unsigned events)
{
	(void)ctx;
	(void)events;
	MUST(w.handle[h].open);
}

static const struct net_ops ops = {
	.connect = net_connect,
	.connected = net_connected,
	.recv = net_recv,
	.send = net_send,
	.close = net_close,
	.datagram = net_datagram,
	.watch = net_watch,
};

static void fill(void *ctx, void *to, size_t len)
{
	uint8_t *at = to;

	(void)ctx;
	for (; len > 0; len--) {
		w.random = w.random * 1664525u + 1013904223u;
		*at++ = (uint8_t)(w.random >> 24);
	}
}

static const struct net net = { &ops, NULL };
static const struct random source = { fill, NULL };

/* ---- servers and forgers ------------------------------------------------------------ */

/* Question and id of what was asked, records of the fuzzer's. */
static void put_reply(struct buf *b, const struct handle *x, struct span *in)
{
	const struct span query = span_from(span_make(x->query, x->query_len), x->tcp ? 2 : 0);
	size_t name = 12;

	if (query.len < 12)
		return;
	while (name < query.len && query.at[name] != 0)
		name += query.at[name] + 1u;
	buf_put(b, span_sub(query, 0, 2));
	buf_put_byte(b, (uint8_t)(0x80 | (fuzz_u8(in) & 6)));
	buf_put_byte(b, fuzz_u8(in));
	buf_put(b, SPAN("\0\1\0"));
	buf_put_byte(b, fuzz_u8(in) & 7);
	buf_put_byte(b, 0);
	buf_put_byte(b, fuzz_u8(in) & 1);
	buf_put_byte(b, 0);
	buf_put_byte(b, fuzz_u8(in) & 1);
	buf_put(b, span_sub(query, 12, name + 5 - 12));
}

/* All is right but one bit of the id, or the case of a letter. */
static void put_forged(struct buf *b, const struct handle *x, uint8_t how)
{
	static const uint8_t head[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4 };
	struct span none = SPAN("\4\0\1\0\0");

	put_reply(b, x, &none);
	if (b->len < 14)
		return;
	buf_put(b, span_make(head, sizeof(head)));
	buf_put(b, span_make(forged_ip, sizeof(forged_ip)));
	b->at[3] = 0; /* NOERROR */
	b->at[7] = 1;
	b->at[b->len - 13] = b->at[b->len - 17 - sizeof(head) + 12]; /* its own type */
	if ((how & 1) && byte_is_alpha(b->at[13]))
		b->at[13] ^= 0x20;
	else
		b->at[how >> 1 & 1] ^= (uint8_t)(1u << (how >> 2 & 7));
}

static void serve(struct span *in)
{
	struct handle *x = &w.handle[fuzz_u8(in) % HANDLES];
	const uint8_t how = fuzz_u8(in);
	uint8_t octets[REPLY_MAX];
	struct buf b;

	if (!x->open || x->in_at < x->in_len)
		return;
	x->connected = true;
	buf_init(&b, octets, sizeof(octets));
	if (how < 0x40) {
		put_forged(&b, x, how);
	} else {
		if (how < 0xe0)
			put_reply(&b, x, in);
		buf_put(&b, fuzz_take(in, fuzz_u8(in)));
		if (fuzz_find(buf_span(&b), span_make(forged_ip, 4)) < b.len)
			return;
	}
	x->in_len = x->in_at = 0;
	if (x->tcp) {
		store_be16(x->in, (uint16_t)(b.len + (how == 0x41) - (how == 0x42 && b.len > 0)));
		x->in_len = 2;
	}
	memcpy(x->in + x->in_len, octets, b.len);
	x->in_len += b.len;
	x->ended = how & 0x10;
}

/* ---- the asker ---------------------------------------------------------------------- */

static void look(int question)
{
	static struct dns_answer a;
	enum dns_result result;
	unsigned i;

	if (!w.asked[question] || resolver_pending(&w.r, question))
		return;
	result = resolver_answer(&w.r, question, &a);
	MUST(result != DNS_PENDING && result <= DNS_FAILED);
	w.asked[question] = false;
	for (i = 0; result == DNS_FOUND && i < a.count; i++)
		MUST(a.record[i].ip.family != 4 || memcmp(a.record[i].ip.bytes, forged_ip, 4) != 0);
}

static void ask(struct span *in)
{
	static const char *const names[] = { "there.test", "x.test", "localhost", "mx.there.test" };
	static const enum dns_type types[] = { DNS_A, DNS_MX, DNS_AAAA, DNS_A };
	const uint8_t what = fuzz_u8(in);
	const struct span name = what & 0x80 ? fuzz_take(in, what & 63) : span_of(names[what & 3]);
	const int q = resolver_ask(&w.r, fuzz_exact(name), types[what >> 2 & 3]);

	MUST(q < (int)CONFIG_DNS_QUERIES && (q >= 0 || q == ST_AGAIN || q == ST_BAD));
	if (q >= 0) {
		MUST(!w.asked[q]);
		w.asked[q] = true;
	}
}

static void servers(unsigned count)
{
	struct ip_endpoint s[2] = { { .port = 53 }, { .port = 0 } };

	s[0].ip.family = s[1].ip.family = 4;
	s[0].ip.bytes[0] = s[1].ip.bytes[0] = 192;
	resolver_set_servers(&w.r, s, count % 3);
}

static void step(uint32_t ms)
{
	unsigned i, questions = 0, handles = 0;

	w.now_ms += ms;
	w.now_s += ms / 1000u;
	for (i = 0; i < 20 && resolver_step(&w.r, w.now_ms, w.now_s) == 0; i++)
		;
	for (i = 0; i < CONFIG_DNS_QUERIES; i++)
		questions += w.asked[i];
	for (i = 0; i < HANDLES; i++)
		handles += w.handle[i].open;
	MUST(handles <= questions);
	for (i = 0; i < CONFIG_DNS_QUERIES; i++)
		look((int)i);
}

static void act(struct span *in)
{
	static const int failures[] = { ST_AGAIN, ST_FULL, ST_IO, ST_AGAIN };
	const uint8_t op = fuzz_u8(in);
	unsigned i;

	switch (op & 7) {
	case 0: ask(in); break;
	case 1:
	case 2:
	case 3: serve(in); break;
	case 4: step((op >> 3) * (op >> 3)); break;
	case 5:
		i = (op >> 3) % CONFIG_DNS_QUERIES;
		if (w.asked[i])
			resolver_cancel(&w.r, (int)i);
		w.asked[i] = false;
		break;
	case 6: w.fail = failures[op >> 3 & 3]; break;
	default:
		if (op >> 7)
			servers(op >> 3);
		w.piece = 1 + (op >> 3);
		break;
	}
	step(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size);
	unsigned i;

	memset(w.handle, 0, sizeof(w.handle));
	memset(w.asked, 0, sizeof(w.asked));
	w.now_ms = UINT32_MAX - 2000u; /* it wraps */
	w.now_s = 1;
	w.random = fuzz_u8(&in);
	w.fail = 0;
	w.piece = 700;
	resolver_init(&w.r, &net, &source);
	servers(1 + fuzz_u8(&in) % 2);
	for (i = 0; i < OPS_MAX && in.len > 0; i++)
		act(&in);
	/* Nobody says anything any more: each question ends within its time. */
	w.fail = 0;
	for (i = 0; i < 40; i++)
		step(CONFIG_DNS_TOTAL_MS / 20u);
	for (i = 0; i < CONFIG_DNS_QUERIES; i++)
		MUST(!w.asked[i]);
	for (i = 0; i < HANDLES; i++)
		MUST(!w.handle[i].open);
	for (i = 0; i < CONFIG_DNS_CACHE; i++)
		MUST(w.r.cache.entry[i].pins == 0);
	MUST(w.r.owner == 0);
	return 0;
}
