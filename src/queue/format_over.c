/* SPDX-License-Identifier: BSD-2-Clause */
/* An empty queue on what holds something else: its generations must all be obsolete. */
#include "base/bytes.h"
#include "queue/format.h"
#include "queue/journal.h"
#include "queue/layout.h"
#include "queue/media.h"

/* The highest generation of any sector header, also of other geometries. */
static enum status gen_highest(const struct flash *f, uint32_t *gen)
{
	uint32_t sectors = f->geometry.sector_count, per = f->geometry.sector_size / 256u, i, j;
	uint8_t h[LAYOUT_HEADER_LEN];
	bool any = false;

	*gen = 0;
	for (i = 0; i < sectors; i++) {
		for (j = 0; j < per; j++) {
			if (f->ops->read(f->ctx, i * f->geometry.sector_size + j * 256u, h,
				    sizeof(h)) < 0)
				return ST_IO;
			if (media_header_ok(h) && (!any || serial_after(load_le32(h + 8), *gen))) {
				any = true;
				*gen = load_le32(h + 8);
			}
		}
	}
	return ST_OK;
}

enum status queue_format(const struct flash *flash)
{
	struct queue_layout l;
	const char *why;
	uint32_t gen;
	enum status st;

	if (!layout_init(&l, &flash->geometry, &why))
		return ST_BAD;
	st = gen_highest(flash, &gen);
	return st == ST_OK ? format_write(flash, gen + 2u * JOURNAL_GEN_STEP, 1, false) : st;
}
