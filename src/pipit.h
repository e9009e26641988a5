/* SPDX-License-Identifier: BSD-2-Clause */
/* pipit - a whole mail server as one value.
 *
 *	static struct pipit mta;                 all of its memory, a constant
 *
 *	pipit_init(&mta, &world, config, &where);
 *	for (;;) {
 *		wait_ms = pipit_step(&mta, now);
 *		wait until a handle is ready or wait_ms have passed
 *	}
 *
 * What it asks of the machine is `struct pipit_world`: sockets, flash, random
 * numbers, a log, hand-over to mailboxes; small structs of functions in sys/.
 * Two values are two servers; nothing is shared between them.  Nothing here
 * blocks, but pipit_init reads the queue's journal once (bounded by the flash's size)
 * and, on blank flash, formats it.
 *
 * The picture:
 *
 *   peers -> app/conn -> smtp/server -> app/inbound -> queue -> route/schedule
 *         -> app/outbound -> smtp/client -> app/conn -> peers
 */
#ifndef PIPIT_H
#define PIPIT_H

#include "base/instant.h"
#include "base/span.h"
#include "base/status.h"
#include "sys/world.h"

struct pipit;

/* What is wrong with a configuration, or with the queue at start. */
struct pipit_problem {
	uint32_t line;  /* 0: not about a line */
	char text[160]; /* NUL-terminated sentence */
};

/* Reads the configuration, opens listeners, mounts the queue.  ST_OK; ST_BAD: the
 * configuration (`where` says the first error; the log has all); ST_IO: a
 * listener or the flash; ST_FOREIGN: the flash holds something else.  On
 * failure nothing was started and no handle is open. */
enum status pipit_init(struct pipit *p, const struct pipit_world *world, struct span config,
	struct pipit_problem *where);

/* Does what can be done now, a bounded amount for each connection.  Returns
 * the milliseconds until it wants to be called again at the latest, a day at most; call
 * earlier when a watched handle is ready. */
uint32_t pipit_step(struct pipit *p, struct instant now);

/* Takes a new configuration without dropping a session.  ST_OK, ST_BAD (the old
 * one stays), or ST_MISSING: this build has room for one configuration only
 * (CONFIG_CONF_COPIES 1). */
enum status pipit_reload(struct pipit *p, struct span config, struct pipit_problem *where);

/* Asks it to end: no new sessions and deliveries; what is in flight is finished.
 * pipit_stopped tells when nothing is (the port then stops stepping; it should
 * give up after a bound of its own: nothing is lost). */
void pipit_stop(struct pipit *p);
bool pipit_stopped(const struct pipit *p);

/* The control line asked for a reload since the last call: read the
 * configuration again and call pipit_reload. */
bool pipit_wants_reload(struct pipit *p);

/* Closes all handles, without finishing anything. */
void pipit_close(struct pipit *p);

#include "pipit_state.h"

#endif
