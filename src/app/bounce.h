/* SPDX-License-Identifier: BSD-2-Clause */
/* bounce - failure and delay reports, made while they are sent.
 *
 * A report has no data of its own: it is a job of the message it is about, and
 * its octets are generated afresh, and identically, at each attempt.  It has the
 * null reverse-path.  Who is told: the reverse-path; when that is null or cannot be
 * told, postmaster if there is one, once; else the failure is counted and dropped.
 */
#ifndef PIPIT_APP_BOUNCE_H
#define PIPIT_APP_BOUNCE_H

#include "app/core.h"
#include "app/walk.h"

/* Starts the job if it is not, and puts the address to tell into *to.  false:
 * nobody is to be told (the job is then ended), or flash is busy. */
bool bounce_begin(struct core *c, uint32_t message, enum queue_job job, struct buf *to);

/* What became of the attempt to send it, by its reply code.  false: flash is busy, call again. */
bool bounce_end(struct core *c, uint32_t message, enum queue_job job, unsigned code);

unsigned bounce_attempts(const struct queue_job_status *job);

/* When the message's sender is told that it is late; INSTANT_NEVER: not at all. */
uint32_t bounce_delay_due_s(const struct core *c, const struct queue_message *m);

/* ---- the report as octets ------------------------------------------------------ */

struct bounce {
	uint8_t part;    /* internal: which part of the report is being given */
	uint8_t job;     /* enum queue_job */
	bool line_start; /* of the original's header */
	bool prefix_done;
	uint16_t offset;      /* in the part */
	uint16_t rcpt;        /* the next recipient that the part may be about */
	uint16_t header_left; /* octets of the original's header that are still let in */
	uint32_t message;
	struct queue_reader original;
};

void bounce_open(struct bounce *b, uint32_t message, enum queue_job job);

/* Next octets: count, 0 at the end, < 0: the queue cannot be read. */
int bounce_read(struct core *c, struct bounce *b, uint8_t *out, size_t cap);

#endif
