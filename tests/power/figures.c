/* SPDX-License-Identifier: BSD-2-Clause */
#include "figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/layout.h"
#include "world.h"

#define ULL unsigned long long

void figures_counts(const struct counts *c)
{
	printf("cuts in scripts: %llu programs, %llu erases, %llu syncs; in recoveries: %llu; "
	       "at random: %llu; "
	       "in formats: %llu\n",
		(ULL)c->program, (ULL)c->erase, (ULL)c->sync, (ULL)c->recovery, (ULL)c->random,
		(ULL)c->format);
	printf("failing devices: %llu; single bits flipped: %llu; "
	       "images damaged: %llu; random images: %llu\n",
		(ULL)c->faults, (ULL)c->flips, (ULL)c->damages, (ULL)c->fuzz);
	printf("damage: %llu intact, %llu detected, %llu lost and reported, %llu refused to mount, "
	       "%llu lost in silence; altered and delivered: 0\n",
		(ULL)c->rot_intact, (ULL)c->rot_detected, (ULL)c->rot_lost, (ULL)c->rot_refused,
		(ULL)c->rot_silent);
}

/* ---- The workload -------------------------------------------------------------------- */

/* Messages of 2 KB in the mean (lognormal, at least 300 octets); at a fill level,
 * 90 % of those that leave are among the four youngest; each arrival sees one
 * retry of an old message, and a final outcome for each that leaves. */
#define LIVE_MAX 500
#define AT_ONCE_MAX 4

struct load {
	struct nor nor;
	struct queue q;
	struct rng rng;
	struct instant now;
	uint32_t id[LIVE_MAX], size[LIVE_MAX];
	uint32_t live, live_bytes;
	uint64_t accepted, refused, payload, waits;
};

static struct load l;

/* The lognormal distribution's 64 quantiles: median 1500, sigma 0.8. */
static const uint16_t quantiles[65] = {
	216,
	305,
	366,
	416,
	461,
	502,
	541,
	579,
	615,
	651,
	686,
	720,
	754,
	788,
	823,
	857,
	891,
	926,
	961,
	996,
	1032,
	1068,
	1105,
	1143,
	1181,
	1220,
	1260,
	1301,
	1343,
	1386,
	1431,
	1476,
	1523,
	1572,
	1622,
	1674,
	1728,
	1784,
	1842,
	1903,
	1967,
	2034,
	2105,
	2179,
	2257,
	2340,
	2428,
	2523,
	2624,
	2733,
	2851,
	2980,
	3122,
	3279,
	3455,
	3654,
	3883,
	4152,
	4474,
	4875,
	5399,
	6139,
	7355,
	10376,
	14526,
};

static uint32_t size_draw(uint32_t most)
{
	uint32_t at = rng_below(&l.rng, 64), low = quantiles[at], high = quantiles[at + 1u];
	uint32_t size = low + rng_below(&l.rng, high - low + 1u);

	return size < 300u ? 300u : size > most ? most : size;
}

static void step(void)
{
	l.now.mono_ms++;
	(void)queue_step(&l.q, l.now);
}

static void leave(uint32_t at)
{
	struct queue_outcome o = { 0, QUEUE_DELIVERED, 0, 0, NULL };
	enum status st;

	while ((st = queue_record(&l.q, l.id[at], &o, NULL)) == ST_AGAIN)
		step();
	if (st == ST_OK)
		while ((st = queue_remove(&l.q, l.id[at], NULL)) == ST_AGAIN)
			step();
	if (st != ST_OK)
		fail("figures: remove", (uint32_t)-st, l.live);
	l.live_bytes -= l.size[at];
	l.live--;
	memmove(l.id + at, l.id + at + 1, (l.live - at) * sizeof(l.id[0]));
	memmove(l.size + at, l.size + at + 1, (l.live - at) * sizeof(l.size[0]));
}

static void retry(void)
{
	struct queue_outcome o = { 0, QUEUE_PENDING, 1, 1700000000u, NULL };
	uint32_t at;
	enum status st;

	if (l.live == 0)
		return;
	at = rng_below(&l.rng, l.live);
	o.attempts = (uint8_t)(1u + rng_below(&l.rng, 200));
	while ((st = queue_record(&l.q, l.id[at], &o, NULL)) == ST_AGAIN)
		step();
	if (st != ST_OK)
		fail("figures: retry", (uint32_t)-st, 0);
}

