/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop and the sync thread at work together, under TSan: programs, syncs that overlap
 * them, completions through the event, a stop in the middle of a sync. */
#include "posix/flash_file.h"

#include "base/check.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE (1u << 20)
#define ROUNDS 200u
#define WRITES 8u
#define REOPENS 5u

static unsigned syncs;

static void write_some(const struct flash *flash, unsigned round)
{
	uint8_t octets[512];
	unsigned i;

	memset(octets, (int)(round & 0xffu), sizeof(octets));
	for (i = 0; i < WRITES; i++) {
		uint32_t at = ((round * WRITES + i) * (uint32_t)sizeof(octets)) % SIZE;

		CHECK(flash->ops->program(flash->ctx, at, octets, sizeof(octets)) == 0);
	}
}

/* As the loop does: a sync is begun, writing goes on, its end is seen by the event. */
static void work(struct flash_file *f)
{
	const struct flash flash = flash_file_flash(f);
	struct pollfd event = { flash_file_event_fd(f), POLLIN, 0 };
	unsigned round;
	int done = 1;

	for (round = 0; round < ROUNDS; round++) {
		write_some(&flash, round);
		if (done == 1)
			CHECK(flash.ops->sync_begin(flash.ctx) == 0);
		syncs += done == 1;
		if (poll(&event, 1, round % 2 == 0 ? 0 : 1000) > 0)
			flash_file_clear(f);
		done = flash.ops->sync_done(flash.ctx);
		CHECK(done >= 0);
		CHECK(flash_file_error(f) == 0);
	}
}

int main(void)
{
	char folder[] = "/tmp/pipit-tsan-XXXXXX";
	char path[64], why[256];
	struct flash_file f;
	unsigned i;

	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/queue", folder);
	for (i = 0; i < REOPENS; i++) {
		CHECK(flash_file_open(&f, path, SIZE, FLASH_FILE_DAEMON, why, sizeof(why)) == 0);
		work(&f);
		flash_file_close(&f);
	}
	unlink(path);
	rmdir(folder);
	printf("%u syncs beside %u writes\n", syncs, REOPENS * ROUNDS * WRITES);
	return 0;
}
