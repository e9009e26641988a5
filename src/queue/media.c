/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/media.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "queue/layout.h"

/* So many failures without a success between them are a dead device. */
#define FAILURES_MAX 8u

/* Sectors kept erased, so that an accept need not wait for an erase. */
#define READY_TARGET (LAYOUT_RESERVE + 2u)

/* "PQ", at the start of a header. */
#define MAGIC 0x5150u

static void failed(struct queue *q)
{
	if (++q->failures >= FAILURES_MAX)
		q->stopped = true;
}

enum status media_read(const struct queue *q, uint32_t sector, uint32_t at, void *to, uint32_t len)
{
	CHECK(sector < layout_sectors(&q->layout) && at + len <= layout_sector_size(&q->layout));
	if (q->flash->ops->read(q->flash->ctx, sector * layout_sector_size(&q->layout) + at, to,
		    len) < 0)
		return ST_IO;
	return ST_OK;
}

static bool same(const struct queue *q, uint32_t sector, uint32_t at, const uint8_t *from,
	uint32_t len)
{
	uint8_t back[32];
	uint32_t n;

	for (; len > 0; at += n, from += n, len -= n) {
		n = len < sizeof(back) ? len : (uint32_t)sizeof(back);
		if (media_read(q, sector, at, back, n) != ST_OK || memcmp(back, from, n) != 0)
			return false;
	}
	return true;
}

enum status media_program(struct queue *q, uint32_t sector, uint32_t at, const uint8_t *from,
	uint32_t len)
{
	uint32_t addr = sector * layout_sector_size(&q->layout) + at, done, n;
	uint32_t page = q->flash->geometry.page_size;

	CHECK(at % layout_unit(&q->layout) == 0 && len % layout_unit(&q->layout) == 0 &&
		at + len <= layout_sector_size(&q->layout));
	q->dirty = true;
	for (done = 0; done < len; done += n) {
		n = page - (addr + done) % page;
		if (n > len - done)
			n = len - done;
		q->programs++;
		q->program_bytes += n;
		if (q->flash->ops->program(q->flash->ctx, addr + done, from + done, n) < 0)
			break;
	}
	if (done < len || (CONFIG_QUEUE_VERIFY && !same(q, sector, at, from, len))) {
		q->sector[sector].bad = true;
		failed(q);
		return ST_IO;
	}
	q->failures = 0;
	return ST_OK;
}

bool media_blank(struct queue *q, uint32_t sector, uint32_t at, uint32_t end)
{
	uint32_t n, i;

	for (; at < end; at += n) {
		n = end - at < QUEUE_SCRATCH ? end - at : QUEUE_SCRATCH;
		if (media_read(q, sector, at, q->scratch, n) != ST_OK)
			return false;
		for (i = 0; i < n; i++)
			if (q->scratch[i] != 0xffu)
				return false;
	}
	return true;
}

/* ---- Headers ------------------------------------------------------------------ */

bool media_header_ok(const uint8_t *h)
{
	return load_le16(h) == MAGIC && crc32c(0, span_make(h, 12)) == load_le32(h + 12);
}

enum status media_header_read(const struct queue *q, uint32_t sector, struct media_header *out)
{
	enum status st = ST_MISSING;
	uint8_t h[LAYOUT_HEADER_LEN];
	uint32_t copy;

	for (copy = 0; copy < 2u; copy++) {
		if (media_read(q, sector, copy * layout_end(&q->layout), h, sizeof(h)) != ST_OK ||
			!media_header_ok(h))
			continue;
		/* Both valid and different: a file lost the younger of two writes. */
		if (st != ST_MISSING && !serial_after(load_le32(h + 8), out->gen))
			continue;
		out->type = h[2];
		out->erases = load_le32(h + 4) & 0xffffffu;
		out->gen = load_le32(h + 8);
		st = h[3] == layout_code(&q->layout) ? ST_OK : ST_FOREIGN;
	}
	return st;
}

