/* SPDX-License-Identifier: BSD-2-Clause */
/* talk - the conversation with a next hop: the client machine's questions, answered in
 * protocol order.
 *
 * A connection that has delivered one message takes the next for the same hop.
 */
#ifndef PIPIT_APP_TALK_H
#define PIPIT_APP_TALK_H

#include "app/delivery.h"

/* A bounded piece of work in OUTBOUND_TALK.  Milliseconds until it wants more. */
uint32_t talk_step(struct delivery *x);

#endif
