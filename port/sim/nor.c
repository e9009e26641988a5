/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/nor.h"

#include "base/bytes.h"
#include "base/crc32c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In `used`: a program failed here.  After a boot nobody can know. */
#define FAILED 2u
/* The power failed in a program here.  If nothing of it shows, nobody can know either, and
 * what begins anew programs the same octets once more. */
#define TORN 3u

static void die(const char *what, uint32_t at)
{
	fprintf(stderr, "nor: %s at 0x%x\n", what, (unsigned)at);
	abort();
}

static uint8_t any_byte(struct nor *n)
{
	return (uint8_t)rng_next(&n->rng);
}

static bool cut_here(struct nor *n, const char *what)
{
	n->ops++;
	if (n->cut_at == 0 || n->ops != n->cut_at)
		return false;
	snprintf(n->last, sizeof(n->last), "%s", what);
	return true;
}

/* ---- What a file has not synced yet --------------------------------------------- */

#define ENTRY_LEN 8u /* of the log, before its octets: where, and how many */

static void remember(struct nor *n, uint32_t at, const uint8_t *from, uint32_t len)
{
	if (ENTRY_LEN + len > n->log_room - n->log_len)
		die("too much is written without a sync", at);
	store_le32(n->log + n->log_len, at);
	store_le32(n->log + n->log_len + 4, len);
	memcpy(n->log + n->log_len + ENTRY_LEN, from, len);
	n->log_len += ENTRY_LEN + len;
}

/* Each pending write is kept, kept in part, or lost. */
static void lose(struct nor *n)
{
	uint32_t i, fate, len, kept;

	for (i = 0; i < n->log_len; i += ENTRY_LEN + len) {
		len = load_le32(n->log + i + 4);
		fate = n->tear == NOR_NONE ? 0u : n->tear == NOR_ALL ? 1u : rng_below(&n->rng, 4);
		kept = fate == 0 ? 0u : fate < 3u ? len : rng_below(&n->rng, len + 1u);
		memcpy(n->medium + load_le32(n->log + i), n->log + i + ENTRY_LEN, kept);
	}
	n->log_len = 0;
	n->syncing = 0;
	memcpy(n->mem, n->medium, n->size);
	/* A file may be written again wherever it was. */
	memset(n->used, 0, n->size / n->flash.geometry.program_unit);
}

static void keep_synced(struct nor *n)
{
	uint32_t i, len;

	for (i = 0; i < n->syncing; i += ENTRY_LEN + len) {
		len = load_le32(n->log + i + 4);
		memcpy(n->medium + load_le32(n->log + i), n->log + i + ENTRY_LEN, len);
	}
	n->log_len -= n->syncing;
	memmove(n->log, n->log + n->syncing, n->log_len);
	n->syncing = 0;
}

/* ---- The power goes ------------------------------------------------------------- */

_Noreturn static void off(struct nor *n)
{
	if (n->lazy)
		lose(n);
	n->erasing = -1;
	n->polls_left = 0;
	longjmp(n->off, 1);
}

void nor_cut_now(struct nor *n)
{
	if (n->lazy)
		lose(n);
	n->erasing = -1;
	n->polls_left = 0;
}

/* What reaches the cells when the power fails in a program (to AND in). */
static void torn_program(struct nor *n, uint32_t at, const uint8_t *from, uint32_t len)
{
	uint32_t i, k = n->tear == NOR_PREFIX ? rng_below(&n->rng, len + 1u) : len;
	uint32_t unit = n->flash.geometry.program_unit;

	for (i = 0; i < len; i++) {
		uint8_t old = n->mem[at + i], to = old & from[i], kept = to;

		if (n->tear == NOR_BITS || (n->tear == NOR_PREFIX && i == k))
			kept = (uint8_t)(to | (old & any_byte(n)));
		else if (n->tear == NOR_NONE || (n->tear == NOR_PREFIX && i > k))
			kept = old;
		if (n->unstable && n->tear != NOR_NONE && (n->tear == NOR_BITS || i >= k))
			n->shaky[at + i] |= (uint8_t)((old ^ to) & any_byte(n));
		n->mem[at + i] = kept;
		n->used[(at + i) / unit] = TORN;
	}
	n->torn_at = at;
	n->torn_len = len;
	n->torn_crc = crc32c(0, span_make(from, len));
}

/* Whether the program may take units that the last cut has left looking blank: all of
 * them, with the same octets. */
