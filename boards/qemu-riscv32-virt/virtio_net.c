/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet over virtio: each frame has a header of 12 octets in front, all zeros from us. */
#include "bare/ether.h"
#include "virtio.h"

#include <string.h>

#define HEADER_LEN 12u
#define ROOM 1536u

enum { RECEIVED = 0, SENT = 1 };

static struct {
	volatile uint32_t *registers;
	struct virtio_queue in, out;
	bool under_way[VIRTIO_SLOTS]; /* slots of `out` */
	uint8_t in_octets[VIRTIO_SLOTS * ROOM];
	uint8_t out_octets[VIRTIO_SLOTS * ROOM];
} net;

void ether_start(uint8_t mac[6])
{
	unsigned i;

	memset(mac, 0, 6);
	net.registers = virtio_find(VIRTIO_NET);
	if (net.registers == NULL)
		return;
	for (i = 0; i < 6; i++)
		mac[i] = virtio_config(net.registers, i);
	virtio_queue_start(&net.in, net.registers, RECEIVED, net.in_octets, ROOM, true);
	virtio_queue_start(&net.out, net.registers, SENT, net.out_octets, ROOM, false);
	virtio_ready(net.registers);
	for (i = 0; i < VIRTIO_SLOTS; i++)
		virtio_offer(&net.in, (uint16_t)i, ROOM);
}

uint16_t ether_receive(uint8_t *frame, uint16_t size)
{
	uint16_t slot;
	uint32_t len;

	if (net.registers == NULL || !virtio_take(&net.in, &slot, &len))
		return 0;
	len = len > HEADER_LEN && len <= ROOM ? len - HEADER_LEN : 0;
	len = len < size ? len : size;
	memcpy(frame, net.in_octets + slot * ROOM + HEADER_LEN, len);
	virtio_offer(&net.in, slot, ROOM);
	return (uint16_t)len;
}

bool ether_send(const uint8_t *frame, uint16_t len)
{
	uint16_t slot;
	uint32_t unused;

	if (net.registers == NULL || len > ETHER_FRAME_MAX)
		return false;
	while (virtio_take(&net.out, &slot, &unused))
		net.under_way[slot] = false;
	for (slot = 0; slot < VIRTIO_SLOTS && net.under_way[slot]; slot++)
		;
	if (slot == VIRTIO_SLOTS)
		return false;
	net.under_way[slot] = true;
	memset(net.out_octets + slot * ROOM, 0, HEADER_LEN);
	memcpy(net.out_octets + slot * ROOM + HEADER_LEN, frame, len);
	virtio_offer(&net.out, slot, HEADER_LEN + len);
	return true;
}

bool ether_link(void)
{
	return net.registers != NULL;
}
