/* SPDX-License-Identifier: BSD-2-Clause */
/* submission - messages that the program around submits (pipit_submit_*), into the queue.
 *
 *   FREE -begin-> OPEN -data-> STORING -end-> COMMITTED -durable-> KEPT -end-> FREE
 *                                                      -device failed-> LOST -end-> FREE
 *
 * The same rooms as for a message by SMTP: accept, storing, queue, schedule.  A slot
 * that is COMMITTED is scheduled by submission_step when its commit is durable, whether or
 * not the program asks again.  A call that fails for good ends the submission.
 */
#ifndef PIPIT_APP_SUBMISSION_H
#define PIPIT_APP_SUBMISSION_H

#include "app/storing.h"
#include "sys/hooks.h"

#if CONFIG_SUBMIT

struct submission {
	uint8_t state;
	uint8_t end_left; /* octets of a CRLF on their way */
	bool cr;          /* the last octet was a CR: an LF belongs to it */
	bool line_open;   /* the last line has no end yet */
	bool waiting;     /* data said ST_AGAIN: it comes again with the same octets */
	bool alone;       /* aborted when it was committed: nobody asks any more */
	size_t taken;     /* of the octets at hand, by the calls before */
	uint32_t id;      /* in the log */
	struct storing mail;
};

struct submissions {
	struct submission slot[CONFIG_SUBMISSIONS];
};

/* As pipit.h has them. */
enum status submission_begin(struct core *c, struct submissions *all,
	const struct pipit_envelope *e, int *handle);
enum status submission_data(struct core *c, struct submissions *all, int handle, struct span bytes);
enum status submission_end(struct core *c, struct submissions *all, int handle, uint32_t *message);
void submission_abort(struct core *c, struct submissions *all, int handle);

/* Schedules what has become durable.  Milliseconds until it wants more. */
uint32_t submission_step(struct core *c, struct submissions *all);

bool submission_idle(const struct submissions *all); /* no commit waits to be durable */
void submission_close(struct core *c, struct submissions *all);

#else

struct submissions {
	uint8_t none;
};

static inline enum status submission_begin(struct core *c, struct submissions *all,
	const struct pipit_envelope *e, int *handle)
{
	(void)c;
	(void)all;
	(void)e;
	(void)handle;
	return ST_MISSING;
}

static inline enum status submission_data(struct core *c, struct submissions *all, int handle,
	struct span bytes)
{
	(void)c;
	(void)all;
	(void)handle;
	(void)bytes;
	return ST_MISSING;
}

static inline enum status submission_end(struct core *c, struct submissions *all, int handle,
	uint32_t *message)
{
	(void)c;
	(void)all;
	(void)handle;
	(void)message;
	return ST_MISSING;
}

static inline void submission_abort(struct core *c, struct submissions *all, int handle)
{
	(void)c;
	(void)all;
	(void)handle;
}

static inline uint32_t submission_step(struct core *c, struct submissions *all)
{
	(void)c;
	(void)all;
	return UINT32_MAX;
}

static inline bool submission_idle(const struct submissions *all)
{
	(void)all;
	return true;
}

static inline void submission_close(struct core *c, struct submissions *all)
{
	(void)c;
	(void)all;
}

#endif

#endif