static void put(int writer, enum queue_stream stream, uint32_t len)
{
	uint8_t piece[256];
	int n;

	memset(piece, 'm', sizeof(piece));
	while (len > 0) {
		n = queue_write(&l.q, writer, stream,
			span_make(piece, len < sizeof(piece) ? len : sizeof(piece)));
		if (n == ST_AGAIN) {
			l.waits++;
			step();
		} else if (n < 0) {
			fail("figures: write", (uint32_t)-n, len);
		} else {
			len -= (uint32_t)n;
		}
	}
}

static void leave_one(void)
{
	uint32_t young = l.live < 4u ? l.live : 4u;

	if (l.live == 0)
		return;
	if (rng_below(&l.rng, 10) < 9u)
		leave(l.live - 1u - rng_below(&l.rng, young));
	else
		leave(rng_below(&l.rng, l.live));
}

/* Arrivals of several sessions, interleaved piece by piece. */
static void arrive(uint32_t at_once, uint32_t most)
{
	struct queue_commit c = { 1700000000u, 1700432000u, 1, QUEUE_NORMAL, false, false };
	uint32_t size[AT_ONCE_MAX], left[AT_ONCE_MAX], i, id, ticket, busy;
	int writer[AT_ONCE_MAX];
	enum status st;

	for (i = 0; i < at_once; i++) {
		size[i] = size_draw(most);
		left[i] = size[i] - 200u;
		writer[i] = queue_open(&l.q, size[i], 1);
		if (writer[i] >= 0) {
			put(writer[i], QUEUE_ENVELOPE, 80);
			continue;
		}
		l.refused++;
		leave_one();
	}
	do {
		for (busy = 0, i = 0; i < at_once; i++) {
			uint32_t n = left[i] < 256u ? left[i] : 256u;

			if (writer[i] < 0 || n == 0)
				continue;
			put(writer[i], QUEUE_BODY, n);
			left[i] -= n;
			busy++;
		}
	} while (busy > 0);
	for (i = 0; i < at_once; i++) {
		if (writer[i] < 0)
			continue;
		put(writer[i], QUEUE_PREFIX, 120);
		while ((st = queue_commit(&l.q, writer[i], &c, &id, &ticket)) == ST_AGAIN) {
			l.waits++;
			step();
		}
		if (st != ST_OK)
			fail("figures: commit", (uint32_t)-st, 0);
		l.id[l.live] = id;
		l.size[l.live++] = size[i];
		l.live_bytes += size[i];
		l.accepted++;
		l.payload += size[i];
		step();
		retry();
	}
}

static void make_room(uint32_t target, uint32_t at_once)
{
	while (l.live > 0 &&
		(l.live_bytes + at_once * 2000u > target || l.live + at_once > LIVE_MAX - 1))
		leave_one();
}

static void start(uint32_t sectors, uint16_t unit)
{
	struct queue_mount_report report;
	uint8_t seed[16] = { 3 };

	memset(&l, 0, sizeof(l));
	rng_seed(&l.rng, seed);
	nor_make(&l.nor, 4096, sectors, unit, 256);
	if (queue_mount(&l.q, &l.nor.flash, &report) != ST_OK)
		fail("figures: mount", 0, 0);
}

struct study {
	uint32_t sectors, percent, at_once;
	uint16_t unit;
	const char *predicted;
};

static const struct study studies[] = {
	{ 16, 25, 1, 1, "1.09 / 0.53" },
	{ 16, 50, 1, 1, "1.25 / 0.62" },
	{ 16, 60, 1, 1, "1.58 / 0.77" },
	{ 16, 50, 4, 1, "1.41 / 0.69" },
	{ 16, 60, 4, 1, "1.75 / 0.86" },
	{ 64, 25, 4, 1, "" },
	{ 64, 50, 4, 1, "1.12 / 0.58" },
	{ 64, 75, 4, 1, "1.58 / 0.80" },
	{ 256, 25, 4, 1, "" },
	{ 256, 50, 4, 1, "1.16 / 0.61" },
	{ 256, 75, 4, 1, "1.45 / 0.74" },
	{ 256, 80, 4, 1, "1.55 / 0.78" },
	{ 256, 85, 4, 1, "1.76 / 0.89" },
	{ 256, 50, 4, 16, "1.25 / (1.19 ratio)" },
	{ 256, 50, 4, 32, "1.32 / (1.21 ratio)" },
	{ 256, 50, 4, 256, "2.95 / (2.81 ratio)" },
	{ 64, 50, 4, 16, "" },
	{ 64, 50, 4, 32, "" },
	{ 64, 50, 4, 256, "" },
	{ 16, 50, 1, 16, "" },
	{ 16, 50, 1, 32, "" },
	{ 16, 25, 1, 256, "" },
};

