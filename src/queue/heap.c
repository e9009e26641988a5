/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/heap.h"

#include <string.h>
#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "queue/index.h"
#include "queue/layout.h"
#include "queue/media.h"

/* In the octet of the age: no extent, but where the next descriptor is. */
#define AGE_SKIP 0x80u

/* Not valid descriptors that are passed over when counting: one that failed to
 * program, or has rotted, must not hide those after it. */
#define LOOK_AHEAD 8u

/* ---- Finding ------------------------------------------------------------------------ */

static uint32_t descriptor_at(const struct queue *q, uint32_t index)
{
	return layout_end(&q->layout) - layout_extent_len(&q->layout) * (index + 1u);
}

/* Reads a descriptor, a skip too: whether its checksum holds. */
static bool descriptor_read(const struct queue *q, uint16_t sector, uint32_t index,
	struct heap_extent *e)
{
	uint8_t d[LAYOUT_EXTENT_LEN];

	if (media_read(q, sector, descriptor_at(q, index), d, sizeof(d)) != ST_OK)
		return false;
	e->sector = sector;
	e->index = (uint16_t)index;
	e->id = load_le32(d);
	e->from = load_le32(d + 4);
	e->len = load_le32(d + 8) & 0xffffffu;
	e->stream = d[11];
	e->pos = load_le32(d + 12) & 0xffffffu;
	e->age = d[15];
	e->crc = load_le32(d + 16);
	return crc32c(q->sector[sector].gen, span_make(d, 20)) == load_le32(d + 20);
}

static bool is_extent(const struct queue *q, const struct heap_extent *e)
{
	return !(e->age & AGE_SKIP) && e->stream < QUEUE_STREAMS &&
		e->pos + e->len <= layout_sector_size(&q->layout);
}

bool heap_extent_at(const struct queue *q, uint16_t sector, uint32_t index, struct heap_extent *e)
{
	return index < q->sector[sector].extents && descriptor_read(q, sector, index, e) &&
		is_extent(q, e);
}

/* What is looked for: the octet that key names, or what stands in for the extent key. */
struct wanted {
	const struct queue_slot *slot;
	struct heap_extent key;
	bool twin;
};

static bool is_twin(const struct queue *q, const struct heap_extent *twin,
	const struct heap_extent *e)
{
	uint8_t younger = (twin->age - e->age) & 0x7fu;

	return twin->from + twin->len >= e->from + e->len &&
		(younger == 0 || younger >= 0x40u ||
			twin->index + 1u != q->sector[twin->sector].extents);
}

/* Looks through the descriptors of a sector, all of them, beginning with start. */
static bool search(struct queue *q, const struct wanted *w, uint16_t sector, uint32_t start,
	struct heap_extent *e)
{
	uint32_t n = q->sector[sector].extents, i, at;

	for (i = 0; i < n; i++) {
		at = (start + i) % n;
		/* Copied already by reclaim: counted, and to be forgotten, elsewhere. */
		if (sector == q->victim && at < q->victim_extent)
			continue;
		if (heap_extent_at(q, sector, at, e) && e->id == w->slot->id &&
			e->stream == w->key.stream && w->key.from - e->from < e->len &&
			(!w->twin || is_twin(q, e, &w->key)) &&
			/* Of two copies one may be stale: only an intact one counts. */
			(!(w->slot->flags & QUEUE_SLOT_DOUBLE) || heap_check(q, e) == ST_OK))
			return true;
	}
	return false;
}

uint16_t heap_next_sector(const struct queue *q, uint32_t gen, uint32_t *distance)
{
	uint32_t i, best = QUEUE_NONE, nearest = 0, d;

	for (i = 0; i < layout_sectors(&q->layout); i++) {
		d = q->sector[i].gen - gen;
		if (q->sector[i].kind == QUEUE_SECTOR_DATA && d > *distance &&
			(best == QUEUE_NONE || d < nearest)) {
			best = i;
			nearest = d;
		}
	}
	*distance = nearest;
	return (uint16_t)best;
}

/* Looks through all sectors but that of a generation.  Streams are written
 * through sectors of rising generations, and copies go to one of the next. */
static bool search_others(struct queue *q, const struct wanted *w, uint32_t gen,
	struct heap_extent *e)
{
	uint32_t distance = 0;
	uint16_t at;

