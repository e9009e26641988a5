/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/resolver.h"

#include "base/check.h"
#include "dns/exchange.h"

#include <string.h>

#define DNS_PORT_DEFAULT 53u

/* What the port is asked to watch for meanwhile. */
static const uint8_t watched_in[] = {
	[DNS_QUERY_UDP] = NET_READ,
	[DNS_QUERY_CONNECT] = NET_WRITE,
	[DNS_QUERY_SEND] = NET_WRITE,
	[DNS_QUERY_GATHER] = NET_READ,
	[DNS_QUERY_DONE] = 0,
};

void resolver_init(struct resolver *r, const struct net *net, const struct random *random)
{
	unsigned i;

	memset(r, 0, sizeof(*r));
	r->net = net;
	r->random = random;
	for (i = 0; i < CONFIG_DNS_QUERIES; i++)
		r->query[i].handle = NO_HANDLE;
}

const struct resolver_stats *resolver_stats(const struct resolver *r)
{
	return &r->stats;
}

/* ---- asking and answering ------------------------------------------------ */

void resolver_set_servers(struct resolver *r, const struct ip_endpoint *servers, size_t count)
{
	unsigned i;

	r->server_count = (uint8_t)(count < CONFIG_DNS_SERVERS ? count : CONFIG_DNS_SERVERS);
	for (i = 0; i < r->server_count; i++) {
		r->server[i] = servers[i];
		if (r->server[i].port == 0)
			r->server[i].port = DNS_PORT_DEFAULT;
	}
	r->server_best = 0;
	r->no_edns = 0;
	dns_cache_flush(&r->cache);
	for (i = 0; i < CONFIG_DNS_QUERIES; i++)
		if (r->query[i].state != DNS_QUERY_FREE && r->query[i].state != DNS_QUERY_DONE)
			exchange_restart(r, &r->query[i]);
}

int resolver_ask(struct resolver *r, struct span name, enum dns_type type)
{
	int i;

	CHECK(type == DNS_A || type == DNS_AAAA || type == DNS_MX);
	if (name.len > 0 && name.at[name.len - 1] == '.')
		name.len--;
	if (!dns_name_is_host(name))
		return ST_BAD;
	for (i = 0; i < (int)CONFIG_DNS_QUERIES; i++)
		if (r->query[i].state == DNS_QUERY_FREE)
			break;
	if (i == (int)CONFIG_DNS_QUERIES)
		return ST_AGAIN;
	memset(&r->query[i], 0, sizeof(r->query[i]));
	r->query[i].handle = NO_HANDLE;
	r->query[i].state = DNS_QUERY_START;
	r->query[i].type = (uint8_t)type;
	exchange_set_name(&r->query[i], name);
	r->stats.questions += DNS_COUNT;
	return i;
}

static struct resolver_query *query_at(struct resolver *r, int question)
{
	CHECK(question >= 0 && question < (int)CONFIG_DNS_QUERIES);
	CHECK(r->query[question].state != DNS_QUERY_FREE);
	return &r->query[question];
}

bool resolver_pending(const struct resolver *r, int question)
{
	return r->query[question].state != DNS_QUERY_DONE;
}

enum dns_result resolver_answer(struct resolver *r, int question, struct dns_answer *out)
{
	struct resolver_query *q = query_at(r, question);
	enum dns_result result = q->result;

	if (q->state != DNS_QUERY_DONE)
		return DNS_PENDING;
	if (result == DNS_FOUND)
		dns_entry_answer(&r->cache.entry[q->entry], r->now_s, out);
	resolver_cancel(r, question);
	return result;
}

void resolver_cancel(struct resolver *r, int question)
{
	struct resolver_query *q = query_at(r, question);

	if (q->state == DNS_QUERY_DONE && q->result == DNS_FOUND)
		r->cache.entry[q->entry].pins--;
	exchange_close(r, q);
	q->state = DNS_QUERY_FREE;
}

/* ---- before anybody is asked --------------------------------------------- */

static bool is_localhost(struct span name)
{
	struct span last = span_from(name, name.len >= 10 ? name.len - 10 : 0);

	return span_equal_nocase(last, SPAN(".localhost")) ||
		span_equal_nocase(name, SPAN("localhost"));
}

static void answer_localhost(struct resolver *r, struct resolver_query *q)
{
	struct dns_cache_entry *e = dns_cache_take(&r->cache);

	e->result = q->type == DNS_MX ? DNS_NO_DATA : DNS_FOUND;
	e->type = q->type;
	e->len = q->type == DNS_A ? 4 : IP_BYTES_MAX;
	e->data[0] = q->type == DNS_A ? 127 : 0;
	e->data[e->len - 1u] = 1;
	exchange_end_with(r, q, e);
}

