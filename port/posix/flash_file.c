/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/flash_file.h"

#include "base/check.h"
#include "base/status.h"
#include "pipit_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define SECTOR_SMALLEST 4096u /* a page of a file system */
#define SECTOR_USUAL 65536u   /* larger only when the index has no other way */
#define SECTOR_LARGEST CONFIG_QUEUE_SECTOR_SIZE_MAX
#define SECTORS_USUAL 1024u /* 4 KiB sectors up to 4 MiB, 64 KiB sectors at 64 MiB */
#define PAGE_LARGEST 32768u /* the most that a page_size can say: fewer calls */
#define INTERRUPTS_MAX 100u /* a signal cannot come so often in one call */
#define PATH_ROOM 4096u

/* ---- Whole reads and writes ------------------------------------------------------ */

static bool read_whole(int fd, uint8_t *to, size_t len, off_t at)
{
	unsigned interrupts = 0;

	while (len > 0) {
		ssize_t n = pread(fd, to, len, at);

		if (n < 0 && errno == EINTR && ++interrupts < INTERRUPTS_MAX)
			continue;
		if (n == 0)
			errno = EIO; /* somebody has cut the file */
		if (n <= 0)
			return false;
		to += n;
		len -= (size_t)n;
		at += n;
	}
	return true;
}

static bool write_whole(int fd, const uint8_t *from, size_t len, off_t at)
{
	unsigned interrupts = 0;

	while (len > 0) {
		ssize_t n = pwrite(fd, from, len, at);

		if (n < 0 && errno == EINTR && ++interrupts < INTERRUPTS_MAX)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return false;
		from += n;
		len -= (size_t)n;
		at += n;
	}
	return true;
}

/* ---- struct flash_ops ------------------------------------------------------------ */

static bool in_range(const struct flash_file *f, uint32_t at, size_t len)
{
	return at <= f->size && len <= f->size - at;
}

static int failed(struct flash_file *f)
{
	if (f->error == 0)
		f->error = errno;
	return ST_IO;
}

static int file_read(void *ctx, uint32_t at, void *to, size_t len)
{
	struct flash_file *f = ctx;

	CHECK(in_range(f, at, len));
	return read_whole(f->fd, to, len, (off_t)at) ? ST_OK : failed(f);
}

static int file_program(void *ctx, uint32_t at, const void *from, size_t len)
{
	struct flash_file *f = ctx;

	CHECK(in_range(f, at, len));
	if (f->write_failed)
		return ST_IO;
	f->write_failed = !write_whole(f->fd, from, len, (off_t)at);
	return f->write_failed ? failed(f) : ST_OK;
}

static int file_erase_begin(void *ctx, uint32_t sector)
{
	const struct flash_file *f = ctx;

	CHECK(sector < f->geometry.sector_count);
	return f->write_failed ? ST_IO : ST_OK;
}

static int file_erase_done(void *ctx)
{
	(void)ctx;
	return 1;
}

static int file_sync_begin(void *ctx)
{
	struct flash_file *f = ctx;

	if (f->write_failed)
		return ST_IO;
	if (f->threaded)
		return sync_thread_begin(&f->sync) ? ST_OK : ST_IO;
	if (!f->sync_failed && fdatasync(f->fd) != 0) {
		f->sync_failed = true;
		return failed(f);
	}
	return f->sync_failed ? ST_IO : ST_OK;
}

static int file_sync_done(void *ctx)
{
	struct flash_file *f = ctx;
	int done = 1;

	if (f->sync_failed || f->write_failed)
		return ST_IO;
	if (f->threaded)
		done = sync_thread_done(&f->sync);
	return done < 0 ? ST_IO : done;
}

struct flash flash_file_flash(struct flash_file *f)
{
	static const struct flash_ops ops = {
		.read = file_read,
		.program = file_program,
		.erase_begin = file_erase_begin,
		.erase_done = file_erase_done,
		.sync_begin = file_sync_begin,
		.sync_done = file_sync_done,
	};

	return (struct flash){ &ops, f, f->geometry };
}

/* ---- Geometry --------------------------------------------------------------------- */