static bool same_again(const struct nor *n, uint32_t at, const uint8_t *from, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		if (n->mem[at + i] != 0xff)
			return false;
	return at == n->torn_at && len == n->torn_len &&
		crc32c(0, span_make(from, len)) == n->torn_crc;
}

static void torn_erase(struct nor *n, uint32_t sector)
{
	uint32_t size = n->flash.geometry.sector_size, at = sector * size, i;
	uint32_t k = rng_below(&n->rng, size + 1u);

	for (i = 0; i < size && n->tear != NOR_NONE && !n->lazy; i++) {
		if (n->unstable)
			n->shaky[at + i] |= (uint8_t)(~n->mem[at + i] & any_byte(n));
		if (n->tear == NOR_ALL || (n->tear == NOR_PREFIX && i < k))
			n->mem[at + i] = 0xff;
		else if (n->tear == NOR_BITS)
			n->mem[at + i] |= any_byte(n);
	}
	/* Whatever it reads: it must be erased again before use. */
	if (!n->lazy)
		memset(n->used + at / n->flash.geometry.program_unit, 1,
			size / n->flash.geometry.program_unit);
}

static int nor_read(void *ctx, uint32_t at, void *to, size_t len)
{
	struct nor *n = ctx;

	if (at + len > n->size)
		die("read outside", at);
	n->reads++;
	n->read_bytes += len;
	memcpy(to, n->mem + at, len);
	if (n->stuck_mask != 0 && n->stuck_at >= at && n->stuck_at < at + len)
		((uint8_t *)to)[n->stuck_at - at] &= (uint8_t)~n->stuck_mask;
	return 0;
}

static bool fails(struct nor *n, int *left, uint32_t sector)
{
	if (*left == 0 || (n->fail_sector >= 0 && (uint32_t)n->fail_sector != sector))
		return false;
	if (*left > 0)
		--*left;
	return true;
}

static int nor_program(void *ctx, uint32_t at, const void *from, size_t len)
{
	struct nor *n = ctx;
	const uint8_t *bytes = from;
	uint32_t unit = n->flash.geometry.program_unit, page = n->flash.geometry.page_size, i;
	uint32_t size = n->flash.geometry.sector_size;
	bool cut;

	if (len == 0 || at % unit != 0 || len % unit != 0 || at / page != (at + len - 1u) / page)
		die("misaligned program", at);
	if (at + len > n->size)
		die("program outside", at);
	if ((uint32_t)n->erasing == at / size)
		die("program while erasing", at);
	for (i = 0; i < len; i += unit)
		if (n->used[(at + i) / unit] != 0 &&
			(n->used[(at + i) / unit] != TORN ||
				!same_again(n, at, bytes, (uint32_t)len)))
			die("unit programmed twice", at + i);
	cut = cut_here(n, "program");
	if (cut && !n->lazy)
		torn_program(n, at, bytes, (uint32_t)len);
	n->programs++;
	n->program_bytes += len;
	if (fails(n, &n->fail_programs, at / size)) {
		if (n->fail_silently && rng_below(&n->rng, 2) == 0)
			n->mem[at] &= bytes[0];
		memset(n->used + at / unit, FAILED, len / unit);
		return n->fail_silently ? 0 : -1;
	}
	if (!cut) {
		memset(n->used + at / unit, 1, len / unit);
		if (n->misdirect_to >= 0) {
			at = (uint32_t)n->misdirect_to * size + at % size;
			n->misdirect_to = -1;
		}
		for (i = 0; i < len; i++) {
			n->mem[at + i] = n->lazy ? bytes[i] : n->mem[at + i] & bytes[i];
			n->shaky[at + i] = 0;
		}
	}
	if (n->lazy)
		remember(n, at, bytes, (uint32_t)len);
	if (cut)
		off(n);
	return 0;
}

static int nor_erase_begin(void *ctx, uint32_t sector)
{
	struct nor *n = ctx;

	if (n->erasing >= 0)
		die("two erases at once", sector);
	if (sector >= n->flash.geometry.sector_count)
		die("erase outside", sector);
	if (cut_here(n, "erase")) {
		torn_erase(n, sector);
		off(n);
	}
	n->erasing = (int)sector;
	n->polls_left = n->erase_polls;
	return 0;
}

