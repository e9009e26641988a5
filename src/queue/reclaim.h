/* SPDX-License-Identifier: BSD-2-Clause */
/* reclaim - gets sectors back: copies what lives in one of them elsewhere.
 *
 * The victim is the sector with the least in use; a sector that is fully in use
 * is never one, so old mail pins only its own octets.  Until the victim is free
 * its extents exist twice; a power cut there leaves doubles, which mount finds
 * by counting octets, and which are dropped when their sector is reclaimed.
 */
#ifndef PIPIT_QUEUE_RECLAIM_H
#define PIPIT_QUEUE_RECLAIM_H

#include "base/status.h"
#include "queue/queue_state.h"

/* One bounded piece of work: ST_OK when there may be more to do at once,
 * ST_AGAIN when it waits for an erase or a sync, ST_MISSING when there is none. */
enum status reclaim_step(struct queue *q);

#endif
