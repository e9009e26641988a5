/* SPDX-License-Identifier: BSD-2-Clause */
#include "flash/nor_check.h"

#include "base/status.h"

/* What was there is compared in pieces, so that no page stands on the stack. */
#define PIECE 32u

static int broken(const struct nor_check *n, const char *rule, uint32_t at)
{
	n->broken(n->ctx, rule, at);
	return ST_IO;
}

static bool inside(const struct nor_check *n, uint32_t at, size_t len)
{
	uint32_t size = n->under.geometry.sector_size * n->under.geometry.sector_count;

	return at <= size && len <= size - at;
}

static bool is_erasing(const struct nor_check *n, uint32_t at, size_t len)
{
	uint32_t size = n->under.geometry.sector_size;

	return len > 0 && at / size <= n->erasing && n->erasing <= (at + len - 1u) / size;
}

static int check_read(void *ctx, uint32_t at, void *to, size_t len)
{
	const struct nor_check *n = ctx;

	if (!inside(n, at, len))
		return broken(n, "read outside the flash", at);
	if (is_erasing(n, at, len))
		return broken(n, "read of a sector that is being erased", at);
	return n->under.ops->read(n->under.ctx, at, to, len);
}

static const char *shape_broken(const struct nor_check *n, uint32_t at, size_t len)
{
	const struct flash_geometry *g = &n->under.geometry;

	if (len == 0 || !inside(n, at, len))
		return "program outside the flash";
	if (at % g->program_unit != 0 || len % g->program_unit != 0)
		return "program of part of a unit";
	if (at / g->page_size != (at + len - 1u) / g->page_size)
		return "program across a page's end";
	if (is_erasing(n, at, len))
		return "program in a sector that is being erased";
	return NULL;
}

static bool is_erased(const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (bytes[i] != 0xff)
			return false;
	}
	return true;
}

/* ST_OK when every octet from `at` on is still erased; ST_BAD: one is not; or the driver's. */
static int look_erased(const struct nor_check *n, uint32_t at, size_t len)
{
	uint8_t old[PIECE];

	while (len > 0) {
		size_t piece = len < PIECE ? len : PIECE;
		int status = n->under.ops->read(n->under.ctx, at, old, piece);

		if (status < 0)
			return status;
		if (!is_erased(old, piece))
			return ST_BAD;
		at += (uint32_t)piece;
		len -= piece;
	}
	return ST_OK;
}

static int check_program(void *ctx, uint32_t at, const void *from, size_t len)
{
	const struct nor_check *n = ctx;
	const char *rule = shape_broken(n, at, len);
	int status;

	if (rule != NULL)
		return broken(n, rule, at);
	status = look_erased(n, at, len);
	if (status == ST_BAD)
		return broken(n, "program of a unit that is not erased", at);
	if (status < 0)
		return status;
	return n->under.ops->program(n->under.ctx, at, from, len);
}

static int check_erase_begin(void *ctx, uint32_t sector)
{
	struct nor_check *n = ctx;
	int status;

	if (sector >= n->under.geometry.sector_count)
		return broken(n, "erase outside the flash", sector);
	if (n->erasing != n->under.geometry.sector_count)
		return broken(n, "a second erase at the same time", sector);
	status = n->under.ops->erase_begin(n->under.ctx, sector);
	if (status < 0)
		return status;
	n->erasing = sector;
	n->erases[sector]++;
	return status;
}

static int check_erase_done(void *ctx)
{
	struct nor_check *n = ctx;
	int done;

	if (n->erasing == n->under.geometry.sector_count)
		return broken(n, "asked for an erase that was not begun", 0);
	done = n->under.ops->erase_done(n->under.ctx);
	if (done != 0)
		n->erasing = n->under.geometry.sector_count;
	return done;
}

static int check_sync_begin(void *ctx)
{
	const struct nor_check *n = ctx;

	return n->under.ops->sync_begin(n->under.ctx);
}

static int check_sync_done(void *ctx)
{
	const struct nor_check *n = ctx;

	return n->under.ops->sync_done(n->under.ctx);
}

static const struct flash_ops ops = {
	check_read,
	check_program,
	check_erase_begin,
	check_erase_done,
	check_sync_begin,
	check_sync_done,
};

struct flash nor_check_start(struct nor_check *n, const struct flash *under, uint32_t *erases,
	void (*on_broken)(void *ctx, const char *rule, uint32_t at), void *ctx)
{
	uint32_t i;

	n->under = *under;
	n->broken = on_broken;
	n->ctx = ctx;
	n->erases = erases;
	n->erasing = under->geometry.sector_count;
	for (i = 0; i < under->geometry.sector_count; i++)
		erases[i] = 0;
	return (struct flash){ &ops, n, under->geometry };
}

bool nor_check_erasing(const struct nor_check *n)
{
	return n->erasing != n->under.geometry.sector_count;
}

void nor_check_wear(const struct nor_check *n, uint32_t *most, uint32_t *fewest)
{
	uint32_t i;

	*most = 0;
	*fewest = UINT32_MAX;
	for (i = 0; i < n->under.geometry.sector_count; i++) {
		*most = n->erases[i] > *most ? n->erases[i] : *most;
		*fewest = n->erases[i] < *fewest ? n->erases[i] : *fewest;
	}
}
