/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/maildir.h"

#include "posix/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define HOST_ROOM 65u
#define NAME_TRIES 3u

/* ---- Folders --------------------------------------------------------------------- */

/* The next part of *path into name; false at the end or when it is too long. */
static bool next_part(const char **path, char name[NAME_MAX + 1])
{
	size_t len;

	*path += strspn(*path, "/");
	len = strcspn(*path, "/");
	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, *path, len);
	name[len] = '\0';
	*path += len;
	return true;
}

static bool is_last(const char *path)
{
	return path[strspn(path, "/")] == '\0';
}

/* A new folder is on the disk when the one above it is.  One that we may not read cannot be
 * synced; then the file system decides. */
static void sync_folder(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static int step_into(int folder, const char *name, int flags)
{
	int next = openat(folder, name, O_PATH | O_DIRECTORY | O_CLOEXEC | flags);
	int error = errno;

	close(folder);
	errno = error;
	return next;
}

/* Only root can have put there what is in it. */
static bool is_roots_alone(int folder)
{
	struct stat s;

	if (fstat(folder, &s) != 0 || s.st_uid != 0)
		return false;
	return (s.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (s.st_mode & S_ISVTX) != 0;
}

/* The folder gets its owner before it gets its name: a crash in between leaves
 * nothing that its user could not use. */
static void make_owned(int folder, const char *name, const struct identity *who)
{
	char draft[64];
	int n = snprintf(draft, sizeof(draft), ".pipit-%ld", (long)getpid());

	if (n < 0 || mkdirat(folder, draft, 0700) != 0)
		return;
	if (fchownat(folder, draft, who->uid, who->gid, AT_SYMLINK_NOFOLLOW) != 0 ||
		renameat(folder, draft, folder, name) != 0)
		unlinkat(folder, draft, AT_REMOVEDIR);
}

static void make_part(int folder, const char *name, bool last, const struct identity *who)
{
	if (faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	if (last)
		make_owned(folder, name, who);
	else
		mkdirat(folder, name, 0755);
	sync_folder(folder);
}

void maildir_prepare(const char *path, const struct identity *who)
{
	char name[NAME_MAX + 1];
	int folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	while (folder >= 0 && is_roots_alone(folder) && next_part(&path, name)) {
		make_part(folder, name, is_last(path), who);
		folder = step_into(folder, name, O_NOFOLLOW);
	}
	if (folder >= 0)
		close(folder);
}

/* The folder `name`, made when it is missing; what keeps us from making it is the error then. */
static int make_and_enter(int folder, const char *name, int flags)
{
	int made = mkdirat(folder, name, 0700);
	int error = errno;
	int next;

	if (made == 0)
		sync_folder(folder);
	next = step_into(folder, name, flags);
	if (next < 0 && errno == ENOENT && made != 0)
		errno = error;
	return next;
}

/* With a user's rights links are the user's own business; root follows none,
 * and works only where nobody else could have prepared one. */
static int open_folder(const char *path)
{
	char name[NAME_MAX + 1];
	bool root = geteuid() == 0;
	int folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	while (folder >= 0) {
		if (root && !is_roots_alone(folder)) {
			close(folder);
			errno = EPERM;
			return -1;
		}
		if (!next_part(&path, name))
			break;
		folder = make_and_enter(folder, name, root ? O_NOFOLLOW : 0);
	}
	return folder;
}

static int open_part(int folder, const char *name)
{
	if (mkdirat(folder, name, 0700) == 0)
		sync_folder(folder);
	return openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- The file ---------------------------------------------------------------------- */

/* "/" and ":" have a meaning in file names and to readers of Maildirs. */
static void host_name(char host[HOST_ROOM])
{
	char *c;

	if (gethostname(host, HOST_ROOM) != 0)
		host[0] = '\0';
	host[HOST_ROOM - 1] = '\0';
	for (c = host; *c != '\0'; c++) {
		if (*c == '/' || *c == ':' || *c <= ' ' || *c >= 0x7f)
			*c = '_';
	}
}

static int open_file(struct maildir *m, uint32_t number)
{
	char host[HOST_ROOM];
	struct timeval now;

	host_name(host);
	gettimeofday(&now, NULL);
	snprintf(m->name, sizeof(m->name), "%lld.M%ldP%ldQ%u.%s", (long long)now.tv_sec,
		(long)now.tv_usec, (long)getpid(), number, host[0] != '\0' ? host : "localhost");
	return openat(m->tmp, m->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int open_parts(struct maildir *m, int folder, uint32_t number)
{
	unsigned i;
	int cur = open_part(folder, "cur");

	if (cur < 0)
		return errno;
	close(cur);
	m->tmp = open_part(folder, "tmp");
	m->fresh = open_part(folder, "new");
	if (m->tmp < 0 || m->fresh < 0)
		return errno;
	m->what = "cannot write in the Maildir";
	for (i = 0; i < NAME_TRIES && m->file < 0; i++)
		m->file = open_file(m, number);
	return m->file < 0 ? errno : 0;
}

int maildir_open(struct maildir *m, const char *path, uint32_t number)
{
	int folder, error;

	m->tmp = m->fresh = m->file = -1;
	m->cr = false;
	m->what = "cannot open the Maildir";
	folder = open_folder(path);
	if (folder < 0)
		return errno;
	error = open_parts(m, folder, number);
	close(folder);
	return error;
}

static int write_whole(int fd, const uint8_t *from, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

/* CRLF becomes LF; a CR alone stays, across pieces too. */
int maildir_write(struct maildir *m, struct span text)
{
	uint8_t out[DELIVER_PIECE_MAX];
	size_t i, len = 0;
	int error = 0;

	m->what = "cannot write the message";
	for (i = 0; i < text.len && error == 0; i++) {
		if (m->cr && text.at[i] != '\n')
			out[len++] = '\r';
		m->cr = text.at[i] == '\r';
		if (!m->cr)
			out[len++] = text.at[i];
		if (len + 2 > sizeof(out)) {
			error = write_whole(m->file, out, len);
			len = 0;
		}
	}
	return error != 0 ? error : write_whole(m->file, out, len);
}

int maildir_sync(struct maildir *m)
{
	const uint8_t cr = '\r';
	int error = 0;

	m->what = "cannot finish the message";
	if (m->cr)
		error = write_whole(m->file, &cr, 1);
	m->cr = false;
	if (error == 0 && fsync(m->file) != 0)
		error = errno;
	return error;
}

int maildir_publish(struct maildir *m)
{
	int error;

	m->what = "cannot finish the message";
	/* Quotas of network file systems are told at close. */
	if (close(m->file) != 0) {
		error = errno;
		m->file = -1;
		unlinkat(m->tmp, m->name, 0);
		return error;
	}
	m->file = -1;
	if (renameat(m->tmp, m->name, m->fresh, m->name) != 0) {
		error = errno;
		unlinkat(m->tmp, m->name, 0);
		return error;
	}
	/* Not durable, so it must not count as delivered: better twice than never, but
	 * best not at all if it can still be taken back. */
	if (fsync(m->fresh) != 0) {
		error = errno;
		unlinkat(m->fresh, m->name, 0);
		return error;
	}
	close(m->fresh);
	close(m->tmp);
	return 0;
}

void maildir_abandon(struct maildir *m)
{
	if (m->file >= 0) {
		close(m->file);
		unlinkat(m->tmp, m->name, 0);
	}
	if (m->fresh >= 0)
		close(m->fresh);
	if (m->tmp >= 0)
		close(m->tmp);
	m->tmp = m->fresh = m->file = -1;
}
