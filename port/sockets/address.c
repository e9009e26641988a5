/* SPDX-License-Identifier: BSD-2-Clause */
#include "sockets/address.h"

#include <string.h>

socklen_t sockets_address_make(union sockets_address *a, const struct ip_endpoint *e)
{
	memset(a, 0, sizeof(*a));
	if (e->ip.family == 4) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(e->port);
		memcpy(&a->v4.sin_addr, e->ip.bytes, 4);
		return sizeof(a->v4);
	}
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons(e->port);
	memcpy(&a->v6.sin6_addr, e->ip.bytes, sizeof(e->ip.bytes));
	return sizeof(a->v6);
}

void sockets_address_take(struct ip_endpoint *e, const union sockets_address *a)
{
	memset(e, 0, sizeof(*e));
	if (a->any.sa_family == AF_INET) {
		e->ip.family = 4;
		e->port = ntohs(a->v4.sin_port);
		memcpy(e->ip.bytes, &a->v4.sin_addr, 4);
	} else if (a->any.sa_family == AF_INET6) {
		e->ip.family = 6;
		e->port = ntohs(a->v6.sin6_port);
		memcpy(e->ip.bytes, &a->v6.sin6_addr, sizeof(e->ip.bytes));
	}
}

int sockets_family(const struct ip_endpoint *e)
{
	return e->ip.family == 4 ? AF_INET : AF_INET6;
}
