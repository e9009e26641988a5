/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU's RISC-V `virt`: its timer, UART, real-time clock, flash and entropy. */
#include "bare/machine.h"

#include "base/status.h"

#include "bare/panic.h"
#include "bare/start.h"
#include "flash/cfi_nor.h"
#include "pipit_config.h"
#include "virtio.h"

#define WORD(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define OCTET(address) (*(volatile uint8_t *)(uintptr_t)(address))

#define TEST 0x00100000u /* a word written here ends or resets the machine */
#define TEST_OFF 0x5555u
#define TEST_RESET 0x7777u
#define RTC_LOW WORD(0x00101000) /* nanoseconds since 1970; reading it keeps the high word */
#define RTC_HIGH WORD(0x00101004)
#define MTIMECMP_LOW WORD(0x02004000)
#define MTIMECMP_HIGH WORD(0x02004004)
#define MTIME_LOW WORD(0x0200bff8)
#define MTIME_HIGH WORD(0x0200bffc)
#define MTIME_IN_MS 10000u
#define UART_DATA OCTET(0x10000000)
#define UART_LINE_STATUS OCTET(0x10000005)
#define UART_RECEIVED 0x01u
#define UART_SENT 0x20u
#define FLASH 0x22000000u /* the second of two: 32 MiB */
#define SECTOR (256u * 1024u)
#define MIE_TIMER 0x80u

static struct cfi_nor nor;
#define ENTROPY_BLOCK 64u
#define ENTROPY_LOOKS 10000000u

static struct {
	volatile uint32_t *registers; /* NULL: there is no source of entropy */
	struct virtio_queue queue;
	uint8_t octets[VIRTIO_SLOTS * 64u];
	uint8_t stock[ENTROPY_BLOCK];
	uint32_t left; /* octets of stock that nobody had */
} entropy;

/* ---- Start, and traps ----------------------------------------------------------------------- */

__attribute__((used)) static _Noreturn void trap(uint32_t cause, uint32_t at)
{
	(void)cause;
	panic("processor trap", at);
}

__attribute__((naked, aligned(4))) static void on_trap(void)
{
	__asm__ volatile(".option push\n"
			 ".option arch, +zicsr\n"
			 "csrr a0, mcause\n"
			 "csrr a1, mepc\n"
			 "j trap\n"
			 ".option pop");
}

/* The first instruction of all. */
__attribute__((naked, used, section(".vectors"))) void reset(void)
{
	__asm__ volatile(".option push\n"
			 ".option norelax\n"
			 "la gp, __global_pointer$\n"
			 ".option pop\n"
			 "la sp, __stack_end\n"
			 "j bare_start");
}

static void start_entropy(void)
{
	entropy.registers = virtio_find(VIRTIO_ENTROPY);
	if (entropy.registers == NULL)
		return;
	virtio_queue_start(&entropy.queue, entropy.registers, 0, entropy.octets, 64u, true);
	virtio_ready(entropy.registers);
	virtio_offer(&entropy.queue, 0, ENTROPY_BLOCK);
}

void machine_start(void)
{
	/* Traps come to on_trap; of interrupts only the timer's, to end a sleep, never taken. */
	__asm__ volatile(".option push\n"
			 ".option arch, +zicsr\n"
			 "csrw mtvec, %0\n"
			 "csrw mie, %1\n"
			 ".option pop" ::"r"(on_trap),
		"r"(MIE_TIMER));
	start_entropy();
}

/* There is no watchdog: a real board's is fed here. */
void machine_watchdog(void) {}

/* ---- Time ----------------------------------------------------------------------------------- */

static uint64_t mtime(void)
{
	uint32_t high, low;

	do {
		high = MTIME_HIGH;
		low = MTIME_LOW;
	} while (high != MTIME_HIGH);
	return (uint64_t)high << 32 | low;
}

uint32_t machine_now_ms(void)
{
	return (uint32_t)(mtime() / MTIME_IN_MS);
}

/* Instructions executed. */
uint32_t machine_ticks(void)
{
	uint32_t count;

	__asm__ volatile(".option push\n"
			 ".option arch, +zicsr\n"
			 "csrr %0, minstret\n"
			 ".option pop"
			 : "=r"(count));
	return count;
}

bool machine_wall_s(uint32_t *wall_s)
{
	uint32_t low = RTC_LOW;
	uint64_t ns = (uint64_t)RTC_HIGH << 32 | low;

	*wall_s = (uint32_t)(ns / 1000000000u);
	return true;
}

void machine_sleep(void)
{
	uint64_t until = mtime() + MTIME_IN_MS;

	MTIMECMP_HIGH = UINT32_MAX;
	MTIMECMP_LOW = (uint32_t)until;
	MTIMECMP_HIGH = (uint32_t)(until >> 32);
	__asm__ volatile("wfi");
}

/* ---- Console and end ------------------------------------------------------------------------ */

int machine_read(void)
{
	return (UART_LINE_STATUS & UART_RECEIVED) == 0 ? -1 : UART_DATA;
}

bool machine_write(uint8_t octet)
{
	if ((UART_LINE_STATUS & UART_SENT) == 0)
		return false;
	UART_DATA = octet;
	return true;
}

_Noreturn void machine_reset(void)
{
	for (;;)
		WORD(TEST) = TEST_RESET;
}

_Noreturn void machine_off(void)
{
	for (;;)
		WORD(TEST) = TEST_OFF;
}

/* ---- Entropy -------------------------------------------------------------------------------- */

/* The device fills a block while the one before is used: only who wants many octets at once
 * has to wait for it. */
static void take_block(void)
{
	uint32_t i, got = 0, looks;
	uint16_t slot;

	for (looks = 0; looks < ENTROPY_LOOKS; looks++) {
		if (virtio_take(&entropy.queue, &slot, &got))
			break;
	}
	if (got == 0 || got > ENTROPY_BLOCK)
		panic("the source of entropy is silent", got);
	for (i = 0; i < got; i++)
		entropy.stock[i] = entropy.octets[i];
	entropy.left = got;
	virtio_offer(&entropy.queue, 0, ENTROPY_BLOCK);
}

void machine_random(void *to, size_t len)
{
	uint8_t *octets = to;

	if (entropy.registers == NULL)
		panic("no source of entropy", 0);
	for (; len > 0; len--) {
		if (entropy.left == 0)
			take_block();
		*octets++ = entropy.stock[--entropy.left];
		entropy.stock[entropy.left] = 0;
	}
}

/* ---- Flash ---------------------------------------------------------------------------------- */

static uint32_t bus_read(void *ctx, uint32_t at)
{
	(void)ctx;
	return WORD(FLASH + at);
}

static void bus_write(void *ctx, uint32_t at, uint32_t word)
{
	(void)ctx;
	WORD(FLASH + at) = word;
}

int machine_flash(struct flash *out)
{
	const struct cfi_bus bus = { bus_read, bus_write, NULL };

	return cfi_nor_start(&nor, &bus, SECTOR, CONFIG_QUEUE_SECTORS_MAX, out);
}

/* The one chip is the queue's, and its driver takes one erase at a time. */
int machine_settings(struct flash *out)
{
	(void)out;
	return ST_MISSING;
}
