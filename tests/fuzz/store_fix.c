/* SPDX-License-Identifier: BSD-2-Clause */
/* Checksums put right, after src/queue/FORMAT.md and not after the code that reads them. */
#include "fuzz/store.h"

#include "base/bytes.h"
#include "base/crc32c.h"

#define HEADER_LEN 16u
#define EXTENT_LEN 24u
#define RECORD_LEN 12u /* without its body */
#define RECORD_BODY_MAX 53u

static uint32_t up(const struct flash_geometry *g, uint32_t n, uint32_t least)
{
	const uint32_t unit = g->program_unit > least ? g->program_unit : least;

	return (n + unit - 1) / unit * unit;
}

static uint32_t load_le24(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

static bool blank(const uint8_t *p, uint32_t len)
{
	while (len > 0 && p[len - 1] == 0xff)
		len--;
	return len == 0;
}

static void fix_header(uint8_t *p)
{
	if (p[0] == 'P' && p[1] == 'Q')
		store_le32(p + 12, crc32c(0, span_make(p, 12)));
}

static void fix_extents(uint8_t *sector, const struct flash_geometry *g, uint32_t generation)
{
	const uint32_t len = up(g, EXTENT_LEN, 1), first = up(g, HEADER_LEN, 1);
	uint32_t at = g->sector_size - first;

	while (at >= first + len) {
		uint8_t *p = sector + (at -= len);
		const uint32_t octets = load_le24(p + 8), from = load_le24(p + 12);

		if (blank(p, EXTENT_LEN))
			return;
		if (from <= g->sector_size && octets <= g->sector_size - from)
			store_le32(p + 16, crc32c(generation, span_make(sector + from, octets)));
		store_le32(p + 20, crc32c(generation, span_make(p, 20)));
	}
}

static void fix_records(uint8_t *sector, const struct flash_geometry *g, uint32_t generation)
{
	const uint32_t end = g->sector_size - up(g, HEADER_LEN, 1);
	uint32_t at = up(g, HEADER_LEN, 1);

	while (at + RECORD_LEN <= end) {
		uint8_t *p = sector + at;
		const uint32_t body = p[1];

		if (blank(p, 8) || body > RECORD_BODY_MAX || at + RECORD_LEN + body > end)
			return;
		store_le32(p + 8 + body, crc32c(generation, span_make(p, 8 + body)));
		at += up(g, RECORD_LEN + body, 4);
	}
}

void store_fix(struct store *s)
{
	const struct flash_geometry *g = &s->flash.geometry;
	uint32_t i;

	for (i = 0; i < g->sector_count; i++) {
		uint8_t *sector = s->mem + i * g->sector_size;
		const uint32_t generation = load_le32(sector + 8);

		fix_header(sector);
		fix_header(sector + g->sector_size - up(g, HEADER_LEN, 1));
		if (sector[2] == 'D')
			fix_extents(sector, g, generation);
		else if (sector[2] == 'J')
			fix_records(sector, g, generation);
	}
}
