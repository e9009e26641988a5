/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/random.h"

#include "base/check.h"

#include <stdint.h>
#include <unistd.h>

#define PIECE_MAX 256u /* the most that getentropy gives at once */

/* Ids and ports that can be guessed are worse than none: a kernel without
 * random numbers is no place for Pipit. */
static void fill(void *ctx, void *to, size_t len)
{
	uint8_t *at = to;

	(void)ctx;
	while (len > 0) {
		size_t n = len < PIECE_MAX ? len : PIECE_MAX;

		CHECK(getentropy(at, n) == 0);
		at += n;
		len -= n;
	}
}

struct random random_system(void)
{
	return (struct random){ fill, NULL };
}
