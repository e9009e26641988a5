/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/layout.h"

uint32_t layout_need(const struct queue_layout *l, uint32_t rcpt_count)
{
	return layout_record(l, JOURNAL_COMMIT_LEN) +
		QUEUE_REPORTS * layout_record(l, JOURNAL_JOB_LEN) +
		rcpt_count * layout_record(l, JOURNAL_BODY_MAX);
}

uint32_t layout_cost(const struct queue_layout *l, uint32_t octets)
{
	uint32_t piece = layout_payload(l) - layout_extent_len(l);

	/* One extent a stream, and one more for every sector that it spans. */
	return octets + QUEUE_STREAMS * (layout_extent_len(l) + layout_unit(l) - 1u) +
		octets / piece * (layout_extent_len(l) + 2u * layout_header_len(l));
}

uint32_t layout_gain(const struct queue_layout *l)
{
	uint32_t sixteenth = layout_sector_size(l) / 16u,
		 two = 2u * layout_extent_len(l) + layout_unit(l);
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
	return (uint8_t)((log2_of(layout_sector_size(l)) - 8u) << 4 | log2_of(layout_unit(l)));
}

/* ---- Limits --------------------------------------------------------------------- */

/* Octets of a journal sector that are left for records that say something; 0
 * when its fixed records do not fit. */
static uint32_t journal_capacity(const struct queue_layout *l)
{
	uint32_t fixed = layout_header_len(l) + layout_record(l, JOURNAL_SUPER_LEN) +
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
	uint32_t most = layout_sectors(l) / (layout_unit(l) >= 64u ? 4u : 8u);
	uint32_t hold = layout_sectors(l) * (layout_sector_size(l) / 256u) / 8u;
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
	uint32_t percent = layout_sectors(l) <= 32u ? 60u : layout_sectors(l) <= 128u ? 75u : 85u;
	uint32_t payload = layout_payload(l), piece = payload - layout_extent_len(l), room;
	uint32_t usable, spare,
		raw = layout_sectors(l) *
		(layout_sector_size(l) / 100u * percent +
			layout_sector_size(l) % 100u * percent / 100u);

	l->journal_max = journal_limit(l, l->journal_sectors);
	if (l->journal_max == 0 || layout_sectors(l) < l->journal_sectors + LAYOUT_RESERVE + 2u)
		return false;
	if (payload <= layout_gain(l))
		return false;
	/* All but one may be closed, and each so full that it is no victim. */
	usable = (layout_sectors(l) - l->journal_sectors - LAYOUT_RESERVE - 1u) *
		(payload - layout_gain(l));
	l->live_hard = usable;
	/* What was admitted may come to need more, in more extents than were thought of. */
	spare = usable / 24u + 8u * (layout_extent_len(l) + layout_unit(l));
	usable -= spare < usable / 6u ? spare : usable / 6u;
	l->live_max = usable < raw ? usable : raw;
	if (l->live_max <= layout_cost(l, 0))
		return false;
	/* Largest n with layout_cost(n) <= live_max: a piece of a message and what goes with
	 * it are a sector. */
	room = l->live_max - layout_cost(l, 0);
	l->message_max = room / layout_sector_size(l) * piece;
	room %= layout_sector_size(l);
	l->message_max += room < piece ? room : piece - 1u;
	return l->message_max > 0;
}

static bool power_of_two(uint32_t n)
{
	return n > 0 && (n & (n - 1u)) == 0;
}

/* Why this build cannot use it, or NULL. */
static const char *refusal(const struct flash_geometry *g)
{
	if (CONFIG_QUEUE_FIXED_GEOMETRY &&
		(g->sector_size != CONFIG_QUEUE_SECTOR_SIZE_MAX ||
			g->sector_count != CONFIG_QUEUE_SECTORS_MAX ||
			g->program_unit != CONFIG_QUEUE_PROGRAM_UNIT_MAX))
		return "not the flash that this build is for";
	if (!CONFIG_QUEUE_FIXED_GEOMETRY &&
		(!power_of_two(g->sector_size) || g->sector_size < 256u ||
			g->sector_size > CONFIG_QUEUE_SECTOR_SIZE_MAX ||
			!power_of_two(g->program_unit) ||
			g->program_unit > CONFIG_QUEUE_PROGRAM_UNIT_MAX))
		return "sector size or program unit is no power of two, or too large";
	if (!CONFIG_QUEUE_FIXED_GEOMETRY && g->sector_count > CONFIG_QUEUE_SECTORS_MAX)
		return "more sectors than this build can manage";
	if (g->page_size == 0 || g->page_size % g->program_unit != 0)
		return "pages are not a multiple of the program unit";
	return NULL;
}

bool layout_init(struct queue_layout *l, const struct flash_geometry *g, const char **why)
{
	*why = refusal(g);
	if (*why != NULL)
		return false;
	l->sector_size = g->sector_size;
	l->sectors = (uint16_t)g->sector_count;
	l->unit = g->program_unit;
	*why = "too few or too small sectors for a queue";
	return layout_sector_size(l) >= 4u * layout_header_len(l) && journal_layout(l);
}
