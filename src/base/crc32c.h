/* SPDX-License-Identifier: BSD-2-Clause */
/* crc32c - the Castagnoli checksum (RFC 3720 appendix B.4), continued over pieces.
 *
 * Start with a seed (0 for the plain checksum), hand the result to the next
 * piece: crc32c(crc32c(0, a), b) == crc32c(0, a b).
 */
#ifndef PIPIT_BASE_CRC32C_H
#define PIPIT_BASE_CRC32C_H

#include "base/span.h"

uint32_t crc32c(uint32_t seed, struct span bytes);

#endif