void media_header_store(const struct queue_layout *l, const struct media_header *h, uint8_t *to)
{
	memset(to + LAYOUT_HEADER_LEN, 0xff, layout_header_len(l) - LAYOUT_HEADER_LEN);
	store_le16(to, MAGIC);
	to[2] = h->type;
	to[3] = layout_code(l);
	store_le32(to + 4, h->erases);
	store_le32(to + 8, h->gen);
	store_le32(to + 12, crc32c(0, span_make(to, 12)));
}

static enum status header_write(struct queue *q, uint32_t sector, uint8_t type)
{
	struct media_header h = { type, q->sector[sector].erases, q->sector[sector].gen };
	enum status st;

	media_header_store(&q->layout, &h, q->scratch);
	st = media_program(q, sector, 0, q->scratch, layout_header_len(&q->layout));
	if (st == ST_OK)
		st = media_program(q, sector, layout_end(&q->layout), q->scratch,
			layout_header_len(&q->layout));
	return st;
}

/* ---- Who may use which sector ------------------------------------------------- */

uint32_t media_free_count(const struct queue *q)
{
	uint32_t grow = q->ring_len < q->layout.journal_sectors
		? (uint32_t)q->layout.journal_sectors - q->ring_len
		: 0u;

	return q->free_count > grow ? q->free_count - grow : 0u;
}

uint32_t media_free_durable(const struct queue *q)
{
	uint32_t count = media_free_count(q), i;

	for (i = 0; count > 0 && i < layout_sectors(&q->layout); i++)
		if (q->sector[i].kind == QUEUE_SECTOR_FREE &&
			serial_after(q->sector[i].gen, q->synced))
			count--;
	return count;
}

/* With fewer sectors left than the smallest queue has, nothing would move any more. */
static void retire(struct queue *q, uint32_t sector)
{
	q->sector[sector].kind = QUEUE_SECTOR_RETIRED;
	q->retired++;
	if (q->layout.sectors - q->retired < q->layout.journal_sectors + LAYOUT_RESERVE + 2u)
		q->stopped = true;
}

void media_free(struct queue *q, uint32_t sector)
{
	struct queue_sector *s = &q->sector[sector];

	q->live_units -= s->live;
	s->live = 0;
	s->extents = 0;
	if (s->bad) {
		retire(q, sector);
		return;
	}
	s->kind = QUEUE_SECTOR_FREE;
	/* With nothing written since the last sync began, that one will do. */
	s->gen = q->dirty ? q->batch : q->batch - 1u;
	q->free_count++;
	q->stuck = false;
}

void media_release(struct queue *q)
{
	uint32_t i;

	for (i = 0; i < layout_sectors(&q->layout); i++)
		if (q->sector[i].kind == QUEUE_SECTOR_QUARANTINE)
			media_free(q, i);
}

static uint16_t pick(const struct queue *q, enum queue_sector_kind kind, bool worn)
{
	uint32_t i, best = QUEUE_NONE;

	for (i = 0; i < layout_sectors(&q->layout); i++) {
		const struct queue_sector *s = &q->sector[i];

		if (s->kind != kind ||
			(kind == QUEUE_SECTOR_FREE && serial_after(s->gen, q->synced)))
			continue;
		if (i == q->keep && best != QUEUE_NONE)
			continue;
		if (best == QUEUE_NONE || best == q->keep ||
			(worn ? s->erases > q->sector[best].erases
			      : s->erases < q->sector[best].erases))
			best = i;
	}
	return (uint16_t)best;
}

/* A generation is used only below a limit that the journal has recorded: it
 * seeds every checksum of its sector and must never come twice. */
static bool gen_take(struct queue *q, uint32_t *gen)
{
	if (!serial_after(q->gen_limit, q->gen_next + 64u))
		q->want_mark = true;
	if (!serial_after(q->gen_limit, q->gen_next))
		return false;
	if (q->gen_next == 0)
		q->gen_next++;
	*gen = q->gen_next++;
	return true;
}

