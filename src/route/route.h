/* SPDX-License-Identifier: BSD-2-Clause */
/* route - what the configuration says about an address: ours, relayed, or refused, and the way.
 *
 * Pure: reads the configuration, remembers nothing.
 */
#ifndef PIPIT_ROUTE_ROUTE_H
#define PIPIT_ROUTE_ROUTE_H

#include "conf/conf.h"
#include "mail/address.h"

enum route_way {
	ROUTE_LOCAL,     /* a local domain and a `deliver` line takes it: index of conf->deliver */
	ROUTE_HOST,      /* a `route` line: index of conf->route */
	ROUTE_SMARTHOST, /* the smarthosts, in turn: index of the first */
	ROUTE_MX,        /* the domain's MX hosts */
	ROUTE_LITERAL,   /* user@[address]: that address */
	ROUTE_NO_USER,   /* a local domain, but nobody there by this name: 550 5.1.1 */
	ROUTE_NO_DOMAIN, /* a name without domain that is not ours: 550 5.1.3 */
};

struct route {
	enum route_way way;
	uint8_t index;
	bool check_system_user; /* ROUTE_LOCAL with users=system: ask sys/mailbox too */
};

/* Where mail for `to` goes, aliases already expanded.  An empty domain (postmaster) is
 * the first local domain, as is an address literal of our own. */
struct route route_decide(const struct conf *c, const struct address *to);

/* Whether a client at `peer` may send to any domain (relay_from). */
bool route_may_relay(const struct conf *c, const struct ip *peer);

/* A literal counts as local when it is one of our own addresses. */
bool route_domain_is_local(const struct conf *c, struct span domain);

/* The name under which the next hop counts for concurrency and back-off: the
 * smarthost, the route's host, the domain, or "local". */
struct span route_hop_name(const struct conf *c, const struct route *r, const struct address *to);

/* ---- aliases ----------------------------------------------------------------- */

/* Expands `to` (RFC 5321 3.9.1), ALIAS_DEPTH_MAX deep, each result once.  For every final
 * address found is called (text valid during the call, always with a domain); false
 * from it ends the walk: ST_FULL, and so does a list too long for ROUTE_ALIAS_WORK, of
 * which nothing was told.  An address without alias is its own result.
 *
 * Names at local domains have no case and come in lower case, as the system's users
 * are.  name@domain goes before name.  postmaster is the `postmaster` line's address,
 * else its alias, else its mailbox, else whoever root is.  An alias that names itself
 * keeps itself too.
 * ST_BAD: a loop or too deep: 550 5.4.6; nothing was told. */
struct route_sink {
	bool (*found)(void *ctx, struct span address);
	void *ctx;
};
enum status route_expand(const struct conf *c, const struct address *to,
	const struct route_sink *sink);

/* The maildir path of a `deliver` line with %u %d %r filled in, in lower case.  Octets that
 * a path must not take from an address (/, NUL, control, a leading dot) make it ST_BAD. */
enum status route_deliver_path(const struct conf *c, unsigned deliver, const struct address *to,
	struct buf *path);

/* ---- for path.c ------------------------------------------------------------------ */

/* <postmaster> and <name@[our address]> are at the first local domain. */
struct span route_full_domain(const struct conf *c, struct span domain);

/* Without quotes that it does not need. */
struct span route_bare_local(struct span local);

#endif
