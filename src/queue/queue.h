/* SPDX-License-Identifier: BSD-2-Clause */
/* queue - messages on flash: accepted once, kept until nobody is left to tell.
 *
 * A message is three streams (envelope, prefix, body) written through a writer
 * and made real by one COMMIT record; from then on it changes only by records
 * in the journal.  Its life:
 *
 *   (nothing) -open-> WRITING -commit-> QUEUED -outcome, job, hold-> QUEUED -remove-> (nothing)
 *                        |abort
 *                        v
 *                     (nothing; orphaned bytes are reclaimed without a write)
 *
 * What the queue keeps in RAM per message and per recipient is derived from
 * the journal at mount.  It does not parse envelopes: recipients are numbers.
 *
 * Nothing waits.  Calls that write return ST_AGAIN while flash is erasing or
 * reclaim must go first; nothing was done then, call again after queue_step.
 * Calls that read do it at once, bounded as stated.
 *
 * Durability: a record is real once programmed, but safe from a power cut only
 * when a sync has covered it.  Calls that change a message return a ticket;
 * queue_durable tells.  On NOR flash that is at once, on a file it is group
 * commit: one fdatasync for all that happened meanwhile.
 *
 * The bytes on flash are described in FORMAT.md.
 */
#ifndef PIPIT_QUEUE_QUEUE_H
#define PIPIT_QUEUE_QUEUE_H

#include "base/instant.h"
#include "base/span.h"
#include "base/status.h"
#include "pipit_limits.h"
#include "queue/queue_state.h"
#include "sys/flash.h"

enum queue_stream { QUEUE_ENVELOPE, QUEUE_PREFIX, QUEUE_BODY };

/* The recipient's delivery state.  FAILED waits for a failure report; REPORTING
 * is part of the report being sent; REPORTED and DELIVERED are final.
 *
 *   PENDING -> DELIVERED
 *   PENDING -> FAILED -(dsn job starts)-> REPORTING -(dsn job ends)-> REPORTED
 */
enum queue_rcpt_state {
	QUEUE_PENDING,
	QUEUE_DELIVERED,
	QUEUE_FAILED,
	QUEUE_REPORTING,
	QUEUE_REPORTED,
};

enum queue_priority { QUEUE_URGENT, QUEUE_NORMAL, QUEUE_BULK };

/* The two reports a message can owe its sender, each delivered like a message. */
enum queue_job { QUEUE_JOB_FAILURE, QUEUE_JOB_DELAY, QUEUE_JOBS };
enum queue_job_state { QUEUE_JOB_IDLE, QUEUE_JOB_ACTIVE, QUEUE_JOB_DONE };

/* What the index knows of a message: a copy, true until the next change. */
struct queue_message {
	uint32_t id;
	uint32_t body_len; /* octets of the body stream */
	uint32_t prefix_len;
	uint32_t envelope_len;
	uint32_t arrival_s; /* Unix time, 0: no clock was known */
	uint32_t expiry_s;  /* Unix time, 0: no clock was known */
	uint16_t rcpt_count;
	uint16_t pending; /* recipients by state */
	uint16_t failed;
	uint16_t reporting;
	uint8_t priority; /* enum queue_priority */
	bool held;
	bool eight_bit; /* the body has octets over 127 */
	bool damaged;   /* verification failed since mount */
};

/* One recipient's last outcome. */
struct queue_rcpt {
	uint8_t state;       /* enum queue_rcpt_state */
	uint8_t attempts;    /* that ended in a temporary failure; stays at 255 */
	uint32_t next_try_s; /* Unix time, 0: not known */
};

/* The state of one report. */
struct queue_job_status {
	uint8_t state; /* enum queue_job_state */
	uint8_t attempts;
	uint32_t started_s; /* Unix time that the report bears, 0: no clock was known */
	uint32_t next_try_s;
};

/* What the next hop said, or what we say in its place. */
#define QUEUE_REPLY_TEXT_MAX 40u
struct queue_reply {
	uint16_t code;       /* SMTP reply code, 0: none */
	uint8_t enhanced[3]; /* RFC 3463 */
	uint8_t text_len;
	uint8_t text[QUEUE_REPLY_TEXT_MAX]; /* printable ASCII, without codes */
};

