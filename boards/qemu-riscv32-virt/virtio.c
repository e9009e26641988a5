/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtio.h"

#define FIRST 0x10001000u
#define APART 0x1000u
#define COUNT 8u
#define MAGIC 0x74726976u

/* Registers, in words. */
enum {
	R_MAGIC = 0x000 / 4,
	R_VERSION = 0x004 / 4,
	R_KIND = 0x008 / 4,
	R_OUR_FEATURES = 0x020 / 4,
	R_OUR_FEATURES_SELECT = 0x024 / 4,
	R_QUEUE = 0x030 / 4,
	R_QUEUE_SLOTS = 0x038 / 4,
	R_QUEUE_READY = 0x044 / 4,
	R_NOTIFY = 0x050 / 4,
	R_STATUS = 0x070 / 4,
	R_DESCRIPTORS = 0x080 / 4,
	R_OFFERED = 0x090 / 4,
	R_USED = 0x0a0 / 4,
	R_CONFIG = 0x100 / 4
};

/* Of the status, one after the other. */
#define ACKNOWLEDGED 1u
#define HAS_DRIVER 2u
#define FEATURES_OK 8u
#define DRIVER_OK 4u

#define FEATURE_MAC (1u << 5)       /* of the low word; only a network device has it */
#define FEATURE_VERSION_1 (1u << 0) /* of the high word */
#define WRITTEN_BY_DEVICE 2u
#define NO_INTERRUPT 1u

static void barrier(void)
{
	__asm__ volatile("fence rw, rw" ::: "memory");
}

static uint32_t word_of(const volatile void *at)
{
	return (uint32_t)(uintptr_t)at;
}

static void start_device(volatile uint32_t *r, enum virtio_kind kind)
{
	r[R_STATUS] = 0;
	r[R_STATUS] = ACKNOWLEDGED;
	r[R_STATUS] = ACKNOWLEDGED | HAS_DRIVER;
	r[R_OUR_FEATURES_SELECT] = 0;
	r[R_OUR_FEATURES] = kind == VIRTIO_NET ? FEATURE_MAC : 0;
	r[R_OUR_FEATURES_SELECT] = 1;
	r[R_OUR_FEATURES] = FEATURE_VERSION_1;
	r[R_STATUS] = ACKNOWLEDGED | HAS_DRIVER | FEATURES_OK;
}

volatile uint32_t *virtio_find(enum virtio_kind kind)
{
	unsigned i;

	for (i = 0; i < COUNT; i++) {
		volatile uint32_t *r = (volatile uint32_t *)(uintptr_t)(FIRST + i * APART);

		if (r[R_MAGIC] != MAGIC || r[R_VERSION] != 2 || r[R_KIND] != (uint32_t)kind)
			continue;
		start_device(r, kind);
		return r;
	}
	return NULL;
}

void virtio_ready(volatile uint32_t *r)
{
	r[R_STATUS] = ACKNOWLEDGED | HAS_DRIVER | FEATURES_OK | DRIVER_OK;
}

void virtio_queue_start(struct virtio_queue *q, volatile uint32_t *r, uint16_t number,
	uint8_t *buffers, uint32_t room, bool written)
{
	uint32_t i;

	q->registers = r;
	q->number = number;
	q->seen = 0;
	q->offered.index = 0;
	q->offered.flags = NO_INTERRUPT;
	q->used.index = 0;
	for (i = 0; i < VIRTIO_SLOTS; i++) {
		q->descriptor[i].address = (uintptr_t)(buffers + i * room);
		q->descriptor[i].flags = written ? WRITTEN_BY_DEVICE : 0;
		q->descriptor[i].next = 0;
	}
	r[R_QUEUE] = number;
	r[R_QUEUE_SLOTS] = VIRTIO_SLOTS;
	r[R_DESCRIPTORS] = word_of(q->descriptor);
	r[R_DESCRIPTORS + 1] = 0;
	r[R_OFFERED] = word_of(&q->offered);
	r[R_OFFERED + 1] = 0;
	r[R_USED] = word_of(&q->used);
	r[R_USED + 1] = 0;
	r[R_QUEUE_READY] = 1;
}

void virtio_offer(struct virtio_queue *q, uint16_t slot, uint32_t len)
{
	q->descriptor[slot].len = len;
	q->offered.slot[q->offered.index % VIRTIO_SLOTS] = slot;
	barrier();
	q->offered.index++;
	barrier();
	q->registers[R_NOTIFY] = q->number;
}

bool virtio_take(struct virtio_queue *q, uint16_t *slot, uint32_t *len)
{
	uint16_t end = *(volatile uint16_t *)&q->used.index;

	if (q->seen == end)
		return false;
	barrier();
	*slot = (uint16_t)(q->used.entry[q->seen % VIRTIO_SLOTS].slot % VIRTIO_SLOTS);
	*len = q->used.entry[q->seen % VIRTIO_SLOTS].len;
	q->seen++;
	return true;
}

uint8_t virtio_config(volatile uint32_t *r, unsigned at)
{
	return ((volatile uint8_t *)(r + R_CONFIG))[at];
}
