/* SPDX-License-Identifier: BSD-2-Clause */
/* resolver_state - what the resolver keeps; fields are private to resolver.c and exchange.c. */
#ifndef PIPIT_DNS_RESOLVER_STATE_H
#define PIPIT_DNS_RESOLVER_STATE_H

#include "base/ip.h"
#include "dns/cache.h"
#include "pipit_limits.h"

/* Each unanswered question may pin an entry of the cache, and one more is filled. */
_Static_assert(CONFIG_DNS_CACHE >= CONFIG_DNS_QUERIES,
	"every question needs an entry for its answer");
_Static_assert(CONFIG_DNS_CACHE <= UINT16_MAX, "entries are numbered by 16 bits");
_Static_assert(CONFIG_DNS_PACKET >= 512u, "RFC 1035 2.3.4: every server may send that much");
_Static_assert(CONFIG_DNS_PACKET >= DNS_QUERY_MAX, "a query is built in the packet");
_Static_assert(CONFIG_DNS_SERVERS <= 8u, "no_edns has a bit for each");
_Static_assert(CONFIG_DNS_RECORDS <= 255u && CONFIG_DNS_QUERIES <= 255u, "counted by one octet");

/* What an event counts: nothing where nobody can ask for the counters. */
#define DNS_COUNT ((uint32_t)CONFIG_CONTROL_LINE)

struct resolver_stats {
	uint32_t questions, cache_hits, timeouts, failures, truncated, mismatched;
};

/* The walk of a question:
 *
 *   FREE -ask-> START -not in the cache-> PAUSE -> UDP -reply-> DONE -answer-> FREE
 *                 ^                         ^       | truncated
 *                 | CNAME                   |       v
 *                 +---- any reply           +--- CONNECT -> SEND -> GATHER -reply-> DONE
 *                                      failed
 *
 * PAUSE is where every attempt begins, after no time or some. */
enum dns_query_state {
	DNS_QUERY_FREE,
	DNS_QUERY_START,
	DNS_QUERY_PAUSE,
	DNS_QUERY_UDP,
	DNS_QUERY_CONNECT,
	DNS_QUERY_SEND,
	DNS_QUERY_GATHER,
	DNS_QUERY_DONE,
};

/* One question.  Its name is in the case of the present attempt; after a CNAME it is
 * the target. */
struct resolver_query {
	uint32_t until_ms;   /* end of the attempt or pause */
	uint32_t give_up_ms; /* 0: to be set */
	int handle;          /* -1: none */
	uint8_t state;       /* enum dns_query_state */
	uint8_t type, result;
	uint8_t server, tries, cname_count;
	uint8_t edns, watched;
	uint8_t name_len;
	uint16_t id;
	uint16_t sent_len; /* TCP: how much of the query left */
	uint16_t entry;    /* DONE: where the answer is, if there is one */
	uint8_t name[DNS_NAME_MAX];
};

struct resolver {
	const struct net *net;
	const struct random *random;
	uint32_t now_ms, now_s; /* of the step */
	uint8_t server_count, server_best;
	uint8_t no_edns; /* bit per server: it refused EDNS0 */
	uint8_t owner;   /* 1 + the query whose TCP reply is being gathered in packet; 0: none */
	uint16_t packet_len;
	struct resolver_stats stats;
	struct ip_endpoint server[CONFIG_DNS_SERVERS];
	struct resolver_query query[CONFIG_DNS_QUERIES];
	struct dns_cache cache;
	uint8_t packet[2 + CONFIG_DNS_PACKET]; /* TCP's length goes first */
};

#endif
