/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue's file: made whole, locked, refused when it is another; and its sync thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "posix/flash_file.h"

#include "base/status.h"
#include "pipit_config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define SIZE 131072u

static char folder[64];
static char path[128], draft[128];
static char why[512];
static struct flash_file f;

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/pipit-flashfile-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/queue", folder);
	snprintf(draft, sizeof(draft), "%s/queue.new", folder);
	why[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(draft);
	/* Nothing else was left there. */
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

static int open_file(uint32_t size, enum flash_file_mode mode)
{
	return flash_file_open(&f, path, size, mode, why, sizeof(why));
}

static void assert_why(const char *part)
{
	if (strstr(why, part) == NULL || strstr(why, path) == NULL)
		fail_msg("\"%s\" says nothing of \"%s\" or of the file", why, part);
}

static void test_made_whole(void **state)
{
	struct stat s;
	uint8_t octets[4096];
	uint32_t at;
	size_t i;

	(void)state;
	assert_int_equal(open_file(SIZE, FLASH_FILE_CREATE), 0);
	assert_true(f.created);
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_size, SIZE);
	assert_int_equal(s.st_mode & 0777, 0600);
	assert_true(s.st_blocks * 512 >= (blkcnt_t)SIZE);
	for (at = 0; at < SIZE; at += sizeof(octets)) {
		struct flash flash = flash_file_flash(&f);

		assert_int_equal(flash.ops->read(flash.ctx, at, octets, sizeof(octets)), ST_OK);
		for (i = 0; i < sizeof(octets); i++)
			assert_int_equal(octets[i], 0xff);
	}
	flash_file_close(&f);
	assert_int_equal(access(draft, F_OK), -1);
}

static void test_keeps_what_was_programmed(void **state)
{
	struct flash flash;
	char got[5];

	(void)state;
	assert_int_equal(open_file(SIZE, FLASH_FILE_DAEMON), 0);
	flash = flash_file_flash(&f);
	assert_int_equal(flash.ops->program(flash.ctx, SIZE - 5, "flash", 5), ST_OK);
	assert_int_equal(flash.ops->erase_begin(flash.ctx, 0), ST_OK);
	assert_int_equal(flash.ops->erase_done(flash.ctx), 1);
	flash_file_close(&f);
	assert_int_equal(open_file(0, FLASH_FILE_EXISTING), 0);
	assert_false(f.created);
	assert_int_equal(f.size, SIZE);
	flash = flash_file_flash(&f);
	assert_int_equal(flash.ops->read(flash.ctx, SIZE - 5, got, 5), ST_OK);
	assert_memory_equal(got, "flash", 5);
	flash_file_close(&f);
}

static void test_two_processes(void **state)
{
	struct flash_file other;

	(void)state;
	assert_int_equal(open_file(SIZE, FLASH_FILE_DAEMON), 0);
	assert_int_equal(flash_file_open(&other, path, SIZE, FLASH_FILE_DAEMON, why, sizeof(why)),
		EX_TEMPFAIL);
	assert_why("another pipit has it open");
	flash_file_close(&f);
	assert_int_equal(open_file(SIZE, FLASH_FILE_DAEMON), 0);
	flash_file_close(&f);
}

/* Between its open and its rename another process holds the lock of the draft. */
static void test_two_processes_making_it(void **state)
{
	struct flash_file maker;

	(void)state;
	assert_int_equal(flash_file_open(&maker, draft, SIZE, FLASH_FILE_CREATE, why, sizeof(why)),
		0);
	assert_int_equal(open_file(SIZE, FLASH_FILE_DAEMON), EX_TEMPFAIL);
	assert_why("another pipit");
	assert_int_equal(access(path, F_OK), -1);
	flash_file_close(&maker);
	/* A draft that a crash left is no obstacle. */
	assert_int_equal(truncate(draft, SIZE * 2), 0);
	assert_int_equal(open_file(SIZE, FLASH_FILE_DAEMON), 0);
	assert_true(f.created);
	flash_file_close(&f);
	assert_int_equal(open_file(SIZE, FLASH_FILE_EXISTING), 0);
	flash_file_close(&f);
}

static void test_other_size_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_file(SIZE, FLASH_FILE_CREATE), 0);
	flash_file_close(&f);
	assert_int_equal(open_file(SIZE * 2, FLASH_FILE_DAEMON), EX_CONFIG);
	assert_why("pipit queue resize 262144");
	assert_int_equal(open_file(SIZE, FLASH_FILE_DAEMON), 0);
	flash_file_close(&f);
	/* Erasing it is the operator's word, then it is as configured. */
	assert_int_equal(open_file(SIZE * 2, FLASH_FILE_REPLACE), 0);
	flash_file_close(&f);
	assert_int_equal(open_file(SIZE * 2, FLASH_FILE_EXISTING), 0);
	flash_file_close(&f);
}

static void test_what_is_no_queue_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_file(SIZE, FLASH_FILE_EXISTING), EX_NOINPUT);
	assert_why("No such file");
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(open_file(SIZE, FLASH_FILE_DAEMON), EX_CONFIG);
	assert_why("symbolic link");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(open_file(0, FLASH_FILE_DAEMON), EX_CONFIG);
	assert_why("no regular file");
	unlink(path);
	assert_int_equal(open_file(1000, FLASH_FILE_DAEMON), EX_CONFIG);
	assert_why("no size for this build");
}

