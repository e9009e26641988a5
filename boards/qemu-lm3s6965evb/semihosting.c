/* SPDX-License-Identifier: BSD-2-Clause */
#include "semihosting.h"

#include "base/status.h"

#include <string.h>

#define SECTOR 4096u
#define SECTORS 16u
#define PAGE 256u
#define READ_BINARY 1
#define UPDATE_BINARY 3
#define APPLICATION_EXIT 0x20026u

enum operation {
	SYS_OPEN = 0x01,
	SYS_WRITE = 0x05,
	SYS_READ = 0x06,
	SYS_SEEK = 0x0a,
	SYS_TIME = 0x11,
	SYS_EXIT = 0x18
};

/* A word or a pointer, as the operation wants it. */
static int call(enum operation operation, uintptr_t argument)
{
	register uintptr_t r0 __asm__("r0") = operation;
	register uintptr_t r1 __asm__("r1") = argument;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
	return (int)r0;
}

static int host_open(const char *name, uintptr_t mode)
{
	const uintptr_t block[3] = { (uintptr_t)name, mode, strlen(name) };

	return call(SYS_OPEN, (uintptr_t)block);
}

/* 0 when all octets were moved. */
static int host_move(enum operation operation, int file, const void *octets, size_t len)
{
	const uintptr_t block[3] = { (uintptr_t)file, (uintptr_t)octets, len };

	return call(operation, (uintptr_t)block);
}

static int host_seek(int file, uint32_t at)
{
	const uintptr_t block[2] = { (uintptr_t)file, at };

	return call(SYS_SEEK, (uintptr_t)block);
}

/* ---- The file that plays flash -------------------------------------------------------------- */

static int flash_file, settings_file;

static int file_read(void *ctx, uint32_t at, void *to, size_t len)
{
	const int *file = ctx;

	if (host_seek(*file, at) != 0 || host_move(SYS_READ, *file, to, len) != 0)
		return ST_IO;
	return ST_OK;
}

static int file_program(void *ctx, uint32_t at, const void *from, size_t len)
{
	const int *file = ctx;

	if (host_seek(*file, at) != 0 || host_move(SYS_WRITE, *file, from, len) != 0)
		return ST_IO;
	return ST_OK;
}

static int file_erase_begin(void *ctx, uint32_t sector)
{
	uint8_t blank[PAGE];
	uint32_t at;

	memset(blank, 0xff, sizeof(blank));
	for (at = 0; at < SECTOR; at += PAGE) {
		if (file_program(ctx, sector * SECTOR + at, blank, PAGE) != ST_OK)
			return ST_IO;
	}
	return ST_OK;
}

static int file_done(void *ctx)
{
	(void)ctx;
	return 1;
}

static int file_sync_begin(void *ctx)
{
	(void)ctx;
	return ST_OK;
}

static int file_flash(struct flash *out, const char *name, int *file, uint32_t sectors)
{
	static const struct flash_ops ops = {
		file_read,
		file_program,
		file_erase_begin,
		file_done,
		file_sync_begin,
		file_done,
	};

	*file = host_open(name, UPDATE_BINARY);
	*out = (struct flash){ &ops, file, { SECTOR, sectors, 1, PAGE } };
	return *file < 0 ? ST_MISSING : ST_OK;
}

int semihosting_flash(struct flash *out)
{
	return file_flash(out, "flash.bin", &flash_file, SECTORS);
}

int semihosting_settings(struct flash *out)
{
	return file_flash(out, "settings.bin", &settings_file, 2);
}

/* ---- Clock, entropy, end -------------------------------------------------------------------- */

uint32_t semihosting_time(void)
{
	return (uint32_t)call(SYS_TIME, 0);
}

void semihosting_random(void *to, size_t len)
{
	static int file = -1;

	if (file < 0)
		file = host_open("/dev/urandom", READ_BINARY);
	(void)host_move(SYS_READ, file, to, len);
}

_Noreturn void semihosting_exit(void)
{
	for (;;)
		call(SYS_EXIT, APPLICATION_EXIT);
}
