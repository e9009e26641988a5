/* SPDX-License-Identifier: BSD-2-Clause */
/* panic - our own mistake on a board: note where, reset, tell it in the next start's log.
 *
 * The note stands in memory that no start-up clears (section .noinit) and has a checksum,
 * since after a power cut anything may stand there.  check_failed (base/check.h) ends here.
 */
#ifndef PIPIT_BARE_PANIC_H
#define PIPIT_BARE_PANIC_H

#include <stdbool.h>

#include "base/buf.h"

/* where: a file or a sentence, its last 40 octets are kept; number: a line or an address. */
_Noreturn void panic(const char *where, uint32_t number);

/* Puts "WHERE:NUMBER" of the panic that ended the last run, once; false: none did. */
bool panic_last(struct buf *out);

#endif
