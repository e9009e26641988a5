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
