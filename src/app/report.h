/* SPDX-License-Identifier: BSD-2-Clause */
/* report - what the operator sees: one function, one log line and one counter per fact.
 *
 * A line begins with the session (s=) and message (m=) it is about, then the
 * fact's word, then key=value pairs (row.h).  Nothing else in app/ writes to the log.
 */
#ifndef PIPIT_APP_REPORT_H
#define PIPIT_APP_REPORT_H

#include "base/ip.h"
#include "mail/reply.h"
#include "queue/queue.h"
#include "sys/log.h"

/* X(name): the counters, in the order they are shown. */
#define REPORT_COUNTERS(X) \
	X(sessions)         /* SMTP connections accepted */ \
	X(sessions_refused) /* told 421 at once: too many from one client, or stopping */ \
	X(sessions_lost)    /* ended without QUIT */ \
	X(sessions_timeout) /* ended by our deadline */ \
	X(refused)          /* MAIL, RCPT, DATA or messages refused */ \
	X(accepted)         /* messages answered 250 */ \
	X(delivered)        /* recipients a next hop or mailbox took */ \
	X(deferred)         /* attempts for one recipient to be repeated */ \
	X(failed)           /* recipients given up */ \
	X(expired)          /* of these: after the last try */ \
	X(doubtful)         /* connections lost after the final dot: may arrive twice */ \
	X(reports)          /* failure and delay reports delivered */ \
	X(reports_dropped)  /* reports nobody can be told */ \
	X(removed)          /* messages the operator removed */ \
	X(damaged)          /* messages whose storage failed verification */ \
	X(connects)         /* outbound connections made */ \
	X(connects_failed) \
	X(dns_failures) /* lookups that no server answered */ \
	X(loops)        /* messages refused with too many Received fields */ \
	X(reloads) \
	X(reloads_failed) \
	X(queue_failures) /* the queue's device failed: nothing is accepted any more */

#define REPORT_ENUM(name) REPORT_##name,
enum report_counter { REPORT_COUNTERS(REPORT_ENUM) REPORT_COUNT };

struct report {
	struct log log;
	uint8_t level; /* enum log_level: the highest that is written */
	uint32_t counter[REPORT_COUNT];
};

/* *r is all zeros. */
void report_init(struct report *r, const struct log *log);

void report_started(struct report *r, const struct queue_mount_report *m);
void report_problem(struct report *r, const char *what, uint32_t line, struct span text);
void report_listening(struct report *r, const struct ip_endpoint *at, bool ok);
void report_reload(struct report *r, bool ok);
void report_queue_failed(struct report *r);

/* A connection was accepted; welcome: not told 421 at once. */
void report_session(struct report *r, uint32_t id, const struct ip_endpoint *peer, bool welcome);
void report_session_lost(struct report *r, uint32_t id, bool timeout);
/* stage: rcpt, data or message; path: what it is about. */
void report_refused(struct report *r, uint32_t id, const char *stage, struct span path,
	const struct reply *reply);
void report_loop(struct report *r);
void report_accepted(struct report *r, uint32_t id, uint32_t message, uint32_t size, uint16_t rcpts,
	struct span sender);

void report_connect(struct report *r, uint32_t message, struct span host,
	const struct ip_endpoint *at, bool ok);
void report_dns_failed(struct report *r, struct span domain);

/* One recipient's outcome; state: QUEUE_DELIVERED, QUEUE_FAILED or QUEUE_PENDING (deferred). */
struct report_outcome {
	uint8_t state;
	uint16_t rcpt;
	uint32_t next_s;  /* deferred: seconds to the next try */
	struct span host; /* empty: nobody was asked */
	const struct reply *reply;
};
void report_outcome(struct report *r, uint32_t message, const struct report_outcome *o);
void report_doubtful(struct report *r, uint32_t message, struct span host);
void report_report(struct report *r, uint32_t message, bool failure, bool sent);

/* Facts with nothing to add. */
enum report_fact { REPORT_IS_EXPIRED, REPORT_IS_DAMAGED, REPORT_IS_REMOVED, REPORT_IS_DONE };
void report_message(struct report *r, uint32_t message, enum report_fact fact);

#endif