	while ((at = heap_next_sector(q, gen, &distance)) != QUEUE_NONE)
		if (search(q, w, at, 0, e))
			return true;
	return false;
}

enum status heap_find(struct queue *q, const struct queue_slot *s, struct heap_extent *e)
{
	struct wanted w = { s, *e, false };
	uint16_t sector = e->sector;
	uint32_t gen = 0;

	if (sector < layout_sectors(&q->layout) && q->sector[sector].kind == QUEUE_SECTOR_DATA) {
		if (search(q, &w, sector, e->index, e))
			return ST_OK;
		gen = q->sector[sector].gen;
	}
	return search_others(q, &w, gen, e) ? ST_OK : ST_MISSING;
}

enum status heap_each(struct queue *q, const struct queue_slot *s,
	const uint32_t len[QUEUE_STREAMS],
	enum status (*visit)(struct queue *q, const struct heap_extent *e))
{
	/* In the order in which they are written, each leads to the next. */
	static const uint8_t order[QUEUE_STREAMS] = { 0, 2, 1 };
	struct heap_extent e = { .sector = s->hint_sector, .index = s->hint_extent };
	enum status st;
	uint32_t i, from;

	for (i = 0; i < QUEUE_STREAMS; i++) {
		for (from = 0; from < len[order[i]]; from = e.from + e.len) {
			e.stream = order[i];
			e.from = from;
			st = heap_find(q, s, &e);
			if (st == ST_OK)
				st = visit(q, &e);
			if (st != ST_OK)
				return st;
		}
	}
	return ST_OK;
}

static enum status check_once(struct queue *q, const struct heap_extent *e)
{
	uint32_t crc = q->sector[e->sector].gen, done, n;

	for (done = 0; done < e->len; done += n) {
		n = e->len - done < QUEUE_SCRATCH ? e->len - done : QUEUE_SCRATCH;
		if (media_read(q, e->sector, e->pos + done, q->scratch, n) != ST_OK)
			return ST_IO;
		crc = crc32c(crc, span_make(q->scratch, n));
	}
	return crc == e->crc ? ST_OK : ST_CORRUPT;
}

enum status heap_check(struct queue *q, const struct heap_extent *e)
{
	enum status st = ST_CORRUPT;
	uint32_t tries;

	/* A marginal cell may read right the next time. */
	for (tries = 0; tries < 3u && st != ST_OK; tries++)
		st = check_once(q, e);
	return st;
}

bool heap_has_twin(struct queue *q, const struct queue_slot *s, const struct heap_extent *e)
{
	struct wanted w = { s, *e, true };
	struct heap_extent twin;

	return (s->flags & QUEUE_SLOT_DOUBLE) &&
		search_others(q, &w, q->sector[e->sector].gen, &twin);
}

bool heap_redundant(struct queue *q, uint16_t sector)
{
	struct heap_extent e;
	struct queue_slot *s;
	uint32_t i;

	for (i = 0; i < q->sector[sector].extents; i++) {
		if (!heap_extent_at(q, sector, i, &e))
			continue;
		s = index_find(q, e.id);
		/* What mount is about to drop need not live anywhere. */
		if (s != NULL && !(s->flags & QUEUE_SLOT_TORN) && !heap_has_twin(q, s, &e))
			return false;
	}
	return true;
}

/* ---- Accounting -------------------------------------------------------------------------- */

uint16_t heap_units(const struct queue *q, uint32_t len)
{
	return (uint16_t)((layout_round(&q->layout, len) + layout_extent_len(&q->layout) + 7u) /
		8u);
}

bool heap_is_head(const struct queue *q, uint32_t sector)
{
	uint32_t i;

	for (i = 0; i < QUEUE_HEADS; i++)
		if (q->heads[i].sector == sector)
			return true;
	return q->cold.sector == sector;
}

void heap_release(struct queue *q, uint16_t sector, uint32_t units)
{
	struct queue_sector *s = &q->sector[sector];

	if (units > s->live)
		units = s->live;
	s->live = (uint16_t)(s->live - units);
	q->live_units -= units;
	q->stuck = false;
	if (s->live == 0 && s->kind == QUEUE_SECTOR_DATA && sector != q->victim &&
		!heap_is_head(q, sector))
		media_free(q, sector);
}

