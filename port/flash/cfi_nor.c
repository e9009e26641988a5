/* SPDX-License-Identifier: BSD-2-Clause */
#include "flash/cfi_nor.h"

#include "base/status.h"
#include "pipit_config.h"

#include <string.h>

#define WORD 4u
#define BOTH(command) ((uint32_t)(command)*0x00010001u)

enum command {
	CFI_ERASE = 0x20,
	CFI_CLEAR_STATUS = 0x50,
	CFI_READ_STATUS = 0x70,
	CFI_QUERY = 0x98,
	CFI_SUSPEND = 0xb0,
	CFI_CONFIRM = 0xd0, /* and resume */
	CFI_BUFFER = 0xe8,
	CFI_READ_ARRAY = 0xff
};

#define READY BOTH(0x80)
/* Erase, program, supply voltage, locked: the bits of the status that mean it did not happen. */
#define FAILURES BOTH(0x3a)

/* The query table, in words of the bus. */
#define QUERY_Q 0x10u
#define QUERY_ERASE_SIZE 0x2fu /* in 256 octets of one chip: low octet, then high */

static uint32_t get(const struct cfi_nor *n, uint32_t at)
{
	return n->bus.read(n->bus.ctx, at);
}

/* Data of a program may look like a command, but one follows it. */
static void put(struct cfi_nor *n, uint32_t at, uint32_t word)
{
	n->bus.write(n->bus.ctx, at, word);
	n->reading = word == BOTH(CFI_READ_ARRAY);
}

static uint32_t status_at(struct cfi_nor *n, uint32_t at)
{
	put(n, at, BOTH(CFI_READ_STATUS));
	return get(n, at);
}

/* ST_OK when both chips are ready and succeeded. */
static int wait_ready(struct cfi_nor *n, uint32_t at)
{
	uint32_t i, status;

	for (i = 0; i < CONFIG_FLASH_POLLS; i++) {
		status = status_at(n, at);
		if ((status & READY) != READY)
			continue;
		put(n, at, BOTH(CFI_CLEAR_STATUS));
		return (status & FAILURES) == 0 ? ST_OK : ST_IO;
	}
	return ST_IO;
}

/* ---- Erasing, and what comes between ---------------------------------------------------- */

/* Both chips are ready: 1 erased, or ST_IO. */
static int take_erase_result(struct cfi_nor *n, uint32_t status)
{
	put(n, n->erasing_at, BOTH(CFI_CLEAR_STATUS));
	put(n, n->erasing_at, BOTH(CFI_READ_ARRAY));
	return (status & FAILURES) == 0 ? 1 : ST_IO;
}

/* Leaves the chips ready for a read or a program. */
static int pause_erase(struct cfi_nor *n)
{
	uint32_t status;

	if (!n->erasing || n->erased != 0)
		return ST_OK;
	status = status_at(n, n->erasing_at);
	if ((status & READY) == READY) {
		n->erased = take_erase_result(n, status);
		return ST_OK;
	}
	put(n, n->erasing_at, BOTH(CFI_SUSPEND));
	n->suspended = true;
	return wait_ready(n, n->erasing_at);
}

static void resume_erase(struct cfi_nor *n)
{
	if (n->suspended)
		put(n, n->erasing_at, BOTH(CFI_CONFIRM));
	n->suspended = false;
}

static int cfi_erase_begin(void *ctx, uint32_t sector)
{
	struct cfi_nor *n = ctx;

	n->erasing = true;
	n->erased = 0;
	n->erasing_at = sector * n->sector_size;
	put(n, n->erasing_at, BOTH(CFI_CLEAR_STATUS));
	put(n, n->erasing_at, BOTH(CFI_ERASE));
	put(n, n->erasing_at, BOTH(CFI_CONFIRM));
	return ST_OK;
}

static int cfi_erase_done(void *ctx)
{
	struct cfi_nor *n = ctx;
	uint32_t status;

	if (!n->erasing)
		return ST_IO;
	if (n->erased == 0) {
		status = status_at(n, n->erasing_at);
		if ((status & READY) == READY)
			n->erased = take_erase_result(n, status);
	}
	n->erasing = n->erased == 0;
	return n->erased;
}

