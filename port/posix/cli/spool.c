/* SPDX-License-Identifier: BSD-2-Clause */
/* spool - see spool.h */
#include "posix/cli/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix/cli/exits.h"
#include "posix/cli/submit.h"
#include "posix/cli/text.h"
#include "posix/cli/write_all.h"
#include "posix/random.h"

#define MAGIC "pipit-spool 1\n"

/* ---- the directory --------------------------------------------------------------- */

/* Made by whoever comes first and may: it belongs to the owner of the directory above. */
static bool make_directory(const char *path)
{
	char above[1024];
	struct stat parent;
	size_t len = span_find_last(span_of(path), '/');
	int fd;
	bool ok;

	snprintf(above, sizeof above, "%.*s", (int)(len > 0 ? len : 1), path);
	if (stat(strchr(path, '/') ? above : ".", &parent) < 0 || mkdir(path, 0700) < 0)
		return false;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	/* chown takes mode bits away: it goes first. */
	ok = (geteuid() != 0 || fchown(fd, parent.st_uid, parent.st_gid) == 0) &&
		fchmod(fd, 03733) == 0;
	close(fd);
	return ok;
}

int spool_open(const char *path)
{
	/* O_PATH: a user may pass through the directory, but not read it. */
	int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT || !make_directory(path))
		return fd;
	return open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool spool_is_message(const char *name)
{
	return strncmp(name, "m.", 2) == 0 && strlen(name) == SPOOL_NAME_MAX - 2;
}

/* ---- writing ----------------------------------------------------------------------- */

static void make_name(char name[SPOOL_NAME_MAX])
{
	const struct random random = random_system();
	uint8_t bits[16];
	struct buf b;

	random.fill(random.ctx, bits, sizeof bits);
	buf_init(&b, name, SPOOL_NAME_MAX);
	buf_puts(&b, "t.");
	for (size_t i = 0; i < sizeof bits; i++)
		buf_put_hex(&b, bits[i], 2);
	buf_put_byte(&b, '\0');
}

static bool write_line(int fd, char kind, struct span text)
{
	return write_all(fd, &kind, 1) && write_all(fd, text.at, text.len) &&
		write_all(fd, "\n", 1);
}

static bool write_envelope(int fd, const struct spool_item *item)
{
	uint32_t cursor = 0;
	struct span address;

	if (!write_all(fd, MAGIC, sizeof MAGIC - 1) || !write_line(fd, 'S', item->sender))
		return false;
	while (rcpts_next(item->rcpts, &cursor, &address))
		if (!write_line(fd, 'R', address))
			return false;
	return write_all(fd, "\n", 1);
}

static int fail(const char *what)
{
	text_complain("%s: %s", what, strerror(errno));
	return EXIT_AGAIN;
}

static int write_message(int fd, const struct spool_item *item)
{
	static uint8_t array[16384];
	uint64_t total = 0;
	int n;

	while ((n = message_read(item->message, array, sizeof array)) > 0) {
		total += (uint32_t)n;
		if (total > item->size_max) {
			text_complain("the message is larger than max_message_size");
			return EXIT_DATA;
		}
		if (!write_all(fd, array, (size_t)n))
			return fail("writing to the spool");
	}
	return n < 0 ? fail("reading the message") : EXIT_DONE;
}

/* The new name must be durable too, and users cannot open this directory to sync it. */
static bool sync_name(int directory, int fd)
{
	int readable = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	if (readable < 0)
		return syncfs(fd) == 0;
	ok = fsync(readable) == 0;
	close(readable);
	return ok;
}

static int write_file(int directory, int fd, const struct spool_item *item,
	char name[SPOOL_NAME_MAX])
{
	char temporary[SPOOL_NAME_MAX];
	struct stat st;
	int code;

	memcpy(temporary, name, sizeof temporary);
	/* The group is the daemon's only where the directory hands it down. */
	if (fstatat(directory, ".", &st, 0) < 0 ||
		fchmod(fd, st.st_mode & S_ISGID ? 0640 : 0600) < 0)
		return fail("the spool");
	if (!write_envelope(fd, item))
		return fail("writing to the spool");
	code = write_message(fd, item);
	if (code != EXIT_DONE)
		return code;
	if (fsync(fd) < 0)
		return fail("writing to the spool");
	name[0] = 'm';
	if (renameat(directory, temporary, directory, name) < 0 || !sync_name(directory, fd))
		return fail("the spool");
	return EXIT_DONE;
}

