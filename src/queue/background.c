/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens between calls: syncs, erases, reclaim; and what is known of it. */
#include "queue/heap.h"
#include "queue/journal.h"
#include "queue/media.h"
#include "queue/queue.h"
#include "queue/reclaim.h"

/* A record that nobody waits for is made durable after this at the latest. */
#define SYNC_WAIT_MS 100u

/* How often a running erase or sync is asked about. */
#define POLL_MS 1u

static void sync_step(struct queue *q, struct instant now)
{
	if (!q->dirty || !q->dirty_timed)
		q->dirty_since_ms = now.mono_ms;
	q->dirty_timed = q->dirty;
	if (!q->dirty)
		return;
	if (q->syncing || (!q->urgent && now.mono_ms - q->dirty_since_ms < SYNC_WAIT_MS))
		return;
	heap_pad(q);
	journal_pad(q);
	q->dirty_timed = false;
	media_sync_begin(q);
}

uint32_t queue_step(struct queue *q, struct instant now)
{
	enum status reclaim;
	bool waits;

	if (q->stopped)
		return UINT32_MAX;
	if (now.wall_known && now.wall_s > q->time_floor_s)
		q->time_floor_s = now.wall_s; /* on flash with the next mark */
	if (q->want_mark)
		(void)journal_append_mark(q);
	(void)media_step(q);
	reclaim = reclaim_step(q);
	sync_step(q, now);
	waits = media_step(q);
	if (q->stopped)
		return UINT32_MAX;
	if (reclaim == ST_OK)
		return 0;
	if (waits || q->urgent)
		return POLL_MS;
	return q->dirty ? SYNC_WAIT_MS : UINT32_MAX;
}

bool queue_busy(const struct queue *q)
{
	return !q->stopped && (q->dirty || q->syncing || q->erasing != QUEUE_NONE);
}

uint32_t queue_time_floor(const struct queue *q)
{
	return q->time_floor_s;
}
