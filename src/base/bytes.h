/* SPDX-License-Identifier: BSD-2-Clause */
/* bytes - explicit load and store of integers: little endian on flash, big endian on the wire. */
#ifndef PIPIT_BASE_BYTES_H
#define PIPIT_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

/* One instruction or two where unaligned words may be accessed: gcc finds that out
 * for loads, but after it has decided to make them functions; for stores it does not. */
#define BYTES_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define BYTES_INLINE __attribute__((always_inline)) static inline

BYTES_INLINE uint16_t load_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | (p[1] << 8));
}

BYTES_INLINE uint32_t load_le32(const uint8_t *p)
{
	return p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16) | ((uint32_t)p[3] << 24);
}

BYTES_INLINE void store_le16(uint8_t *p, uint16_t v)
{
	if (BYTES_LITTLE_ENDIAN) {
		memcpy(p, &v, sizeof(v));
		return;
	}
	p[0] = (uint8_t)(v & 0xffu);
	p[1] = (uint8_t)(v >> 8);
}

BYTES_INLINE void store_le32(uint8_t *p, uint32_t v)
{
	if (BYTES_LITTLE_ENDIAN) {
		memcpy(p, &v, sizeof(v));
		return;
	}
	store_le16(p, (uint16_t)(v & 0xffffu));
	store_le16(p + 2, (uint16_t)(v >> 16));
}

BYTES_INLINE uint16_t load_be16(const uint8_t *p)
{
	return (uint16_t)((p[0] << 8) | p[1]);
}

BYTES_INLINE uint32_t load_be32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

BYTES_INLINE void store_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)(v & 0xffu);
}

#endif
