/* SPDX-License-Identifier: BSD-2-Clause */
/* ip - an IPv4 or IPv6 address, an endpoint, a prefix; as values and as text.
 *
 * Pure.  An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is read as IPv4, so that
 * one rule in a configuration holds for both kinds of listener.
 */
#ifndef PIPIT_BASE_IP_H
#define PIPIT_BASE_IP_H

#include "base/buf.h"
#include "pipit_config.h"

#define IP_TEXT_MAX 46u          /* the longest text of an address, as INET6_ADDRSTRLEN */
#define IP_ENDPOINT_TEXT_MAX 54u /* "[address]:65535" */

/* Without IPv6 there is no room for one. */
enum { IP_BYTES_MAX = CONFIG_IPV6 ? 16 : 4 };

struct ip {
	uint8_t family;              /* 0 none, 4 or 6 */
	uint8_t bytes[IP_BYTES_MAX]; /* network order; IPv4 in the first four */
};

struct ip_endpoint {
	struct ip ip;
	uint16_t port;
};

struct ip_prefix {
	struct ip ip;
	uint8_t bits;
};

/* All of s: "192.0.2.1", "2001:db8::1" or the same in [brackets]. */
bool ip_parse(struct span s, struct ip *out);

/* Takes ":25" off the end of *s; when there is none *port stays.  false: no port is such. */
bool ip_port_take(struct span *s, uint16_t *port);

/* "192.0.2.1:25", "[::1]:25", or without a port, which is then port_default. */
bool ip_endpoint_parse(struct span s, uint16_t port_default, struct ip_endpoint *out);

/* "192.0.2.0/24", or an address alone; bits below the prefix must be zero. */
bool ip_prefix_parse(struct span s, struct ip_prefix *out);

bool ip_equal(const struct ip *a, const struct ip *b);
bool ip_in_prefix(const struct ip *a, const struct ip_prefix *prefix);
bool ip_is_loopback(const struct ip *a);
bool ip_is_any(const struct ip *a);

/* RFC 5952 text. */
void ip_put(struct buf *b, const struct ip *a);
void ip_endpoint_put(struct buf *b, const struct ip_endpoint *e);

#endif
