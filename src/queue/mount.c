/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/check.h"
#include "queue/format.h"
#include "queue/heap.h"
#include "queue/index.h"
#include "queue/journal.h"
#include "queue/layout.h"
#include "queue/media.h"
#include "queue/queue.h"
#include "queue/resume.h"
#include "queue/ring.h"

#define FOREIGN_GEOMETRY "a queue of another size or geometry"

/* What mount learns on its way. */
struct mount {
	struct queue *q;
	struct queue_mount_report *report;
	/* The latest generations: of all, of data, of FORMATTING marks, of other geometries;
	 * 0: none. */
	uint32_t gen_max, data_gen, mark_gen, foreign_gen;
	uint32_t id_max;
	bool torn; /* the last batches were not finished */
	struct ring ring;
	struct journal_record last;
};

/* Generations and ids are never 0. */
static void later(uint32_t *max, uint32_t n)
{
	if (*max == 0 || serial_after(n, *max))
		*max = n;
}

static enum status refuse(struct mount *m, enum status st, const char *why)
{
	m->report->why = why;
	return st;
}

/* ---- Headers ----------------------------------------------------------------------- */

static void scan_headers(struct mount *m)
{
	struct queue *q = m->q;
	struct media_header h;
	uint32_t i;

	for (i = 0; i < layout_sectors(&q->layout); i++) {
		struct queue_sector *s = &q->sector[i];
		enum status st = media_header_read(q, i, &h);

		if (st == ST_FOREIGN)
			later(&m->foreign_gen, h.gen);
		if (st != ST_OK)
			continue;
		s->gen = h.gen;
		s->erases = h.erases & 0xffffffu;
		later(&m->gen_max, h.gen);
		if (h.type == MEDIA_DATA) {
			s->kind = QUEUE_SECTOR_DATA;
			later(&m->data_gen, h.gen);
		} else if (h.type == MEDIA_JOURNAL)
			s->kind = QUEUE_SECTOR_JOURNAL;
		else if (h.type == MEDIA_FORMATTING)
			later(&m->mark_gen, h.gen);
	}
	q->gen_next = m->gen_max + 1u;
}

/* Nothing but, perhaps, a torn FORMATTING mark. */
static bool blank(struct queue *q)
{
	uint32_t i;

	for (i = 0; i < layout_sectors(&q->layout); i++)
		if (!media_blank(q, i,
			    i + 1u == layout_sectors(&q->layout) ? layout_header_len(&q->layout)
								 : 0u,
			    layout_sector_size(&q->layout)))
			return false;
	return true;
}

static enum status check_super(struct mount *m, const struct ring_sector *n)
{
	struct queue *q = m->q;

	if (!n->has_super)
		return ST_OK;
	if (n->super.version != JOURNAL_VERSION)
		return refuse(m, ST_FOREIGN, "a queue of another format version");
	if (n->super.sectors != layout_sectors(&q->layout))
		return refuse(m, ST_FOREIGN, FOREIGN_GEOMETRY);
	q->layout.journal_sectors = (uint16_t)n->super.journal_sectors;
	if (n->super.journal_sectors > QUEUE_JOURNAL_MAX || n->super.journal_sectors < 2u ||
		!layout_limits(&q->layout))
		return refuse(m, ST_FOREIGN, "a longer journal than this build can read");
	return ST_OK;
}

/* ---- Replaying the journal ------------------------------------------------------------- */

/* A batch that an earlier mount found unfinished. */
static bool torn_before(struct mount *m, uint16_t batch)
{
	struct journal_record s;
	uint32_t i;

	for (i = 0; i < m->q->ring_len; i++)
		if (ring_super(m->q, m->q->ring[i], &s) &&
			(uint16_t)(s.super.torn_batch - batch) < s.super.torn_count)
			return true;
	return false;
}

/* Octets before r are no record.  They belong to its batch or an earlier one. */
static void judge_gap(struct mount *m, const struct journal_record *r)
{
	uint16_t batch = (uint16_t)(r->batch - (r->flags & JOURNAL_FIRST ? 1u : 0u));

	if (r->flags & JOURNAL_AFTER_GAP)
		return;
	if (ring_unsafe(m->q, batch) || torn_before(m, batch)) {
		m->report->torn++;
		m->torn = true;
	} else {
		m->q->rotten++;
	}
}

static enum status replay_commit(struct mount *m, const struct journal_record *r, uint16_t sector)
{
	struct queue *q = m->q;
	struct queue_slot *s = index_find(q, r->id);

	if (s == NULL) {
		s = index_add(q, r->id, r->commit.rcpt_count);
		if (s == NULL)
			return refuse(m, ST_FOREIGN,
				"more messages or recipients than this build can hold");
		q->message_count++;
	}
	journal_commit_load(r, s);
	s->base = sector;
	if (r->commit.arrival_s > q->time_floor_s)
		q->time_floor_s = r->commit.arrival_s;
	return ST_OK;
}