/* ---- Mount ---------------------------------------------------------------- */

struct queue_mount_report {
	uint32_t messages;  /* live after mount */
	uint32_t torn;      /* records or extents that a power cut left unfinished: expected */
	uint32_t rotten;    /* acknowledged records whose checksum fails: an alarm */
	uint32_t formatted; /* 1: the device was blank and has been formatted */
	const char *why; /* for ST_FOREIGN and ST_CORRUPT: what was found, for a person; static */
};

/* Reads the journal and the descriptors; bounded by the geometry, not by
 * history.  Formats a blank device, or one whose format was interrupted.
 * ST_FOREIGN: something else is on it, untouched; queue_format overrides.
 * ST_IO, ST_CORRUPT: cannot be used.  May wait for erases (at start only).
 * *q is overwritten; flash must outlive it. */
enum status queue_mount(struct queue *q, const struct flash *flash,
	struct queue_mount_report *report);

/* Erases everything.  Blocking; offline use and tests.  With CONFIG_QUEUE_FORMAT_OVER. */
enum status queue_format(const struct flash *flash);

/* Whether a geometry is within this build's maxima; *why is static text. */
bool queue_geometry_ok(const struct flash_geometry *g, const char **why);

/* What an empty queue of this geometry admits for one message, octets. */
uint32_t queue_message_max(const struct queue *q);

/* Copies every message with its state; blocking, for `queue resize`. */
enum status queue_copy(struct queue *from, struct queue *to);

/* ---- Writing one message ---------------------------------------------------- */

/* Admission by size_hint (octets of all streams; 0: not known) and number of
 * recipients.  A writer >= 0; ST_FULL (452), ST_BAD: larger than an empty queue
 * admits (552), ST_AGAIN: all writers are taken or space is being made,
 * ST_IO: stopped after a device failure. */
int queue_open(struct queue *q, uint32_t size_hint, uint16_t rcpt_count);

/* Only asks the same question: for MAIL FROM:<> SIZE=. */
enum status queue_admit(const struct queue *q, uint32_t size_hint, uint16_t rcpt_count);

/* Appends to a stream.  The streams may come in any order, each only forward.
 * Count taken (0 < n <= len; maybe less than all), ST_AGAIN, ST_FULL, ST_IO.
 * After ST_FULL or ST_IO only queue_abort is left. */
int queue_write(struct queue *q, int writer, enum queue_stream stream, struct span bytes);

struct queue_commit {
	uint32_t arrival_s, expiry_s; /* 0: clock not known */
	uint16_t rcpt_count;
	uint8_t priority;
	bool held;
	bool eight_bit;
};

/* The message is real when this returns ST_OK and safe when *ticket is durable:
 * only then may the 250 be sent.  Ends the writer on ST_OK.  ST_AGAIN: again. */
enum status queue_commit(struct queue *q, int writer, const struct queue_commit *c, uint32_t *id,
	uint32_t *ticket);

void queue_abort(struct queue *q, int writer);

/* The id the message will have: for its Received field. */
uint32_t queue_writer_id(const struct queue *q, int writer);

/* 1: survives a power cut; 0: not yet; < 0: the device failed, it may not. */
int queue_durable(const struct queue *q, uint32_t ticket);

/* ---- Reading ------------------------------------------------------------------ */

struct queue_reader {
	uint32_t id;
	uint8_t stream;
	uint32_t offset;      /* of the next octet */
	uint16_t hint_sector; /* where the last extent was found: internal */
	uint16_t hint_extent;
};

void queue_reader_open(struct queue_reader *r, uint32_t id, enum queue_stream stream);

/* Next octets of the stream: count, 0 at its end, ST_MISSING, ST_CORRUPT, ST_IO. */
int queue_read(struct queue *q, struct queue_reader *r, void *to, size_t cap);

/* Verifies all extents of a message against their checksums, a bounded piece a
 * call: ST_AGAIN (call again), ST_OK, ST_CORRUPT (and `damaged` is set), ST_IO. */
