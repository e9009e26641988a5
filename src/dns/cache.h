/* SPDX-License-Identifier: BSD-2-Clause */
/* cache - answers by name and type, in a fixed number of entries.
 *
 * An entry holds its question's name, then its records one after the other: A 4
 * octets, AAAA 16, MX preference, length and host.  Every answer passes
 * through an entry on its way to the asker, who pins it meanwhile.  One that does not
 * fit beside its name is kept without: good for its asker, found by nobody
 * else.  Names are compared whole: with a hash alone, one could be made that
 * meets another's mail.
 */
#ifndef PIPIT_DNS_CACHE_H
#define PIPIT_DNS_CACHE_H

#include "base/buf.h"
#include "pipit_limits.h"

struct dns_cache_entry {
	uint32_t expires_s; /* monotonic seconds */
	uint32_t name_hash;
	uint8_t result; /* enum dns_result; 0: the entry is free */
	uint8_t type;
	uint8_t pins;
	uint8_t name_len; /* 0: not to be found */
	uint16_t len;     /* of name and records */
	uint8_t data[CONFIG_DNS_CACHE_BYTES];
};

struct dns_cache {
	struct dns_cache_entry entry[CONFIG_DNS_CACHE];
};

/* The answer to (name, type) that is still good, or NULL. */
struct dns_cache_entry *dns_cache_find(struct dns_cache *c, uint32_t now_s, struct span name,
	uint8_t type);

/* An emptied, unpinned entry in place of a free one, or the one that expires first.
 * There is one as long as not all are pinned. */
struct dns_cache_entry *dns_cache_take(struct dns_cache *c);

/* Forgets everything; a pinned entry keeps its records for its asker. */
void dns_cache_flush(struct dns_cache *c);

static inline struct span dns_cache_records(const struct dns_cache_entry *e)
{
	return span_from(span_make(e->data, e->len), e->name_len);
}

#endif
