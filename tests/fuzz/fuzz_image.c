/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_image - any image of flash, with checksums put right most of the time: mount ends, what
 * the index says holds together, reading ends, and the queue can be used.
 *
 * An input is the geometry, what is done after the mount, and the image.  The mutator makes
 * images of queues that were used and then changes a record, a descriptor, a header. */
#include "fuzz/store.h"

#include "base/rng.h"

#include <string.h>

#define HEAD 65u
#define WHOLE (HEAD + STORE_SIZE)

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

static struct store s;

/* ST_IO: with generations that no queue writes (the first and the last more than half of
 * all numbers apart) it finds nothing where it has just formatted. */
static bool may_be(enum status mounted)
{
	return mounted == ST_OK || mounted == ST_FOREIGN || mounted == ST_CORRUPT ||
		mounted == ST_IO;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size), ops;
	const uint8_t options = fuzz_u8(&in);
	enum status st;

	store_init(&s, options);
	ops = fuzz_take(&in, HEAD - 1);
	in = span_sub(in, 0, STORE_SIZE);
	if (in.len > 0)
		memcpy(s.mem, in.at, in.len);
	st = store_mount(&s);
	MUST(may_be(st));
	MUST(st == ST_OK || s.report.why != NULL);
	if (st != ST_OK)
		return 0;
	store_look(&s, false);
	store_work(&s, &ops, HEAD);
	store_settle(&s);
	store_look(&s, false);
	st = store_mount(&s);
	MUST(may_be(st));
	if (st == ST_OK)
		store_look(&s, false);
	return 0;
}

/* ---- the mutator -------------------------------------------------------------------- */

/* A queue that was used. */
static void make(uint8_t *data, struct rng *rng)
{
	static struct store made;
	uint8_t ops[400];
	struct span in;
	size_t i;

	for (i = 0; i < HEAD; i++)
		data[i] = (uint8_t)rng_next(rng);
	for (i = 0; i < sizeof(ops); i++)
		ops[i] = (uint8_t)rng_next(rng);
	in = span_make(ops, 2u * rng_below(rng, sizeof(ops) / 2u));
	store_init(&made, data[0]);
	MUST(store_mount(&made) == ST_OK);
	store_work(&made, &in, 400);
	if (rng_below(rng, 2) == 0)
		store_settle(&made);
	memcpy(data + HEAD, made.mem, STORE_SIZE);
}

/* Somewhere that is not blank, near the start or the end of a sector more often. */
static uint32_t place(const uint8_t *image, const struct flash_geometry *g, struct rng *rng)
{
	uint32_t at = 0, tries;

	for (tries = 0; tries < 40; tries++) {
		const uint32_t sector = rng_below(rng, g->sector_count) * g->sector_size;
		const uint32_t near = rng_below(rng, 3) ? 160u : g->sector_size;
		const uint32_t off = rng_below(rng, near < g->sector_size ? near : g->sector_size);

		at = sector + (rng_below(rng, 2) ? off : g->sector_size - 1 - off);
		if (image[at] != 0xff)
			break;
	}
	return at;
}

/* An octet of a record of the journal, or anywhere if there is none. */
static uint32_t record_place(const uint8_t *image, const struct flash_geometry *g, struct rng *rng)
{
	const uint32_t unit = g->program_unit > 4 ? g->program_unit : 4;
	uint32_t tries, at, len, left;

	for (tries = 0; tries < 40; tries++) {
		const uint8_t *sector = image + rng_below(rng, g->sector_count) * g->sector_size;

		if (sector[2] != 'J')
			continue;
		left = rng_below(rng, 30);
		for (at = 16; at + 80 < g->sector_size; at += (len + unit - 1) / unit * unit) {
			len = 12u + sector[at + 1];
			if (left-- == 0 && sector[at] != 0xff)
				return (uint32_t)(sector - image) + at + rng_below(rng, len - 4);
		}
	}
	return place(image, g, rng);
}

static void edit(uint8_t *image, const struct flash_geometry *g, struct rng *rng)
{
	const uint32_t at = rng_below(rng, 2) ? place(image, g, rng) : record_place(image, g, rng);
	const uint32_t from = place(image, g, rng);
	const uint32_t size = g->sector_size;
	const uint32_t n = 1 + rng_below(rng, 4);

	switch (rng_below(rng, 9)) {
	case 0: image[at] ^= (uint8_t)(1u << rng_below(rng, 8)); break;
	case 1: image[at]++; break;
	case 2: image[at]--; break;
	case 3: image[at] = (uint8_t)rng_next(rng); break;
	case 4: image[at] = rng_below(rng, 2) ? 0 : 0xff; break;
	case 5:
		memmove(image + at, image + from, n < STORE_SIZE - (at > from ? at : from) ? n : 1);
		break;
	case 6: memmove(image + at / size * size, image + from / size * size, size); break;
	case 7: memset(image + at / size * size, 0xff, size); break;
	default: memset(image + at, 0xff, size - at % size); break;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static struct store fixed;
	struct rng rng = { { seed, seed >> 8, 3, 4 } };
	unsigned edits, i;

	for (i = 0; i < 8; i++)
		(void)rng_next(&rng);
	if (max < WHOLE)
		return LLVMFuzzerMutate(data, size, max);
	if (size < WHOLE || rng_below(&rng, 16) == 0) {
		make(data, &rng);
		return WHOLE;
	}
	if (rng_below(&rng, 8) == 0) {
		i = 1 + rng_below(&rng, HEAD - 1);
		(void)LLVMFuzzerMutate(data + i, HEAD - i, HEAD - i);
		return WHOLE;
	}
	store_init(&fixed, data[0]);
	memcpy(fixed.mem, data + HEAD, STORE_SIZE);
	edits = 1 + rng_below(&rng, 4);
	for (i = 0; i < edits; i++)
		edit(fixed.mem, &fixed.flash.geometry, &rng);
	if (rng_below(&rng, 16) == 0)
		(void)LLVMFuzzerMutate(fixed.mem, STORE_SIZE, STORE_SIZE);
	if (rng_below(&rng, 4) != 0)
		store_fix(&fixed);
	memcpy(data + HEAD, fixed.mem, STORE_SIZE);
	return WHOLE;
}
