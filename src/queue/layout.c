/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/layout.h"

#include "queue/journal.h"

uint32_t layout_round(const struct queue_layout *l, uint32_t n)
{
	return (n + l->unit - 1u) & ~(uint32_t)(l->unit - 1u);
}

uint32_t layout_end(const struct queue_layout *l)
{
	return l->sector_size - l->header_len;
}

uint32_t layout_record(const struct queue_layout *l, uint32_t body_len)
{
	return (JOURNAL_FIXED_LEN + body_len + l->align - 1u) & ~(uint32_t)(l->align - 1u);
}

uint32_t layout_marks(const struct queue_layout *l)
{
	return l->sector_size >= 1024u ? 2u : 1u;
}

uint32_t layout_need(const struct queue_layout *l, uint32_t rcpt_count)
{
	return layout_record(l, JOURNAL_COMMIT_LEN) +
		QUEUE_REPORTS * layout_record(l, JOURNAL_JOB_LEN) +
		rcpt_count * layout_record(l, JOURNAL_BODY_MAX);
}

uint32_t layout_cost(const struct queue_layout *l, uint32_t octets)
{
	uint32_t piece = layout_end(l) - l->header_len - l->extent_len;

	/* One extent a stream, and one more for every sector that it spans. */
	return octets + QUEUE_STREAMS * (l->extent_len + l->unit - 1u) +
		octets / piece * (l->extent_len + 2u * l->header_len);
}

uint32_t layout_gain(const struct queue_layout *l)
{
	uint32_t sixteenth = l->sector_size / 16u, two = 2u * l->extent_len + l->unit;
	uint32_t pad = CONFIG_QUEUE_COMMIT_ALIGN > 1 ? 2u * CONFIG_QUEUE_COMMIT_ALIGN : 0u;

	return (sixteenth > two ? sixteenth : two) + pad;
}

static uint32_t log2_of(uint32_t n)
{
	uint32_t bits = 0;

	while (n > 1u) {
		n >>= 1;
		bits++;
	}
	return bits;
}

uint8_t layout_code(const struct queue_layout *l)
{
	return (uint8_t)((log2_of(l->sector_size) - 8u) << 4 | log2_of(l->unit));
}

/* ---- Limits --------------------------------------------------------------------- */

/* Octets of a journal sector that are left for records that say something; 0
 * when its fixed records do not fit. */
static uint32_t journal_capacity(const struct queue_layout *l)
{
	uint32_t fixed = l->header_len + layout_record(l, JOURNAL_SUPER_LEN) +
		layout_marks(l) * layout_record(l, JOURNAL_MARK_LEN);

	return layout_end(l) > fixed ? layout_end(l) - fixed : 0u;
}

/* What may be live in a ring of n sectors so that some rotation always finds
 * room for one more record: the emptiest is at most a n-th full.  That is
 * correct but slow, so three quarters of all but one are the limit where that
 * is enough. */
static uint32_t journal_limit(const struct queue_layout *l, uint32_t n)
{
	uint32_t capacity = journal_capacity(l), record = layout_record(l, JOURNAL_BODY_MAX);
	uint32_t good = (n - 1u) * (capacity / 8u * 7u);

	if (good >= layout_need(l, 1))
		return good;
	return capacity <= record || n * (capacity - record) < layout_need(l, 1)
		? 0u
		: layout_need(l, 1);
}

/* As many journal sectors as the messages need that this build can index and
 * this device can hold (2 KB each, one recipient), within an eighth of the
 * device; large program units pad records so much that it takes a quarter. */
static bool journal_layout(struct queue_layout *l)
{
	uint32_t most = l->sectors / (l->unit >= 64u ? 4u : 8u);
	uint32_t hold = l->sectors * (l->sector_size / 256u) / 8u;
	uint32_t want = CONFIG_QUEUE_MESSAGES * layout_need(l, 0) +
		CONFIG_QUEUE_RECIPIENTS * layout_record(l, JOURNAL_BODY_MAX);
	uint32_t n = 2;

	if (want > hold * layout_need(l, 1))
		want = hold * layout_need(l, 1);
	if (most > QUEUE_JOURNAL_MAX)
		most = QUEUE_JOURNAL_MAX;
	while (n < QUEUE_JOURNAL_MAX &&
		(journal_limit(l, n) == 0 || (n < most && journal_limit(l, n) < want)))
		n++;
	l->journal_sectors = (uint16_t)n;
	return layout_limits(l);
}

/* Reclaim must always find a sector that is not fully in use: the fewer there
 * are, the more of each must stay unused. */
bool layout_limits(struct queue_layout *l)
{
	uint32_t percent = l->sectors <= 32u ? 60u : l->sectors <= 128u ? 75u : 85u;
	uint32_t payload = layout_end(l) - l->header_len;
	uint32_t usable, spare,
		raw = l->sectors *
		(l->sector_size / 100u * percent + l->sector_size % 100u * percent / 100u);

	l->journal_max = journal_limit(l, l->journal_sectors);
	if (l->journal_max == 0 || l->sectors < l->journal_sectors + LAYOUT_RESERVE + 2u)
		return false;
	if (payload <= layout_gain(l))
		return false;
	/* All but one may be closed, and each so full that it is no victim. */
	usable = (l->sectors - l->journal_sectors - LAYOUT_RESERVE - 1u) *
		(payload - layout_gain(l));
	l->live_hard = usable;
	/* What was admitted may come to need more, in more extents than were thought of. */
	spare = usable / 24u + 8u * (l->extent_len + l->unit);
	usable -= spare < usable / 6u ? spare : usable / 6u;
	l->live_max = usable < raw ? usable : raw;
	if (l->live_max <= layout_cost(l, 0))
		return false;
	/* Largest n with layout_cost(n) <= live_max. */
	l->message_max = (uint32_t)((uint64_t)(l->live_max - layout_cost(l, 0)) *
		(payload - l->extent_len) / (payload + 2u * l->header_len));
	return l->message_max > 0;
}

static bool power_of_two(uint32_t n)
{
	return n > 0 && (n & (n - 1u)) == 0;
}

bool layout_init(struct queue_layout *l, const struct flash_geometry *g, const char **why)
{
	*why = "sector size or program unit is not a power of two within this build's limits";
	if (!power_of_two(g->sector_size) || g->sector_size < 256u ||
		g->sector_size > CONFIG_QUEUE_SECTOR_SIZE_MAX || !power_of_two(g->program_unit) ||
		g->program_unit > CONFIG_QUEUE_PROGRAM_UNIT_MAX || g->page_size == 0 ||
		g->page_size % g->program_unit != 0)
		return false;
	*why = "more sectors than this build can manage";
	if (g->sector_count > CONFIG_QUEUE_SECTORS_MAX)
		return false;
	l->sector_size = g->sector_size;
	l->sectors = (uint16_t)g->sector_count;
	l->unit = g->program_unit;
	l->align = l->unit < 4u ? 4u : l->unit;
	l->header_len = (uint16_t)layout_round(l, LAYOUT_HEADER_LEN);
	l->extent_len = (uint16_t)layout_round(l, LAYOUT_EXTENT_LEN);
	*why = "too few or too small sectors for a queue";
	return l->sector_size >= 4u * l->header_len && journal_layout(l);
}
