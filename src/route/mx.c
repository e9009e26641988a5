/* SPDX-License-Identifier: BSD-2-Clause */
#include "route/mx.h"

static uint16_t preference_of(const struct dns_answer *a, uint8_t record)
{
	return a->record[record].preference;
}

/* The best preference under which we are listed ourselves; above all when we are not. */
static uint32_t own_preference(const struct dns_answer *a, const struct mx_own *own)
{
	uint32_t best = UINT32_MAX;
	unsigned i;

	for (i = 0; i < a->count; i++) {
		const struct dns_record *r = &a->record[i];

		if (r->preference < best && r->name_len > 0 &&
			own->is_own(own->ctx, dns_record_name(a, r)))
			best = r->preference;
	}
	return best;
}

static void swap(uint8_t *a, uint8_t *b)
{
	uint8_t kept = *a;

	*a = *b;
	*b = kept;
}

/* A shuffle, then a stable sort: equals stay shuffled (RFC 5321 5.1). */
static void order_hosts(const struct dns_answer *a, struct rng *rng, struct mx_list *list)
{
	unsigned i, j;

	for (i = list->count; i > 1; i--)
		swap(&list->order[i - 1], &list->order[rng_below(rng, i)]);
	for (i = 1; i < list->count; i++)
		for (j = i; j > 0 &&
			preference_of(a, list->order[j - 1]) > preference_of(a, list->order[j]);
			j--)
			swap(&list->order[j - 1], &list->order[j]);
}

enum mx_verdict mx_order(const struct dns_answer *answer, const struct mx_own *own, struct rng *rng,
	struct mx_list *out)
{
	uint32_t limit = own_preference(answer, own);
	unsigned i;

	out->count = 0;
	/* Null MX counts only alone (RFC 7505 3); beside others it is no host. */
	if (answer->count == 1 && answer->record[0].name_len == 0)
		return MX_NULL;
	for (i = 0; i < answer->count; i++)
		if (answer->record[i].name_len > 0 && answer->record[i].preference < limit)
			out->order[out->count++] = (uint8_t)i;
	if (out->count == 0)
		return limit == UINT32_MAX ? MX_NONE : MX_LOOP;
	order_hosts(answer, rng, out);
	return MX_HOSTS;
}

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
