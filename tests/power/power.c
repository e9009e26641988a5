/* SPDX-License-Identifier: BSD-2-Clause */
/* power - the queue with its power cut, its flash failing, its bits flipped.
 *
 *   power ci        a part of everything, about a minute
 *   power full      all of it, some minutes
 *   power figures   the table for tests/README.md
 *   power PART...   only these parts, at length; after "ci" as in ci
 *
 * The last line says how many parts passed and failed; a failed check ends the
 * program with the geometry, seed and operation that lead to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "power.h"
#include "queue/format.h"

const struct geometry geometries[GEOMETRIES] = {
#if CONFIG_QUEUE_FIXED_GEOMETRY
	{ "fixed, pages of 256", 4096, 16, 1, 256, 4000 },
	{ "fixed, pages of 16", 4096, 16, 1, 16, 200 },
#else
	{ "6 x 256, p 1", 256, 6, 1, 256, 60 },
	{ "8 x 512, p 4", 512, 8, 4, 256, 200 },
	{ "12 x 512, p 16", 512, 12, 16, 64, 300 },
	{ "16 x 1024, p 32", 1024, 16, 32, 256, 700 },
	{ "16 x 4096, p 1", 4096, 16, 1, 256, 4000 },
	{ "16 x 4096, p 16", 4096, 16, 16, 256, 4000 },
	{ "16 x 4096, p 256", 4096, 16, 256, 256, 4000 },
	{ "64 x 1024, p 1", 1024, 64, 1, 256, 2500 },
#endif
};

static const char *const tears[NOR_TEARS] = { "none", "all", "prefix", "bits" };

struct world w;
bool full;
static struct world base;
static struct nor base_nor;

struct counts counts;

/* ---- Saving and restoring --------------------------------------------------------- */

#define DEPTH_MAX 3
struct saved {
	struct nor nor;
	struct model_message m[MODEL_MESSAGES];
};
static struct saved saved[DEPTH_MAX + 1];

void setup(const struct geometry *g, bool lazy, bool unstable)
{
	uint32_t i;

	world_init(&w, g->sector, g->count, g->unit, g->page);
	nor_make(&base_nor, g->sector, g->count, g->unit, g->page);
	for (i = 0; i <= DEPTH_MAX; i++)
		nor_make(&saved[i].nor, g->sector, g->count, g->unit, g->page);
	w.body_max = g->body_max;
	w.nor.lazy = lazy;
	w.nor.unstable = unstable;
	w.nor.erase_polls = lazy ? 0 : 2;
	w.nor.sync_polls = lazy ? 5 : 0;
}

void teardown(void)
{
	uint32_t i;

	world_free(&w);
	nor_free(&base_nor);
	for (i = 0; i <= DEPTH_MAX; i++)
		nor_free(&saved[i].nor);
}

void save_base(void)
{
	base = w;
	nor_copy(&base_nor, &w.nor);
}

void restore_base(void)
{
	struct nor keep = w.nor;

	w = base;
	w.nor = keep;
	nor_copy(&w.nor, &base_nor);
	w.nor.ops = 0;
	w.nor.cut_at = 0;
}

/* ---- Cuts -------------------------------------------------------------------------- */

/* The power is off.  Comes back with the queue mounted and checked; before that,
 * depth > 0, with the power cut at every operation of the recovery too. */
static void recover(uint32_t depth)
{
	struct saved *s = &saved[depth];
	volatile uint32_t j;

	if (depth > 0) {
		nor_copy(&s->nor, &w.nor);
		memcpy(s->m, w.m, sizeof(s->m));
		for (j = 1;; j++) {
			nor_boot(&w.nor);
			w.nor.cut_at = j;
			if (setjmp(w.nor.off) == 0) {
				world_mount(&w);
				break;
			}
			counts.recovery++;
			recover(depth - 1u);
			nor_copy(&w.nor, &s->nor);
			memcpy(w.m, s->m, sizeof(s->m));
		}
		nor_copy(&w.nor, &s->nor);
		memcpy(w.m, s->m, sizeof(s->m));
	}
	nor_boot(&w.nor);
	world_mount(&w);
	world_check(&w);
}

/* Goes on after a cut, with more cuts at random places. */
static void go_on(uint32_t seed, uint32_t times)
{
	volatile uint32_t i;

	for (i = 0; i < times; i++) {
		world_seed(&w, seed + i);
		w.nor.ops = 0;
		w.nor.cut_at = 1u + rng_below(&w.rng, 40);
		if (setjmp(w.nor.off) == 0) {
			world_work(&w, 20);
			w.nor.cut_at = 0;
			continue;
		}
		counts.random++;
		recover(0);
	}
	w.nor.cut_at = 0;
	world_work(&w, 10);
	world_finish(&w);
	world_settle(&w);
	nor_cut_now(&w.nor);
	nor_boot(&w.nor);
	world_mount(&w);
	world_check(&w);
}

