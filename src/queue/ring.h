/* SPDX-License-Identifier: BSD-2-Clause */
/* ring - which sectors are the journal, and in what order.
 *
 * The newest is the one whose rotation was finished: its first MARK counts the
 * copies before it.  From there each sector's SUPER names the one before it.
 * What a file lost because its sync never returned is told from rot by batches:
 * a record of batch k is written only after the sync of batch k - 2 returned, or
 * of batch k - 1 if the record says so.
 */
#ifndef PIPIT_QUEUE_RING_H
#define PIPIT_QUEUE_RING_H

#include "queue/journal.h"

/* What one journal sector tells. */
struct ring_sector {
	struct journal_super super;
	struct journal_mark mark;
	bool has_super, has_mark;
	bool proof;      /* a later batch shows that the MARK's was durable */
	uint32_t before; /* records between SUPER and MARK */
	uint32_t end;
	uint16_t mark_batch, last_batch;
	bool last_prev_safe;
};

struct ring {
	struct ring_sector newest;
	uint16_t sector; /* of the newest */
	bool lost;       /* a sector is missing from the chain */
	uint32_t torn;   /* rotations that were not finished */
};

/* Fills q->ring from what was written before q->gen_next, and which batches may be
 * torn; false when no sector can be the newest. */
bool ring_find(struct queue *q, struct ring *r);

/* May writes of this batch have been lost? */
bool ring_unsafe(const struct queue *q, uint16_t batch);

/* The journal sector with this generation, or QUEUE_NONE. */
uint16_t ring_journal(const struct queue *q, uint32_t gen);

/* The first record of a journal sector: is it a SUPER? */
bool ring_super(struct queue *q, uint16_t sector, struct journal_record *r);

#endif
