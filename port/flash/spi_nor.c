/* SPDX-License-Identifier: BSD-2-Clause */
#include "flash/spi_nor.h"

#include "base/status.h"

#include <string.h>

enum command {
	SPI_PAGE_PROGRAM = 0x02,
	SPI_READ = 0x03,
	SPI_READ_STATUS = 0x05,
	SPI_WRITE_ENABLE = 0x06,
	SPI_SECTOR_ERASE = 0x20,
	SPI_SUSPEND = 0x75,
	SPI_RESUME = 0x7a,
	SPI_READ_ID = 0x9f
};

#define BUSY 0x01u          /* of the status */
#define WRITE_ENABLED 0x02u /* and this: without it the next write is ignored */
#define LOOK_US 50u         /* between two looks at a busy chip */
#define SIZE_LOG2_MIN 16u
#define SIZE_LOG2_MAX 24u

/* ---- Commands --------------------------------------------------------------------------- */

static void begin(const struct spi_nor *n, const uint8_t *head, size_t len)
{
	n->bus.select(n->bus.ctx, true);
	n->bus.exchange(n->bus.ctx, head, NULL, len);
}

static void end(const struct spi_nor *n)
{
	n->bus.select(n->bus.ctx, false);
}

static void say(const struct spi_nor *n, uint8_t command)
{
	begin(n, &command, 1);
	end(n);
}

static void begin_at(const struct spi_nor *n, uint8_t command, uint32_t at)
{
	const uint8_t head[4] = { command, (uint8_t)(at >> 16), (uint8_t)(at >> 8), (uint8_t)at };

	begin(n, head, sizeof(head));
}

static uint8_t status_now(const struct spi_nor *n)
{
	const uint8_t command = SPI_READ_STATUS;
	uint8_t status = 0;

	begin(n, &command, 1);
	n->bus.exchange(n->bus.ctx, NULL, &status, 1);
	end(n);
	return status;
}

static int wait_ready(const struct spi_nor *n, uint32_t limit_us)
{
	uint32_t us;

	for (us = 0; us <= limit_us; us += LOOK_US) {
		if ((status_now(n) & BUSY) == 0)
			return ST_OK;
		n->bus.pause_us(n->bus.ctx, LOOK_US);
	}
	return ST_IO;
}

/* A chip that is write-protected, or not there any more, does not say so: this asks. */
static int enable_write(const struct spi_nor *n)
{
	say(n, SPI_WRITE_ENABLE);
	return (status_now(n) & WRITE_ENABLED) != 0 ? ST_OK : ST_IO;
}

/* ---- Erasing, and what comes between ---------------------------------------------------- */

/* Leaves the chip ready for a read or a program. */
static int pause_erase(struct spi_nor *n)
{
	if (!n->erasing || (status_now(n) & BUSY) == 0)
		return ST_OK;
	if (!n->suspends)
		return wait_ready(n, SPI_NOR_ERASE_US);
	say(n, SPI_SUSPEND);
	n->suspended = true;
	return wait_ready(n, SPI_NOR_SUSPEND_US);
}

/* Resuming an erase that ended while we were about to suspend it does nothing. */
static void resume_erase(struct spi_nor *n)
{
	if (n->suspended)
		say(n, SPI_RESUME);
	n->suspended = false;
}

static int spi_erase_begin(void *ctx, uint32_t sector)
{
	struct spi_nor *n = ctx;
	int status = enable_write(n);

	if (status != ST_OK)
		return status;
	begin_at(n, SPI_SECTOR_ERASE, sector * SPI_NOR_SECTOR);
	end(n);
	n->erasing = true;
	return ST_OK;
}

static int spi_erase_done(void *ctx)
{
	struct spi_nor *n = ctx;

	if (!n->erasing)
		return ST_IO;
	n->erasing = (status_now(n) & BUSY) != 0;
	return n->erasing ? 0 : 1;
}

/* ---- Reading and programming ------------------------------------------------------------ */

static int spi_read(void *ctx, uint32_t at, void *to, size_t len)
{
	struct spi_nor *n = ctx;
	int status = pause_erase(n);

	if (status == ST_OK) {
		begin_at(n, SPI_READ, at);
		n->bus.exchange(n->bus.ctx, NULL, to, len);
		end(n);
	}
	resume_erase(n);
	return status;
}

static int program_page(const struct spi_nor *n, uint32_t at, const uint8_t *from, size_t len)
{
	int status = enable_write(n);

	if (status != ST_OK)
		return status;
	begin_at(n, SPI_PAGE_PROGRAM, at);
	n->bus.exchange(n->bus.ctx, from, NULL, len);
	end(n);
	return wait_ready(n, SPI_NOR_PROGRAM_US);
}

static int spi_program(void *ctx, uint32_t at, const void *from, size_t len)
{
	struct spi_nor *n = ctx;
	int status = pause_erase(n);

	if (status == ST_OK)
		status = program_page(n, at, from, len);
	resume_erase(n);
	return status;
}

static int spi_sync_begin(void *ctx)
{
	(void)ctx;
	return ST_OK;
}

static int spi_sync_done(void *ctx)
{
	(void)ctx;
	return 1;
}

static const struct flash_ops ops = {
	spi_read,
	spi_program,
	spi_erase_begin,
	spi_erase_done,
	spi_sync_begin,
	spi_sync_done,
};

/* ---- Start ------------------------------------------------------------------------------ */

int spi_nor_start(struct spi_nor *n, const struct spi_bus *bus, bool suspends, struct flash *out)
{
	const uint8_t command = SPI_READ_ID;
	uint8_t size_log2;

	memset(n, 0, sizeof(*n));
	n->bus = *bus;
	n->suspends = suspends;
	/* A reset of the processor alone may have left an erase running, or suspended. */
	say(n, SPI_RESUME);
	if (wait_ready(n, SPI_NOR_ERASE_US) != ST_OK)
		return ST_MISSING;
	begin(n, &command, 1);
	n->bus.exchange(n->bus.ctx, NULL, n->id, sizeof(n->id));
	end(n);
	if (n->id[0] == 0x00 || n->id[0] == 0xff)
		return ST_MISSING;
	size_log2 = n->id[2];
	if (size_log2 < SIZE_LOG2_MIN || size_log2 > SIZE_LOG2_MAX)
		return ST_FOREIGN;
	*out = (struct flash){ &ops, n,
		{ SPI_NOR_SECTOR, (1u << size_log2) / SPI_NOR_SECTOR, 1, SPI_NOR_PAGE } };
	return ST_OK;
}