/* ---- Reading and programming ------------------------------------------------------------ */

static void copy_out(const struct cfi_nor *n, uint32_t at, uint8_t *to, size_t len)
{
	while (len > 0) {
		uint32_t word = get(n, at - at % WORD), skip = at % WORD;
		size_t piece = WORD - skip < len ? WORD - skip : len;

		memcpy(to, (const uint8_t *)&word + skip, piece);
		at += (uint32_t)piece;
		to += piece;
		len -= piece;
	}
}

static int cfi_read(void *ctx, uint32_t at, void *to, size_t len)
{
	struct cfi_nor *n = ctx;
	int status = pause_erase(n);

	if (status == ST_OK) {
		if (!n->reading)
			put(n, at - at % WORD, BOTH(CFI_READ_ARRAY));
		copy_out(n, at, to, len);
	}
	resume_erase(n);
	return status;
}

/* The write buffers are free when the extended status, which this command shows, says so. */
static int take_buffers(struct cfi_nor *n, uint32_t at)
{
	uint32_t i;

	for (i = 0; i < CONFIG_FLASH_POLLS; i++) {
		put(n, at, BOTH(CFI_BUFFER));
		if ((get(n, at) & READY) == READY)
			return ST_OK;
	}
	return ST_IO;
}

static int program_page(struct cfi_nor *n, uint32_t at, const uint8_t *from, uint32_t words)
{
	uint32_t i, word;
	int status;

	put(n, at, BOTH(CFI_CLEAR_STATUS));
	status = take_buffers(n, at);
	if (status != ST_OK)
		return status;
	put(n, at, BOTH(words - 1u));
	for (i = 0; i < words; i++) {
		memcpy(&word, from + i * WORD, WORD);
		put(n, at + i * WORD, word);
	}
	put(n, at, BOTH(CFI_CONFIRM));
	return wait_ready(n, at);
}

static int cfi_program(void *ctx, uint32_t at, const void *from, size_t len)
{
	struct cfi_nor *n = ctx;
	int status = pause_erase(n);

	if (status == ST_OK)
		status = program_page(n, at, from, (uint32_t)len / WORD);
	put(n, at, BOTH(CFI_READ_ARRAY));
	resume_erase(n);
	return status;
}

/* What a program returned from is in the cells. */
static int cfi_sync_begin(void *ctx)
{
	(void)ctx;
	return ST_OK;
}

static int cfi_sync_done(void *ctx)
{
	(void)ctx;
	return 1;
}

static const struct flash_ops ops = {
	cfi_read,
	cfi_program,
	cfi_erase_begin,
	cfi_erase_done,
	cfi_sync_begin,
	cfi_sync_done,
};

/* ---- Start ------------------------------------------------------------------------------ */

static bool chips_answer(const struct cfi_nor *n)
{
	return get(n, QUERY_Q * WORD) == BOTH('Q') && get(n, (QUERY_Q + 1u) * WORD) == BOTH('R') &&
		get(n, (QUERY_Q + 2u) * WORD) == BOTH('Y');
}

/* Of both chips together. */
static uint32_t sector_size_said(const struct cfi_nor *n)
{
	uint32_t low = get(n, QUERY_ERASE_SIZE * WORD) & 0xffu;
	uint32_t high = get(n, (QUERY_ERASE_SIZE + 1u) * WORD) & 0xffu;

	return 2u * 256u * (high << 8 | low);
}

int cfi_nor_start(struct cfi_nor *n, const struct cfi_bus *bus, uint32_t sector_size,
	uint32_t count, struct flash *out)
{
	const struct flash_geometry g = { sector_size, count, WORD, CFI_NOR_PAGE };
	int status = ST_OK;

	memset(n, 0, sizeof(*n));
	n->bus = *bus;
	n->sector_size = sector_size;
	put(n, 0, BOTH(CFI_READ_ARRAY));
	put(n, 0x55u * WORD, BOTH(CFI_QUERY));
	if (!chips_answer(n))
		status = ST_MISSING;
	else if (sector_size_said(n) != sector_size)
		status = ST_FOREIGN;
	put(n, 0, BOTH(CFI_READ_ARRAY));
	*out = (struct flash){ &ops, n, g };
	return status;
}
