/* SPDX-License-Identifier: BSD-2-Clause */
/* exchange - one question and the servers: attempts by UDP and TCP, and what the replies lead to.
 *
 * A part of the resolver: resolver.c says when a question begins and gives it its
 * turns, this moves it from PAUSE to DONE, or back to START under another name.
 */
#ifndef PIPIT_DNS_EXCHANGE_H
#define PIPIT_DNS_EXCHANGE_H

#include "base/instant.h"
#include "dns/answer.h"
#include "dns/resolver_state.h"

#define NO_HANDLE (-1)

/* One move in the states PAUSE and UDP, and in those of TCP.  True: something happened,
 * there may be more to do. */
bool exchange_pause(struct resolver *r, struct resolver_query *q);
bool exchange_udp(struct resolver *r, struct resolver_query *q);
bool exchange_tcp_connect(struct resolver *r, struct resolver_query *q);
bool exchange_tcp_send(struct resolver *r, struct resolver_query *q);
bool exchange_tcp_gather(struct resolver *r, struct resolver_query *q);

/* The attempt is over: on to the next one, or the question has failed. */
void exchange_failed(struct resolver *r, struct resolver_query *q);

/* To START: the cache first, then the servers again. */
void exchange_restart(struct resolver *r, struct resolver_query *q);

/* To DONE; with the result of an entry, which is pinned if it has records. */
void exchange_end(struct resolver *r, struct resolver_query *q, enum dns_result result);
void exchange_end_with(struct resolver *r, struct resolver_query *q, struct dns_cache_entry *e);

void exchange_close(struct resolver *r, struct resolver_query *q);

/* 1 for the first query, as r->owner counts them. */
uint8_t exchange_number(const struct resolver *r, const struct resolver_query *q);

/* Valid until the next attempt, which changes its case. */

static inline struct span exchange_name(const struct resolver_query *q)
{
	return span_make(q->name, q->name_len);
}
void exchange_set_name(struct resolver_query *q, struct span name);

/* ---- for exchange_tcp.c ---------------------------------------------------- */

#define TCP_LENGTH_LEN 2u

/* The query in r->packet, TCP's length in front. */
struct span exchange_query(struct resolver *r, const struct resolver_query *q);

/* false: it does not answer q's question, which was counted. */
bool exchange_open_reply(struct resolver *r, const struct resolver_query *q,
	struct dns_reply *reply, struct span bytes, bool cut);

/* Where the reply leads: DONE, START under another name, or the next attempt. */
void exchange_take(struct resolver *r, struct resolver_query *q, const struct dns_reply *reply);

#endif
