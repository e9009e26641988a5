/* SPDX-License-Identifier: BSD-2-Clause */
/* operator - the answers of the control line, a row at a time. */
#ifndef PIPIT_APP_OPERATOR_H
#define PIPIT_APP_OPERATOR_H

#include "app/hosts.h"
#include "app/outbound.h"
#include "app/walk.h"

/* What an operator may look at. */
struct operator_view {
	struct sending *sending;
	uint32_t sessions; /* SMTP server sessions now */
};

struct operator_job {
	/* Makes the next row.  false: the answer is complete.  An empty row: nothing yet. */
	bool (*next)(const struct operator_view *v, struct operator_job *j, struct buf *row);
	const char *error;       /* what the last row says; NULL: ok */
	const struct reply *why; /* resolve: the error, with its codes */
	uint8_t act;
	uint8_t phase;
	uint16_t lines;  /* header lines shown */
	uint32_t cursor; /* of queue_next, or the row of status */
	uint32_t id;     /* the request's ID; 0: none was given */
	bool all;
	struct span arg; /* in the session's line, which stays until the answer is complete */
	struct queue_message m;
	struct queue_reader header;
	union {
		struct walk walk;   /* queue, show, and what changes messages */
		struct hosts hosts; /* resolve */
	} at;
};

/* Begins the answer to a request line; an unknown request is answered with an error. */
void operator_begin(const struct operator_view *v, struct operator_job *j, struct span request);

/* The answer is not wanted any more. */
void operator_cancel(struct core *c, struct operator_job *j);

#endif