struct queue_verifier {
	struct queue_reader reader;
	uint32_t crc;     /* of the stream so far */
	uint32_t total;   /* of the streams before it */
	uint32_t content; /* CRC-32C of prefix and body: what is read later must be the same */
	uint8_t retries;
};
void queue_verify_begin(struct queue_verifier *v, uint32_t id);
enum status queue_verify(struct queue *q, struct queue_verifier *v);

/* ---- Message state ------------------------------------------------------------ */

bool queue_get(const struct queue *q, uint32_t id, struct queue_message *out);

/* Walks the live messages in no special order: *cursor starts at 0. */
bool queue_next(const struct queue *q, uint32_t *cursor, struct queue_message *out);

bool queue_rcpt_get(const struct queue *q, uint32_t id, uint16_t rcpt, struct queue_rcpt *out);
bool queue_job_get(const struct queue *q, uint32_t id, enum queue_job job,
	struct queue_job_status *out);

/* The recipient's last reply, from the journal: reads up to all of it, so only
 * for reports and the operator.  ST_MISSING: none was recorded. */
enum status queue_reply_get(struct queue *q, uint32_t id, uint16_t rcpt, struct queue_reply *out);

/* Records how an attempt for one recipient ended.  state: QUEUE_DELIVERED,
 * QUEUE_FAILED, or QUEUE_PENDING with the next try.  reply may be NULL.
 * Space for one final record per recipient and job was reserved at admission:
 * ST_FULL never means that an outcome is lost.  ST_OK, ST_AGAIN, ST_IO. */
struct queue_outcome {
	uint16_t rcpt;
	uint8_t state;
	uint8_t attempts;
	uint32_t next_try_s;
	const struct queue_reply *reply;
};
enum status queue_record(struct queue *q, uint32_t id, const struct queue_outcome *o,
	uint32_t *ticket);

/* Starting the failure report moves all FAILED to REPORTING, ending it moves
 * all REPORTING to REPORTED and makes the job IDLE again (others may fail
 * later).  The delay report runs at most once: IDLE -> ACTIVE -> DONE. */
enum status queue_job_start(struct queue *q, uint32_t id, enum queue_job job, uint32_t started_s);
enum status queue_job_retry(struct queue *q, uint32_t id, enum queue_job job, uint8_t attempts,
	uint32_t next_try_s);
enum status queue_job_end(struct queue *q, uint32_t id, enum queue_job job);

enum status queue_hold(struct queue *q, uint32_t id, bool held);

/* Forgets the message: everyone was told, or the operator says so. */
enum status queue_remove(struct queue *q, uint32_t id, uint32_t *ticket);

/* ---- Background ----------------------------------------------------------------- */

/* One bounded piece of work: begins and ends syncs, erases ahead, reclaims.
 * Milliseconds until it wants to be called again (0: at once, more to do;
 * UINT32_MAX: nothing).  Must be called between an ST_AGAIN and the retry. */
uint32_t queue_step(struct queue *q, struct instant now);

/* True while something written is not yet durable or an erase runs: a clean
 * stop steps until this is false. */
bool queue_busy(const struct queue *q);

/* The latest wall time that any record bears or a step was told: a floor for a board's clock. */
uint32_t queue_time_floor(const struct queue *q);

struct queue_stats {
	struct flash_geometry geometry;
	uint32_t messages, messages_max;
	uint32_t recipients, recipients_max;
	uint32_t live_bytes;  /* of committed and open messages, descriptors included */
	uint32_t admit_bytes; /* the cap that live_bytes stays under */
	uint32_t free_sectors;
	uint32_t erases_min, erases_max;          /* per sector */
	uint32_t erases, programs, program_bytes; /* since mount; they wrap */
	uint32_t syncs;
	uint32_t reclaims; /* sectors reclaimed since mount */
	uint32_t rotten;   /* damaged records and extents seen since mount */
	uint32_t retired;  /* sectors no longer used after failed erases or programs */
	uint32_t stopped;  /* 1: the device failed: nothing is accepted until a restart */
};
void queue_stats(const struct queue *q, struct queue_stats *out);

/* The device failed: nothing is accepted until a restart. */
static inline bool queue_has_stopped(const struct queue *q)
{
	return q->stopped;
}

#endif
