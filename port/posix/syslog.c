/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/syslog.h"

#include <limits.h>
#include <syslog.h>

static const int priority[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG }; /* as enum log_level */

void syslog_open(void)
{
	openlog("pipit", LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void syslog_line(unsigned level, const uint8_t *text, size_t len)
{
	syslog(priority[level], "%.*s", len > INT_MAX ? INT_MAX : (int)len, (const char *)text);
}
