/* SPDX-License-Identifier: BSD-2-Clause */
/* task - what one delivery is about: a message, the recipients that share a next hop, or a report.
 *
 * All tasks stand side by side in struct tasks, so that two slots never work on
 * the same recipient of a message, while different next hops of one message
 * are served at the same time.
 */
#ifndef PIPIT_APP_TASK_H
#define PIPIT_APP_TASK_H

#include "app/core.h"
#include "app/walk.h"
#include "route/route.h"

/* Reports stand last, in the order of enum queue_job. */
enum task_kind { TASK_NONE, TASK_DELIVERY, TASK_EXPIRY, TASK_FAILURE_REPORT, TASK_DELAY_REPORT };

enum task_rcpt_state {
	TASK_OPEN,     /* nothing known yet */
	TASK_ACCEPTED, /* the next hop said 2xx to its RCPT */
	TASK_RECORDED, /* its outcome is on flash */
};

struct task_rcpt {
	uint16_t n; /* number in the envelope */
	uint8_t state;
};

struct task {
	uint8_t kind;
	uint8_t conf_generation; /* route's index belongs to this configuration */
	uint16_t rcpt_count;     /* a report has one recipient, without a number */
	uint16_t to_len;
	uint32_t message;
	uint32_t hop; /* hash of the next hop's name */
	struct route route;
	struct task_rcpt rcpt[CONFIG_CLIENT_RCPTS];
	uint8_t to[ADDRESS_MAX]; /* the first (for a report: the only) forward-path */
};

struct tasks {
	struct core *core;
	struct task task[CONFIG_CLIENT_SESSIONS];
};

#define TASK_ANY_HOP 0u

/* Looks what is due of this message and makes it t's task.  hop_held: only what
 * goes to this hop, whose concurrency the caller already counts.  true: t is a
 * task and its hop is counted.  false: nothing now; the message is scheduled again or gone. */
bool task_load(struct tasks *all, struct task *t, uint32_t message, uint32_t hop_held);

/* t is over: its message is scheduled again, or removed when nobody is left to be told.
 * false: flash is busy, call again. */
bool task_finish(struct tasks *all, struct task *t);

/* The message is scheduled by what is due of it next: one from an earlier run, or changed by the
 * operator. */
void task_resume(struct tasks *all, uint32_t message);

struct address task_to(const struct task *t);

static inline bool task_is_report(const struct task *t)
{
	return t->kind >= TASK_FAILURE_REPORT;
}

/* The queue's job of a report task. */
static inline enum queue_job task_job(enum task_kind kind)
{
	return (enum queue_job)(kind - TASK_FAILURE_REPORT);
}

#endif
