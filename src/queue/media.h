/* SPDX-License-Identifier: BSD-2-Clause */
/* media - the device as sectors: their headers, who may use which, erase and sync.
 *
 * A sector goes FREE -> (erase) -> READY -> (header) -> DATA or JOURNAL -> FREE.
 * One that fell free in batch k is not erased before the sync of batch k has
 * returned: until then a power cut may bring back what made it obsolete.
 * A failed program or erase retires the sector; what it holds stays readable.
 */
#ifndef PIPIT_QUEUE_MEDIA_H
#define PIPIT_QUEUE_MEDIA_H

#include "base/instant.h"
#include "base/status.h"
#include "queue/queue_state.h"

enum media_type { MEDIA_DATA = 'D', MEDIA_JOURNAL = 'J', MEDIA_FORMATTING = 'F' };

struct media_header {
	uint8_t type;
	uint32_t erases, gen;
};

/* True when a comes after b; both wrap. */
static inline bool serial_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

enum status media_read(const struct queue *q, uint32_t sector, uint32_t at, void *to, uint32_t len);

/* Whole units, page by page; a failure marks the sector as bad. */
enum status media_program(struct queue *q, uint32_t sector, uint32_t at, const uint8_t *from,
	uint32_t len);

/* Is a part of a sector all 0xff? */
bool media_blank(struct queue *q, uint32_t sector, uint32_t at, uint32_t end);

/* Whether 16 octets are a header of any geometry. */
bool media_header_ok(const uint8_t *h);

/* ST_OK, ST_MISSING, or ST_FOREIGN: a header of another geometry. */
enum status media_header_read(const struct queue *q, uint32_t sector, struct media_header *out);
void media_header_store(const struct queue_layout *l, const struct media_header *h, uint8_t *to);

/* Sectors free for mail and reclaiming: without those that the journal has still to grow by. */
uint32_t media_free_count(const struct queue *q);

/* Of these, those that no power cut can bring back: a promise is made only on them. */
uint32_t media_free_durable(const struct queue *q);

/* A ready sector with its header written, the least worn or the most worn.
 * ST_AGAIN: none is ready. */
enum status media_open(struct queue *q, uint8_t type, bool worn, uint16_t *sector);
void media_free(struct queue *q, uint32_t sector);

/* Quarantined sectors may be used again. */
void media_release(struct queue *q);

void media_sync_begin(struct queue *q);

/* Waits until all that was programmed is durable, outside of batches, so that all
 * free sectors may be used: for mount. */
void media_sync_wait(struct queue *q);

/* Polls erase and sync, begins erases: true when something is under way. */
bool media_step(struct queue *q);

#endif
