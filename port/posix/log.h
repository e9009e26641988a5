/* SPDX-License-Identifier: BSD-2-Clause */
/* log - lines to standard error, and to syslog on request, as struct log.
 *
 * For journald (JOURNAL_STREAM is set) a line starts with its level as <N>;
 * elsewhere with the time, UTC.  One line is one write.
 */
#ifndef PIPIT_POSIX_LOG_H
#define PIPIT_POSIX_LOG_H

#include "sys/log.h"

struct log_port {
	bool journal;
	bool syslog;
};

void log_port_init(struct log_port *p, bool syslog);
struct log log_port_log(struct log_port *p);

/* A line of the port itself. */
void log_port_say(struct log_port *p, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
