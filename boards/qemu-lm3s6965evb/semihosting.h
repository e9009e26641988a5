/* SPDX-License-Identifier: BSD-2-Clause */
/* semihosting - what QEMU does for a program that asks as if it were under a debugger: files.
 *
 * The LM3S6965's flash controller is not emulated, and it has no clock and no source of
 * entropy: files of the host stand in.  A product has its own driver in place of this.
 */
#ifndef BOARD_SEMIHOSTING_H
#define BOARD_SEMIHOSTING_H

#include <stdint.h>

#include "sys/flash.h"

/* The file flash.bin in the folder where QEMU was started plays the queue's flash: 16
 * sectors of 4 KiB, units of one octet.  ST_OK; ST_MISSING: no such file, or no debugger. */
int semihosting_flash(struct flash *out);

/* The file settings.bin likewise: two sectors. */
int semihosting_settings(struct flash *out);

/* The host's clock, and octets of its /dev/urandom. */
uint32_t semihosting_time(void);
void semihosting_random(void *to, size_t len);

_Noreturn void semihosting_exit(void);

#endif
