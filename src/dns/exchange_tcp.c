/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/exchange.h"

#include "base/bytes.h"
#include "sys/net.h"

bool exchange_tcp_connect(struct resolver *r, struct resolver_query *q)
{
	int s = r->net->ops->connected(r->net->ctx, q->handle);

	if (s == ST_AGAIN)
		return false;
	if (s == ST_OK)
		q->state = DNS_QUERY_SEND;
	else
		exchange_failed(r, q);
	return true;
}

bool exchange_tcp_send(struct resolver *r, struct resolver_query *q)
{
	/* The same octets each time: id, case and EDNS0 stand in *q. */
	struct span rest = span_from(exchange_query(r, q), q->sent_len);
	int n = r->net->ops->send(r->net->ctx, q->handle, rest.at, rest.len);

	if (n == ST_AGAIN)
		return false;
	if (n <= 0) {
		exchange_failed(r, q);
		return true;
	}
	q->sent_len = (uint16_t)(q->sent_len + n);
	if ((size_t)n == rest.len)
		q->state = DNS_QUERY_GATHER;
	return true;
}

/* How much of the reply is worth reading: all, or what the packet holds. */
static size_t wanted_len(const struct resolver *r)
{
	size_t len = r->packet_len < TCP_LENGTH_LEN ? 0 : load_be16(r->packet);

	return TCP_LENGTH_LEN + (len < CONFIG_DNS_PACKET ? len : CONFIG_DNS_PACKET);
}

bool exchange_tcp_gather(struct resolver *r, struct resolver_query *q)
{
	size_t have = r->owner == 0 ? 0 : r->packet_len;
	struct dns_reply reply;
	int n;

	r->packet_len = (uint16_t)have;
	n = r->net->ops->recv(r->net->ctx, q->handle, r->packet + have, wanted_len(r) - have);
	if (n == ST_AGAIN)
		return false;
	if (n <= 0) {
		exchange_failed(r, q);
		return true;
	}
	r->owner = exchange_number(r, q);
	r->packet_len = (uint16_t)(have + (size_t)n);
	if (r->packet_len < wanted_len(r))
		return true;
	if (!exchange_open_reply(r, q, &reply,
		    span_make(r->packet + TCP_LENGTH_LEN, r->packet_len - TCP_LENGTH_LEN),
		    load_be16(r->packet) > CONFIG_DNS_PACKET)) {
		exchange_failed(r, q);
		return true;
	}
	/* What TCP cannot bring whole, nothing will: take what is there. */
	reply.cut = reply.cut || reply.truncated;
	exchange_take(r, q, &reply);
	return true;
}
