/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/log.h"

#include "posix/syslog.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define HEAD_ROOM 48u
#define SAY_ROOM 512u

/* What syslog(3) calls error, warning, info, debug. */
static const char journal_level
	[] = { [LOG_ERROR] = '3', [LOG_WARNING] = '4', [LOG_INFO] = '6', [LOG_DEBUG] = '7' };
static const char *const name[] = {
	[LOG_ERROR] = "error",
	[LOG_WARNING] = "warning",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

static size_t head_make(const struct log_port *p, enum log_level level, char *head, size_t room)
{
	struct timespec now;
	struct tm utc;
	size_t len;
	int n;

	if (p->journal) {
		n = snprintf(head, room, "<%c>", journal_level[level]);
		return n > 0 ? (size_t)n : 0;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &utc) == NULL)
		return 0;
	len = strftime(head, room, "%Y-%m-%dT%H:%M:%S", &utc);
	n = snprintf(head + len, room - len, ".%03ldZ %s ", now.tv_nsec / 1000000, name[level]);
	return n > 0 ? len + (size_t)n : len;
}

/* writev promises not to write through its const-less pointers. */
static struct iovec span_iovec(struct span s)
{
	union {
		const uint8_t *in;
		void *out;
	} u = { .in = s.at };

	return (struct iovec){ u.out, s.len };
}

static void line(void *ctx, enum log_level level, struct span text)
{
	const struct log_port *p = ctx;
	char head[HEAD_ROOM];
	char end = '\n';
	struct iovec parts[3];
	ssize_t n;

	parts[0].iov_base = head;
	parts[0].iov_len = head_make(p, level, head, sizeof(head));
	parts[1] = span_iovec(text);
	parts[2].iov_base = &end;
	parts[2].iov_len = 1;
	/* Where a log cannot be written there is nobody to tell. */
	n = writev(STDERR_FILENO, parts, 3);
	(void)n;
	if (p->syslog)
		syslog_line((unsigned)level, text.at, text.len);
}

void log_port_init(struct log_port *p, bool syslog)
{
	p->journal = getenv("JOURNAL_STREAM") != NULL && !isatty(STDERR_FILENO);
	p->syslog = syslog;
	if (syslog)
		syslog_open();
}

struct log log_port_log(struct log_port *p)
{
	return (struct log){ line, p };
}

void log_port_say(struct log_port *p, enum log_level level, const char *format, ...)
{
	char text[SAY_ROOM];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n > 0)
		line(p, level,
			span_make(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1));
}
