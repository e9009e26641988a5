/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/control_socket.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define BACKLOG 16
#define GROUP_ROOM 16384u

union address {
	struct sockaddr any;
	struct sockaddr_un un;
};

/* Made by a daemon that is gone: nobody accepts. */
static int remove_stale(const union address *a, char *why, size_t why_size)
{
	const char *path = a->un.sun_path;
	struct stat s;
	int fd, error;

	if (lstat(path, &s) != 0)
		return 0;
	if (!S_ISSOCK(s.st_mode)) {
		snprintf(why, why_size,
			"control %s: something else has this name; remove it, or name another",
			path);
		return EX_CANTCREAT;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	error = connect(fd, &a->any, sizeof(a->un)) == 0 ? 0 : errno;
	close(fd);
	if (error == 0 || error == EAGAIN) {
		snprintf(why, why_size,
			"control %s: another pipit answers there; stop it, or name another path",
			path);
		return EX_TEMPFAIL;
	}
	unlink(path);
	return 0;
}

static void give_to_group(const char *path)
{
	char room[GROUP_ROOM];
	struct group entry;
	struct group *found = NULL;

	if (getgrnam_r("pipit", &entry, room, sizeof(room), &found) != 0 || found == NULL)
		return;
	/* Without the right to it the socket stays the user's own. */
	if (chown(path, (uid_t)-1, found->gr_gid) != 0)
		return;
}

static void make_parent(const char *path)
{
	char parent[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return;
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	mkdir(parent, 0755); /* one level; a failure shows at bind */
}

static bool bind_and_listen(int fd, const union address *a)
{
	mode_t before = umask(0117);
	bool ok = bind(fd, &a->any, sizeof(a->un)) == 0;

	umask(before);
	return ok && listen(fd, BACKLOG) == 0;
}

int control_socket_open(const char *path, int *fd, char *why, size_t why_size)
{
	union address a;
	int code;

	memset(&a, 0, sizeof(a));
	a.un.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(a.un.sun_path)) {
		snprintf(why, why_size,
			"control %s: longer than the %zu octets that a socket's path may have",
			path, sizeof(a.un.sun_path) - 1);
		return EX_CONFIG;
	}
	memcpy(a.un.sun_path, path, strlen(path));
	make_parent(path);
	code = remove_stale(&a, why, why_size);
	if (code != 0)
		return code;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && bind_and_listen(*fd, &a)) {
		give_to_group(path);
		return 0;
	}
	snprintf(why, why_size,
		"control %s: cannot be made: %s; name a path that can with a control line", path,
		strerror(errno));
	if (*fd >= 0)
		close(*fd);
	return EX_CANTCREAT;
}
