/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/exchange.h"

#include "base/bytes.h"
#include "sys/net.h"
#include "sys/random.h"

#include <string.h>

#define NO_HANDLE_PAUSE_MS 100u /* the port is out of handles: somebody will close one */
#define ROUND_MS 500u           /* further rounds wait this much longer each */

void exchange_set_name(struct resolver_query *q, struct span name)
{
	memcpy(q->name, name.at, name.len);
	q->name_len = (uint8_t)name.len;
}

uint8_t exchange_number(const struct resolver *r, const struct resolver_query *q)
{
	return (uint8_t)(q - r->query + 1);
}

void exchange_close(struct resolver *r, struct resolver_query *q)
{
	if (q->handle != NO_HANDLE)
		r->net->ops->close(r->net->ctx, q->handle);
	q->handle = NO_HANDLE;
	q->watched = 0;
	if (r->owner == exchange_number(r, q))
		r->owner = 0;
}

void exchange_restart(struct resolver *r, struct resolver_query *q)
{
	exchange_close(r, q);
	q->state = DNS_QUERY_START;
	q->tries = 0;
}

void exchange_end(struct resolver *r, struct resolver_query *q, enum dns_result result)
{
	exchange_close(r, q);
	q->state = DNS_QUERY_DONE;
	q->result = (uint8_t)result;
	if (result == DNS_FAILED)
		r->stats.failures += DNS_COUNT;
}

void exchange_end_with(struct resolver *r, struct resolver_query *q, struct dns_cache_entry *e)
{
	if (e->result == DNS_FOUND) {
		e->pins++;
		q->entry = (uint16_t)(e - r->cache.entry);
	}
	exchange_end(r, q, e->result);
}

/* ---- one attempt --------------------------------------------------------- */

static unsigned round_of(const struct resolver *r, const struct resolver_query *q)
{
	return q->tries / r->server_count;
}

static void pause_until(struct resolver *r, struct resolver_query *q, uint32_t until_ms)
{
	exchange_close(r, q);
	q->until_ms = until_ms;
	q->state = DNS_QUERY_PAUSE;
}

/* On to the next server; at once within a round, a little later for a new round,
 * so that a server just restarting is not counted out in a millisecond. */
void exchange_failed(struct resolver *r, struct resolver_query *q)
{
	unsigned round;

	q->tries++;
	q->server = (uint8_t)((q->server + 1u) % r->server_count);
	round = round_of(r, q);
	if (round >= CONFIG_DNS_ROUNDS)
		exchange_end(r, q, DNS_FAILED);
	else
		pause_until(r, q,
			r->now_ms + (q->tries % r->server_count == 0 ? ROUND_MS * round : 0u));
}

/* A fresh id, and a fresh case of each letter (0x20): both must come back. */
static void disguise(struct resolver *r, struct resolver_query *q, bool mixed)
{
	uint8_t bits[(DNS_NAME_MAX + 7u) / 8u], id[2];
	unsigned i;

	r->random->fill(r->random->ctx, id, sizeof(id));
	q->id = load_be16(id);
	memset(bits, 0, sizeof(bits));
	if (mixed)
		r->random->fill(r->random->ctx, bits, sizeof(bits));
	for (i = 0; i < q->name_len; i++) {
		q->name[i] = byte_lower(q->name[i]);
		if (byte_is_alpha(q->name[i]) && (bits[i / 8u] >> (i % 8u) & 1u) != 0)
			q->name[i] = (uint8_t)(q->name[i] - ('a' - 'A'));
	}
}

static struct dns_question question_of(const struct resolver_query *q)
{
	return (struct dns_question){ q->id, q->type, exchange_name(q) };
}

/* The query in r->packet, TCP's length in front. */
struct span exchange_query(struct resolver *r, const struct resolver_query *q)
{
	struct dns_question question = question_of(q);
	uint16_t edns_size = CONFIG_DNS_PACKET < DNS_EDNS_SIZE_MAX ? CONFIG_DNS_PACKET
								   : DNS_EDNS_SIZE_MAX;
	struct buf b;

	buf_init(&b, r->packet + TCP_LENGTH_LEN, CONFIG_DNS_PACKET);
	dns_query_put(&b, &question, q->edns ? edns_size : 0);
	store_be16(r->packet, (uint16_t)b.len);
	return span_make(r->packet, TCP_LENGTH_LEN + b.len);
}

/* A new handle in *q, or the attempt is over (ST_FULL: put off). */
static bool open_handle(struct resolver *r, struct resolver_query *q, bool tcp)
{
	const struct ip_endpoint *server = &r->server[q->server];
	int handle;

	exchange_close(r, q);
	handle = tcp ? r->net->ops->connect(r->net->ctx, server)
		     : r->net->ops->datagram(r->net->ctx, server);
	if (handle >= 0)
		q->handle = handle;
	else if (handle == ST_FULL)
		pause_until(r, q, r->now_ms + NO_HANDLE_PAUSE_MS);
	else
		exchange_failed(r, q);
	return handle >= 0;
}

