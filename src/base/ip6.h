/* SPDX-License-Identifier: BSD-2-Clause */
/* ip6 - what only IPv6 needs of ip.h; a part of ip.c.  Pure. */
#ifndef PIPIT_BASE_IP6_H
#define PIPIT_BASE_IP6_H

#include "base/ip.h"

/* All of s: "192.0.2.1". */
bool ip4_parse(struct span s, uint8_t out[4]);

#if CONFIG_IPV6

/* All of s, without brackets; a mapped address becomes IPv4.  *out is written also on failure. */
bool ip6_parse(struct span s, struct ip *out);
void ip6_put(struct buf *b, const struct ip *a);

#else

static inline bool ip6_parse(struct span s, struct ip *out)
{
	(void)s;
	(void)out;
	return false;
}

static inline void ip6_put(struct buf *b, const struct ip *a)
{
	(void)b;
	(void)a;
}

#endif

#endif
