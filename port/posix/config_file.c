/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Absolute, so that every call and the daemon mean the same places. */
static void find_base_dir(struct config_file *f)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(f->path, '/');
	size_t len = slash == NULL ? 1 : slash == f->path ? 1 : (size_t)(slash - f->path);

	if (len >= sizeof(folder)) {
		f->base_dir[0] = '\0';
		return;
	}
	memcpy(folder, slash == NULL ? "." : f->path, len);
	folder[len] = '\0';
	if (realpath(folder, f->base_dir) == NULL)
		memcpy(f->base_dir, folder, len + 1);
}

static int read_all(struct config_file *f, int fd)
{
	ssize_t n = 1;

	f->len = 0;
	while (n > 0 && f->len < sizeof(f->text)) {
		n = read(fd, f->text + f->len, sizeof(f->text) - f->len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			f->len += (size_t)n;
	}
	return n < 0 ? errno : 0;
}

int config_file_read(struct config_file *f, char *why, size_t why_size)
{
	int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int error = fd < 0 ? errno : 0;

	f->len = 0;
	find_base_dir(f);
	if (error == ENOENT && f->optional)
		return 0;
	if (fd >= 0) {
		error = read_all(f, fd);
		close(fd);
	}
	if (error != 0) {
		snprintf(why, why_size, "%s: cannot be read: %s", f->path, strerror(error));
		return EX_CONFIG;
	}
	if (f->len == sizeof(f->text)) {
		snprintf(why, why_size,
			"%s: longer than %zu octets; shorten it, or raise POSIX_CONFIG_FILE",
			f->path, sizeof(f->text) - 1);
		return EX_CONFIG;
	}
	return 0;
}

struct span config_file_text(const struct config_file *f)
{
	return span_make(f->text, f->len);
}
