/* SPDX-License-Identifier: BSD-2-Clause */
/* world - the machine as Pipit sees it: everything the port hands to pipit_init. */
#ifndef PIPIT_SYS_WORLD_H
#define PIPIT_SYS_WORLD_H

#include "base/ip.h"
#include "sys/blob.h"
#include "sys/flash.h"
#include "sys/hooks.h"
#include "sys/log.h"
#include "sys/mailbox.h"
#include "sys/net.h"
#include "sys/random.h"

#define WORLD_DNS_SERVERS 3u /* as many as resolv.conf(5) may name */

/* It and what it points to outlive the pipit. */
struct pipit_world {
	struct net net;
	struct flash flash;
	struct random random;
	struct log log;
	struct mailbox mailbox; /* .begin NULL: no local delivery */
	struct blob blob;       /* .read NULL: no aliases file */
	struct pipit_hooks hooks;
	struct span hostname; /* the system's, for a configuration without one */
	struct span base_dir; /* where relative paths of the configuration start */
	/* Servers to ask when the configuration names none (resolv.conf, DHCP). */
	struct ip_endpoint dns_server[WORLD_DNS_SERVERS];
	uint8_t dns_server_count;
	int control; /* listening handle of the control line, or -1 */
};

#endif
