/* SPDX-License-Identifier: BSD-2-Clause */
/* control - the operator's line: one request in, rows out (row.h), then `ok` or `error TEXT`.
 *
 *   queue                          every message, with its recipients
 *   show ID                        one, with its header
 *   retry|hold|release|remove WHAT WHAT: an ID, a DOMAIN of a pending recipient, or all
 *   status                         gauges and counters
 *   resolve DOMAIN                 the hosts that mail would go to, in order
 *   reload                         ask the port to read the configuration again
 *
 * Rows are made while there is room for them: a long answer needs no memory
 * but a cursor.  The answers themselves are in operator.h.
 */
#ifndef PIPIT_APP_CONTROL_H
#define PIPIT_APP_CONTROL_H

#include "app/conn.h"
#include "app/operator.h"

#if CONFIG_CONTROL_LINE

struct control {
	bool open;
	bool deaf; /* the request line was too long: skip to its end */
	uint16_t line_len;
	struct operator_job job;
	struct conn conn;
	struct buf out;
	uint8_t line[CONTROL_LINE_MAX];
	uint8_t out_text[CONFIG_CONTROL_OUT];
};

struct control_line {
	struct control session[CONFIG_CONTROL_SESSIONS];
};

/* Takes operators' connections and answers a bounded amount.  Milliseconds until it wants more. */
uint32_t control_step(const struct operator_view *view, struct control_line *all);
void control_close(struct core *c, struct control_line *all);

#else

struct control_line {
	uint8_t none;
};

static inline uint32_t control_step(const struct operator_view *view, struct control_line *all)
{
	(void)view;
	(void)all;
	return UINT32_MAX;
}

static inline void control_close(struct core *c, struct control_line *all)
{
	(void)c;
	(void)all;
}

#endif

#endif
