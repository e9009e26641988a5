/* SPDX-License-Identifier: BSD-2-Clause */
/* pipit_state - where struct pipit stands: all memory of an instance, one line for each user.
 *
 * Private to src/; a port declares the struct and looks no further.
 */
#ifndef PIPIT_STATE_H
#define PIPIT_STATE_H

#include "app/control.h"
#include "app/core.h"
#include "app/inbound.h"
#include "app/outbound.h"
#include "app/submission.h"

struct listener {
	bool open;
	int handle;
	struct ip_endpoint at;
};

struct pipit {
	struct core core;       /* configuration, queue, resolver, schedule, counters */
	struct sending sending; /* the sending side: a slot for each delivery */
	struct inbound inbound[CONFIG_SERVER_SESSIONS];
	struct submissions submissions;
	struct control_line control;
	struct listener listener[CONFIG_CONF_LISTENS];
};

#endif
