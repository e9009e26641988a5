/* SPDX-License-Identifier: BSD-2-Clause */
/* store - a queue on a small device in memory, and an owner that does what it is told.
 *
 * What a message holds follows from its id, so that altered octets are known wherever they
 * turn up.  The device is flash (programming clears bits, erasing sets them) or a file that
 * plays flash (programming overwrites, erasing does nothing).
 */
#ifndef PIPIT_TESTS_FUZZ_STORE_H
#define PIPIT_TESTS_FUZZ_STORE_H

#include "fuzz/fuzz.h"
#include "queue/queue.h"

#define STORE_SIZE 16384u
#define STORE_NEW_MAX 64u

struct store_writer {
	int writer; /* -1: none */
	uint32_t id;
	uint8_t stream;
	uint32_t done;
	uint16_t rcpts;
};

struct store {
	struct queue q;
	struct queue_mount_report report;
	struct flash flash;
	bool file;
	bool erasing;
	bool twins; /* two sectors may have one generation: what is there may not be found */
	uint32_t now_ms;
	struct store_writer writer[CONFIG_QUEUE_WRITERS];
	/* Messages accepted since the mount and not removed. */
	uint32_t accepted[STORE_NEW_MAX];
	unsigned accepted_count;
	uint8_t mem[STORE_SIZE];
};

/* One of four geometries, on blank flash (or a blank file), nothing mounted. */
void store_init(struct store *s, uint8_t options);
enum status store_mount(struct store *s);

/* Does what the octets say, up to `most` things. */
void store_work(struct store *s, struct span *in, unsigned most);

/* Ends what is being written and steps until nothing is in flight. */
void store_settle(struct store *s);

/* Looks at every message.  honest: nobody forged a checksum, so that what verifies is what
 * was written. */
void store_look(struct store *s, bool honest);

/* Each accepted message is there, whole. */
void store_check_accepted(struct store *s);

/* What the index knows, in the order of ids. */
void store_note(struct store *s, struct fuzz_log *log);

/* Every checksum in the image put right. */
void store_fix(struct store *s);

#endif