static enum status release(struct queue *q, const struct heap_extent *e)
{
	heap_release(q, e->sector, heap_units(q, e->len));
	return ST_OK;
}

void heap_forget(struct queue *q, const struct queue_slot *s, const uint32_t len[QUEUE_STREAMS])
{
	/* What was not found, or exists twice, is still counted. */
	if (heap_each(q, s, len, release) != ST_OK || (s->flags & QUEUE_SLOT_DOUBLE))
		q->recount = 0;
}

void heap_count(struct queue *q, uint16_t sector, uint32_t *id_max)
{
	struct queue_sector *s = &q->sector[sector];
	uint32_t most = layout_payload(&q->layout) / layout_extent_len(&q->layout), i, live = 0;
	uint32_t end = id_max == NULL ? s->extents : LOOK_AHEAD;
	struct heap_extent e;
	struct queue_slot *slot;

	for (i = 0; i < end && i < most; i++) {
		if (!descriptor_read(q, sector, i, &e))
			continue;
		if (id_max != NULL)
			s->extents = (uint16_t)(i + 1u);
		if ((e.age & AGE_SKIP) && e.from > i)
			i = e.from - 1u;
		if (id_max != NULL)
			end = i + 1u + LOOK_AHEAD;
		if (!is_extent(q, &e))
			continue;
		slot = index_find(q, e.id);
		if (slot != NULL)
			live += heap_units(q, e.len);
		if (id_max == NULL)
			continue;
		if ((int32_t)(e.id - *id_max) > 0)
			*id_max = e.id;
		if (slot == NULL)
			continue;
		slot->admitted += e.len;
		if (e.stream == 0 && e.from == 0) {
			slot->hint_sector = sector;
			slot->hint_extent = (uint16_t)i;
		}
	}
	q->live_units += live - s->live;
	s->live = (uint16_t)live;
}

/* ---- Filling ------------------------------------------------------------------------------ */

void heap_init(struct queue *q)
{
	uint32_t i;

	for (i = 0; i < QUEUE_HEADS; i++)
		q->heads[i].sector = q->heads[i].owner = QUEUE_NONE;
	q->cold.sector = q->cold.owner = QUEUE_NONE;
}

/* Octets between what was written and the place of the next descriptor; below 0
 * when that is taken. */
static int32_t gap(const struct queue *q, const struct queue_head *h)
{
	return (int32_t)(descriptor_at(q, q->sector[h->sector].extents) - h->pos);
}

uint32_t heap_room(const struct queue *q, const struct queue_head *h)
{
	if (h->sector == QUEUE_NONE || q->sector[h->sector].bad || gap(q, h) < 0)
		return 0;
	return (uint32_t)gap(q, h);
}

enum status heap_extent_put(struct queue *q, struct queue_head *h, uint8_t *at, uint32_t len)
{
	uint32_t padded = layout_round(&q->layout, len);
	enum status st;

	memset(at + len, 0xff, padded - len);
	st = media_program(q, h->sector, h->pos, at, padded);
	h->touched = true;
	if (st != ST_OK)
		return st;
	if (h->len == 0)
		h->crc = q->sector[h->sector].gen;
	h->crc = crc32c(h->crc, span_make(at, len));
	h->len += len;
	h->pos += padded;
	return ST_OK;
}

static enum status descriptor_write(struct queue *q, struct queue_head *h, uint8_t age,
	uint32_t crc)
{
	struct queue_sector *s = &q->sector[h->sector];
	uint8_t d[LAYOUT_EXTENT_LEN + CONFIG_QUEUE_PROGRAM_UNIT_MAX];
	/* In a sector where the last octets failed, only this place is surely behind them. */
	uint32_t tries = s->bad ? 2u : 0u;

	memset(d + LAYOUT_EXTENT_LEN, 0xff, layout_extent_len(&q->layout) - LAYOUT_EXTENT_LEN);
	store_le32(d, h->id);
	store_le32(d + 4, h->from);
	store_le32(d + 8, h->len | (uint32_t)h->stream << 24);
	store_le32(d + 12, (h->pos - layout_round(&q->layout, h->len)) | (uint32_t)age << 24);
	store_le32(d + 16, crc);
	store_le32(d + 20, crc32c(s->gen, span_make(d, 20)));
	h->touched = true;
	/* Where one fails to program, the next may not: readers look past it. */
	for (; tries < 3u && gap(q, h) >= 0; tries++) {
		s->extents++;
		if (media_program(q, h->sector, descriptor_at(q, s->extents - 1u), d,
			    layout_extent_len(&q->layout)) == ST_OK)
			return ST_OK;
	}
	return ST_IO;
}

