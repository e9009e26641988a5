/* SPDX-License-Identifier: BSD-2-Clause */
/* storing - one message on its way from the wire into the queue.
 *
 * Works on an inbound slot: its writer, its header filter, and the octets
 * between them.  A failure is kept in in->failed and told at the message's end;
 * what it took is given back at once.  Functions that return bool return false
 * while flash is busy: call again after a step.
 */
#ifndef PIPIT_APP_STORING_H
#define PIPIT_APP_STORING_H

#include "app/inbound.h"

/* ST_OK: a writer is open; ST_AGAIN: wait for flash; else why not. */
enum status storing_open(struct core *c, struct inbound *in);
bool storing_envelope(struct core *c, struct inbound *in);

/* Stores a piece of the body through the header filter; *took: how much of it. */
bool storing_body(struct core *c, struct inbound *in, struct span body, size_t *took);

/* The last octets of the body, then what goes before it: Received, and a missing Date or
 * Message-ID of a local client. */
bool storing_finish(struct core *c, struct inbound *in);

/* ST_OK: in->message and in->ticket are set, the writer is gone. */
enum status storing_commit(struct core *c, struct inbound *in);

/* The message will be refused with r once its end is seen. */
void storing_fail(struct core *c, struct inbound *in, const struct reply *r);
void storing_abort(struct core *c, struct inbound *in);

/* How this client's senders are rewritten: masquerade, or its device line. */
struct header_rewrite storing_rewrite(struct core *c, const struct inbound *in);

#endif
