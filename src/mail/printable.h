/* SPDX-License-Identifier: BSD-2-Clause */
/* printable - a stranger's text, made harmless where we repeat it.
 *
 * Pure.  Every octet that is not printable ASCII becomes '?': no CR or LF that
 * starts a line of its own, no escape sequence, no 8-bit in a 7-bit field.
 */
#ifndef PIPIT_MAIL_PRINTABLE_H
#define PIPIT_MAIL_PRINTABLE_H

#include "base/buf.h"

void printable_put(struct buf *b, struct span s);

/* Whether nothing in s would be replaced. */
bool printable_ok(struct span s);

static inline bool printable_byte(uint8_t c)
{
	return c >= ' ' && c <= '~';
}

#endif
