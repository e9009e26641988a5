/* SPDX-License-Identifier: BSD-2-Clause */
#include "flash/nor_ram.h"

#include "base/status.h"

#include <stdbool.h>
#include <string.h>

static bool inside(const struct nor_ram *n, uint32_t at, size_t len)
{
	uint32_t size = n->geometry.sector_size * n->geometry.sector_count;

	return at <= size && len <= size - at;
}

static int ram_read(void *ctx, uint32_t at, void *to, size_t len)
{
	const struct nor_ram *n = ctx;

	if (!inside(n, at, len))
		return ST_IO;
	memcpy(to, n->memory + at, len);
	return ST_OK;
}

static int ram_program(void *ctx, uint32_t at, const void *from, size_t len)
{
	struct nor_ram *n = ctx;
	const uint8_t *bytes = from;
	size_t i;

	if (!inside(n, at, len))
		return ST_IO;
	for (i = 0; i < len; i++)
		n->memory[at + i] &= bytes[i];
	return ST_OK;
}

static int ram_erase_begin(void *ctx, uint32_t sector)
{
	struct nor_ram *n = ctx;

	if (sector >= n->geometry.sector_count)
		return ST_IO;
	memset(n->memory + sector * n->geometry.sector_size, 0xff, n->geometry.sector_size);
	return ST_OK;
}

static int ram_done(void *ctx)
{
	(void)ctx;
	return 1;
}

static int ram_sync_begin(void *ctx)
{
	(void)ctx;
	return ST_OK;
}

static const struct flash_ops ops = {
	ram_read,
	ram_program,
	ram_erase_begin,
	ram_done,
	ram_sync_begin,
	ram_done,
};

struct flash nor_ram_start(struct nor_ram *n, const struct flash_geometry *g, uint8_t *memory)
{
	n->memory = memory;
	n->geometry = *g;
	return (struct flash){ &ops, n, *g };
}
