/* SPDX-License-Identifier: BSD-2-Clause */
#include "route/schedule.h"

#include "base/check.h"

#include <string.h>

#define BACK_OFF_FIRST_S 30u
#define WAIT_MAX_S 86400u

uint32_t schedule_wait_s(const uint32_t *retry_s, size_t steps, unsigned attempts, struct rng *rng)
{
	size_t step = attempts > 0 ? attempts - 1u : 0;
	uint32_t wait_s, spread_s;

	CHECK(steps > 0);
	wait_s = retry_s[step < steps ? step : steps - 1];
	spread_s = wait_s / 8u;
	return wait_s - spread_s + rng_below(rng, 2u * spread_s + 1u);
}

void schedule_init(struct schedule *s)
{
	memset(s, 0, sizeof(*s));
	s->next_s = INSTANT_NEVER;
}

/* ---- rows ---------------------------------------------------------------- */

struct schedule_row *schedule_row_of(struct schedule *s, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++)
		if (s->row[i].id == id)
			return &s->row[i];
	return NULL;
}

void schedule_put(struct schedule *s, uint32_t id, uint32_t due_s, uint8_t priority)
{
	struct schedule_row *row = schedule_row_of(s, id);

	if (row == NULL)
		row = schedule_row_of(s, 0);
	CHECK(id != 0 && row != NULL);
	*row = (struct schedule_row){ .id = id, .priority = priority };
	schedule_put_off(s, id, due_s, 0);
}

void schedule_put_off(struct schedule *s, uint32_t id, uint32_t due_s, uint32_t hop)
{
	struct schedule_row *row = schedule_row_of(s, id);

	CHECK(row != NULL);
	row->due_s = due_s;
	row->hop = hop;
	row->running = false;
	if (due_s < s->next_s)
		s->next_s = due_s;
}

void schedule_remove(struct schedule *s, uint32_t id)
{
	struct schedule_row *row = schedule_row_of(s, id);

	if (row != NULL)
		*row = (struct schedule_row){ 0 };
}

static bool goes_before(const struct schedule_row *a, const struct schedule_row *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (a->due_s != b->due_s)
		return a->due_s < b->due_s;
	/* Ids count up: who came first goes first. */
	return (int32_t)(a->id - b->id) < 0;
}

/* ---- next hops ----------------------------------------------------------- */

/* The entry of this hop; else the idle one whose back-off ends first, to be taken for
 * it; NULL: all are active. */
static struct schedule_hop *hop_entry(struct schedule *s, uint32_t hop)
{
	struct schedule_hop *idle = NULL;
	uint32_t i;

	for (i = 0; i < CONFIG_ROUTE_HOPS; i++) {
		struct schedule_hop *h = &s->hop[i];

		if (h->name_hash == hop)
			return h;
		if (h->active == 0 && (idle == NULL || h->until_s < idle->until_s))
			idle = h;
	}
	return idle;
}

/* After a back-off one delivery tries the way before the others follow. */
static bool takes_more(const struct schedule_hop *h)
{
	return h != NULL && h->active < (h->wait_s > 0 ? 1u : CONFIG_HOP_CONCURRENCY);
}

bool schedule_hop_begin(struct schedule *s, uint32_t hop, uint32_t now_s, uint32_t *until_s)
{
	struct schedule_hop *h = hop_entry(s, hop);

	if (h != NULL && h->name_hash != hop)
		*h = (struct schedule_hop){ .name_hash = hop };
	if (h != NULL && h->until_s > now_s)
		*until_s = h->until_s;
	else if (takes_more(h)) {
		h->active++;
		return true;
	}
	return false;
}

void schedule_hop_end(struct schedule *s, uint32_t hop, bool reached, uint32_t now_s)
{
	struct schedule_hop *h = hop_entry(s, hop);

	CHECK(h != NULL && h->active > 0);
	h->active--;
	s->next_s = 0; /* what waits for this hop's turn is looked at again */
	if (reached) {
		h->wait_s = 0;
		h->until_s = 0;
	} else if (h->until_s <= now_s) {
		/* Deliveries that ran side by side and failed together count once. */
		h->wait_s = h->wait_s > 0 ? 2u * h->wait_s : BACK_OFF_FIRST_S;
		if (h->wait_s > CONFIG_HOP_BACK_OFF_MAX)
			h->wait_s = CONFIG_HOP_BACK_OFF_MAX;
		h->until_s = now_s + h->wait_s;
	}
}

/* ---- whose turn it is ---------------------------------------------------- */

/* A row that waits for a hop's turn is passed over until the hop takes more (its
 * back-off is in the row's time); a connection (hop_held) takes what waits for its hop, or for
 * nothing known. */
static bool may_run(struct schedule *s, const struct schedule_row *row, uint32_t hop_held)
{
	if (row->hop == 0)
		return true;
	return hop_held != 0 ? row->hop == hop_held : takes_more(hop_entry(s, row->hop));
}

/* One look at every row finds the one to run and when the next is due; rows that wait for a
 * hop's turn do not count in that. */
bool schedule_due(struct schedule *s, uint32_t now_s, uint32_t hop_held, uint32_t *id)
{
	struct schedule_row *row, *best = NULL;
	uint32_t i, next_s = INSTANT_NEVER;

	if (hop_held == 0 && s->next_s > now_s)
		return false;
	for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++) {
		row = &s->row[i];
		if (row->id == 0 || row->running)
			continue;
		if (row->due_s > now_s) {
			if (row->due_s < next_s)
				next_s = row->due_s;
		} else if (may_run(s, row, hop_held)) {
			if (best != NULL)
				next_s = now_s; /* one more is due */
			if (best == NULL || goes_before(row, best))
				best = row;
		}
	}
	/* A connection does not see what waits for other hops. */
	if (hop_held == 0)
		s->next_s = next_s;
	if (best == NULL)
		return false;
	best->running = true;
	*id = best->id;
	return true;
}

uint32_t schedule_wait_ms(const struct schedule *s, uint32_t now_s)
{
	uint32_t wait_s = s->next_s > now_s ? s->next_s - now_s : 0;

	return 1000u * (wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S);
}
