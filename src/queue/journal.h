/* SPDX-License-Identifier: BSD-2-Clause */
/* journal - the only authority: a ring of sectors full of small records.
 *
 * A message exists from its COMMIT to its DONE.  The ring is rotated when its
 * newest sector is full: a new one begins with copies of those records of the
 * oldest that still say something, then MARK; with the MARK the oldest is
 * obsolete.  A newest sector without a MARK that counts its copies is ignored.
 *
 * A record still says something when it is the last of its kind: the serial
 * numbers of recipients and jobs tell.
 */
#ifndef PIPIT_QUEUE_JOURNAL_H
#define PIPIT_QUEUE_JOURNAL_H

#include "base/status.h"
#include "queue/queue.h"
#include "queue/queue_state.h"

#define JOURNAL_VERSION 1u

/* How many generations and ids one MARK gives leave to use. */
#define JOURNAL_GEN_STEP 256u
#define JOURNAL_ID_STEP 256u

enum journal_type {
	JOURNAL_SUPER = 1,
	JOURNAL_COMMIT,
	JOURNAL_OUTCOME,
	JOURNAL_JOB,
	JOURNAL_HOLD,
	JOURNAL_DONE,
	JOURNAL_MARK,
	JOURNAL_PAD,
	JOURNAL_TYPES,
};

#define JOURNAL_HEAD_LEN 8u
#define JOURNAL_CRC_LEN 4u
#define JOURNAL_FIXED_LEN (JOURNAL_HEAD_LEN + JOURNAL_CRC_LEN)
#define JOURNAL_REPLY_LEN 5u /* code and enhanced code before a reply's text */
#define JOURNAL_OUTCOME_LEN 8u
#define JOURNAL_BODY_MAX (JOURNAL_OUTCOME_LEN + JOURNAL_REPLY_LEN + QUEUE_REPLY_TEXT_MAX)
#define JOURNAL_RECORD_MAX (JOURNAL_FIXED_LEN + JOURNAL_BODY_MAX)

/* Lengths of the fixed bodies. */
#define JOURNAL_SUPER_LEN 20u
#define JOURNAL_COMMIT_LEN 28u
#define JOURNAL_JOB_LEN 12u
#define JOURNAL_MARK_LEN 20u

/* In a JOB: the recipients stay as they are. */
#define JOURNAL_JOB_KEEPS 1u

struct journal_record {
	uint8_t type, len;
	uint16_t batch;
	uint32_t id;
	bool prev_safe; /* when it was written, all earlier batches were durable */
	bool first;     /* of its batch */
	bool after_gap; /* what is before it was passed over by a mount, it need not be readable */
	uint8_t body[JOURNAL_BODY_MAX];
};

struct journal_super {
	uint8_t version;
	uint16_t journal_sectors;
	uint32_t sectors;
	uint32_t prev_gen, prev_end; /* the ring's sector before this one */
	uint16_t torn_batch, torn_count;
};

struct journal_mark {
	uint32_t old_gen;             /* journal sectors up to this generation are obsolete */
	uint32_t carried;             /* records between SUPER and the first MARK */
	uint32_t gen_limit, id_limit; /* numbers from here on have never been used */
	uint32_t time_floor_s;
};

struct journal_cursor {
	uint32_t sector, pos, end;
	bool gap; /* octets before the last record were no record */
};

void journal_cursor(const struct queue *q, struct journal_cursor *c, uint32_t sector);

/* The next valid record, after skipping what is none; false at the end. */
bool journal_next(struct queue *q, struct journal_cursor *c, struct journal_record *r);

void journal_super_load(const struct journal_record *r, struct journal_super *out);
void journal_mark_load(const struct journal_record *r, struct journal_mark *out);

/* Fills a slot from a COMMIT, all but id and recipients. */
void journal_commit_load(const struct journal_record *r, struct queue_slot *s);
uint16_t journal_commit_rcpts(const struct journal_record *r);
void journal_commit_store(const struct queue_slot *s, uint8_t body[JOURNAL_COMMIT_LEN]);

/* Applies OUTCOME, JOB, HOLD to the index. */
void journal_apply(struct queue *q, const struct journal_record *r);

/* Encodes a record, padded with 0xff: its length. */
uint32_t journal_record_store(const struct queue_layout *l, const struct journal_record *r,
	uint32_t gen, uint8_t *to);
void journal_super_store(const struct journal_super *s, uint8_t body[JOURNAL_SUPER_LEN]);
void journal_mark_store(const struct journal_mark *m, uint8_t body[JOURNAL_MARK_LEN]);

/* Appends; rotates the ring when there is no room.  ST_AGAIN: no erased sector. */
enum status journal_append(struct queue *q, uint8_t type, uint32_t id, const uint8_t *body,
	uint8_t len);

/* What changes a message goes one way: the record first, then RAM by the same
 * function that mount uses. */
enum status journal_change(struct queue *q, uint8_t type, uint32_t id, const uint8_t *body,
	uint8_t len);

/* Records what a job is to be. */
enum status journal_job(struct queue *q, uint32_t id, enum queue_job job, struct queue_job_status j,
	uint8_t flags);

enum status journal_rotate(struct queue *q);

/* Renews the leave to use numbers.  carried: of the first MARK of this sector, if
 * nothing stands between the two, so that either will do; else 0. */
enum status journal_append_mark(struct queue *q, uint32_t carried);

/* Nothing written later shares a page with what is there. */
void journal_pad(struct queue *q);

#endif
