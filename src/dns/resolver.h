/* SPDX-License-Identifier: BSD-2-Clause */
/* resolver - a stub resolver (RFC 1035, RFC 5452, RFC 6891) over the port's datagrams.
 *
 * A question is asked, then its answer is asked for until it is there; in
 * between resolver_step moves datagrams, retries, changes servers, falls back
 * to TCP when an answer is truncated, follows CNAMEs, fills the cache.
 *
 * Against forged answers: id and port are unpredictable (sys/random.h), the
 * question's letters have random case (0x20) and must come back so, the source
 * is the server asked.  What does not fit is counted and ignored: a flood of
 * forgeries ends no question.  An answer without RA is accepted (an authoritative
 * server may be configured).
 *
 * Each attempt has a fresh id and port.  Servers are asked in turn, beginning
 * with the one that answered last, DNS_ROUNDS times each; the last round goes
 * without EDNS0 and in lower case, for servers and middleboxes that take offence.
 *
 * There is no server for "localhost": it is the loopback address (RFC 6761 6.3).
 */
#ifndef PIPIT_DNS_RESOLVER_H
#define PIPIT_DNS_RESOLVER_H

#include "base/instant.h"
#include "base/ip.h"
#include "base/status.h"
#include "dns/answer.h"
#include "dns/resolver_state.h"
#include "pipit_limits.h"
#include "sys/net.h"
#include "sys/random.h"

/* net and random must outlive the resolver. */
void resolver_init(struct resolver *r, const struct net *net, const struct random *random);

/* Servers in order of preference; up to CONFIG_DNS_SERVERS, the rest is ignored.
 * Questions in flight start again. */
void resolver_set_servers(struct resolver *r, const struct ip_endpoint *servers, size_t count);

/* A question number >= 0, ST_AGAIN: all CONFIG_DNS_QUERIES are taken, ST_BAD: not a
 * name (empty label, too long, an octet that no host name has; a trailing dot
 * is allowed). */
int resolver_ask(struct resolver *r, struct span name, enum dns_type type);

/* Whether resolver_answer would say DNS_PENDING. */
bool resolver_pending(const struct resolver *r, int question);

/* Once it is not DNS_PENDING the question number is free again.  *out is
 * written only for DNS_FOUND. */
enum dns_result resolver_answer(struct resolver *r, int question, struct dns_answer *out);

void resolver_cancel(struct resolver *r, int question);

/* Moves everything once, bounded.  now_ms wraps, now_s (any seconds that do not) is for the
 * cache.  Milliseconds until it wants to be called again; 0 when a question has just ended,
 * so that its asker gets a turn. */
uint32_t resolver_step(struct resolver *r, uint32_t now_ms, uint32_t now_s);

/* Counters since init (struct resolver_stats in resolver_state.h). */
const struct resolver_stats *resolver_stats(const struct resolver *r);

#endif