bool exchange_pause(struct resolver *r, struct resolver_query *q)
{
	bool last = round_of(r, q) + 1u == CONFIG_DNS_ROUNDS;
	struct span query;
	int n;

	if (instant_until_ms(r->now_ms, q->until_ms) > 0)
		return false;
	if (!open_handle(r, q, false))
		return true;
	disguise(r, q, !last);
	q->edns = !last && (r->no_edns >> q->server & 1u) == 0;
	query = span_from(exchange_query(r, q), TCP_LENGTH_LEN);
	n = r->net->ops->send(r->net->ctx, q->handle, query.at, query.len);
	/* ST_AGAIN is a datagram lost: the time-out will do. */
	if (n < 0 && n != ST_AGAIN) {
		exchange_failed(r, q);
		return true;
	}
	q->until_ms = r->now_ms + CONFIG_DNS_ATTEMPT_MS + ROUND_MS * round_of(r, q);
	q->state = DNS_QUERY_UDP;
	return true;
}

/* ---- replies ------------------------------------------------------------- */

static void keep_entry(struct resolver *r, const struct resolver_query *q,
	const struct dns_reply *reply, const struct dns_digest *d, enum dns_result result,
	struct dns_cache_entry *e)
{
	e->result = (uint8_t)result;
	e->type = q->type;
	e->expires_s = r->now_s + d->ttl_s;
	dns_digest_store(d, reply, exchange_name(q), e);
}

/* The chain leads out of the reply: ask for where it leads. */
static void follow_alias(struct resolver *r, struct resolver_query *q,
	const struct dns_reply *reply, const struct dns_digest *d)
{
	uint8_t text[DNS_NAME_MAX];
	struct buf target;
	uint16_t end;

	buf_init(&target, text, sizeof(text));
	if (dns_name_get(reply, d->name_at, &target, &end) != ST_OK || target.len == 0) {
		exchange_end(r, q, DNS_FAILED);
		return;
	}
	exchange_set_name(q, buf_span(&target));
	exchange_restart(r, q);
}

static void take_records(struct resolver *r, struct resolver_query *q,
	const struct dns_reply *reply)
{
	static const uint8_t results[] = {
		[DNS_DIGEST_RECORDS] = DNS_FOUND,
		[DNS_DIGEST_NO_DATA] = DNS_NO_DATA,
		[DNS_DIGEST_NO_NAME] = DNS_NO_NAME,
	};
	struct dns_digest d;
	struct dns_cache_entry *e;

	dns_reply_digest(reply, q->type, &d);
	if (d.kind == DNS_DIGEST_BAD) {
		exchange_failed(r, q);
		return;
	}
	r->server_best = q->server;
	q->cname_count = (uint8_t)(q->cname_count + d.cname_count);
	if (d.kind == DNS_DIGEST_LOOP || q->cname_count > DNS_CNAMES_MAX) {
		exchange_end(r, q, DNS_FAILED);
	} else if (d.kind == DNS_DIGEST_ALIAS) {
		follow_alias(r, q, reply, &d);
	} else {
		e = dns_cache_take(&r->cache);
		keep_entry(r, q, reply, &d, results[d.kind], e);
		exchange_end_with(r, q, e);
	}
}

/* A server that does not know EDNS0 says so with a code, which may be the extended
 * one in its own OPT record (RFC 6891 6.1.3, 7). */
static bool refuses_edns(const struct dns_reply *reply)
{
	struct dns_walk w;

	if (reply->rcode == DNS_FORMERR || reply->rcode == DNS_NOTIMP)
		return true;
	dns_walk_begin(&w, reply);
	while (dns_walk_next(&w, reply) == ST_OK)
		if (w.section == DNS_ADDITIONAL && w.type == DNS_TYPE_OPT && w.ttl_s >> 24 != 0)
			return true;
	return false;
}

void exchange_take(struct resolver *r, struct resolver_query *q, const struct dns_reply *reply)
{
	if (refuses_edns(reply) && q->edns) {
		r->no_edns |= (uint8_t)(1u << q->server);
		pause_until(r, q, r->now_ms);
	} else if (reply->rcode != DNS_NOERROR && reply->rcode != DNS_NXDOMAIN) {
		exchange_failed(r, q);
	} else {
		take_records(r, q, reply);
	}
}

bool exchange_open_reply(struct resolver *r, const struct resolver_query *q,
	struct dns_reply *reply, struct span bytes, bool cut)
{
	struct dns_question question = question_of(q);

	if (dns_reply_open(reply, bytes, cut) && dns_reply_matches(reply, &question))
		return true;
	r->stats.mismatched += DNS_COUNT;
	return false;
}

bool exchange_udp(struct resolver *r, struct resolver_query *q)
{
	int n = r->net->ops->recv(r->net->ctx, q->handle, r->packet, sizeof(r->packet));
	struct dns_reply reply;
	bool cut;

	if (n == ST_AGAIN)
		return false;
	if (n < 0) {
		exchange_failed(r, q);
		return true;
	}
	/* More than was offered has been cut by the port. */
	cut = n > (int)CONFIG_DNS_PACKET;
	if (!exchange_open_reply(r, q, &reply, span_make(r->packet, (size_t)n), cut))
		return true;
	cut |= reply.truncated;
	r->stats.truncated += DNS_COUNT && cut;
	if (!cut || !CONFIG_DNS_TCP) {
		reply.cut = cut; /* without TCP what is there has to do */
		exchange_take(r, q, &reply);
		return true;
	}
	if (open_handle(r, q, true)) {
		q->until_ms = r->now_ms + CONFIG_DNS_TCP_MS;
		q->sent_len = 0;
		q->state = DNS_QUERY_CONNECT;
	}
	return true;
}
