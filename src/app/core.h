/* SPDX-License-Identifier: BSD-2-Clause */
/* core - what the receiving and the sending side share: one of each, in struct pipit.
 *
 * The sides know each other only through this: a message accepted is a row in
 * `schedule`, a message sent is a record in `queue`.  `scratch` is anybody's
 * within one call; nothing in it survives a return to the loop.
 */
#ifndef PIPIT_APP_CORE_H
#define PIPIT_APP_CORE_H

#include "app/report.h"
#include "base/rng.h"
#include "conf/conf.h"
#include "dns/resolver.h"
#include "mail/dsn.h"
#include "mail/header.h"
#include "queue/queue.h"
#include "route/schedule.h"
#include "sys/world.h"

#define SCRATCH_SIZE DSN_PART_MAX

/* What is asked for most stands first. */
struct core {
	const struct pipit_world *world;
	struct instant now;
	uint32_t now_s;     /* whole seconds since the first step: long waits; does not wrap */
	uint32_t second_ms; /* now.mono_ms when now_s was counted up */
	bool started;       /* the first step has been made */
	bool stopping;      /* no new sessions, no new deliveries */
	bool queue_failed;  /* said once */
	bool reload_wanted;
	uint8_t conf_in_use;
	uint8_t conf_generation; /* changes with every reload */
	uint32_t session_next;   /* ids of sessions, for the log */
	const void *callback;    /* whose turn it is to call on_local; NULL: nobody's */
	struct rng rng;
	struct report report;
	struct schedule schedule;
	struct conf conf[CONFIG_CONF_COPIES];
	struct queue queue;
	struct resolver resolver;
	uint8_t scratch[SCRATCH_SIZE];
};

/* The configuration in force.  Not to be kept across a return to the loop. */
static inline const struct conf *core_conf(const struct core *c)
{
	return &c->conf[CONFIG_CONF_COPIES > 1 ? c->conf_in_use : 0];
}

/* Ours by name: hostname or a local domain.  ctx is a struct core. */
bool core_is_local(void *ctx, struct span domain);
bool core_is_own_host(void *ctx, struct span host);

/* How the configuration rewrites senders: a device's address, or masquerade. */
struct header_rewrite core_rewrite(struct core *c, struct span device_from);

/* When the wall clock will show at_s, in core's seconds: now if it does already; INSTANT_NEVER
 * while no clock tells, and for 0. */
uint32_t core_when_s(const struct core *c, uint32_t at_s);

/* The same for the end of what began at from_s.  If that is still to come, it was written while
 * the clock ran ahead, and says nothing: INSTANT_NEVER. */
uint32_t core_end_s(const struct core *c, uint32_t from_s, uint32_t end_s);

/* Wall time now, or 0 while it is not known. */
uint32_t core_wall_s(const struct core *c);

/* The device line for this client, or NULL. */
#if CONFIG_LEGACY_DEVICES
const struct conf_device *core_device(const struct core *c, const struct ip *peer);
#else
static inline const struct conf_device *core_device(const struct core *c, const struct ip *peer)
{
	(void)c;
	(void)peer;
	return NULL;
}
#endif

#endif
