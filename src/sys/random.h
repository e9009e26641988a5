/* SPDX-License-Identifier: BSD-2-Clause */
/* random - unpredictable octets from the port (DNS ids and ports, seeds). */
#ifndef PIPIT_SYS_RANDOM_H
#define PIPIT_SYS_RANDOM_H

#include <stddef.h>

struct random {
	void (*fill)(void *ctx, void *to, size_t len); /* never fails, never waits */
	void *ctx;
};

#endif
