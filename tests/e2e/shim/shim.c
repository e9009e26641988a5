/* SPDX-License-Identifier: BSD-2-Clause */
/* shim - a disk that fails and a clock that jumps, for LD_PRELOAD in front of the daemon.
 *
 * PIPIT_SHIM_FILE     the end of the path of the file that fails (the queue file)
 * PIPIT_SHIM_CONTROL  a file that says what happens now, read at each call:
 *
 *	write ENOSPC      every write to the file fails so (EIO, ENOSPC, EROFS, EFBIG)
 *	write SHORT       every write takes half of what it was given
 *	read EIO          every read fails so
 *	sync EIO          fsync and fdatasync fail so
 *	sync_ms 200       fsync and fdatasync take so long before they succeed
 *	after 12          the first 12 calls of the kinds above still work
 *	clock 86400       the wall clock is so many seconds ahead (may be negative)
 *
 * An absent or empty control file: nothing happens.  Offsets of the wall clock apply to
 * CLOCK_REALTIME, gettimeofday and time; the monotonic clock never moves.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct orders {
	int write_errno, write_short, read_errno, sync_errno, sync_ms;
	long after, clock_s;
};

static atomic_long calls;

static int errno_of(const char *name)
{
	static const struct {
		const char *name;
		int value;
	} known[] = {
		{ "EIO", EIO },
		{ "ENOSPC", ENOSPC },
		{ "EROFS", EROFS },
		{ "EFBIG", EFBIG },
		{ "EINTR", EINTR },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].value;
	return 0;
}

static void take_order(struct orders *o, const char *what, const char *value)
{
	if (strcmp(what, "write") == 0 && strcmp(value, "SHORT") == 0)
		o->write_short = 1;
	else if (strcmp(what, "write") == 0)
		o->write_errno = errno_of(value);
	else if (strcmp(what, "read") == 0)
		o->read_errno = errno_of(value);
	else if (strcmp(what, "sync") == 0)
		o->sync_errno = errno_of(value);
	else if (strcmp(what, "sync_ms") == 0)
		o->sync_ms = atoi(value);
	else if (strcmp(what, "after") == 0)
		o->after = atol(value);
	else if (strcmp(what, "clock") == 0)
		o->clock_s = atol(value);
}

/* System calls only: the functions of libc may be our own. */
static struct orders read_orders(void)
{
	struct orders o = { 0 };
	const char *path = getenv("PIPIT_SHIM_CONTROL");
	char text[256], what[32], value[32];
	char *line, *rest = NULL;
	long fd, n;
	int saved = errno;

	if (path == NULL)
		return o;
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = syscall(SYS_read, fd, text, sizeof(text) - 1);
		syscall(SYS_close, fd);
		text[n > 0 ? n : 0] = '\0';
		for (line = strtok_r(text, "\n", &rest); line != NULL;
			line = strtok_r(NULL, "\n", &rest))
			if (sscanf(line, "%31s %31s", what, value) == 2)
				take_order(&o, what, value);
	}
	errno = saved;
	return o;
}

static int is_ours(int fd)
{
	const char *end = getenv("PIPIT_SHIM_FILE");
	char name[64], path[1024];
	int saved = errno;
	size_t len;
	long n;

	if (end == NULL)
		return 0;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlinkat, AT_FDCWD, name, path, sizeof(path) - 1);
	errno = saved;
	len = strlen(end);
	return n >= (long)len && memcmp(path + n - len, end, len) == 0;
}

static int spared(const struct orders *o)
{
	return o->after > 0 && atomic_fetch_add(&calls, 1) < o->after;
}

/* -1 with errno: fail.  Otherwise how much of len to let through. */
static ssize_t write_order(int fd, size_t len)
{
	struct orders o;

	if (!is_ours(fd))
		return (ssize_t)len;
	o = read_orders();
	if ((o.write_errno == 0 && !o.write_short) || spared(&o))
		return (ssize_t)len;
	if (o.write_errno != 0) {
		errno = o.write_errno;
		return -1;
	}
	return (ssize_t)(len > 1 ? len / 2 : len);
}

static int read_refused(int fd)
{
	struct orders o;

	if (!is_ours(fd))
		return 0;
	o = read_orders();
	if (o.read_errno == 0 || spared(&o))
		return 0;
	errno = o.read_errno;
	return 1;
}

static int sync_refused(int fd)
{
	struct orders o;
	struct timespec wait;

	if (!is_ours(fd))
		return 0;
	o = read_orders();
	if (o.sync_ms > 0) {
		wait.tv_sec = o.sync_ms / 1000;
		wait.tv_nsec = o.sync_ms % 1000 * 1000000L;
		nanosleep(&wait, NULL);
	}
	if (o.sync_errno == 0 || spared(&o))
		return 0;
	errno = o.sync_errno;
	return 1;
}

ssize_t write(int fd, const void *from, size_t len)
{
	ssize_t n = write_order(fd, len);

	return n < 0 ? n : syscall(SYS_write, fd, from, (size_t)n);
}

ssize_t pwrite(int fd, const void *from, size_t len, off_t at)
{
	ssize_t n = write_order(fd, len);

	return n < 0 ? n : syscall(SYS_pwrite64, fd, from, (size_t)n, at);
}

ssize_t pwrite64(int fd, const void *from, size_t len, off64_t at)
{
	return pwrite(fd, from, len, at);
}

ssize_t pread(int fd, void *to, size_t len, off_t at)
{
	return read_refused(fd) ? -1 : syscall(SYS_pread64, fd, to, len, at);
}

ssize_t pread64(int fd, void *to, size_t len, off64_t at)
{
	return pread(fd, to, len, at);
}

ssize_t writev(int fd, const struct iovec *from, int count)
{
	return write_order(fd, 2) < 0 ? -1 : syscall(SYS_writev, fd, from, count);
}

ssize_t pwritev(int fd, const struct iovec *from, int count, off_t at)
{
	return write_order(fd, 2) < 0 ? -1 : syscall(SYS_pwritev, fd, from, count, at, 0L);
}

int fsync(int fd)
{
	return sync_refused(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_refused(fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, t);

	if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		t->tv_sec += read_orders().clock_s;
	return rc;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	t->tv_sec = now.tv_sec;
	t->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
