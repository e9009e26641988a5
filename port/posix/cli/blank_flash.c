/* SPDX-License-Identifier: BSD-2-Clause */
/* blank_flash - see blank_flash.h */
#include "posix/cli/blank_flash.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/status.h"

bool blank_flash_open(struct blank_flash *b, const struct flash_geometry *g)
{
	void *p;

	b->geometry = *g;
	b->size = (size_t)g->sector_size * g->sector_count;
	p = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		-1, 0);
	b->memory = p == MAP_FAILED ? NULL : p;
	return b->memory != NULL;
}

void blank_flash_close(struct blank_flash *b)
{
	munmap(b->memory, b->size);
}

static int blank_read(void *ctx, uint32_t at, void *to, size_t len)
{
	const struct blank_flash *b = ctx;
	uint8_t *out = to;

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)~b->memory[at + i];
	return ST_OK;
}

static int blank_program(void *ctx, uint32_t at, const void *from, size_t len)
{
	struct blank_flash *b = ctx;
	const uint8_t *in = from;

	for (size_t i = 0; i < len; i++)
		b->memory[at + i] = (uint8_t)~in[i];
	return ST_OK;
}

/* Gives whole pages back: formatting a large queue then costs no memory. */
static int blank_erase_begin(void *ctx, uint32_t sector)
{
	struct blank_flash *b = ctx;
	size_t size = b->geometry.sector_size;
	uint8_t *at = b->memory + sector * size;

	if (size % (size_t)sysconf(_SC_PAGESIZE) != 0 || madvise(at, size, MADV_DONTNEED) != 0)
		memset(at, 0, size);
	return ST_OK;
}

static int blank_done(void *ctx)
{
	(void)ctx;
	return 1;
}

static int blank_sync_begin(void *ctx)
{
	(void)ctx;
	return ST_OK;
}

struct flash blank_flash_flash(struct blank_flash *b)
{
	static const struct flash_ops ops = {
		.read = blank_read,
		.program = blank_program,
		.erase_begin = blank_erase_begin,
		.erase_done = blank_done,
		.sync_begin = blank_sync_begin,
		.sync_done = blank_done,
	};

	return (struct flash){ &ops, b, b->geometry };
}
