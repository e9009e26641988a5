/* SPDX-License-Identifier: BSD-2-Clause */
/* The Ethernet controller of the Stellaris parts, polled.  Register names are the data sheet's. */
#include "bare/ether.h"

#include <string.h>

#define REG(offset) (*(volatile uint32_t *)(uintptr_t)(0x40048000u + (offset)))
#define MACRIS REG(0x00)
#define MACRCTL REG(0x08)
#define MACTCTL REG(0x0c)
#define MACDATA REG(0x10)
#define MACIA0 REG(0x14)
#define MACIA1 REG(0x18)
#define MACTHR REG(0x1c)
#define MACNP REG(0x34)
#define MACTR REG(0x38)
#define RCGC2 (*(volatile uint32_t *)(uintptr_t)0x400fe108u)
#define RCGC2_ETHERNET ((1u << 30) | (1u << 28)) /* PHY and MAC */

#define RECEIVE_ON 0x01u
#define RECEIVE_FLUSH 0x10u
#define RECEIVE_BAD_CRC 0x08u /* reject it */
#define SEND_ON 0x17u         /* padded, with CRC, full duplex */

/* In front of a frame its length, which counts itself when received; behind it the CRC. */
#define LENGTH_LEN 2u
#define CRC_LEN 4u
#define HEADER_LEN 14u /* a frame to be sent has a length without it */

void ether_start(uint8_t mac[6])
{
	uint32_t low, high;

	RCGC2 |= RCGC2_ETHERNET;
	/* QEMU's option mac= is there from the start; a product has it in its USER_REG. */
	low = MACIA0;
	high = MACIA1;
	memcpy(mac, &low, 4);
	memcpy(mac + 4, &high, 2);
	MACIA0 = low;
	MACIA1 = high;
	MACTHR = 0x3f; /* begin to send when we say so */
	MACTCTL = SEND_ON;
	MACRCTL = RECEIVE_FLUSH;
	MACRCTL = RECEIVE_ON | RECEIVE_BAD_CRC;
}

/* Puts the octets of a word behind the first `skip` of the frame's stream where they belong. */
static void keep(uint8_t *frame, uint32_t size, uint32_t at, uint32_t word, uint32_t from)
{
	uint32_t i;

	for (i = from; i < 4u; i++) {
		if (at + i - from < size)
			frame[at + i - from] = (uint8_t)(word >> (8u * i));
	}
}

uint16_t ether_receive(uint8_t *frame, uint16_t size)
{
	uint32_t word, total, len, at;

	if ((MACNP & 0x3fu) == 0)
		return 0;
	word = MACDATA;
	total = word & 0xffffu;
	len = total > LENGTH_LEN + CRC_LEN ? total - LENGTH_LEN - CRC_LEN : 0;
	len = len < size ? len : size;
	keep(frame, len, 0, word, LENGTH_LEN);
	for (at = 4; at < total; at += 4)
		keep(frame, len, at - LENGTH_LEN, MACDATA, 0);
	return (uint16_t)len;
}

bool ether_send(const uint8_t *frame, uint16_t len)
{
	uint32_t word, at = LENGTH_LEN;

	if ((MACTR & 1u) != 0 || len < HEADER_LEN || len > ETHER_FRAME_MAX)
		return false;
	MACDATA = (uint32_t)(len - HEADER_LEN) | (uint32_t)frame[0] << 16 |
		(uint32_t)frame[1] << 24;
	while (at < len) {
		uint32_t left = len - at;

		word = 0;
		memcpy(&word, frame + at, left < 4u ? left : 4u);
		MACDATA = word;
		at += 4u;
	}
	MACTR = 1;
	return true;
}

/* The PHY could be asked through the MII registers; QEMU's has nothing to say. */
bool ether_link(void)
{
	return true;
}
