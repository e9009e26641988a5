/* SPDX-License-Identifier: BSD-2-Clause */
/* What the operator may know of a queue. */
#include "queue/layout.h"
#include "queue/queue.h"

#include <string.h>

void queue_stats(const struct queue *q, struct queue_stats *out)
{
	uint32_t i;

	memset(out, 0, sizeof(*out));
	out->geometry = q->flash->geometry;
	out->messages = q->message_count;
	out->messages_max = CONFIG_QUEUE_MESSAGES;
	out->recipients = q->rcpt_count;
	out->recipients_max = CONFIG_QUEUE_RECIPIENTS;
	out->live_bytes = q->live_bytes;
	out->admit_bytes = q->layout.live_max;
	out->free_sectors = q->free_count;
	out->erases_min = q->sector[0].erases;
	for (i = 0; i < layout_sectors(&q->layout); i++) {
		if (q->sector[i].erases < out->erases_min)
			out->erases_min = q->sector[i].erases;
		if (q->sector[i].erases > out->erases_max)
			out->erases_max = q->sector[i].erases;
	}
	out->erases = q->erases;
	out->programs = q->programs;
	out->program_bytes = q->program_bytes;
	out->syncs = q->syncs;
	out->reclaims = q->reclaims;
	out->rotten = q->rotten;
	out->retired = q->retired;
	out->stopped = q->stopped;
}