static enum status replay(struct mount *m, const struct journal_record *r, uint16_t sector)
{
	struct queue *q = m->q;
	struct queue_slot *s;

	if (r->type == JOURNAL_MARK) {
		later(&q->gen_next, r->mark.gen_limit);
		later(&m->id_max, r->mark.id_limit - 1u);
		if (r->mark.time_floor_s > q->time_floor_s)
			q->time_floor_s = r->mark.time_floor_s;
	}
	if ((r->type != JOURNAL_COMMIT && r->type != JOURNAL_DONE) || r->id == 0)
		return ST_OK;
	later(&m->id_max, r->id);
	if (r->type == JOURNAL_COMMIT)
		return replay_commit(m, r, sector);
	s = index_find(q, r->id);
	if (s != NULL)
		index_remove(q, s);
	return ST_OK;
}

/* Twice: a COMMIT may have been copied behind records that belong to it. */
static enum status replay_all(struct mount *m, bool second)
{
	struct queue *q = m->q;
	struct journal_cursor c = { 0 };
	struct journal_record *r = &m->last;
	enum status st = ST_OK;
	uint32_t i;

	for (i = 0; i < q->ring_len; i++) {
		journal_cursor(q, &c, q->ring[i]);
		while (st == ST_OK && journal_next(q, &c, r)) {
			if (second) {
				journal_apply(q, r);
				continue;
			}
			if (c.gap)
				judge_gap(m, r);
			c.gap = false;
			st = replay(m, r, q->ring[i]);
		}
	}
	return st;
}

/* ---- Messages --------------------------------------------------------------------------- */

static bool intact(struct queue *q, uint32_t id)
{
	struct queue_verifier v;
	enum status st;
	uint32_t rotten = q->rotten;

	queue_verify_begin(&v, id);
	do
		st = queue_verify(q, &v);
	while (st == ST_AGAIN);
	q->rotten = rotten;
	return st == ST_OK;
}

static void check_message(struct mount *m, struct queue_slot *s)
{
	struct queue *q = m->q;
	uint32_t octets = index_octets(s), found = s->admitted;
	bool whole = found == octets;

	s->admitted = 0;
	index_admit(q, s, octets);
	if (found > octets) {
		s->flags |= QUEUE_SLOT_DOUBLE;
		q->recount = 0;
		whole = heap_each(q, s, s->len, heap_check) == ST_OK;
	}
	if (ring_unsafe(q, s->batch) && !(s->flags & QUEUE_SLOT_CARRIED) &&
		(!whole || !intact(q, s->id))) {
		/* Its sync never returned, nobody was told that it is accepted. */
		s->flags |= QUEUE_SLOT_TORN;
		m->report->torn++;
	} else if (!whole) {
		s->flags |= QUEUE_SLOT_DAMAGED | QUEUE_SLOT_MISSING;
		q->missing_count++;
		q->rotten++;
	}
}

static void check_messages(struct mount *m)
{
	struct queue *q = m->q;
	uint32_t i;

	for (i = 0; i < layout_sectors(&q->layout); i++)
		if (q->sector[i].kind == QUEUE_SECTOR_DATA)
			heap_count(q, (uint16_t)i, &m->id_max);
	for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++)
		if (q->slots[i].id != 0)
			check_message(m, &q->slots[i]);
}

/* ---- Sectors ------------------------------------------------------------------------------- */

static bool in_ring(const struct queue *q, uint32_t sector)
{
	uint16_t i;

	for (i = 0; i < q->ring_len; i++)
		if (q->ring[i] == sector)
			return true;
	return false;
}

/* Reclaim leaves copies behind: victims that were not erased yet, then the
 * beginnings of what a power cut interrupted.  The oldest sectors go first, so
 * that reclaim's work is kept where it was finished. */
static void drop_copies(struct queue *q)
{
	uint32_t distance = 0;
	uint16_t at;

	while ((at = heap_next_sector(q, q->gen_next, &distance)) != QUEUE_NONE)
		if (q->sector[at].live == 0 || heap_redundant(q, at))
			media_free(q, at);
}

static void sort_sectors(struct mount *m)
{
	struct queue *q = m->q;
	uint32_t i, most = 0;
	bool suspicious = q->missing_count > 0 || m->ring.lost;

	for (i = 0; i < layout_sectors(&q->layout); i++)
		if (q->sector[i].erases > most)
			most = q->sector[i].erases;
	for (i = 0; i < layout_sectors(&q->layout); i++) {
		struct queue_sector *s = &q->sector[i];

		if (s->kind == QUEUE_SECTOR_FREE) {
			/* How often nobody knows: no less than the others. */
			s->erases = most & 0xffffffu;
			/* Without a header, but not blank: perhaps just what is missing. */
			if (suspicious && !media_blank(q, i, 0, layout_sector_size(&q->layout))) {
				s->kind = QUEUE_SECTOR_QUARANTINE;
				q->rotten++;
				continue;
			}
		}
		if (s->kind == QUEUE_SECTOR_FREE ||
			(s->kind == QUEUE_SECTOR_JOURNAL && !in_ring(q, i)))
			media_free(q, i);
	}
	drop_copies(q);
	if (q->missing_count == 0)
		q->missing_count = m->ring.lost;
}