/* No space (here: a file size limit) leaves nothing behind, and says so. */
static void test_no_space_to_make_it(void **state)
{
	struct rlimit before, small;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = SIZE / 2 + 100;
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(open_file(SIZE, FLASH_FILE_DAEMON), EX_CANTCREAT);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_why("File too large");
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(draft, F_OK), -1);
}

static void test_failed_program_is_told(void **state)
{
	struct rlimit before, small;
	struct flash flash;
	static uint8_t octets[8192];

	(void)state;
	assert_int_equal(open_file(SIZE, FLASH_FILE_CREATE), 0);
	flash = flash_file_flash(&f);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 65536;
	setrlimit(RLIMIT_FSIZE, &small);
	/* First half of it is written, the rest fails: a short write. */
	assert_int_equal(flash.ops->program(flash.ctx, 65536 - 4096, octets, sizeof(octets)),
		ST_IO);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(flash_file_error(&f), EFBIG);
	/* Final, so that the queue stops and does not look for a better sector. */
	assert_int_equal(flash.ops->program(flash.ctx, 0, octets, 1), ST_IO);
	assert_int_equal(flash.ops->erase_begin(flash.ctx, 0), ST_IO);
	assert_int_equal(flash.ops->sync_begin(flash.ctx), ST_IO);
	/* Somebody cut the file: what is not there is an error, not zeros. */
	assert_int_equal(ftruncate(f.fd, 4096), 0);
	assert_int_equal(flash.ops->read(flash.ctx, 4096 - 10, octets, 20), ST_IO);
	flash_file_close(&f);
}

static void test_sync(void **state)
{
	struct flash flash;
	struct pollfd event;
	int done = 0;

	(void)state;
	assert_int_equal(open_file(SIZE, FLASH_FILE_DAEMON), 0);
	flash = flash_file_flash(&f);
	event.fd = flash_file_event_fd(&f);
	event.events = POLLIN;
	assert_int_equal(poll(&event, 1, 0), 0);
	assert_int_equal(flash.ops->sync_begin(flash.ctx), ST_OK);
	assert_int_equal(poll(&event, 1, 10000), 1);
	done = flash.ops->sync_done(flash.ctx);
	assert_int_equal(done, 1);
	flash_file_clear(&f);
	assert_int_equal(poll(&event, 1, 0), 0);
	flash_file_close(&f);
}

static int wait_done(const struct flash *flash)
{
	struct pollfd event = { flash_file_event_fd(&f), POLLIN, 0 };
	int done;

	while ((done = flash->ops->sync_done(flash->ctx)) == 0)
		poll(&event, 1, 1000);
	return done;
}

/* A failed sync is final: the next one would succeed and lie. */
static void test_failed_sync_is_final(void **state)
{
	struct flash flash;
	int fd;

	(void)state;
	assert_int_equal(open_file(SIZE, FLASH_FILE_DAEMON), 0);
	flash = flash_file_flash(&f);
	fd = f.sync.fd;
	f.sync.fd = -1;
	assert_int_equal(flash.ops->sync_begin(flash.ctx), ST_OK);
	assert_int_equal(wait_done(&flash), ST_IO);
	f.sync.fd = fd;
	assert_int_equal(flash.ops->sync_begin(flash.ctx), ST_IO);
	assert_int_equal(flash.ops->sync_done(flash.ctx), ST_IO);
	assert_int_equal(flash_file_error(&f), EBADF);
	flash_file_close(&f);
}

static void test_geometry(void **state)
{
	static const struct {
		uint32_t size, sector;
	} rows[] = {
		{ 32u << 10, 4096 },
		{ 64u << 10, 4096 },
		{ 1u << 20, 4096 },
		{ 4u << 20, 4096 },
		{ 8u << 20, 8192 },
		{ 16u << 20, 16384 },
		{ 64u << 20, 65536 },
	};
	struct flash_geometry g;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].sector > CONFIG_QUEUE_SECTOR_SIZE_MAX ||
			rows[i].size / rows[i].sector > CONFIG_QUEUE_SECTORS_MAX)
			continue;
		assert_true(flash_file_geometry(rows[i].size, &g));
		assert_int_equal(g.sector_size, rows[i].sector);
		assert_int_equal(g.sector_count, rows[i].size / rows[i].sector);
		assert_int_equal(g.program_unit, 1);
		assert_int_equal(g.sector_size % g.page_size, 0);
	}
	assert_false(flash_file_geometry(0, &g));
	assert_false(flash_file_geometry(4095, &g));
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_made_whole),
		FILE_TEST(test_keeps_what_was_programmed),
		FILE_TEST(test_two_processes),
		FILE_TEST(test_two_processes_making_it),
		FILE_TEST(test_other_size_is_refused),
		FILE_TEST(test_what_is_no_queue_is_refused),
		FILE_TEST(test_no_space_to_make_it),
		FILE_TEST(test_failed_program_is_told),
		FILE_TEST(test_sync),
		FILE_TEST(test_failed_sync_is_final),
		cmocka_unit_test(test_geometry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
