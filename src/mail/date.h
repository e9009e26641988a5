/* SPDX-License-Identifier: BSD-2-Clause */
/* date - Unix time as mail writes it, always UTC: "Tue, 24 Nov 2026 20:42:56 +0000" (RFC 5322 3.3).
 *
 * Pure.
 */
#ifndef PIPIT_MAIL_DATE_H
#define PIPIT_MAIL_DATE_H

#include "base/buf.h"

#define DATE_TEXT_MAX 32u

void date_put(struct buf *b, uint32_t wall_s);

#endif