/* ---- Mount ----------------------------------------------------------------------------------- */

static void clear(struct queue *q, const struct flash *flash)
{
	memset(q, 0, sizeof(*q));
	q->flash = flash;
	q->erasing = QUEUE_NONE;
	q->keep = QUEUE_NONE;
	q->victim = QUEUE_NONE;
	heap_init(q);
	index_init(q);
}

/* The mark of a format that was cut stands where the next would write its own. */
static bool mark_stands(struct mount *m)
{
	struct media_header h;

	return media_header_read(m->q, layout_sectors(&m->q->layout) - 1u, &h) == ST_OK &&
		h.type == MEDIA_FORMATTING && m->mark_gen != 0 && h.gen == m->mark_gen;
}

/* Nothing readable says what the queue is: blank, being formatted, or foreign.
 * ST_AGAIN: has been formatted. */
static enum status no_journal(struct mount *m)
{
	enum status st;

	if (m->foreign_gen != 0 && (m->mark_gen == 0 || serial_after(m->foreign_gen, m->mark_gen)))
		return refuse(m, ST_FOREIGN, FOREIGN_GEOMETRY);
	/* Data behind a mark: that format was finished, and a queue in use. */
	if (m->mark_gen == 0 ? m->gen_max != 0
			     : m->data_gen != 0 && serial_after(m->data_gen, m->mark_gen))
		return refuse(m, ST_CORRUPT, "sectors of a queue, but no readable journal");
	if (m->mark_gen == 0 && !blank(m->q))
		return refuse(m, ST_FOREIGN, "not blank, and not a queue");
	st = format_write(m->q->flash, m->gen_max + 2u * JOURNAL_GEN_STEP, 1, mark_stands(m));
	if (st != ST_OK)
		return refuse(m, st, "formatting failed");
	m->report->formatted = 1;
	return ST_AGAIN;
}

static enum status load_journal(struct mount *m)
{
	struct queue *q = m->q;
	uint32_t gen;
	enum status st;

	if (!ring_find(q, &m->ring))
		return no_journal(m);
	gen = q->sector[m->ring.sector].gen;
	if (m->mark_gen != 0 && serial_after(m->mark_gen, gen))
		return no_journal(m);
	if (m->foreign_gen != 0 && serial_after(m->foreign_gen, gen))
		return refuse(m, ST_FOREIGN, FOREIGN_GEOMETRY);
	m->report->torn += m->ring.torn;
	m->id_max = m->ring.newest.mark.id_limit - 1u;
	q->old_gen = m->ring.newest.mark.old_gen;
	st = check_super(m, &m->ring.newest);
	if (st == ST_OK)
		st = replay_all(m, false);
	if (st == ST_OK)
		st = replay_all(m, true);
	return st;
}

static enum status load(struct mount *m)
{
	struct queue *q = m->q;
	enum status st;

	scan_headers(m);
	st = load_journal(m);
	if (st != ST_OK)
		return st;
	q->batch = 0x10000u + m->ring.newest.last_batch;
	q->synced = q->batch - 2u;
	q->batch_used = true;
	q->gen_limit = q->gen_next + JOURNAL_GEN_STEP;
	q->recount = layout_sectors(&q->layout);
	check_messages(m);
	q->id_next = m->id_max + 1u > 0 ? m->id_max + 1u : 1u;
	/* Should the MARK read wrong the next time, what it made obsolete counts again. */
	if (m->last.type == JOURNAL_MARK)
		q->keep = ring_journal(q, q->old_gen);
	sort_sectors(m);
	st = resume(q, &m->last, m->torn);
	return st == ST_CORRUPT ? refuse(m, st, "no sector left that can be erased") : st;
}

static enum status mount(struct queue *q, const struct flash *flash,
	struct queue_mount_report *report)
{
	struct mount m = { .q = q, .report = report };

	clear(q, flash);
	if (!layout_init(&q->layout, &flash->geometry, &report->why))
		return ST_BAD;
	report->why = "the device cannot be read or written";
	return load(&m);
}

enum status queue_mount(struct queue *q, const struct flash *flash,
	struct queue_mount_report *report)
{
	enum status st;

	memset(report, 0, sizeof(*report));
	st = mount(q, flash, report);
	if (st == ST_AGAIN)
		st = mount(q, flash, report);
	report->messages = q->message_count;
	report->rotten = q->rotten;
	if (st == ST_OK)
		report->why = NULL;
	return st == ST_AGAIN ? ST_IO : st;
}

bool queue_geometry_ok(const struct flash_geometry *g, const char **why)
{
	struct queue_layout l;

	return layout_init(&l, g, why);
}
