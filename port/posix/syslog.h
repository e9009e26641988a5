/* SPDX-License-Identifier: BSD-2-Clause */
/* syslog - syslog(3), apart from sys/log.h: both want the name LOG_INFO. */
#ifndef PIPIT_POSIX_SYSLOG_H
#define PIPIT_POSIX_SYSLOG_H

#include <stddef.h>
#include <stdint.h>

void syslog_open(void);
void syslog_line(unsigned level, const uint8_t *text, size_t len); /* level: enum log_level */

#endif