/* Whether another question is already out for the same: its answer will do for both. */
static bool has_twin(const struct resolver *r, const struct resolver_query *q)
{
	unsigned i;

	for (i = 0; i < CONFIG_DNS_QUERIES; i++) {
		const struct resolver_query *other = &r->query[i];

		if (other->state > DNS_QUERY_START && other->state < DNS_QUERY_DONE &&
			other->type == q->type &&
			span_equal_nocase(exchange_name(other), exchange_name(q)))
			return true;
	}
	return false;
}

static bool step_start(struct resolver *r, struct resolver_query *q)
{
	struct dns_cache_entry *e;

	if (q->give_up_ms == 0)
		q->give_up_ms = r->now_ms + CONFIG_DNS_TOTAL_MS;
	q->until_ms = q->give_up_ms;
	if (is_localhost(exchange_name(q))) {
		answer_localhost(r, q);
		return false;
	}
	e = dns_cache_find(&r->cache, r->now_s, exchange_name(q), q->type);
	if (e) {
		r->stats.cache_hits += DNS_COUNT;
		exchange_end_with(r, q, e);
		return false;
	}
	if (r->server_count == 0) {
		exchange_end(r, q, DNS_FAILED);
		return false;
	}
	if (has_twin(r, q))
		return false;
	q->server = r->server_best;
	q->until_ms = r->now_ms;
	q->state = DNS_QUERY_PAUSE;
	return true;
}

/* ---- the step ------------------------------------------------------------ */

static bool (*const steps[])(struct resolver *, struct resolver_query *) = {
	[DNS_QUERY_START] = step_start,
	[DNS_QUERY_PAUSE] = exchange_pause,
	[DNS_QUERY_UDP] = exchange_udp,
#if CONFIG_DNS_TCP
	[DNS_QUERY_CONNECT] = exchange_tcp_connect,
	[DNS_QUERY_SEND] = exchange_tcp_send,
	[DNS_QUERY_GATHER] = exchange_tcp_gather,
#endif
};

/* After the work, so that a reply that is there in time counts even when the loop was late. */
static void expire(struct resolver *r, struct resolver_query *q)
{
	if (q->state == DNS_QUERY_DONE)
		return;
	if (instant_until_ms(r->now_ms, q->give_up_ms) == 0) {
		exchange_end(r, q, DNS_FAILED);
	} else if (q->state > DNS_QUERY_PAUSE && instant_until_ms(r->now_ms, q->until_ms) == 0) {
		r->stats.timeouts += DNS_COUNT;
		exchange_failed(r, q);
	}
}

static void watch(struct resolver *r, struct resolver_query *q, uint8_t events)
{
	if (q->handle == NO_HANDLE || q->watched == events)
		return;
	r->net->ops->watch(r->net->ctx, q->handle, events);
	q->watched = events;
}

/* Milliseconds until this question wants to go on. */
static uint32_t step_query(struct resolver *r, struct resolver_query *q)
{
	uint32_t until_ms, give_up_ms;
	unsigned n = 0;

	/* While another one's reply is gathered in the packet, this one's waits in its handle. */
	if (CONFIG_DNS_TCP && r->owner != 0 && r->owner != exchange_number(r, q)) {
		watch(r, q, 0);
		return UINT32_MAX;
	}
	while (n < DNS_DATAGRAMS_PER_STEP && q->state != DNS_QUERY_DONE && steps[q->state](r, q))
		n++;
	expire(r, q);
	watch(r, q, watched_in[q->state]);
	if (n == DNS_DATAGRAMS_PER_STEP || q->state == DNS_QUERY_DONE)
		return 0;
	until_ms = instant_until_ms(r->now_ms, q->until_ms);
	give_up_ms = instant_until_ms(r->now_ms, q->give_up_ms);
	return until_ms < give_up_ms ? until_ms : give_up_ms;
}

uint32_t resolver_step(struct resolver *r, uint32_t now_ms, uint32_t now_s)
{
	uint32_t wait_ms = UINT32_MAX, query_ms;
	uint8_t owner = r->owner;
	struct resolver_query *q;

	r->now_ms = now_ms;
	r->now_s = now_s;
	for (q = r->query; q < r->query + CONFIG_DNS_QUERIES; q++) {
		if (q->state == DNS_QUERY_FREE || q->state == DNS_QUERY_DONE)
			continue;
		query_ms = step_query(r, q);
		if (query_ms < wait_ms)
			wait_ms = query_ms;
	}
	/* Those who waited for the packet go on. */
	return CONFIG_DNS_TCP && owner != 0 && r->owner != owner ? 0 : wait_ms;
}