bool flash_file_geometry(uint32_t size, struct flash_geometry *g)
{
	uint32_t sector = SECTOR_SMALLEST;

	while (size / sector > SECTORS_USUAL && sector < SECTOR_USUAL && sector < SECTOR_LARGEST)
		sector *= 2;
	while (size / sector > CONFIG_QUEUE_SECTORS_MAX && sector < SECTOR_LARGEST)
		sector *= 2;
	g->sector_size = sector;
	g->sector_count = size / sector;
	g->program_unit = 1;
	g->page_size = (uint16_t)(sector < PAGE_LARGEST ? sector : PAGE_LARGEST);
	return size >= FLASH_FILE_SIZE_MIN && g->sector_count <= CONFIG_QUEUE_SECTORS_MAX;
}

/* ---- Opening ---------------------------------------------------------------------- */

struct opening {
	struct flash_file *f;
	const char *path;
	uint32_t size; /* as configured, or 0 */
	enum flash_file_mode mode;
	char *why;
	size_t why_size;
};

static int refuse(const struct opening *o, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(const struct opening *o, int code, const char *format, ...)
{
	va_list args;
	int n = snprintf(o->why, o->why_size, "queue file %s: ", o->path);

	if (n >= 0 && (size_t)n < o->why_size) {
		va_start(args, format);
		vsnprintf(o->why + n, o->why_size - (size_t)n, format, args);
		va_end(args);
	}
	return code;
}

static int refuse_errno(const struct opening *o, const char *what, int error, int code)
{
	if (error == EACCES || error == EPERM)
		code = EX_NOPERM;
	return refuse(o, code, "%s: %s", what, strerror(error));
}

static int refuse_busy(const struct opening *o)
{
	return refuse(o, EX_TEMPFAIL,
		"another pipit has it open; stop that one, or name another file");
}

static int lock(const struct opening *o)
{
	if (flock(o->f->fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return refuse_busy(o);
	return refuse_errno(o, "cannot be locked", errno, EX_IOERR);
}

static int refuse_size(const struct opening *o, uint32_t size)
{
	return refuse(o, EX_CONFIG, "%u octets are no size for this build; write %u up to %llu",
		size, FLASH_FILE_SIZE_MIN,
		(unsigned long long)CONFIG_QUEUE_SECTORS_MAX * SECTOR_LARGEST);
}

/* The name of the folder that path is in. */
static bool parent_of(const char *path, char *parent, size_t size)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	if (len + 2 > size)
		return false;
	memcpy(parent, slash == path ? "/" : path, len == 0 ? 1 : len);
	if (slash == NULL)
		parent[0] = '.';
	parent[len == 0 ? 1 : len] = '\0';
	return true;
}

static bool sync_parent(const char *path)
{
	char parent[PATH_ROOM];
	int fd;
	bool ok;

	if (!parent_of(path, parent, sizeof(parent)))
		return false;
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

/* The file is erased flash from end to end, and all of it is on the disk. */
static bool write_blank(int fd, uint32_t size)
{
	uint8_t blank[65536];
	uint32_t at;

	memset(blank, 0xff, sizeof(blank));
	if (ftruncate(fd, 0) != 0)
		return false;
	for (at = 0; at < size; at += (uint32_t)sizeof(blank)) {
		size_t len = size - at < sizeof(blank) ? size - at : sizeof(blank);

		if (!write_whole(fd, blank, len, (off_t)at))
			return false;
	}
	return fsync(fd) == 0;
}

/* Another process may have renamed its finished file between our open and our lock. */
static bool still_named(int fd, const char *path)
{
	struct stat by_fd, by_name;

	return fstat(fd, &by_fd) == 0 && lstat(path, &by_name) == 0 &&
		by_fd.st_ino == by_name.st_ino && by_fd.st_dev == by_name.st_dev;
}

/* Made under another name and renamed when whole, so that a crash in between
 * leaves no short file that would then be refused. */
static int create_named(const struct opening *o, const char *draft, uint32_t size)
{
	char parent[PATH_ROOM];
	int code, error;

	if (parent_of(o->path, parent, sizeof(parent)))
		mkdir(parent, 0755); /* one level; a failure shows below */
	o->f->fd = open(draft, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (o->f->fd < 0)
		return refuse_errno(o, "cannot be made", errno, EX_CANTCREAT);
	code = lock(o);
	if (code != 0)
		return code;
	/* The lock on the draft is what allows to rename it: the name is still free. */
	if (!still_named(o->f->fd, draft) || access(o->path, F_OK) == 0)
		return refuse_busy(o);
	if (write_blank(o->f->fd, size) && rename(draft, o->path) == 0 && sync_parent(o->path))
		return 0;
	error = errno;
	unlink(draft);
	return refuse_errno(o, "cannot be made", error, EX_CANTCREAT);
}

static int create(const struct opening *o)
{
	char draft[PATH_ROOM];
	uint32_t size = o->size > 0 ? o->size : FLASH_FILE_SIZE_DEFAULT;
	int n = snprintf(draft, sizeof(draft), "%s.new", o->path);

	if (n < 0 || (size_t)n >= sizeof(draft))
		return refuse(o, EX_CONFIG, "the path is too long");
	if (!flash_file_geometry(size, &o->f->geometry))
		return refuse_size(o, size);
	o->f->size = size;
	o->f->created = true;
	return create_named(o, draft, size);
}

static int refuse_other_size(const struct opening *o, off_t size)
{
	return refuse(o, EX_CONFIG,
		"it has %lld octets, the configuration says %u; run `pipit queue resize %u`, write "
		"%lld in the queue line, or erase it with `pipit queue format`",
		(long long)size, o->size, o->size, (long long)size);
}

/* `pipit queue format`: what is in it goes, whatever it is. */
static int replace(const struct opening *o)
{
	uint32_t size = o->size > 0 ? o->size : FLASH_FILE_SIZE_DEFAULT;

	if (!flash_file_geometry(size, &o->f->geometry))
		return refuse_size(o, size);
	o->f->size = size;
	o->f->created = true;
	if (!write_blank(o->f->fd, size))
		return refuse_errno(o, "cannot be written", errno, EX_CANTCREAT);
	return 0;
}

static bool is_usable(const struct opening *o, off_t size)
{
	return size <= (off_t)UINT32_MAX && flash_file_geometry((uint32_t)size, &o->f->geometry);
}

static int take_existing(const struct opening *o)
{
	struct stat s;
	bool other;
	int code;

	if (fstat(o->f->fd, &s) != 0)
		return refuse_errno(o, "cannot be examined", errno, EX_IOERR);
	if (!S_ISREG(s.st_mode))
		return refuse(o, EX_CONFIG, "it is no regular file; name one in the queue line");
	code = lock(o);
	if (code != 0)
		return code;
	other = o->size > 0 && s.st_size != (off_t)o->size;
	if (o->mode == FLASH_FILE_REPLACE && (other || !is_usable(o, s.st_size)))
		return replace(o);
	if (other)
		return refuse_other_size(o, s.st_size);
	if (!is_usable(o, s.st_size))
		return refuse(o, EX_CONFIG,
			"%lld octets are no size for this build; name another file, or erase it "
			"with `pipit queue format`",
			(long long)s.st_size);
	o->f->size = (uint32_t)s.st_size;
	return 0;
}

static int open_or_create(const struct opening *o)
{
	o->f->fd = open(o->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (o->f->fd >= 0)
		return take_existing(o);
	if (errno == ENOENT && o->mode != FLASH_FILE_EXISTING)
		return create(o);
	if (errno == ENOENT)
		return refuse_errno(o, "cannot be opened", errno, EX_NOINPUT);
	if (errno == ELOOP)
		return refuse(o, EX_CONFIG, "it is a symbolic link; name the file itself");
	return refuse_errno(o, "cannot be opened for writing", errno, EX_IOERR);
}

int flash_file_open(struct flash_file *f, const char *path, uint32_t size,
	enum flash_file_mode mode, char *why, size_t why_size)
{
	const struct opening o = { f, path, size, mode, why, why_size };
	int code, error;

	memset(f, 0, sizeof(*f));
	f->fd = -1;
	code = open_or_create(&o);
	if (code == 0 && mode == FLASH_FILE_DAEMON) {
		error = sync_thread_start(&f->sync, f->fd);
		f->threaded = error == 0;
		if (error != 0)
			code = refuse_errno(&o, "no thread to sync it", error, EX_TEMPFAIL);
	}
	if (code != 0)
		flash_file_close(f);
	return code;
}

int flash_file_event_fd(const struct flash_file *f)
{
	return f->threaded ? sync_thread_event_fd(&f->sync) : -1;
}

void flash_file_clear(struct flash_file *f)
{
	if (f->threaded)
		sync_thread_clear(&f->sync);
}

int flash_file_error(struct flash_file *f)
{
	int error = f->threaded ? sync_thread_error(&f->sync) : 0;

	return error != 0 ? error : f->error;
}

void flash_file_close(struct flash_file *f)
{
	if (f->threaded)
		sync_thread_stop(&f->sync);
	f->threaded = false;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}