enum status media_open(struct queue *q, uint8_t type, bool worn, uint16_t *sector)
{
	struct queue_sector *s;
	uint16_t at;
	uint32_t gen;

	while (q->ready_count > 0) {
		if (q->stopped)
			return ST_IO;
		if (!gen_take(q, &gen))
			return ST_AGAIN;
		at = pick(q, QUEUE_SECTOR_READY, worn);
		CHECK(at != QUEUE_NONE);
		s = &q->sector[at];
		s->gen = gen;
		s->live = 0;
		s->extents = 0;
		q->ready_count--;
		q->free_count--;
		if (header_write(q, at, type) != ST_OK) {
			retire(q, at);
			continue;
		}
		s->kind = type == MEDIA_JOURNAL ? QUEUE_SECTOR_JOURNAL : QUEUE_SECTOR_DATA;
		*sector = at;
		return ST_OK;
	}
	/* Retired sectors were the last room to reclaim into: nothing will ever fall free,
	 * since no record can be written of what is done. */
	if (type == MEDIA_JOURNAL && q->retired > 0 && q->free_count == 0 &&
		q->erasing == QUEUE_NONE && q->cold.sector == QUEUE_NONE)
		q->stopped = true;
	return q->stopped ? ST_IO : ST_AGAIN;
}

/* ---- Erase and sync ------------------------------------------------------------- */

/* Begins an erase, or asks how one goes: true when it has ended. */
static bool erase_step(struct queue *q)
{
	struct queue_sector *s;
	int done;

	if (q->erasing == QUEUE_NONE) {
		if (q->ready_count >= READY_TARGET || q->free_count == q->ready_count)
			return false;
		q->erasing = pick(q, QUEUE_SECTOR_FREE, false);
		if (q->erasing == QUEUE_NONE) {
			/* What is free waits for its sync. */
			q->urgent |= q->dirty;
			return false;
		}
		q->dirty = true;
		done = q->flash->ops->erase_begin(q->flash->ctx, q->erasing) < 0 ? -1 : 0;
	} else {
		done = q->flash->ops->erase_done(q->flash->ctx);
	}
	if (done == 0)
		return false;
	s = &q->sector[q->erasing];
	if (done > 0) {
		s->kind = QUEUE_SECTOR_READY;
		s->erases = (s->erases + 1u) & 0xffffffu;
		q->erases++;
		q->ready_count++;
		q->check_wear = true;
		q->failures = 0;
	} else {
		q->free_count--;
		retire(q, q->erasing);
		failed(q);
	}
	q->erasing = QUEUE_NONE;
	return true;
}

static void sync_poll(struct queue *q)
{
	int done;

	if (!q->syncing)
		return;
	done = q->flash->ops->sync_done(q->flash->ctx);
	if (done == 0)
		return;
	q->syncing = false;
	if (done < 0)
		q->stopped = true;
	else
		q->synced = q->batch - 1u;
}

void media_sync_begin(struct queue *q)
{
	if (q->syncing || q->stopped)
		return;
	q->syncing = true;
	q->batch++;
	q->batch_used = false;
	q->dirty = false;
	q->urgent = false;
	q->syncs++;
	if (q->flash->ops->sync_begin(q->flash->ctx) < 0) {
		q->syncing = false;
		q->stopped = true;
		return;
	}
	sync_poll(q);
}

void media_sync_wait(struct queue *q)
{
	int done = q->flash->ops->sync_begin(q->flash->ctx);
	uint32_t i;

	if (done == 0)
		while ((done = q->flash->ops->sync_done(q->flash->ctx)) == 0)
			;
	if (done < 0)
		q->stopped = true;
	for (i = 0; i < layout_sectors(&q->layout); i++)
		if (q->sector[i].kind == QUEUE_SECTOR_FREE)
			q->sector[i].gen = q->synced;
}

bool media_step(struct queue *q)
{
	if (q->stopped)
		return false;
	sync_poll(q);
	while (erase_step(q))
		;
	return q->syncing || q->erasing != QUEUE_NONE;
}
