/* SPDX-License-Identifier: BSD-2-Clause */
/* bridge - see bridge.h */
#include "posix/cli/bridge.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "posix/cli/exits.h"
#include "posix/cli/submit.h"
#include "posix/cli/text.h"
#include "posix/cli/write_all.h"

/* One piece from one side to the other; false at its end. */
static bool move(int from, int to)
{
	uint8_t array[4096];
	ssize_t n;

	do
		n = read(from, array, sizeof array);
	while (n < 0 && errno == EINTR);
	return n > 0 && write_all(to, array, (size_t)n);
}

int bridge_run(const struct ip_endpoint *to)
{
	int fd = submit_connect(to);
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN } };

	if (fd < 0) {
		fputs("421 4.3.2 no MTA is running\r\n", stdout);
		return EXIT_UNAVAILABLE;
	}
	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents && !move(fd, STDOUT_FILENO))
			break;
		if (p[1].revents && !move(STDIN_FILENO, fd)) {
			/* Replies may still come. */
			shutdown(fd, SHUT_WR);
			p[1].fd = -1;
		}
	}
	close(fd);
	return EXIT_DONE;
}
