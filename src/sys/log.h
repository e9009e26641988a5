/* SPDX-License-Identifier: BSD-2-Clause */
/* log - where one line about one fact goes (standard error, syslog, a UART). */
#ifndef PIPIT_SYS_LOG_H
#define PIPIT_SYS_LOG_H

#include "base/span.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

struct log {
	void (*line)(void *ctx, enum log_level level, struct span text); /* no line end in text */
	void *ctx;
};

#endif