static int nor_erase_done(void *ctx)
{
	struct nor *n = ctx;
	uint32_t size = n->flash.geometry.sector_size, sector = (uint32_t)n->erasing;

	if (n->erasing < 0)
		die("no erase runs", 0);
	if (n->polls_left > 0) {
		n->polls_left--;
		return 0;
	}
	n->erasing = -1;
	n->erases++;
	n->wear[sector]++;
	if (fails(n, &n->fail_erases, sector) && !n->fail_silently)
		return -1;
	if (!n->lazy) {
		memset(n->mem + sector * size, 0xff, size);
		memset(n->shaky + sector * size, 0, size);
	}
	memset(n->used + sector * size / n->flash.geometry.program_unit, 0,
		size / n->flash.geometry.program_unit);
	return 1;
}

static int nor_sync_begin(void *ctx)
{
	struct nor *n = ctx;

	if (!n->lazy)
		return 0;
	n->syncing = n->log_len;
	n->polls_left = n->sync_polls;
	return 0;
}

static int nor_sync_done(void *ctx)
{
	struct nor *n = ctx;

	if (!n->lazy) {
		n->syncs++;
		return n->fail_syncs != 0 ? -1 : 1;
	}
	if (n->polls_left > 0) {
		n->polls_left--;
		return 0;
	}
	if (cut_here(n, "sync"))
		off(n);
	n->syncs++;
	if (n->fail_syncs != 0)
		return -1;
	keep_synced(n);
	return 1;
}

static const struct flash_ops ops = {
	nor_read,
	nor_program,
	nor_erase_begin,
	nor_erase_done,
	nor_sync_begin,
	nor_sync_done,
};

/* ---- The value ------------------------------------------------------------------ */

void nor_blank(struct nor *n)
{
	memset(n->mem, 0xff, n->size);
	memset(n->medium, 0xff, n->size);
	memset(n->used, 0, n->size / n->flash.geometry.program_unit);
	memset(n->shaky, 0, n->size);
}

void nor_seed(struct nor *n, uint32_t seed)
{
	uint8_t s[16] = { 1 };

	memcpy(s + 4, &seed, sizeof(seed));
	rng_seed(&n->rng, s);
}

static uint32_t log_room(const struct flash_geometry *g)
{
	return 3u * g->sector_size * g->sector_count + 65536u;
}

size_t nor_room(const struct flash_geometry *g)
{
	size_t size = (size_t)g->sector_size * g->sector_count;

	return 3u * size + size / g->program_unit + g->sector_count * sizeof(uint32_t) +
		log_room(g);
}

static uint8_t *take(uint8_t **room, size_t len)
{
	uint8_t *at = *room;

	memset(at, 0, len);
	*room += len;
	return at;
}

void nor_init(struct nor *n, const struct flash_geometry *g, void *room)
{
	uint8_t *left = room;

	memset(n, 0, sizeof(*n));
	n->flash.ops = &ops;
	n->flash.ctx = n;
	n->flash.geometry = *g;
	n->size = g->sector_size * g->sector_count;
	n->wear = room;
	take(&left, g->sector_count * sizeof(*n->wear));
	n->mem = take(&left, n->size);
	n->medium = take(&left, n->size);
	n->shaky = take(&left, n->size);
	n->used = take(&left, n->size / g->program_unit);
	n->log = left;
	n->log_room = log_room(g);
	n->erasing = -1;
	n->fail_sector = -1;
	n->misdirect_to = -1;
	nor_seed(n, 1);
	nor_blank(n);
}

void nor_boot(struct nor *n)
{
	uint32_t i;

	for (i = 0; i < n->size / n->flash.geometry.program_unit; i++)
		if (n->used[i] == FAILED)
			n->used[i] = 0;
	n->ops = 0;
	n->cut_at = 0;
	n->erasing = -1;
	n->polls_left = 0;
	if (!n->unstable)
		return;
	for (i = 0; i < n->size; i++)
		if (n->shaky[i] != 0)
			n->mem[i] = (uint8_t)((n->mem[i] & ~n->shaky[i]) |
				(n->shaky[i] & any_byte(n)));
}

void nor_copy(struct nor *to, const struct nor *from)
{
	nor_cut_now(to);
	memcpy(to->mem, from->mem, from->size);
	memcpy(to->medium, from->medium, from->size);
	memcpy(to->used, from->used, from->size / from->flash.geometry.program_unit);
	to->torn_at = from->torn_at;
	to->torn_len = from->torn_len;
	to->torn_crc = from->torn_crc;
	memcpy(to->shaky, from->shaky, from->size);
}
