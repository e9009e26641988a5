/* SPDX-License-Identifier: BSD-2-Clause */
/* blank_flash - erased flash of any size that costs memory only where it is written: to ask a
 * queue of some geometry what it would take, without a file. */
#ifndef PIPIT_CLI_BLANK_FLASH_H
#define PIPIT_CLI_BLANK_FLASH_H

#include <stdbool.h>

#include "sys/flash.h"

struct blank_flash {
	uint8_t *memory; /* complemented: fresh pages read as erased flash */
	size_t size;
	struct flash_geometry geometry;
};

bool blank_flash_open(struct blank_flash *b, const struct flash_geometry *g);
struct flash blank_flash_flash(struct blank_flash *b);
void blank_flash_close(struct blank_flash *b);

#endif
