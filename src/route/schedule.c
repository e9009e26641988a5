/* SPDX-License-Identifier: BSD-2-Clause */
#include "route/schedule.h"

#include "base/check.h"

#include <string.h>

#define DUE_NEVER 0xffffffffffffu /* all of a row's 48 bits */
#define BACK_OFF_FIRST_MS 30000u

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
	s->next_ms = INSTANT_NEVER;
}

/* ---- rows ---------------------------------------------------------------- */

uint64_t schedule_row_due_ms(const struct schedule_row *row)
{
	uint64_t due_ms = (uint64_t)row->due_high << 32 | row->due_low;

	return due_ms == DUE_NEVER ? INSTANT_NEVER : due_ms;
}

void schedule_row_set_due(struct schedule *s, struct schedule_row *row, uint64_t due_ms)
{
	uint64_t kept = due_ms < DUE_NEVER ? due_ms : DUE_NEVER;

	row->due_low = (uint32_t)(kept & UINT32_MAX);
	row->due_high = (uint16_t)(kept >> 32);
	if (schedule_row_due_ms(row) < s->next_ms)
		s->next_ms = schedule_row_due_ms(row);
}

/* Ids count up, so they are spread over the table by Fibonacci's multiplier. */
static uint32_t home_of(uint32_t id)
{
	return (uint32_t)(((uint64_t)(id * 2654435769u) * SCHEDULE_SLOTS) >> 32);
}

static uint32_t slot_after(uint32_t slot)
{
	return slot + 1u < SCHEDULE_SLOTS ? slot + 1u : 0;
}

/* The slot of id, or the free one where it would stand. */
uint32_t schedule_slot_of(const struct schedule *s, uint32_t id)
{
	uint32_t slot = home_of(id);

	CHECK(id != 0);
	while (s->row[slot].id != 0 && s->row[slot].id != id)
		slot = slot_after(slot);
	return slot;
}

void schedule_put(struct schedule *s, uint32_t id, uint64_t due_ms, uint8_t priority)
{
	struct schedule_row *row = &s->row[schedule_slot_of(s, id)];

	if (row->id == 0) {
		/* One slot stays free: it ends every search. */
		CHECK(s->count + 1u < SCHEDULE_SLOTS);
		row->id = id;
		s->count++;
	}
	row->priority = priority;
	row->hop = 0;
	row->running = 0;
	row->asked = 0;
	schedule_row_set_due(s, row, due_ms);
}

void schedule_put_off(struct schedule *s, uint32_t id, uint64_t due_ms, uint8_t priority,
	uint32_t hop)
{
	struct schedule_row *row = &s->row[schedule_slot_of(s, id)];
	bool asked = row->id == id && row->asked;

	schedule_put(s, id, due_ms, priority);
	row->asked = asked;
	row->hop = hop;
}

bool schedule_is_asked(const struct schedule *s, uint32_t id)
{
	const struct schedule_row *row = &s->row[schedule_slot_of(s, id)];

	return row->id == id && row->asked;
}

static uint32_t distance(uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + SCHEDULE_SLOTS - from;
}

/* Rows behind the gap move up unless that would put them before their home. */
void schedule_remove(struct schedule *s, uint32_t id)
{
	uint32_t gap = schedule_slot_of(s, id), slot = gap;

	if (s->row[gap].id == 0)
		return;
	for (;;) {
		slot = slot_after(slot);
		if (s->row[slot].id == 0)
			break;
		if (distance(home_of(s->row[slot].id), slot) >= distance(gap, slot)) {
			s->row[gap] = s->row[slot];
			gap = slot;
		}
	}
	s->row[gap].id = 0;
	s->count--;
}

static bool goes_before(const struct schedule_row *a, const struct schedule_row *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (schedule_row_due_ms(a) != schedule_row_due_ms(b))
		return schedule_row_due_ms(a) < schedule_row_due_ms(b);
	/* Ids count up: who came first goes first. */
	return (int32_t)(a->id - b->id) < 0;
}

/* Whether one more delivery to this hop may start; its back-off is in the rows' times. */
static bool hop_is_open(const struct schedule *s, uint32_t hop)
{
	bool idle = false;
	uint32_t i;

	for (i = 0; i < CONFIG_ROUTE_HOPS; i++) {
		const struct schedule_hop *h = &s->hop[i];

		if (h->name_hash == hop)
			return h->active < (h->failures > 0 ? 1u : h->limit);
		idle |= h->active == 0;
	}
	return idle;
}