static void mount_cost(uint64_t *bytes, uint64_t *reads)
{
	struct queue_mount_report report;

	nor_boot(&l.nor);
	l.nor.read_bytes = 0;
	l.nor.reads = 0;
	if (queue_mount(&l.q, &l.nor.flash, &report) != ST_OK || report.rotten > 0)
		fail("figures: second mount", report.rotten, 0);
	*bytes = l.nor.read_bytes;
	*reads = l.nor.reads;
}

static void run(const struct study *s)
{
	uint32_t raw = s->sectors * 4096u, target = raw / 100u * s->percent, i, most = 0, warm,
		 total;
	uint64_t sum = 0, bytes, programs, erases, payload, accepted, mount_bytes, mount_reads;

	start(s->sectors, s->unit);
	warm = s->sectors * 20u;
	total = warm * 6u;
	while (l.accepted + l.refused < warm) {
		make_room(target, s->at_once);
		arrive(s->at_once, raw / 8u);
	}
	bytes = l.nor.program_bytes;
	programs = l.nor.programs;
	erases = l.nor.erases;
	payload = l.payload;
	accepted = l.accepted;
	l.refused = 0;
	for (i = 0; l.accepted + l.refused < total; i++) {
		make_room(target, s->at_once);
		arrive(s->at_once, raw / 8u);
	}
	for (i = 0; i < s->sectors; i++) {
		sum += l.nor.wear[i];
		most = l.nor.wear[i] > most ? l.nor.wear[i] : most;
	}
	payload = l.payload - payload;
	accepted = l.accepted - accepted;
	bytes = l.nor.program_bytes - bytes;
	programs = l.nor.programs - programs;
	erases = l.nor.erases - erases;
	i = l.live_bytes;
	for (uint32_t k = 0; k < 1000; k++)
		step();
	mount_cost(&mount_bytes, &mount_reads);
	printf("| %4u KiB | %3u | %u | %3u %% (%2u %%) | %4.1f %% | %.2f / %.2f | %s "
	       "| %.1f | %.2f | %.2f | %llu |\n",
		(unsigned)(raw / 1024u), s->unit, (unsigned)s->at_once, (unsigned)s->percent,
		(unsigned)((uint64_t)i * 100u / raw),
		100.0 * (double)l.refused / (double)(l.refused + accepted),
		(double)bytes / (double)payload, (double)erases / (double)accepted, s->predicted,
		(double)programs / (double)accepted, (double)payload / (double)accepted / 4096.0,
		(double)most * s->sectors / (double)sum, (ULL)mount_bytes);
	fflush(stdout);
	nor_free(&l.nor);
}

int figures(void)
{
	uint32_t i;

	printf("Write amplification (bytes programmed / payload) and erases per message; "
	       "in a mean message\nof 2 KB: 80 octets envelope, 120 prefix. "
	       "Live share: wanted (reached). Study: queue.md.\n\n");
	printf("| size | p | writers | live share | refused | WA / erases | study | "
	       "programs | least erases | wear max/mean | mount reads, bytes |\n"
	       "|---|---|---|---|---|---|---|---|---|---|---|\n");
	for (i = 0; i < sizeof(studies) / sizeof(studies[0]); i++)
		run(&studies[i]);
	printf("\nlittlefs on this workload (study): refuses mail from 25-36 %% full (43-44 %%\n"
	       "of raw at 1 MiB is its end), about twice these erases, up to 1 s per operation\n"
	       "at 1 MiB; WA 1.6-2.0 at p = 256, its one win.\n\n");
	printf("RAM: %u bytes a message, %u a recipient, %u a sector, %u a writer "
	       "(of them %u staging), %u for a head\n",
		(unsigned)sizeof(struct queue_slot) + 4u, (unsigned)sizeof(struct queue_rcpt_slot),
		(unsigned)sizeof(struct queue_sector), (unsigned)sizeof(struct queue_writer),
		(unsigned)CONFIG_QUEUE_STAGE, (unsigned)sizeof(struct queue_head));
	return 0;
}
