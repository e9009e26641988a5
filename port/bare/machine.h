/* SPDX-License-Identifier: BSD-2-Clause */
/* machine - what a board without an operating system does for Pipit.
 *
 * Each board has these functions once; nothing here has a context, since the hardware is one.
 * None of them waits longer than it says.  With Ethernet a board has those of ether.h too.
 */
#ifndef PIPIT_BARE_MACHINE_H
#define PIPIT_BARE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/flash.h"

/* Clocks, UART, timer, source of entropy: everything below works afterwards. */
void machine_start(void);

/* Milliseconds since some start; wraps. */
uint32_t machine_now_ms(void);

/* A counter of the processor, for how long something took: its unit is in the README; wraps. */
uint32_t machine_ticks(void);

/* Unix time from a clock that runs without us; false: there is none, or it is not set. */
bool machine_wall_s(uint32_t *wall_s);

/* Sleeps until something may have happened, a millisecond or two at most. */
void machine_sleep(void);

/* The console: an octet that has arrived, or -1; and whether one was taken to be sent. */
int machine_read(void);
bool machine_write(uint8_t octet);

/* Unpredictable octets: DNS ids and ports hang on them.  Waits microseconds at most. */
void machine_random(void *to, size_t len);

/* The flash that is the queue's.  ST_OK or a negative status. */
int machine_flash(struct flash *out);

/* Two sectors of their own for pages/pages.h: not a part of machine_flash's chip, unless its
 * driver takes an erase while another runs.  ST_OK; ST_MISSING: there is no such place. */
int machine_settings(struct flash *out);

/* The loop has gone round: called at least every second, longest step and all. */
void machine_watchdog(void);

_Noreturn void machine_reset(void);

/* Ends an emulator; a real board resets. */
_Noreturn void machine_off(void);

#endif
