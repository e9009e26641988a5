/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio - a virtio device behind memory-mapped registers (version 2), polled: one buffer of a
 * fixed size for each slot of a queue (VIRTIO 1.1, 2.6 and 4.2). */
#ifndef BOARD_VIRTIO_H
#define BOARD_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTIO_SLOTS 16u

enum virtio_kind { VIRTIO_NET = 1, VIRTIO_ENTROPY = 4 };

struct virtio_descriptor {
	uint64_t address;
	uint32_t len;
	uint16_t flags, next;
};

struct virtio_queue {
	_Alignas(16) struct virtio_descriptor descriptor[VIRTIO_SLOTS];
	_Alignas(4) struct {
		uint16_t flags, index, slot[VIRTIO_SLOTS];
	} offered; /* by us */
	_Alignas(4) struct {
		uint16_t flags, index;
		struct {
			uint32_t slot, len;
		} entry[VIRTIO_SLOTS];
	} used;        /* by the device */
	uint16_t seen; /* entries of `used` that we have taken */
	uint16_t number;
	volatile uint32_t *registers;
};

/* The registers of the first device of a kind, reset and told what we can; NULL: none. */
volatile uint32_t *virtio_find(enum virtio_kind kind);

/* Gives a queue to the device, with `room` octets at buffers + i * room for slot i;
 * written: by the device. */
void virtio_queue_start(struct virtio_queue *q, volatile uint32_t *registers, uint16_t number,
	uint8_t *buffers, uint32_t room, bool written);

/* All queues are there: the device may begin. */
void virtio_ready(volatile uint32_t *registers);

/* Hands slot i with len octets to the device. */
void virtio_offer(struct virtio_queue *q, uint16_t slot, uint32_t len);

/* The next slot that the device has finished with, and what it wrote; false: none. */
bool virtio_take(struct virtio_queue *q, uint16_t *slot, uint32_t *len);

/* An octet of the device's configuration. */
uint8_t virtio_config(volatile uint32_t *registers, unsigned at);

#endif
