/* SPDX-License-Identifier: BSD-2-Clause */
#include "bare/depth.h"

#define PAINT 0x50495049u
#define GUARD 0x47554152u

/* sections.ld: the stack grows down from __stack_end. */
extern uint32_t __stack_start[], __stack_end[];

uint32_t depth_size(void)
{
	return (uint32_t)((uintptr_t)__stack_end - (uintptr_t)__stack_start);
}

uint32_t depth_most(void)
{
	const volatile uint32_t *at = __stack_start + 1;

	while (at < __stack_end && *at == PAINT)
		at++;
	return (uint32_t)((uintptr_t)__stack_end - (uintptr_t)at);
}

bool depth_guard_holds(void)
{
	return *(const volatile uint32_t *)__stack_start == GUARD;
}

void depth_break_guard(void)
{
	*(volatile uint32_t *)__stack_start = 0;
}

void depth_paint(uint32_t *top)
{
	volatile uint32_t *at = __stack_start;

	*at++ = GUARD;
	while (at < top)
		*at++ = PAINT;
}
