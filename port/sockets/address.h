/* SPDX-License-Identifier: BSD-2-Clause */
/* address - an ip_endpoint as the socket calls want it, and back.  Pure. */
#ifndef PIPIT_SOCKETS_ADDRESS_H
#define PIPIT_SOCKETS_ADDRESS_H

#include "base/ip.h"
#include "sockets_os.h"

union sockets_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

/* Its length; the endpoint is IPv4 or IPv6. */
socklen_t sockets_address_make(union sockets_address *a, const struct ip_endpoint *e);

/* Family 0 for what has no IP address: the control line's UNIX socket. */
void sockets_address_take(struct ip_endpoint *e, const union sockets_address *a);

/* AF_INET or AF_INET6. */
int sockets_family(const struct ip_endpoint *e);

#endif