enum status heap_extent_close(struct queue *q, struct queue_head *h, bool damaged)
{
	uint16_t owner = h->owner;
	struct queue_sector *sector;
	struct queue_slot *slot;

	h->owner = QUEUE_NONE;
	if (owner == QUEUE_NONE || h->len == 0)
		return ST_OK;
	if (descriptor_write(q, h, h->age, damaged ? ~h->crc : h->crc) != ST_OK) {
		if (owner < CONFIG_QUEUE_WRITERS)
			q->writers[owner].failed = true;
		return ST_IO;
	}
	sector = &q->sector[h->sector];
	sector->live = (uint16_t)(sector->live + heap_units(q, h->len));
	q->live_units += heap_units(q, h->len);
	slot = index_find(q, h->id);
	if (slot == NULL || h->from != 0)
		return ST_OK;
	if (h->stream == 0 || slot->hint_sector == QUEUE_NONE) {
		slot->hint_sector = h->sector;
		slot->hint_extent = (uint16_t)(sector->extents - 1u);
	}
	return ST_OK;
}

void heap_head_leave(struct queue *q, struct queue_head *h)
{
	uint16_t sector = h->sector;

	if (sector == QUEUE_NONE)
		return;
	(void)heap_extent_close(q, h, false);
	h->sector = QUEUE_NONE;
	heap_release(q, sector, 0);
}

enum status heap_head_open(struct queue *q, struct queue_head *h, uint32_t keep, bool worn)
{
	enum status st;

	heap_head_leave(q, h);
	if (media_free_durable(q) > keep) {
		st = media_open(q, MEDIA_DATA, worn, &h->sector);
		h->pos = layout_header_len(&q->layout);
		return st;
	}
	/* With nothing to reclaim, what reclaim has left of its sector is used up. */
	if (q->stuck && h != &q->cold &&
		heap_room(q, &q->cold) >= 2u * layout_extent_len(&q->layout)) {
		(void)heap_extent_close(q, &q->cold, false);
		h->sector = q->cold.sector;
		h->pos = q->cold.pos;
		h->touched = q->cold.touched;
		q->cold.sector = QUEUE_NONE;
		return ST_OK;
	}
	q->urgent |= q->dirty;
	return q->stopped ? ST_IO : ST_AGAIN;
}

/* A head that is open and idle, a new one while there is room for several, or
 * the least used one: the lower, the better. */
static uint32_t head_rank(const struct queue *q, const struct queue_head *h)
{
	if (h->users == 0 && heap_room(q, h) > 256u)
		return 0;
	if (h->users == 0 && layout_sectors(&q->layout) > 12u * QUEUE_HEADS &&
		media_free_count(q) > LAYOUT_RESERVE)
		return 1;
	return h->sector == QUEUE_NONE ? UINT32_MAX : 2u + h->users;
}

static struct queue_head *head_of(struct queue *q, const struct queue_writer *w)
{
	return &q->heads[QUEUE_HEADS > 1 ? w->head : 0];
}

static void head_join(struct queue *q, struct queue_writer *w, uint32_t head)
{
	w->head = (uint16_t)head;
	head_of(q, w)->users++;
}

static void head_choose(struct queue *q, struct queue_writer *w)
{
	uint32_t i, best = 0;

	for (i = 1; i < QUEUE_HEADS; i++)
		if (head_rank(q, &q->heads[i]) < head_rank(q, &q->heads[best]))
			best = i;
	head_join(q, w, best);
}

/* There is no sector for the writer's head, and none to reclaim: it goes to
 * another head that has room. */
static bool head_share(struct queue *q, struct queue_writer *w)
{
	uint32_t i;

	for (i = 0; QUEUE_HEADS > 1 && i < QUEUE_HEADS && q->stuck; i++) {
		if (i == w->head || heap_room(q, &q->heads[i]) < 2u * layout_extent_len(&q->layout))
			continue;
		head_of(q, w)->users--;
		head_join(q, w, i);
		return true;
	}
	return false;
}

