/* SPDX-License-Identifier: BSD-2-Clause */
/* queue_file - see queue_file.h */
#include "posix/cli/queue_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "posix/cli/blank_flash.h"
#include "posix/cli/exits.h"
#include "posix/cli/text.h"
#include "posix/flash_file.h"
#include "queue/queue.h"

#define WHY_MAX 512u

static struct queue queue_old, queue_new;

static int complain(const char *why, int code)
{
	text_complain("%s", why);
	return code;
}

/* Until everything written is durable. */
static bool settle(struct queue *q)
{
	struct queue_stats stats;
	struct instant now = { .mono_ms = 0 };
	const struct timespec ms = { 0, 1000000 };

	while (queue_busy(q)) {
		uint32_t wait = queue_step(q, now);

		queue_stats(q, &stats);
		if (stats.stopped)
			return false;
		now.mono_ms += 100;
		if (wait > 0)
			nanosleep(&ms, NULL);
	}
	return true;
}

static bool sync_directory(const char *path)
{
	char parent[SETTINGS_PATH_MAX];
	size_t slash = span_find_last(span_of(path), '/');
	int fd;
	bool ok;

	if (slash == strlen(path))
		snprintf(parent, sizeof parent, ".");
	else
		snprintf(parent, sizeof parent, "%.*s", (int)(slash > 0 ? slash : 1), path);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* ---- format --------------------------------------------------------------------------- */

int queue_file_format(const struct settings *s)
{
	static struct flash_file file;
	char why[WHY_MAX];
	struct flash flash;
	int code = flash_file_open(&file, s->queue, s->conf.queue_size, FLASH_FILE_REPLACE, why,
		sizeof why);
	bool ok;

	if (code != 0)
		return complain(why, code);
	flash = flash_file_flash(&file);
	ok = queue_format(&flash) == ST_OK && flash.ops->sync_begin(flash.ctx) == ST_OK;
	flash_file_close(&file);
	if (!ok)
		return complain("the queue could not be formatted: the disk does not take it",
			EXIT_AGAIN);
	printf("%s: formatted, %u octets\n", s->queue, (unsigned)file.size);
	return text_finish(EXIT_DONE);
}

/* ---- resize ------------------------------------------------------------------------------ */

static bool read_size(struct span s, uint32_t *out)
{
	uint32_t unit = 1;
	uint8_t last = s.len > 0 ? byte_lower(s.at[s.len - 1]) : 0;

	if (last == 'k')
		unit = 1u << 10;
	if (last == 'm')
		unit = 1u << 20;
	if (last == 'g')
		unit = 1u << 30;
	if (unit > 1)
		s.len--;
	if (!span_to_u32(s, UINT32_MAX / unit, out))
		return false;
	*out *= unit;
	return true;
}

static int mount(struct queue *q, const struct flash *flash, const char *path)
{
	struct queue_mount_report report;

	if (queue_mount(q, flash, &report) == ST_OK)
		return EXIT_DONE;
	text_complain("%s: %s", path, report.why ? report.why : "the queue cannot be read");
	return EXIT_CONFIG;
}

/* The daemon's user must be able to open what root made. */
static bool same_owner(const struct flash_file *from, const struct flash_file *to)
{
	struct stat st;

	return fstat(from->fd, &st) == 0 &&
		(geteuid() != 0 || fchown(to->fd, st.st_uid, st.st_gid) == 0) &&
		fchmod(to->fd, st.st_mode & 0777) == 0;
}

static int copy(struct flash_file *from, struct flash_file *to, const char *path, const char *draft)
{
	const struct flash old = flash_file_flash(from), fresh = flash_file_flash(to);
	enum status st;
	int code = mount(&queue_old, &old, path);

	if (code == EXIT_DONE)
		code = mount(&queue_new, &fresh, draft);
	if (code != EXIT_DONE)
		return code;
	st = queue_copy(&queue_old, &queue_new);
	if (st == ST_FULL || st == ST_BAD)
		return complain(
			"what is in the queue does not fit into that size; nothing was changed",
			EXIT_DATA);
	if (st != ST_OK || !settle(&queue_new) || !same_owner(from, to) || fsync(to->fd) < 0)
		return complain("the queue could not be copied; nothing was changed", EXIT_AGAIN);
	return EXIT_DONE;
}

/* Both files are open, and locked, until the new one has the name. */
static int replace(struct flash_file *from, const char *path, uint32_t size)
{
	static struct flash_file to;
	char draft[SETTINGS_PATH_MAX + 8], why[WHY_MAX];
	int code;

	snprintf(draft, sizeof draft, "%s.resize", path);
	unlink(draft); /* of an attempt that was cut off: we hold the lock, so nobody is at it */
	code = flash_file_open(&to, draft, size, FLASH_FILE_CREATE, why, sizeof why);
	if (code != 0)
		return complain(why, code);
	code = copy(from, &to, path, draft);
	if (code == EXIT_DONE && (rename(draft, path) < 0 || !sync_directory(path))) {
		text_complain("%s: %s", path, strerror(errno));
		code = EXIT_AGAIN;
	}
	if (code != EXIT_DONE)
		unlink(draft);
	flash_file_close(&to);
	return code;
}

int queue_file_resize(const struct settings *s, struct span text)
{
	static struct flash_file from;
	char why[WHY_MAX];
	uint32_t size;
	int code;

	if (!read_size(text, &size)) {
		text_complain_span("not a size (a number, with K, M or G)", text);
		return EXIT_USAGE;
	}
	code = flash_file_open(&from, s->queue, 0, FLASH_FILE_EXISTING, why, sizeof why);
	if (code != 0)
		return complain(why, code);
	code = replace(&from, s->queue, size);
	flash_file_close(&from);
	if (code != EXIT_DONE)
		return code;
	printf("%s: %u octets\n", s->queue, (unsigned)size);
	if (s->conf.queue_size != 0 && s->conf.queue_size != size)
		printf("now write this size in the queue line of %s\n", s->path);
	return text_finish(EXIT_DONE);
}

/* ---- check
 * ---------------------------------------------------------------------------------- */

static void warn(const struct settings *s, const char *what, uint32_t number)
{
	printf("%s: warning: %s %u\n", s->path, what, (unsigned)number);
}

/* What an empty queue of this geometry takes, 0: cannot be told. */
static uint32_t message_max(const struct flash_geometry *g)
{
	struct queue_mount_report report;
	struct blank_flash blank;
	struct flash flash;
	uint32_t max = 0;

	if (!blank_flash_open(&blank, g))
		return 0;
	flash = blank_flash_flash(&blank);
	if (queue_mount(&queue_old, &flash, &report) == ST_OK)
		max = queue_message_max(&queue_old);
	blank_flash_close(&blank);
	return max;
}

void queue_file_check(const struct settings *s)
{
	uint32_t size = s->conf.queue_size > 0 ? s->conf.queue_size : FLASH_FILE_SIZE_DEFAULT;
	struct flash_geometry g;
	struct stat st;
	uint32_t max;

	if (stat(s->queue, &st) == 0) {
		if (!S_ISREG(st.st_mode) || st.st_size > (off_t)UINT32_MAX) {
			printf("%s: warning: %s is no queue file\n", s->path, s->queue);
			return;
		}
		if (s->conf.queue_size > 0 && st.st_size != (off_t)s->conf.queue_size)
			warn(s, "the queue file is not of the configured size; it has",
				(uint32_t)st.st_size);
		size = (uint32_t)st.st_size;
	}
	if (!flash_file_geometry(size, &g)) {
		warn(s, "this build cannot use a queue of octets:", size);
		return;
	}
	max = message_max(&g);
	if (max > 0 && max < s->conf.max_message_size)
		warn(s, "max_message_size is more than this queue takes; messages can have", max);
}
