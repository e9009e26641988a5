/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/blob.h"

#include "base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A device or a pipe could make the loop wait for ever, so only regular files. */
static int read_regular(int fd, uint32_t offset, void *to, size_t len)
{
	struct stat s;
	ssize_t n;

	if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode))
		return ST_IO;
	do {
		n = pread(fd, to, len > INT_MAX ? INT_MAX : len, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? ST_IO : (int)n;
}

static int blob_read(void *ctx, struct span name, uint32_t offset, void *to, size_t len)
{
	char path[PATH_MAX];
	int fd, n;

	(void)ctx;
	if (name.len == 0 || name.len >= sizeof(path) || memchr(name.at, 0, name.len) != NULL)
		return ST_MISSING;
	memcpy(path, name.at, name.len);
	path[name.len] = '\0';
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? ST_MISSING : ST_IO;
	n = read_regular(fd, offset, to, len);
	close(fd);
	return n;
}

struct blob blob_files(void)
{
	return (struct blob){ blob_read, NULL };
}
