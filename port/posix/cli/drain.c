/* SPDX-License-Identifier: BSD-2-Clause */
/* drain - the daemon's child that submits what is in the spool: see cli.h and spool.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "posix/cli/cli.h"
#include "posix/cli/exits.h"
#include "posix/cli/settings.h"
#include "posix/cli/spool.h"
#include "posix/cli/submit.h"
#include "posix/cli/text.h"

#define LISTENER_WAIT_S 60 /* for our own listener, after the start */
#define STALE_S 86400      /* a temporary file whose writer must be gone */

/* Between rounds: what our own listener put off will mostly be taken soon. */
static const unsigned round_wait_s[] = { 10, 60, 300, 900, 3600 };

/* The directory for reading, or NULL. */
static DIR *open_directory(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (!d && fd >= 0)
		close(fd);
	return d;
}

static int open_spool(const struct conf *conf)
{
	char path[SETTINGS_PATH_MAX];

	return settings_spool(conf, path, sizeof path) ? spool_open(path) : -1;
}

bool cli_spool_pending(const struct conf *conf)
{
	int directory = open_spool(conf);
	DIR *d = directory >= 0 ? open_directory(directory) : NULL;
	struct dirent *e;
	bool any = false;

	while (d && !any && (e = readdir(d)) != NULL)
		any = spool_is_message(e->d_name);
	if (d)
		closedir(d);
	if (directory >= 0)
		close(directory);
	return any;
}

static bool wait_for_listener(const struct ip_endpoint *to, pid_t parent)
{
	for (int i = 0; i < LISTENER_WAIT_S * 4 && getppid() == parent; i++) {
		const struct timespec quarter = { 0, 250000000 };
		int fd = submit_connect(to);

		if (fd >= 0) {
			close(fd);
			return true;
		}
		nanosleep(&quarter, NULL);
	}
	return false;
}

static void remove_stale(int directory, const char *name)
{
	struct stat st;

	if (strncmp(name, "t.", 2) == 0 &&
		fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_mtime + STALE_S < time(NULL))
		unlinkat(directory, name, 0);
}

/* One round over all files.  EXIT_DONE: nothing is left. */
static int drain_once(int directory, const struct conf *conf)
{
	const struct ip_endpoint to = settings_listener(conf);
	DIR *d = open_directory(directory);
	struct dirent *e;
	int code, result = EXIT_DONE;

	if (!d) {
		text_complain("the spool: %s", strerror(errno));
		return EXIT_AGAIN;
	}
	while ((e = readdir(d)) != NULL) {
		remove_stale(directory, e->d_name);
		if (!spool_is_message(e->d_name))
			continue;
		code = spool_submit(directory, e->d_name, &to, conf_span(conf, conf->hostname),
			true);
		if (code == EXIT_DATA || code == EXIT_NO_USER)
			spool_refuse(directory, e->d_name);
		else if (code != EXIT_DONE)
			result = EXIT_AGAIN;
	}
	closedir(d);
	return result;
}

int cli_spool_drain(const struct conf *conf)
{
	const struct ip_endpoint to = settings_listener(conf);
	const pid_t parent = getppid();
	int directory = open_spool(conf);
	int result;

	if (directory < 0 || !wait_for_listener(&to, parent))
		return EXIT_AGAIN;
	result = drain_once(directory, conf);
	for (size_t i = 0; result != EXIT_DONE && i < sizeof round_wait_s / sizeof round_wait_s[0];
		i++) {
		/* In small pieces, to notice the parent's end. */
		for (unsigned s = 0; s < round_wait_s[i] && getppid() == parent; s++)
			sleep(1);
		if (getppid() != parent)
			break;
		result = drain_once(directory, conf);
	}
	close(directory);
	return result;
}