static void count_cut(void)
{
	if (strcmp(w.nor.last, "erase") == 0)
		counts.erase++;
	else if (strcmp(w.nor.last, "sync") == 0)
		counts.sync++;
	else
		counts.program++;
}

/* A script, and the power cut at operation k, for every stride-th k. */
static void cut_script(const struct geometry *g, enum nor_tear tear, uint32_t seed, uint32_t length,
	uint32_t stride, uint32_t depth)
{
	volatile uint32_t k;

	w.nor.tear = tear;
	for (k = 1u + seed % stride;; k += stride) {
		snprintf(context, sizeof(context), "%s, tear %s%s%s, seed %u, cut at %u", g->name,
			tears[tear], w.nor.unstable ? ", unstable" : "", w.nor.lazy ? ", file" : "",
			(unsigned)seed, (unsigned)k);
		restore_base();
		world_seed(&w, seed);
		nor_seed(&w.nor, seed + k);
		w.nor.cut_at = k;
		if (setjmp(w.nor.off) == 0) {
			world_work(&w, length);
			break;
		}
		count_cut();
		recover(depth);
		go_on(seed + k, 2);
		if (k % 8 == 0)
			world_drain(&w);
	}
	w.nor.cut_at = 0;
}

/* Some traffic, so that every sector has been in use. */
void prepare(const struct geometry *g, uint32_t seed, uint32_t length)
{
	snprintf(context, sizeof(context), "%s, seed %u, before any cut", g->name, (unsigned)seed);
	nor_blank(&w.nor);
	world_clear(&w);
	world_mount(&w);
	world_seed(&w, seed + 1000u);
	world_work(&w, length);
	world_finish(&w);
	world_settle(&w);
	world_check(&w);
	save_base();
}

static void part_cuts(void)
{
	uint32_t i, seed, seeds = full ? 40 : 4;
	enum nor_tear tear;

	for (i = 0; i < GEOMETRIES; i++) {
		const struct geometry *g = &geometries[i];

		for (tear = NOR_NONE; tear < NOR_TEARS; tear++) {
			for (seed = 1; seed <= seeds; seed++) {
				setup(g, false, false);
				prepare(g, seed, 250);
				cut_script(g, tear, seed, 200, 1, seed % 8 == 1);
				teardown();
			}
		}
	}
}

static void part_recovery(void)
{
	static const uint32_t which[] = { 0, 1, 4, 6 };
	uint32_t i, seed, seeds = full ? 8 : 1;
	enum nor_tear tear;

	for (i = 0; i < 4; i++) {
		const struct geometry *g = &geometries[which[i] % GEOMETRIES];

		for (tear = NOR_ALL; tear < NOR_TEARS; tear++) {
			for (seed = 7; seed < 7u + seeds; seed++) {
				setup(g, false, seed % 2 == 0);
				prepare(g, seed, 250);
				cut_script(g, tear, seed, 100, full ? 1 : 3, i == 0 ? 3 : 2);
				teardown();
			}
		}
	}
}

static void part_unstable(void)
{
	uint32_t i, seed, seeds = full ? 40 : 4;
	enum nor_tear tear;

	for (i = 0; i < GEOMETRIES; i++) {
		for (tear = NOR_PREFIX; tear < NOR_TEARS; tear++) {
			for (seed = 21; seed < 21u + seeds; seed++) {
				setup(&geometries[i], false, true);
				prepare(&geometries[i], seed, 250);
				cut_script(&geometries[i], tear, seed, 150, 1, seed % 4 == 1);
				teardown();
			}
		}
	}
}

/* A file: no-op erase, syncs that take time, any subset of what was not synced. */
static void part_file(void)
{
	uint32_t i, seed, seeds;
	enum nor_tear tear;

	for (i = 0; i < GEOMETRIES; i++) {
		/* The smallest is fast, and shows what is seldom. */
		seeds = full || geometries[i].count * geometries[i].sector < 2048u ? 40 : 4;
		for (tear = NOR_NONE; tear < NOR_TEARS; tear++) {
			for (seed = 41; seed < 41u + seeds; seed++) {
				setup(&geometries[i], true, false);
				w.nor.sync_polls = seed % 4u * 6u;
				prepare(&geometries[i], seed, 250);
				cut_script(&geometries[i], tear, seed, 150, 1, seed % 4 == 1);
				teardown();
			}
		}
	}
}

