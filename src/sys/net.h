/* SPDX-License-Identifier: BSD-2-Clause */
/* net - what Pipit asks of TCP and UDP: handles, and calls that never wait.
 *
 * A handle is a small non-negative number chosen by the port.  ST_AGAIN means
 * "not now"; the port ends its wait for events when a handle becomes ready for
 * what `watch` last asked of it.  ST_FULL: no handle or descriptor is left.
 */
#ifndef PIPIT_SYS_NET_H
#define PIPIT_SYS_NET_H

#include "base/ip.h"

#include <stddef.h>

enum { NET_READ = 1, NET_WRITE = 2 };

struct net_ops {
	/* A listening handle, or ST_IO (address in use, no permission), ST_FULL, or
	 * ST_MISSING: this machine has no such address or no IPv6 at all. */
	int (*listen)(void *ctx, const struct ip_endpoint *local);
	/* A connection, or ST_AGAIN when none waits, ST_FULL, ST_IO. */
	int (*accept)(void *ctx, int listener, struct ip_endpoint *peer, struct ip_endpoint *local);
	/* A handle whose connection is being made, or ST_FULL, ST_IO (no route). */
	int (*connect)(void *ctx, const struct ip_endpoint *to);
	int (*connected)(void *ctx,
		int handle); /* ST_OK, ST_AGAIN, or ST_IO: refused or unreachable */
	int (*recv)(void *ctx, int handle, void *to,
		size_t len); /* count; 0: the peer has finished */
	int (*send)(void *ctx, int handle, const void *from, size_t len); /* count > 0 */
	/* Says "no more from us" and lets what was sent arrive; the handle is gone. */
	void (*close)(void *ctx, int handle);
	/* A datagram handle on a fresh unpredictable local port that talks to `to` only. */
	int (*datagram)(void *ctx, const struct ip_endpoint *to);
	/* The next wait shall end when the handle can do this (NET_READ | NET_WRITE, or 0). */
	void (*watch)(void *ctx, int handle, unsigned events);
};

struct net {
	const struct net_ops *ops;
	void *ctx;
};

#endif
