/* SPDX-License-Identifier: BSD-2-Clause */
/* What a queue makes of damage: bits, sectors, whole images. */
#include <stdio.h>
#include <string.h>

#include "power.h"
#include "queue/heap.h"
#include "queue/index.h"
#include "queue/layout.h"
#include "queue/media.h"

/* A populated image: messages in every state, sectors reclaimed, journal turned over. */
static void populate(const struct geometry *g, uint32_t seed)
{
	setup(g, false, false);
	prepare(g, seed, 500);
	nor_boot(&w.nor);
	world_mount(&w);
	world_check(&w);
	world_settle(&w);
	save_base();
}

/* What a damaged image shows.  noticed: mount said so.  One flipped bit never
 * loses a message in silence; several at the right places, or a whole sector, can. */
static void judge(uint32_t at, bool strict)
{
	struct world_damage d;
	bool noticed;
	int i, alive = 0;

	w.rot_expected = true;
	if (queue_mount(&w.q, &w.nor.flash, &w.report) != ST_OK) {
		counts.rot_refused++;
		return;
	}
	noticed = w.report.rotten > 0 || w.report.torn > 0;
	world_look(&w, &d);
	for (i = 0; i < MODEL_MESSAGES; i++)
		alive += w.m[i].status == MODEL_QUEUED;
	if (d.lost > 0 && !noticed && strict)
		fail("lost without a word", at, d.lost);
	if (w.q.message_count > (uint32_t)alive && !noticed && strict)
		fail("phantom", at, w.q.message_count);
	if (d.lost > 0 && !noticed)
		counts.rot_silent++;
	else if (d.lost > 0)
		counts.rot_lost++;
	else if (d.detected > 0 || noticed)
		counts.rot_detected++;
	else
		counts.rot_intact++;
}

void part_flip(void)
{
	uint32_t bit, step = full ? 1 : 13, bits;
	uint64_t kept;

	populate(&geometries[4u % GEOMETRIES], 5);
	bits = w.nor.size * 8u;
	for (bit = 0; bit < bits; bit += step) {
		snprintf(context, sizeof(context), "flipping bit %u of octet 0x%x",
			(unsigned)(bit % 8u), (unsigned)(bit / 8u));
		restore_base();
		w.nor.mem[bit / 8u] ^= (uint8_t)(1u << (bit % 8u));
		kept = counts.rot_intact + counts.rot_detected;
		judge(bit / 8u, true);
		/* A header stands twice. */
		if (bit / 8u % w.nor.flash.geometry.sector_size < LAYOUT_HEADER_LEN &&
			counts.rot_intact + counts.rot_detected == kept)
			fail("lost with one header", bit / 8u, 0);
		counts.flips++;
	}
	teardown();
}

static void damage(uint32_t kind, uint32_t seed)
{
	uint32_t size = w.nor.flash.geometry.sector_size, n = w.nor.flash.geometry.sector_count, i,
		 a, b;
	uint8_t *mem = w.nor.mem;

	nor_seed(&w.nor, seed);
	a = rng_below(&w.nor.rng, n);
	b = (a + 1u + rng_below(&w.nor.rng, n - 1u)) % n;
	if (kind == 0) {
		for (i = 2u + rng_below(&w.nor.rng, 7); i > 0; i--) {
			b = rng_below(&w.nor.rng, w.nor.size);
			mem[b] ^= (uint8_t)(1u << rng_below(&w.nor.rng, 8));
		}
	} else if (kind < 3) {
		memset(mem + a * size, kind == 1 ? 0 : 0xff, size);
	} else if (kind == 3) {
		for (i = 0; i < size; i++)
			mem[a * size + i] = (uint8_t)rng_next(&w.nor.rng);
	} else if (kind == 4) {
		for (i = 0; i < size; i++) {
			uint8_t x = mem[a * size + i];

			mem[a * size + i] = mem[b * size + i];
			mem[b * size + i] = x;
		}
	} else {
		/* A page of one sector as another should have it: misdirected. */
		i = rng_below(&w.nor.rng, size / 64u) * 64u;
		memcpy(mem + a * size + i, mem + b * size + i, 64);
	}
	/* Damage breaks the rules of programming; what follows need not. */
	memset(w.nor.used, 0, w.nor.size / w.nor.flash.geometry.program_unit);
}

