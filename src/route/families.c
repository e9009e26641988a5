/* SPDX-License-Identifier: BSD-2-Clause */
#include "route/mx.h"

/* One family's addresses, gone round once from a random start. */
struct turn {
	const struct dns_answer *from;
	size_t start, taken, count;
};

static struct turn turn_of(const struct dns_answer *from, bool wanted, struct rng *rng)
{
	struct turn t = { from, 0, 0, from && wanted ? from->count : 0u };

	if (t.count > 0)
		t.start = rng_below(rng, (uint32_t)t.count);
	return t;
}

static bool has_more(const struct turn *t)
{
	return t->taken < t->count;
}

static struct ip next_of(struct turn *t)
{
	return t->from->record[(t->start + t->taken++) % t->count].ip;
}

size_t mx_addresses(const struct dns_answer *a, const struct dns_answer *aaaa,
	enum mx_ip_version version, struct rng *rng, struct ip *out, size_t max)
{
	bool six_first = version == MX_IP_PREFER_6;
	struct turn four = turn_of(a, version != MX_IP_6, rng);
	struct turn six = turn_of(aaaa, version != MX_IP_4, rng);
	struct turn *first = six_first ? &six : &four, *second = six_first ? &four : &six;
	size_t n;

	for (n = 0; n < max && (has_more(first) || has_more(second)); n++) {
		bool last_chance = n > 0 && n + 1 == max && second->taken == 0;
		bool alternate = version == MX_IP_ANY && n % 2 == 1;
		bool turn_of_second = !has_more(first) || alternate || last_chance;

		out[n] = next_of(turn_of_second && has_more(second) ? second : first);
	}
	return n;
}
