/* SPDX-License-Identifier: BSD-2-Clause */
/* resume - what mount writes, so that the state found is the state on flash.
 *
 * All of it belongs to the batch that was the last one: should the power fail
 * again, that is still the last one, and mount begins anew.
 */
#ifndef PIPIT_QUEUE_RESUME_H
#define PIPIT_QUEUE_RESUME_H

#include "queue/journal.h"

/* last: the last record of the ring; torn: something was lost with the batches that
 * are unsafe.  ST_OK; ST_CORRUPT: no sector left that can be erased; ST_IO. */
enum status resume(struct queue *q, const struct journal_record *last, bool torn);

#endif