static enum status find_body(const struct queue_slot *s, struct heap_extent *e)
{
	*e = (struct heap_extent){ .stream = QUEUE_BODY, .sector = QUEUE_NONE };
	return heap_find(&w.q, s, e);
}

/* Damage that reclaim meets is copied as damage. */
void part_launder(void)
{
	struct queue_slot *s;
	struct heap_extent e, moved;
	uint32_t i, j;

	for (i = 0; i < GEOMETRIES; i++) {
		populate(&geometries[i], 8);
		for (j = 0; j < MODEL_MESSAGES; j++) {
			snprintf(context, sizeof(context), "%s, damage in message %u moved",
				geometries[i].name, (unsigned)j);
			restore_base();
			s = w.m[j].status == MODEL_QUEUED ? index_live(&w.q, w.m[j].id) : NULL;
			/* Of a message with copies the other one may be right. */
			if (s == NULL || (s->flags & QUEUE_SLOT_DOUBLE) ||
				find_body(s, &e) != ST_OK)
				continue;
			w.nor.mem[e.sector * w.nor.flash.geometry.sector_size + e.pos] ^= 4u;
			w.q.victim = e.sector;
			w.q.victim_extent = 0;
			w.q.victim_done = 0;
			for (uint32_t k = 0; k < 1000 && w.q.victim != QUEUE_NONE; k++)
				world_step(&w);
			/* Where there was no room to move it, nothing is to be seen. */
			if (w.q.victim != QUEUE_NONE)
				continue;
			if (find_body(s, &moved) != ST_OK || moved.sector == e.sector ||
				heap_check(&w.q, &moved) == ST_OK || w.q.rotten == 0)
				fail("damage was made to look right", moved.sector, w.q.rotten);
			counts.damages++;
		}
		teardown();
	}
}

void part_rot(void)
{
	uint32_t i, kind, times = full ? 5000 : 400;
	static const uint32_t which[] = { 1, 4, 6 };

	for (i = 0; i < 3; i++) {
		populate(&geometries[which[i] % GEOMETRIES], 6);
		for (kind = 0; kind < 6; kind++) {
			for (uint32_t k = 0; k < times; k++) {
				snprintf(context, sizeof(context), "%s, damage %u, seed %u",
					geometries[which[i] % GEOMETRIES].name, (unsigned)kind,
					(unsigned)k);
				restore_base();
				damage(kind, k);
				judge(k, false);
				counts.damages++;
			}
		}
		teardown();
	}
}

/* Random images, some with headers that are right: no message, no harm. */
void part_fuzz(void)
{
	uint32_t i, k, times = full ? 200000 : 8000, size, s;
	struct media_header h;
	uint8_t *at;

	for (i = 0; i < GEOMETRIES; i++) {
		const struct geometry *g = &geometries[i];

		setup(g, false, false);
		size = g->sector;
		for (k = 0; k < times / (g->count * g->sector / 1024u + 1u); k++) {
			snprintf(context, sizeof(context), "%s, fuzz %u", g->name, (unsigned)k);
			nor_seed(&w.nor, k);
			nor_boot(&w.nor);
			for (at = w.nor.mem; at < w.nor.mem + w.nor.size; at++)
				*at = (uint8_t)rng_next(&w.nor.rng);
			memset(w.nor.used, 0, w.nor.size / g->unit);
			(void)layout_init(&w.q.layout, &w.nor.flash.geometry, &w.report.why);
			for (s = 0; s < g->count && k % 2 == 1; s++) {
				h.type = (uint8_t) "DJDJDFxJ"[rng_below(&w.nor.rng, 8)];
				h.erases = rng_next(&w.nor.rng);
				h.gen = rng_next(&w.nor.rng);
				media_header_store(&w.q.layout, &h, w.nor.mem + s * size);
			}
			if (queue_mount(&w.q, &w.nor.flash, &w.report) == ST_OK &&
				w.q.message_count > 0)
				fail("a random image gave a message", w.q.message_count, 0);
			counts.fuzz++;
		}
		teardown();
	}
}
