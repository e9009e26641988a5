/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/crc32c.h"

/* A table of 16 words: 64 bytes of flash, two look-ups an octet. */
static const uint32_t nibble[16] = {
	0x00000000u,
	0x105ec76fu,
	0x20bd8edeu,
	0x30e349b1u,
	0x417b1dbcu,
	0x5125dad3u,
	0x61c69362u,
	0x7198540du,
	0x82f63b78u,
	0x92a8fc17u,
	0xa24bb5a6u,
	0xb21572c9u,
	0xc38d26c4u,
	0xd3d3e1abu,
	0xe330a81au,
	0xf36e6f75u,
};

uint32_t crc32c(uint32_t seed, struct span bytes)
{
	uint32_t crc = ~seed;
	size_t i;

	for (i = 0; i < bytes.len; i++) {
		crc = (crc >> 4) ^ nibble[(crc ^ bytes.at[i]) & 15u];
		crc = (crc >> 4) ^ nibble[(crc ^ (uint32_t)(bytes.at[i] >> 4)) & 15u];
	}
	return ~crc;
}