/* A row that waits for a hop's turn is passed over until the hop is open; a
 * connection (hop_held) takes what waits for its hop, or for nothing known. */
static bool may_run(const struct schedule *s, const struct schedule_row *row, uint32_t hop_held)
{
	if (row->hop == 0)
		return true;
	return hop_held != 0 ? row->hop == hop_held : hop_is_open(s, row->hop);
}

/* One look at every row finds the one to run and when the next is due. */
bool schedule_due(struct schedule *s, struct instant now, uint32_t hop_held, uint32_t *id)
{
	struct schedule_row *best = NULL;
	uint64_t next_ms = INSTANT_NEVER;
	uint32_t i;

	/* Rows that wait for a hop's turn do not count in next_ms. */
	if (hop_held == 0 && s->next_ms > now.mono_ms)
		return false;
	for (i = 0; i < SCHEDULE_SLOTS; i++) {
		struct schedule_row *row = &s->row[i], *other = row;

		if (row->id == 0 || row->running)
			continue;
		if (schedule_row_due_ms(row) <= now.mono_ms) {
			if (!may_run(s, row, hop_held))
				continue;
			if (!best || goes_before(row, best)) {
				other = best;
				best = row;
			}
		}
		if (other && schedule_row_due_ms(other) < next_ms)
			next_ms = schedule_row_due_ms(other);
	}
	/* A connection does not see what waits for other hops. */
	if (hop_held == 0)
		s->next_ms = next_ms;
	if (!best)
		return false;
	best->running = 1;
	*id = best->id;
	return true;
}

uint32_t schedule_wait_ms(const struct schedule *s, struct instant now)
{
	if (s->next_ms == INSTANT_NEVER)
		return UINT32_MAX;
	return instant_until_ms(now, s->next_ms);
}

/* ---- next hops ----------------------------------------------------------- */

static struct schedule_hop *hop_find(struct schedule *s, uint32_t hash)
{
	uint32_t i;

	for (i = 0; i < CONFIG_ROUTE_HOPS; i++)
		if (s->hop[i].name_hash == hash)
			return &s->hop[i];
	return NULL;
}

/* A fresh entry in place of the idle one whose back-off ends first; NULL: all are active. */
static struct schedule_hop *hop_add(struct schedule *s, uint32_t hash)
{
	struct schedule_hop *victim = NULL;
	uint32_t i;

	for (i = 0; i < CONFIG_ROUTE_HOPS; i++)
		if (s->hop[i].active == 0 && (!victim || s->hop[i].until_ms < victim->until_ms))
			victim = &s->hop[i];
	if (victim) {
		memset(victim, 0, sizeof(*victim));
		victim->name_hash = hash;
	}
	return victim;
}

enum status schedule_hop_begin(struct schedule *s, uint32_t hop, struct instant now,
	unsigned concurrency, uint64_t *until_ms)
{
	struct schedule_hop *h = hop_find(s, hop);

	if (!h)
		h = hop_add(s, hop);
	if (!h)
		return ST_AGAIN;
	if (h->until_ms > now.mono_ms) {
		*until_ms = h->until_ms;
		return ST_FULL;
	}
	/* After a back-off one delivery tries the way before the others follow. */
	if (h->active >= (h->failures > 0 ? 1u : concurrency))
		return ST_AGAIN;
	h->limit = (uint16_t)concurrency;
	h->active++;
	return ST_OK;
}

static uint64_t back_off_ms(unsigned failures, uint32_t max_s)
{
	uint64_t wait_ms = (uint64_t)BACK_OFF_FIRST_MS << (failures < 16u ? failures - 1u : 15u);

	return wait_ms < 1000u * (uint64_t)max_s ? wait_ms : 1000u * (uint64_t)max_s;
}

void schedule_hop_end(struct schedule *s, uint32_t hop, bool reached, struct instant now,
	uint32_t back_off_max_s)
{
	struct schedule_hop *h = hop_find(s, hop);

	CHECK(h && h->active > 0);
	h->active--;
	s->next_ms = 0; /* what waits for this hop's turn is looked at again */
	if (reached) {
		h->failures = 0;
		h->until_ms = 0;
	} else if (h->until_ms <= now.mono_ms) {
		/* Deliveries that ran side by side and failed together count once. */
		h->failures = (uint8_t)(h->failures < UINT8_MAX ? h->failures + 1 : UINT8_MAX);
		h->until_ms = now.mono_ms + back_off_ms(h->failures, back_off_max_s);
	}
}
