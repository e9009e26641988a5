/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_rot - a queue that was used, then damaged: bits, octets, lost and misdirected writes.
 * What verifies is what was written, and mail that is accepted afterwards is safe.
 *
 * The damage is of chosen places, never of chosen octets: a checksum is not forged. */
#include "fuzz/store.h"

#include <string.h>

#define DAMAGES_MAX 8u

static struct store s;
static uint8_t before[STORE_SIZE]; /* what was on the device once */

static void damage(struct span *in)
{
	const uint8_t kind = fuzz_u8(in);
	const uint32_t at = fuzz_u16(in) % STORE_SIZE, size = s.flash.geometry.sector_size;
	const uint8_t what = fuzz_u8(in);
	const uint32_t len = what < STORE_SIZE - at ? what : STORE_SIZE - at;
	const uint32_t sector = at / size * size;
	uint32_t i;

	switch (kind % 7) {
	case 0:
	case 1: s.mem[at] ^= (uint8_t)(1u << (what & 7)); break;
	case 2:
		for (i = 0; i < len; i++)
			s.mem[at + i] = (uint8_t)((at + i) * 2654435761u >> 13);
		break;
	case 3: memset(s.mem + at, kind & 8 ? 0 : 0xff, len); break;
	case 4: memcpy(s.mem + sector, before + sector, size); break;
	case 5:
		memmove(s.mem + what % (STORE_SIZE / size) * size, s.mem + sector, size);
		s.twins = true;
		break;
	default: memcpy(s.mem + at, before + at, len); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_log found, again;
	struct queue_stats stats;
	struct span in = span_make(data, size), history;
	const uint8_t options = fuzz_u8(&in), half = fuzz_u8(&in);
	unsigned damages = fuzz_u8(&in) % (DAMAGES_MAX + 1);

	store_init(&s, options);
	MUST(store_mount(&s) == ST_OK && s.report.formatted == 1);
	history = fuzz_take(&in, 2u * fuzz_u8(&in));
	store_work(&s, &history, half);
	memcpy(before, s.mem, sizeof(before));
	store_work(&s, &history, 256);
	if (options & 8)
		store_settle(&s);
	for (; damages > 0; damages--)
		damage(&in);
	s.accepted_count = 0;
	if (store_mount(&s) != ST_OK)
		return 0;
	store_look(&s, true);
	store_work(&s, &in, 256);
	store_settle(&s);
	store_check_accepted(&s);
	store_look(&s, true);
	store_note(&s, &found);
	/* Old copies that stand in for a lost sector may take up all the others, or what may be a
	 * missing message is kept in all that were free: then there is no room for the journal to
	 * go on, and mount says so. */
	queue_stats(&s.q, &stats);
	if (store_mount(&s) != ST_OK) {
		MUST(stats.free_sectors == 0 || s.report.rotten > 0);
		return 0;
	}
	store_check_accepted(&s);
	store_look(&s, true);
	store_note(&s, &again);
	fuzz_log_same(&found, &again);
	return 0;
}