/* The power fails over and over: nothing wears out, leaks or wraps wrongly. */
static void part_bootloop(void)
{
	volatile uint32_t i, k;
	uint32_t loops = full ? 10000 : 1000;

	for (i = 0; i < GEOMETRIES; i++) {
		const struct geometry *g = &geometries[i];

		setup(g, i % 3 == 2, i % 3 == 1);
		prepare(g, i, 200);
		w.nor.tear = NOR_BITS;
		for (k = 0; k < loops; k++) {
			snprintf(context, sizeof(context), "%s, boot loop %u", g->name,
				(unsigned)k);
			nor_seed(&w.nor, k);
			world_seed(&w, k);
			nor_boot(&w.nor);
			w.nor.cut_at = 1u + rng_below(&w.rng, 30);
			if (setjmp(w.nor.off) == 0) {
				world_mount(&w);
				world_check(&w);
				world_work(&w, 8);
				nor_cut_now(&w.nor);
			}
			counts.random++;
		}
		nor_boot(&w.nor);
		world_mount(&w);
		world_check(&w);
		world_drain(&w);
		teardown();
	}
}

/* Generations, ids and batches go through zero. */
static void part_wrap(void)
{
	uint32_t i;

	for (i = 0; i < GEOMETRIES; i++) {
		const struct geometry *g = &geometries[i];

		setup(g, i % 2 == 1, false);
		snprintf(context, sizeof(context), "%s, near the wrap", g->name);
		if (format_write(&w.nor.flash, 0xfffffff0u - 512u, 0xfffffff8u, false) != ST_OK)
			fail("format", 0, 0);
		nor_cut_now(&w.nor);
		nor_boot(&w.nor);
		world_mount(&w);
		world_seed(&w, i);
		w.q.batch = 0xfffffff0u;
		w.q.synced = w.q.batch - 1u;
		for (uint32_t k = 0; k < w.q.layout.sectors; k++)
			if (w.q.sector[k].kind == QUEUE_SECTOR_FREE)
				w.q.sector[k].gen = w.q.synced;
		world_work(&w, 150);
		world_settle(&w);
		world_check(&w);
		save_base();
		cut_script(g, NOR_BITS, i + 60u, 400, 3, full);
		teardown();
	}
}

/* Fills the queue to the last octet, and cuts there. */
static void part_filling(void)
{
	uint32_t i;
	enum nor_tear tear;
	struct model_message *m;
	uint32_t k;

	for (i = 0; i < GEOMETRIES; i++) {
		const struct geometry *g = &geometries[i];

		for (tear = NOR_ALL; tear < NOR_TEARS; tear++) {
			setup(g, tear == NOR_ALL, false);
			snprintf(context, sizeof(context), "%s, filling", g->name);
			w.body_max = g->body_max;
			world_mount(&w);
			/* Nothing is removed while it fills. */
			for (k = 0; k < 4000 && w.refused < 40; k++) {
				world_seed(&w, i * 5000u + k);
				world_fill(&w);
			}
			world_finish(&w);
			world_settle(&w);
			world_check(&w);
			for (m = w.m, k = 0; m < w.m + MODEL_MESSAGES; m++)
				k += m->status == MODEL_QUEUED;
			if (k == 0)
				fail("a full queue holds nothing", 0, 0);
			save_base();
			cut_script(g, tear, i + 80u, 150, 1, full);
			teardown();
		}
	}
}

/* ---- Faults of the device -------------------------------------------------------------- */

/* Programs and erases fail, with and without a word: what was accepted stays. */
static void part_faults(void)
{
	uint32_t i, seed, seeds = full ? 1000 : 100, j;

	for (i = 0; i < GEOMETRIES; i++) {
		const struct geometry *g = &geometries[i];

		for (seed = 0; seed < seeds; seed++) {
			setup(g, false, false);
			prepare(g, seed, 150);
			nor_seed(&w.nor, seed);
			snprintf(context, sizeof(context), "%s, faults, seed %u", g->name,
				(unsigned)seed);
			for (j = 0; j < 3; j++) {
				w.nor.fail_silently = (seed + j) % 2 == 1;
				w.nor.fail_programs = (seed + j) % 3 == 0 ? 0 : 1 + (int)(seed % 3);
				/* An erase that fails in silence shows when programs fail. */
				w.nor.fail_erases = (seed + j) % 3 == 0 && !w.nor.fail_silently;
				world_work(&w, 40);
				w.nor.fail_programs = 0;
				w.nor.fail_erases = 0;
				world_settle(&w);
				/* A message whose writing failed may have gone: others may not. */
				world_check(&w);
				counts.faults++;
				nor_boot(&w.nor);
				w.rot_expected = true;
				world_mount(&w);
				world_check(&w);
			}
			teardown();
		}
	}
}