enum status heap_flush(struct queue *q, uint16_t writer, bool all)
{
	struct queue_writer *w = &q->writers[writer];
	struct queue_slot *s = index_find(q, w->id);
	struct queue_head *h;
	enum status st;
	uint32_t n, from, over;

	while (w->stage_len >= layout_unit(&q->layout) || (all && w->stage_len > 0)) {
		if (w->failed || q->stopped)
			return ST_IO;
		if (w->head == QUEUE_NONE)
			head_choose(q, w);
		h = head_of(q, w);
		n = w->stage_len;
		from = s->len[w->stream] - n;
		if (h->owner != writer || h->stream != w->stream || h->from + h->len != from)
			(void)heap_extent_close(q, h, false);
		over = (h->pos + n) % q->flash->geometry.page_size;
		if (layout_round(&q->layout, n) > heap_room(q, h))
			n = layout_whole(&q->layout, heap_room(q, h));
		else if (!all && over < n)
			n -= over; /* What comes next begins with a page. */
		else if (!all && n < CONFIG_QUEUE_STAGE)
			return ST_OK; /* Less than a page can wait for more. */
		/* A few octets of more are not worth a descriptor. */
		if (n < w->stage_len && n < (h->owner == writer ? 1u : LAYOUT_EXTENT_LEN)) {
			st = heap_head_open(q, h, LAYOUT_RESERVE, false);
			if (st != ST_OK && !(st == ST_AGAIN && head_share(q, w)))
				return st;
			continue;
		}
		if (h->owner == QUEUE_NONE) {
			h->owner = writer;
			h->id = s->id;
			h->stream = w->stream;
			h->from = from;
			h->age = 0;
			h->len = 0;
		}
		if (heap_extent_put(q, h, w->stage, n) != ST_OK)
			continue; /* The sector is bad now: the next turn leaves it. */
		w->stage_len = (uint16_t)(w->stage_len - n);
		memmove(w->stage, w->stage + n, w->stage_len);
		if (n % layout_unit(&q->layout) != 0)
			(void)heap_extent_close(q, h, false);
	}
	return w->failed ? ST_IO : ST_OK;
}

void heap_writer_end(struct queue *q, uint16_t writer)
{
	struct queue_writer *w = &q->writers[writer];
	struct queue_head *h;

	if (w->head == QUEUE_NONE)
		return;
	h = head_of(q, w);
	if (h->owner == writer)
		(void)heap_extent_close(q, h, false);
	h->users--;
	w->head = QUEUE_NONE;
}

static void head_pad(struct queue *q, struct queue_head *h)
{
	uint32_t step = CONFIG_QUEUE_COMMIT_ALIGN, next, page;

	if (h->sector == QUEUE_NONE || !h->touched)
		return;
	(void)heap_extent_close(q, h, false);
	h->touched = false;
	h->pos = (h->pos + step - 1u) & ~(step - 1u);
	/* The next descriptor is the first that ends below this one's page. */
	next = q->sector[h->sector].extents;
	page = descriptor_at(q, next) & ~(step - 1u);
	while (descriptor_at(q, next) < layout_sector_size(&q->layout) &&
		descriptor_at(q, next) + layout_extent_len(&q->layout) > page)
		next++;
	h->id = 0;
	h->from = next;
	h->len = 0;
	h->stream = 0;
	if (descriptor_at(q, next) >= layout_sector_size(&q->layout) ||
		descriptor_at(q, next) <= h->pos || descriptor_write(q, h, AGE_SKIP, 0) != ST_OK) {
		heap_head_leave(q, h);
		return;
	}
	q->sector[h->sector].extents = (uint16_t)next;
	h->touched = false;
}

void heap_pad(struct queue *q)
{
	uint32_t i;

	if (CONFIG_QUEUE_COMMIT_ALIGN <= layout_unit(&q->layout))
		return;
	for (i = 0; i < QUEUE_HEADS; i++)
		head_pad(q, &q->heads[i]);
	/* What reclaim has copied counts once its victim is free. */
	if (q->pad_cold)
		head_pad(q, &q->cold);
	q->pad_cold = false;
}
