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

/* Most fields of a body. */
#define JOURNAL_FIELDS 9u

/* The bodies: each field a word, in the order of the format; a table in journal.c
 * has their widths. */
struct journal_super {
	uint32_t version, torn_count, journal_sectors, sectors;
	uint32_t prev_gen, prev_end; /* the ring's sector before this one */
	uint32_t torn_batch, unused;
};

struct journal_commit {
	uint32_t len[QUEUE_STREAMS], arrival_s, expiry_s, crc, rcpt_count, priority;
	uint32_t flags; /* QUEUE_SLOT_COMMIT of enum queue_slot_flag */
};

struct journal_outcome {
	uint32_t rcpt, state, attempts, next_try_s;
};

struct journal_job {
	uint32_t job, state, attempts, flags, started_s, next_try_s;
};

struct journal_mark {
	uint32_t old_gen;             /* journal sectors up to this generation are obsolete */
	uint32_t carried;             /* records between SUPER and the first MARK */
	uint32_t gen_limit, id_limit; /* numbers from here on have never been used */
	uint32_t time_floor_s;
};

enum journal_flag {
	JOURNAL_PREV_SAFE = 0x80, /* when it was written, all earlier batches were durable */
	JOURNAL_FIRST = 0x40,     /* of its batch */
	JOURNAL_AFTER_GAP = 0x20, /* what is before it was passed over, it need not be readable */
};

struct journal_record {
	uint8_t type, flags; /* enum journal_type, enum journal_flag */
	uint16_t batch;
	uint32_t id;
	union {
		uint32_t field[JOURNAL_FIELDS];
		struct journal_super super;
		struct journal_commit commit;
		struct journal_outcome outcome;
		struct journal_job job;
		struct journal_mark mark;
		uint32_t held;     /* HOLD */
		uint32_t distance; /* PAD: to the next record */
	};
	uint8_t reply_len; /* OUTCOME */
	uint8_t reply[JOURNAL_BODY_MAX];
};

struct journal_cursor {
	uint32_t sector, pos, end;
	bool gap; /* set where octets are passed over that are no record; never cleared */
};

void journal_cursor(const struct queue *q, struct journal_cursor *c, uint32_t sector);

/* The next valid record, after skipping what is none; false at the end. */
bool journal_next(struct queue *q, struct journal_cursor *c, struct journal_record *r);

/* A record without reply, to be filled in. */
void journal_begin(struct journal_record *r, uint8_t type, uint32_t id);

/* A MARK for the newest sector.  carried: of its first MARK, if nothing stands between
 * the two, so that either will do; else 0. */
void journal_mark(const struct queue *q, struct journal_record *r, uint32_t carried);

/* Fills a slot from a COMMIT, all but id and recipients. */
void journal_commit_load(const struct journal_record *r, struct queue_slot *s);

/* A COMMIT that says what the slot does. */
void journal_commit_store(struct journal_record *r, const struct queue_slot *s);

/* Applies OUTCOME, JOB, HOLD to the index. */
void journal_apply(struct queue *q, const struct journal_record *r);

/* Encodes a record, padded with 0xff: its length. */
uint32_t journal_record_store(const struct queue_layout *l, const struct journal_record *r,
	uint32_t gen, uint8_t *to);

/* Appends; rotates the ring when there is no room.  ST_AGAIN: no erased sector. */
enum status journal_append(struct queue *q, struct journal_record *r);

/* What changes a message goes one way: the record first, then RAM by the same
 * function that mount uses. */
enum status journal_change(struct queue *q, struct journal_record *r);

/* Records what a job is to be, as r->job says without its serial. */
enum status journal_job(struct queue *q, uint32_t id, struct journal_record *r);

/* Renews the leave to use numbers. */
enum status journal_append_mark(struct queue *q);

/* Nothing written later shares a page with what is there. */
void journal_pad(struct queue *q);

#endif