/* A sync fails: nothing more is accepted, nothing is said to be durable. */
static void part_syncfail(void)
{
	uint32_t i, ticket, id;
	struct queue_stats stats;
	struct queue_commit c = { 1, 2, 1, 1, false, false };
	int writer, j, n;

	for (i = 0; i < GEOMETRIES; i++) {
		setup(&geometries[i], true, false);
		prepare(&geometries[i], 3, 100);
		world_drain(&w);
		writer = queue_open(&w.q, 40, 1);
		n = queue_write(&w.q, writer, QUEUE_BODY, SPAN("twenty octets of mail"));
		for (j = 0; j < 1000 && n != ST_OK; j++) {
			n = queue_commit(&w.q, writer, &c, &id, &ticket);
			if (n == ST_AGAIN)
				world_step(&w);
		}
		w.nor.fail_syncs = 1;
		for (j = 0; j < 500; j++)
			world_step(&w);
		queue_stats(&w.q, &stats);
		if (n != ST_OK || queue_durable(&w.q, ticket) >= 0 || !stats.stopped ||
			queue_open(&w.q, 40, 1) != ST_IO || queue_hold(&w.q, id, true) != ST_IO)
			fail("goes on after a failed sync", stats.stopped, (uint32_t)n);
		counts.faults++;
		teardown();
	}
}

/* ---- Format --------------------------------------------------------------------- */

#define SECOND_CUTS 6u /* in the repeated format: its mark, its first erases */

/* A format whose power goes at operation k, and when it is repeated at `second` (0: not).
 * false: it ended before operation k. */
static bool cut_format(const struct geometry *g, uint32_t k, uint32_t second)
{
	volatile bool cut = false;

	setup(g, false, k % 2 == 1);
	snprintf(context, sizeof(context), "%s, format cut at %u, then at %u", g->name, (unsigned)k,
		(unsigned)second);
	w.nor.tear = (enum nor_tear)((k + second) % NOR_TEARS);
	nor_seed(&w.nor, k);
	w.nor.cut_at = k;
	if (setjmp(w.nor.off) != 0) {
		cut = true;
		counts.format++;
		nor_boot(&w.nor);
		w.nor.cut_at = second;
		if (setjmp(w.nor.off) != 0) {
			counts.format++;
			nor_boot(&w.nor);
		}
	}
	world_mount(&w);
	if (cut) {
		w.nor.cut_at = 0;
		world_work(&w, 60);
		world_settle(&w);
		nor_boot(&w.nor);
		world_mount(&w);
		world_check(&w);
		world_drain(&w);
	}
	teardown();
	return cut;
}

/* Foreign or blank devices, and a format that is cut. */
static void part_format(void)
{
	uint32_t i, j, k, second;
	enum status st;

	for (i = 0; i < GEOMETRIES; i++) {
		const struct geometry *g = &geometries[i];

		for (k = 1; k < 200 && cut_format(g, k, 0); k++)
			for (second = 1; second <= SECOND_CUTS; second++)
				(void)cut_format(g, k, second);
		/* Foreign: refused, untouched. */
		setup(g, false, false);
		for (j = 0; j < w.nor.size; j++)
			w.nor.mem[j] = (uint8_t)(j * 7u + 1u);
		st = queue_mount(&w.q, &w.nor.flash, &w.report);
		if (st != ST_FOREIGN || w.report.why == NULL || w.nor.programs + w.nor.erases > 0)
			fail("foreign content", (uint32_t)-st, 0);
		teardown();
	}
}

/* ---- Parts -------------------------------------------------------------- */

static const struct part {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "format", part_format },
	{ "cuts", part_cuts },
	{ "recovery", part_recovery },
	{ "unstable", part_unstable },
	{ "file", part_file },
	{ "bootloop", part_bootloop },
	{ "wrap", part_wrap },
	{ "filling", part_filling },
	{ "faults", part_faults },
	{ "syncfail", part_syncfail },
	{ "launder", part_launder },
	{ "rot", part_rot },
	{ "fuzz", part_fuzz },
	{ "flip", part_flip },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static void run(const struct part *p)
{
	clock_t start = clock();

	p->run();
	printf("%-9s ok, %.1f s\n", p->name, (double)(clock() - start) / CLOCKS_PER_SEC);
	fflush(stdout);
}

/* Named, or nothing but "ci" or "full" was. */
static bool wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 2 && (strcmp(argv[1], "ci") == 0 || strcmp(argv[1], "full") == 0);
}

int main(int argc, char **argv)
{
	uint32_t i, passed = 0;

	if (argc == 2 && strcmp(argv[1], "figures") == 0)
		return figures();
	full = argc < 2 || strcmp(argv[1], "ci") != 0;
	for (i = 0; i < PARTS; i++) {
		if (!wanted(parts[i].name, argc, argv))
			continue;
		run(&parts[i]);
		passed++;
	}
	figures_counts(&counts);
	printf("power: %u passed, 0 failed\n", (unsigned)passed);
	return passed > 0 ? 0 : 2;
}
