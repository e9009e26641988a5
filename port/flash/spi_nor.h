/* SPDX-License-Identifier: BSD-2-Clause */
/* spi_nor - serial NOR flash, the kind with eight pins: 3-octet addresses (up to 16 MiB),
 * pages of 256 octets, sectors of 4 KiB.  A skeleton: right for most chips, to be held
 * against the data sheet of yours.
 *
 * The board gives three functions.  A transaction is select, any number of exchanges,
 * deselect; `exchange` clocks len octets out and in at once, `out` NULL sends 0xff, `in`
 * NULL drops what arrives.  pause_us waits at least that long.
 *
 * A program waits for the chip: 0.4 to 3 ms a page, at most SPI_NOR_PROGRAM_US.  An erase
 * (45 to 400 ms) is begun and asked about; a read or program meanwhile suspends it (0x75) and
 * resumes it (0x7a).  Chips without these two commands ignore them: then `suspends` is false
 * at start, and reads and programs wait for the end of the erase, up to SPI_NOR_ERASE_US: a
 * step of Pipit is that much longer, and the watchdog must allow it.
 */
#ifndef PIPIT_FLASH_SPI_NOR_H
#define PIPIT_FLASH_SPI_NOR_H

#include <stdbool.h>

#include "sys/flash.h"

#define SPI_NOR_PAGE 256u
#define SPI_NOR_SECTOR 4096u
#define SPI_NOR_PROGRAM_US 5000u
#define SPI_NOR_SUSPEND_US 1000u
#define SPI_NOR_ERASE_US 500000u

struct spi_bus {
	void (*select)(void *ctx, bool on);
	void (*exchange)(void *ctx, const uint8_t *out, uint8_t *in, size_t len);
	void (*pause_us)(void *ctx, uint32_t us);
	void *ctx;
};

struct spi_nor {
	struct spi_bus bus;
	bool suspends;  /* the chip knows erase suspend */
	bool erasing;   /* begun, and erase_done has not said the end of it */
	bool suspended; /* by us, for a read or program */
	uint8_t id[3];  /* maker, kind, log2 of the size, as the chip says */
};

/* Asks for the chip's identity and takes all of it; suspends: see above.  ST_OK;
 * ST_MISSING: nothing answers; ST_FOREIGN: its size is not one of a 3-octet address. */
int spi_nor_start(struct spi_nor *n, const struct spi_bus *bus, bool suspends, struct flash *out);

#endif
