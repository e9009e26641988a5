/* SPDX-License-Identifier: BSD-2-Clause */
/* queue_state - all memory of the queue, as one value.
 *
 * Only for src/queue and whoever must know the size of struct queue.  Nothing
 * here is the truth: mount derives all of it from flash.
 */
#ifndef PIPIT_QUEUE_QUEUE_STATE_H
#define PIPIT_QUEUE_QUEUE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "pipit_limits.h"
#include "sys/flash.h"

#define QUEUE_NONE 0xffffu

/* Streams of a message, reports it may owe, states of recipients: queue.h names them. */
#define QUEUE_STREAMS 3u
#define QUEUE_REPORTS 2u
#define QUEUE_STATES 5u

/* Enough heads that sessions seldom interleave their extents; more would only
 * pin more half-filled sectors, and a small device has none to spare. */
#define QUEUE_HEADS \
	(CONFIG_QUEUE_SECTORS_MAX <= 48 ? 1 : CONFIG_QUEUE_WRITERS < 4 ? CONFIG_QUEUE_WRITERS : 4)

/* Journal sectors: an eighth of the device covers any number of messages that
 * the device can hold, and a ring of 128 covers the largest index. */
#define QUEUE_JOURNAL_MIN 8u
#define QUEUE_JOURNAL_MAX \
	(CONFIG_QUEUE_SECTORS_MAX / 8 < QUEUE_JOURNAL_MIN    ? QUEUE_JOURNAL_MIN \
			: CONFIG_QUEUE_SECTORS_MAX / 8 > 128 ? 128u \
							     : CONFIG_QUEUE_SECTORS_MAX / 8u)

/* Lists of the id table: a power of two, one for each message. */
#define QUEUE_FILL_(n) \
	((n) | (n) >> 1 | (n) >> 2 | (n) >> 3 | (n) >> 4 | (n) >> 5 | (n) >> 6 | (n) >> 7 | \
		(n) >> 8 | (n) >> 9 | (n) >> 10 | (n) >> 11 | (n) >> 12 | (n) >> 13 | (n) >> 14 | \
		(n) >> 15)
#define QUEUE_TABLE (QUEUE_FILL_(CONFIG_QUEUE_MESSAGES - 1u) + 1u)

/* Work area: a padded record, a piece of an extent, some descriptors. */
#define QUEUE_SCRATCH CONFIG_QUEUE_STAGE

_Static_assert(CONFIG_QUEUE_STAGE % CONFIG_QUEUE_PROGRAM_UNIT_MAX == 0,
	"a full staging buffer must be programmable");
_Static_assert((CONFIG_QUEUE_SECTOR_SIZE_MAX & (CONFIG_QUEUE_SECTOR_SIZE_MAX - 1)) == 0 &&
		(CONFIG_QUEUE_PROGRAM_UNIT_MAX & (CONFIG_QUEUE_PROGRAM_UNIT_MAX - 1)) == 0,
	"positions are rounded by masks");
_Static_assert(CONFIG_QUEUE_STAGE >= 256, "a padded journal record must fit in the work area");
_Static_assert(CONFIG_QUEUE_MESSAGES < QUEUE_NONE && CONFIG_QUEUE_RECIPIENTS < QUEUE_NONE &&
		CONFIG_QUEUE_SECTORS_MAX < QUEUE_NONE,
	"indices are 16 bits wide");

enum queue_sector_kind {
	QUEUE_SECTOR_FREE,  /* to be erased before use */
	QUEUE_SECTOR_READY, /* erased since mount */
	QUEUE_SECTOR_DATA,
	QUEUE_SECTOR_JOURNAL,
	QUEUE_SECTOR_RETIRED,    /* failed: not used until the next mount */
	QUEUE_SECTOR_QUARANTINE, /* unreadable, perhaps part of a message that misses something */
};

struct queue_sector {
	uint32_t gen;     /* of a free sector: the batch that must be durable before reuse */
	uint32_t erases;  /* 24 bits */
	uint16_t live;    /* data: what is in use, in units of 8 octets */
	uint16_t extents; /* data: descriptors; journal: end of the records in units of 4 */
	uint8_t kind;     /* enum queue_sector_kind */
	bool bad;         /* retire when it falls free */
};

enum queue_slot_flag {
	QUEUE_SLOT_HELD = 1,
	QUEUE_SLOT_EIGHT_BIT = 2,
	QUEUE_SLOT_CARRIED = 4, /* its commit record is a copy of a durable one */
	QUEUE_SLOT_COMMIT = 7,  /* those above: they stand in the commit record */
	QUEUE_SLOT_LIVE = 8,    /* committed; without it: being written */
	QUEUE_SLOT_DAMAGED = 16,
	QUEUE_SLOT_DOUBLE = 32,   /* some extents may exist twice */
	QUEUE_SLOT_TORN = 64,     /* mount found it unfinished and drops it */
	QUEUE_SLOT_MISSING = 128, /* mount missed some of its extents */
};

