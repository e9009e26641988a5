/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/cache.h"

#include "base/check.h"

#include <string.h>

static struct span name_of(const struct dns_cache_entry *e)
{
	return span_make(e->data, e->name_len);
}

struct dns_cache_entry *dns_cache_find(struct dns_cache *c, uint32_t now_s, struct span name,
	uint8_t type)
{
	uint32_t hash = span_hash_nocase(name);
	unsigned i;

	for (i = 0; i < CONFIG_DNS_CACHE; i++) {
		struct dns_cache_entry *e = &c->entry[i];

		if (e->result != 0 && e->name_hash == hash && e->type == type &&
			e->expires_s > now_s && span_equal_nocase(name_of(e), name))
			return e;
	}
	return NULL;
}

struct dns_cache_entry *dns_cache_take(struct dns_cache *c)
{
	struct dns_cache_entry *victim = NULL;
	unsigned i;

	for (i = 0; i < CONFIG_DNS_CACHE; i++) {
		struct dns_cache_entry *e = &c->entry[i];

		/* A free entry is all zero, so it "expires" before every other. */
		if (e->pins == 0 && (!victim || e->expires_s < victim->expires_s))
			victim = e;
	}
	CHECK(victim);
	memset(victim, 0, sizeof(*victim));
	return victim;
}

void dns_cache_flush(struct dns_cache *c)
{
	unsigned i;

	for (i = 0; i < CONFIG_DNS_CACHE; i++)
		if (c->entry[i].pins == 0)
			memset(&c->entry[i], 0, sizeof(c->entry[i]));
		else
			c->entry[i].expires_s = 0;
}