int spool_write(int directory, const struct spool_item *item, char name[SPOOL_NAME_MAX])
{
	int fd, code;

	make_name(name);
	fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail("no MTA is running, and the spool cannot be written");
	code = write_file(directory, fd, item, name);
	close(fd);
	if (code != EXIT_DONE)
		unlinkat(directory, name, 0);
	return code;
}

/* ---- reading ------------------------------------------------------------------------- */

/* Takes a line with its LF off the front of *text. */
static bool take_line(struct span *text, struct span *line)
{
	size_t n = span_find(*text, '\n');

	if (n == text->len)
		return false;
	*line = span_sub(*text, 0, n);
	*text = span_from(*text, n + 1);
	return true;
}

static bool read_sender(struct span line, struct buf *sender)
{
	return line.len > 0 && line.at[0] == 'S' &&
		rcpts_one(span_from(line, 1), SPAN_EMPTY, true, sender);
}

static bool read_rcpt(struct span line, struct rcpts *rcpts)
{
	uint8_t array[ADDRESS_MAX + 2u];
	struct buf b;

	buf_init(&b, array, sizeof array);
	return line.at[0] == 'R' && rcpts_one(span_from(line, 1), SPAN_EMPTY, false, &b) &&
		rcpts_add(rcpts, buf_span(&b));
}

/* As much of the file's start as an envelope can be. */
static size_t read_start(int fd, uint8_t *to, size_t cap)
{
	size_t len = 0;
	ssize_t n = 1;

	while (len < cap && n > 0) {
		n = read(fd, to + len, cap - len);
		if (n > 0)
			len += (size_t)n;
	}
	return len;
}

bool spool_read_envelope(int fd, struct message *message, struct buf *sender, struct rcpts *rcpts)
{
	static uint8_t array[RCPTS_TEXT_MAX * 2u];
	struct span text = span_make(array, read_start(fd, array, sizeof array));
	struct span line;

	rcpts_init(rcpts);
	buf_clear(sender);
	if (!take_line(&text, &line) ||
		!span_equal(line, span_sub(SPAN(MAGIC), 0, sizeof MAGIC - 2)) ||
		!take_line(&text, &line) || !read_sender(line, sender))
		return false;
	while (take_line(&text, &line)) {
		if (line.len == 0) {
			message_init(message, fd, false);
			message->unread = text;
			return rcpts->count > 0;
		}
		if (!read_rcpt(line, rcpts))
			return false;
	}
	return false;
}

/* ---- submitting ------------------------------------------------------------------------ */

void spool_refuse(int directory, const char *name)
{
	char to[SPOOL_NAME_MAX];

	snprintf(to, sizeof to, "f%s", name + 1);
	if (renameat(directory, name, directory, to) < 0)
		text_complain("spool/%s: %s", name, strerror(errno));
	else
		text_complain("a message from the spool was refused; it is kept as spool/%s", to);
}

/* A regular file that is nowhere else, and that nobody else is submitting. */
static int open_file(int directory, const char *name)
{
	struct stat st;
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		if (errno != ENOENT)
			text_complain("spool/%s: %s", name, strerror(errno));
		return -1;
	}
	/* After the lock: who had it before may have removed the file. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		st.st_nlink == 1)
		return fd;
	close(fd);
	return -1;
}

static int submit_file(int fd, const struct ip_endpoint *to, struct submit *s)
{
	static struct message message;
	static struct rcpts rcpts;
	uint8_t array[ADDRESS_MAX + 2u];
	struct buf sender;
	int connection;

	buf_init(&sender, array, sizeof array);
	if (!spool_read_envelope(fd, &message, &sender, &rcpts))
		return EXIT_DATA;
	connection = submit_connect(to);
	if (connection < 0)
		return EXIT_UNAVAILABLE;
	s->sender = buf_span(&sender);
	s->rcpts = &rcpts;
	s->message = &message;
	return submit_run(connection, s);
}

int spool_submit(int directory, const char *name, const struct ip_endpoint *to,
	struct span hostname, bool some)
{
	struct submit s = { .hostname = hostname, .some = some };
	int fd = open_file(directory, name);
	int code;

	if (fd < 0)
		return EXIT_AGAIN;
	code = submit_file(fd, to, &s);
	if (code == EXIT_DONE && unlinkat(directory, name, 0) < 0)
		text_complain("spool/%s: %s", name, strerror(errno));
	close(fd);
	return code;
}
