/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/format.h"

#include "base/bytes.h"
#include "queue/journal.h"
#include "queue/layout.h"
#include "queue/media.h"

/* The largest unit's header, record, or both in one. */
#define PIECE_MAX 256u

static int erase_wait(const struct flash *f, uint32_t sector)
{
	int done = f->ops->erase_begin(f->ctx, sector);

	if (done == 0)
		while ((done = f->ops->erase_done(f->ctx)) == 0)
			;
	return done;
}

static int sync_wait(const struct flash *f)
{
	int done = f->ops->sync_begin(f->ctx);

	if (done == 0)
		while ((done = f->ops->sync_done(f->ctx)) == 0)
			;
	return done;
}

static enum status put(const struct flash *f, uint32_t sector, uint32_t at, const uint8_t *from,
	uint32_t len)
{
	uint32_t addr = sector * f->geometry.sector_size + at, n;

	for (; len > 0; addr += n, from += n, len -= n) {
		n = f->geometry.page_size - addr % f->geometry.page_size;
		if (n > len)
			n = len;
		if (f->ops->program(f->ctx, addr, from, n) < 0)
			return ST_IO;
	}
	return ST_OK;
}

static enum status put_record(const struct flash *f, const struct queue_layout *l, uint32_t sector,
	uint32_t gen, uint32_t *pos, const struct journal_record *r)
{
	uint8_t piece[PIECE_MAX];
	uint32_t len = journal_record_store(l, r, gen, piece), at = *pos;

	*pos += len;
	return put(f, sector, at, piece, len);
}

/* The journal's first sector: empty, and all generations up to gen - 1 obsolete. */
static enum status put_journal(const struct flash *f, const struct queue_layout *l, uint32_t sector,
	uint32_t gen, uint32_t id_next)
{
	struct media_header h = { MEDIA_JOURNAL, 0, gen };
	struct journal_record super = { .type = JOURNAL_SUPER,
		.flags = JOURNAL_FIRST,
		.super = { JOURNAL_VERSION, 0, l->journal_sectors, layout_sectors(l), gen - 1u, 0,
			0, 0 } };
	struct journal_record mark = { .type = JOURNAL_MARK,
		.mark = { gen - 1u, 0, gen + JOURNAL_GEN_STEP, id_next, 0 } };
	uint8_t piece[PIECE_MAX];
	uint32_t pos = layout_header_len(l), i;
	enum status st;

	media_header_store(l, &h, piece);
	st = put(f, sector, 0, piece, layout_header_len(l));
	if (st == ST_OK)
		st = put(f, sector, layout_end(l), piece, layout_header_len(l));
	if (st == ST_OK)
		st = put_record(f, l, sector, gen, &pos, &super);
	for (i = 0; st == ST_OK && i < layout_marks(l); i++)
		st = put_record(f, l, sector, gen, &pos, &mark);
	return st;
}

/* From here on it is no queue, and not foreign either. */
static enum status put_mark(const struct flash *f, const struct queue_layout *l, uint32_t gen)
{
	struct media_header h = { MEDIA_FORMATTING, 0, gen };
	uint8_t piece[PIECE_MAX];

	media_header_store(l, &h, piece);
	if (erase_wait(f, layout_sectors(l) - 1u) < 0 ||
		put(f, layout_sectors(l) - 1u, 0, piece, layout_header_len(l)) != ST_OK ||
		sync_wait(f) < 0)
		return ST_IO;
	return ST_OK;
}

enum status format_write(const struct flash *f, uint32_t gen, uint32_t id_next, bool marked)
{
	struct queue_layout l;
	const char *why;
	uint32_t first, i;

	if (!layout_init(&l, &f->geometry, &why))
		return ST_BAD;
	first = layout_sectors(&l);
	if (!marked && put_mark(f, &l, gen) != ST_OK)
		return ST_IO;
	/* A sector that cannot be erased fails again when it is to be used. */
	for (i = 0; i + 1u < layout_sectors(&l); i++)
		if (erase_wait(f, i) >= 0 && i < first)
			first = i;
	if (sync_wait(f) < 0)
		return ST_IO;
	for (i = first; i + 1u < layout_sectors(&l); i++)
		if ((i == first || erase_wait(f, i) >= 0) &&
			put_journal(f, &l, i, gen + 1u + i, id_next) == ST_OK)
			return sync_wait(f) < 0 ? ST_IO : ST_OK;
	return ST_IO;
}
