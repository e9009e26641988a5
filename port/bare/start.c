/* SPDX-License-Identifier: BSD-2-Clause */
#include "bare/start.h"

#include "bare/machine.h"
#include "bare/depth.h"

#include <stdint.h>
#include <string.h>

/* sections.ld */
extern uint8_t __data_start[], __data_end[], __data_from[], __bss_start[], __bss_end[];
extern uint8_t __tls_start[];

/* The C library keeps errno in the one thread's own memory. */
void _set_tls(void *tls);

/* The paint stops well below this function's own frame. */
#define OWN_FRAMES 128u

_Noreturn void bare_start(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	depth_paint((uint32_t *)(here - OWN_FRAMES));
	memcpy(__data_start, __data_from, (size_t)(__data_end - __data_start));
	memset(__bss_start, 0, (size_t)(__bss_end - __bss_start));
	_set_tls(__tls_start);
	main();
	machine_reset();
}
