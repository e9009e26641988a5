/* SPDX-License-Identifier: BSD-2-Clause */
/* mx - from MX records to hosts in the order to try them (RFC 5321 5.1, RFC 7505).
 *
 * Pure: records, our own names and a random source in; an ordered list out.
 * Equal preferences are shuffled; if we are listed, we and all that are not better
 * are dropped.  A name that no host can have (an octet that a log or an SMTP
 * command must not carry) never gets here: the resolver leaves it out, so an
 * answer may be found and empty, which is MX_NONE.
 */
#ifndef PIPIT_ROUTE_MX_H
#define PIPIT_ROUTE_MX_H

#include "base/rng.h"
#include "dns/resolver.h"

enum mx_verdict {
	MX_HOSTS, /* hosts are in the list */
	MX_NULL,  /* the domain takes no mail: 556 5.1.10, at once */
	MX_LOOP,  /* the best host is ourselves: 554 5.4.6 */
	MX_NONE,  /* records, but none usable: 450 4.4.4, maybe later */
};

struct mx_list {
	uint8_t count;
	uint8_t order[CONFIG_DNS_RECORDS]; /* indexes into the answer's records */
};

struct mx_own {
	bool (*is_own)(void *ctx, struct span host);
	void *ctx;
};

/* Sorts the MX records of answer.  The implicit MX (no MX record: the domain
 * itself) is the caller's: it has one host and no list. */
enum mx_verdict mx_order(const struct dns_answer *answer, const struct mx_own *own, struct rng *rng,
	struct mx_list *out);

/* A and AAAA answers (either may be NULL) to one list of addresses by ip_version:
 * ANY takes the families in turn, IPv4 first since receivers are stricter with
 * IPv6; PREFER takes one family first, but leaves the other the last place.
 * Each family begins at a random address.  Count written, at most max. */
enum mx_ip_version { MX_IP_ANY, MX_IP_4, MX_IP_6, MX_IP_PREFER_4, MX_IP_PREFER_6 };

#if CONFIG_IPV6
size_t mx_addresses(const struct dns_answer *a, const struct dns_answer *aaaa,
	enum mx_ip_version version, struct rng *rng, struct ip *out, size_t max);
#else
static inline size_t mx_addresses(const struct dns_answer *a, const struct dns_answer *aaaa,
	enum mx_ip_version version, struct rng *rng, struct ip *out, size_t max)
{
	uint32_t start = a ? rng_below(rng, a->count) : 0;
	size_t n;

	(void)aaaa;
	(void)version;
	for (n = 0; a && n < a->count && n < max; n++)
		out[n] = a->record[(start + n) % a->count].ip;
	return n;
}
#endif

#endif
