/* SPDX-License-Identifier: BSD-2-Clause */
/* format - makes an empty queue.
 *
 * First a FORMATTING mark in the last sector, then all others are erased, then
 * the journal's first sector is written: while the newest thing is the mark,
 * mount formats again.  Old sectors that an erase left as they were are
 * obsolete by their generations.
 */
#ifndef PIPIT_QUEUE_FORMAT_H
#define PIPIT_QUEUE_FORMAT_H

#include "base/status.h"
#include "sys/flash.h"

#include <stdbool.h>

/* gen must be after every generation on the device; id_next is the first id.  marked: the
 * last sector has the mark of a format that was cut, and keeps it: were it erased to be
 * written again, a cut in between would leave neither a mark nor a journal. */
enum status format_write(const struct flash *f, uint32_t gen, uint32_t id_next, bool marked);

#endif