struct queue_slot_job {
	uint32_t started_s, next_try_s;
	uint8_t state; /* enum queue_job_state in bits 0-1, serial in 2-7 */
	uint8_t attempts;
};

struct queue_slot {
	uint32_t id; /* 0: free */
	uint8_t flags, priority;
	uint16_t next; /* of those whose ids share a list, or the next free one */
	uint16_t rcpt_first, rcpt_count;
	uint16_t count[QUEUE_STATES];      /* recipients by state */
	uint16_t hint_sector, hint_extent; /* of the first extent, perhaps */
	uint16_t base;                     /* journal sector of the commit record */
	uint16_t batch;                    /* low half of the batch that committed it */
	uint32_t len[QUEUE_STREAMS];
	uint32_t arrival_s, expiry_s;
	uint32_t crc;      /* over all streams */
	uint32_t admitted; /* octets; while mount looks for them: those that were found */
	struct queue_slot_job jobs[QUEUE_REPORTS];
};

struct queue_rcpt_slot {
	uint32_t next_try_s;
	uint16_t next; /* of the same message, or the next free one */
	uint8_t state; /* enum queue_rcpt_state in bits 0-2, serial in 3-7 */
	uint8_t attempts;
};

struct queue_writer {
	uint32_t id; /* of its message; 0: free */
	uint32_t crc[QUEUE_STREAMS];
	uint16_t head; /* QUEUE_NONE: none yet */
	uint16_t stage_len;
	uint8_t stream; /* of what is staged */
	bool failed;
	uint8_t stage[CONFIG_QUEUE_STAGE];
};

/* A data sector being filled, and the extent at its end that has no descriptor yet. */
struct queue_head {
	uint32_t id, from, len, crc;
	uint32_t pos;    /* where the next octet goes */
	uint16_t sector; /* QUEUE_NONE: none */
	uint16_t owner;  /* writer of the open extent, or QUEUE_NONE */
	uint16_t users;  /* writers that came here */
	uint8_t stream, age;
	bool touched; /* programmed since the last sync */
};

/* What follows from the geometry: layout.h. */
struct queue_layout {
	uint32_t sector_size;
	uint32_t live_max, live_hard, journal_max, message_max;
	uint16_t sectors, unit, journal_sectors;
};

/* Flags, then counts, then words: those in use all the time are within reach of
 * short instructions. */
struct queue {
	const struct flash *flash;

	bool dirty, urgent, syncing, stopped, batch_used, mounting;
	bool want_mark, check_wear, stuck, pad_cold;
	bool dirty_timed;    /* dirty_since_ms is set: the steps have seen it dirty */
	bool journal_sealed; /* nothing may be added to the newest sector */
	bool after_gap;      /* the next record says that mount left a gap before it */
	uint8_t failures;

	/* Sectors. */
	uint16_t free_count, ready_count, erasing;
	uint16_t keep; /* free, but the last to be erased: mount may yet need it again */
	uint16_t missing_count;
	uint16_t victim, victim_extent, recount; /* what reclaim is at */
	uint16_t ring_len;
	uint16_t torn_batch, torn_count; /* the last batch that mount saw; so many may be torn */

	/* Index. */
	uint16_t slot_free, rcpt_free, rcpt_count, message_count;

	/* Ever rising numbers; they wrap, and are compared as serial numbers. */
	uint32_t gen_next, gen_limit, id_next, id_limit;
	uint32_t batch, synced;
	uint32_t time_floor_s;

	uint32_t journal_live; /* octets reserved for the records of all messages */
	uint32_t old_gen;      /* journal sectors up to this one are obsolete */
	uint32_t live_bytes;   /* admitted, by an estimate from its octets */
	uint32_t live_units;   /* the sum over all sectors */
	uint32_t victim_done;

	/* Counters since mount. */
	uint32_t erases, programs, program_bytes;
	uint32_t syncs, reclaims, rotten, retired;

	struct queue_layout layout;
	uint32_t dirty_since_ms;

	struct queue_head heads[QUEUE_HEADS], cold;
	struct queue_sector sector[CONFIG_QUEUE_SECTORS_MAX];
	uint16_t ring[QUEUE_JOURNAL_MAX]; /* the journal's sectors, oldest first */
	uint16_t table[QUEUE_TABLE];      /* slots by id: the first of each list */
	struct queue_slot slots[CONFIG_QUEUE_MESSAGES];
	struct queue_rcpt_slot rcpts[CONFIG_QUEUE_RECIPIENTS];
	struct queue_writer writers[CONFIG_QUEUE_WRITERS];
	uint8_t scratch[QUEUE_SCRATCH];
};

#endif
