/* SPDX-License-Identifier: BSD-2-Clause */
/* The LM3S6965: clock, UART, SysTick, watchdog, faults.  Register names are the data sheet's. */
#include "bare/machine.h"

#include "bare/panic.h"
#include "bare/start.h"
#include "semihosting.h"

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define RCC REG(0x400fe060)
#define RCC_BYPASS (1u << 11)
#define RCC_SYSDIV(n) ((uint32_t)(n) << 23)
#define RCC_USESYSDIV (1u << 22)
#define RCGC0 REG(0x400fe100)
#define RCGC0_WDT (1u << 3)
#define RCGC1 REG(0x400fe104)
#define RCGC1_UART0 (1u << 0)

#define UART_DR REG(0x4000c000)
#define UART_FR REG(0x4000c018)
#define UART_FR_RXFE (1u << 4)
#define UART_FR_TXFF (1u << 5)
#define UART_IBRD REG(0x4000c024)
#define UART_FBRD REG(0x4000c028)
#define UART_LCRH REG(0x4000c02c)
#define UART_CTL REG(0x4000c030)

#define WDT_LOAD REG(0x40000000)
#define WDT_CTL REG(0x40000008)
#define WDT_ICR REG(0x4000000c)

#define SYST_CSR REG(0xe000e010)
#define SYST_RVR REG(0xe000e014)
#define SYST_CVR REG(0xe000e018)
#define ICSR REG(0xe000ed04)
#define ICSR_PENDSTSET (1u << 26)
#define AIRCR REG(0xe000ed0c)

#define CLOCK_HZ 50000000u
#define TICK (CLOCK_HZ / 1000u)
/* The first time-out of the watchdog only interrupts, the second resets. */
#define WATCHDOG_TICKS (2u * CLOCK_HZ)

static volatile uint32_t now_ms;

/* ---- Vectors -------------------------------------------------------------------------------- */

extern uint32_t __stack_end[];

void reset(void)
{
	bare_start();
}

static void on_tick(void)
{
	now_ms++;
}

/* The address of the instruction is the seventh word that the processor has pushed. */
__attribute__((used)) static _Noreturn void fault(const uint32_t *pushed)
{
	panic("processor fault", pushed[6]);
}

__attribute__((naked)) static void on_fault(void)
{
	__asm__ volatile("mrs r0, msp\n"
			 "b fault");
}

__attribute__((section(".vectors"), used)) static const struct {
	uint32_t *stack;
	void (*handler[15])(void);
} vectors = {
	__stack_end,
	{
		reset,
		on_fault,
		on_fault,
		on_fault,
		on_fault,
		on_fault, /* reset to usage fault */
		on_fault,
		on_fault,
		on_fault,
		on_fault,
		on_fault,
		on_fault,
		on_fault,
		on_fault,
		on_tick,
	},
};

/* ---- Start ---------------------------------------------------------------------------------- */

static void start_clock(void)
{
	/* 200 MHz of the PLL by 4. */
	RCC = (RCC & ~(RCC_SYSDIV(15) | RCC_BYPASS)) | RCC_SYSDIV(3) | RCC_USESYSDIV;
	SYST_RVR = TICK - 1u;
	SYST_CVR = 0;
	SYST_CSR = 7; /* the processor's clock, with interrupt */
}

static void start_uart(void)
{
	RCGC1 |= RCGC1_UART0;
	UART_IBRD = 27; /* 115200 baud: 50 MHz / (16 * 115200) = 27 + 8/64 */
	UART_FBRD = 8;
	UART_LCRH = 0x70; /* 8 bits, with FIFOs */
	UART_CTL = 0x301;
}

static void start_watchdog(void)
{
	RCGC0 |= RCGC0_WDT;
	WDT_LOAD = WATCHDOG_TICKS;
	WDT_CTL = 3;
}

void machine_start(void)
{
	start_clock();
	start_uart();
	start_watchdog();
}

void machine_watchdog(void)
{
	WDT_ICR = 1; /* also loads it anew */
}

/* ---- Time ----------------------------------------------------------------------------------- */

uint32_t machine_now_ms(void)
{
	return now_ms;
}

/* Clock cycles: those of whole milliseconds, and of the one under way. */
uint32_t machine_ticks(void)
{
	uint32_t ms, left;

	do {
		ms = now_ms;
		left = SYST_CVR;
	} while (ms != now_ms || (ICSR & ICSR_PENDSTSET) != 0);
	return ms * TICK + (TICK - 1u - left);
}

bool machine_wall_s(uint32_t *wall_s)
{
	*wall_s = semihosting_time();
	return true;
}

void machine_sleep(void)
{
	__asm__ volatile("wfi");
}

/* ---- Console, entropy, flash, end ----------------------------------------------------------- */

int machine_read(void)
{
	return (UART_FR & UART_FR_RXFE) != 0 ? -1 : (int)(UART_DR & 0xffu);
}

bool machine_write(uint8_t octet)
{
	if ((UART_FR & UART_FR_TXFF) != 0)
		return false;
	UART_DR = octet;
	return true;
}

void machine_random(void *to, size_t len)
{
	semihosting_random(to, len);
}

int machine_flash(struct flash *out)
{
	return semihosting_flash(out);
}

int machine_settings(struct flash *out)
{
	return semihosting_settings(out);
}

_Noreturn void machine_reset(void)
{
	AIRCR = 0x05fa0004;
	for (;;)
		__asm__ volatile("nop");
}

_Noreturn void machine_off(void)
{
	semihosting_exit();
}
