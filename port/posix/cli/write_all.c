/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/cli/write_all.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

bool write_all(int fd, const void *from, size_t len)
{
	const uint8_t *at = from;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}
