/* SPDX-License-Identifier: BSD-2-Clause */
/* nor_make - an emulated device (sim/nor.h) with memory of its own. */
#ifndef PIPIT_TESTS_NOR_MAKE_H
#define PIPIT_TESTS_NOR_MAKE_H

#include "sim/nor.h"

#include <stdlib.h>

static inline void nor_make(struct nor *n, uint32_t sector, uint32_t count, uint16_t unit,
	uint16_t page)
{
	const struct flash_geometry g = { sector, count, unit, page };
	void *room = calloc(1, nor_room(&g));

	if (room == NULL)
		abort();
	nor_init(n, &g, room);
}

static inline void nor_free(struct nor *n)
{
	free(n->wear); /* stands first in the room */
}

#endif
