/* SPDX-License-Identifier: BSD-2-Clause */
#include "route/route.h"

#include "mail/word.h"

/* ---- what is ours --------------------------------------------------------------- */

/* An address at which we listen, or that leads back to this machine: mail to it must not
 * go round. */
static bool literal_is_own(const struct conf *c, struct span domain)
{
	struct ip ip;
	size_t i;

	if (!address_literal(domain, &ip))
		return false;
	if (ip_is_loopback(&ip) || ip_is_any(&ip))
		return true;
	for (i = 0; i < c->listen_count; i++)
		if (ip_equal(&c->listen[i].at.ip, &ip))
			return true;
	return false;
}

/* <postmaster> and <name@[our address]> are at the first local domain. */
struct span route_full_domain(const struct conf *c, struct span domain)
{
	if (c->local_domain_count > 0 && (domain.len == 0 || literal_is_own(c, domain)))
		return conf_span(c, c->local_domain[0]);
	return domain;
}

/* A local part in quotes that it does not need is the same without (RFC 5321 4.1.2); one
 * that could look like anything else than a name keeps them. */
struct span route_bare_local(struct span local)
{
	struct span inner;
	size_t i;

	if (local.len < 3 || local.at[0] != '"')
		return local;
	inner = span_sub(local, 1, local.len - 2);
	for (i = 0; i < inner.len; i++) {
		uint8_t c = inner.at[i];
		bool stray = c == '.' && (i == 0 || i + 1 == inner.len || inner.at[i - 1] == '.');

		if (stray || (!byte_is_alnum(c) && !byte_in(c, "-_.+=")))
			return local;
	}
	return inner;
}

bool route_domain_is_local(const struct conf *c, struct span domain)
{
	return conf_domain_is_local(c, route_full_domain(c, domain));
}

bool route_may_relay(const struct conf *c, const struct ip *peer)
{
	size_t i;

	for (i = 0; i < c->relay_from_count; i++)
		if (ip_in_prefix(peer, &c->relay_from[i]))
			return true;
	return false;
}

/* ---- the decision --------------------------------------------------------------- */

/* How well a route's domain fits: 0 not at all; the longer the better, whole names best. */
static size_t route_fit(struct span pattern, struct span domain)
{
	struct span suffix = span_from(pattern, 1);

	if (pattern.at[0] != '*')
		return span_equal_nocase(pattern, domain) ? SIZE_MAX : 0;
	if (domain.len <= suffix.len ||
		!span_equal_nocase(span_from(domain, domain.len - suffix.len), suffix))
		return 0;
	return pattern.len;
}

static struct route decide_away(const struct conf *c, struct span domain)
{
	struct route r = { .way = ROUTE_MX };
	size_t best = 0;
	struct ip ip;
	uint8_t i;

	for (i = 0; i < c->route_count; i++) {
		size_t fit = route_fit(conf_span(c, c->route[i].domain), domain);

		if (fit > best) {
			best = fit;
			r.way = ROUTE_HOST;
			r.index = i;
		}
	}
	if (best == 0 && c->smarthost_count > 0)
		r.way = ROUTE_SMARTHOST;
	else if (best == 0 && address_literal(domain, &ip))
		r.way = ROUTE_LITERAL;
	return r;
}

struct route route_decide(const struct conf *c, const struct address *to)
{
	struct span domain = route_full_domain(c, to->domain);
	int found;

	if (domain.len == 0)
		return (struct route){ .way = ROUTE_NO_DOMAIN };
	if (!conf_domain_is_local(c, domain))
		return decide_away(c, domain);
	found = conf_deliver_find(c, route_bare_local(to->local), domain);
	if (found < 0)
		return (struct route){ .way = ROUTE_NO_USER };
	return (struct route){
		.way = ROUTE_LOCAL,
		.index = (uint8_t)found,
		.check_system_user = c->deliver[found].users_system,
	};
}

struct span route_hop_name(const struct conf *c, const struct route *r, const struct address *to)
{
	switch (r->way) {
	case ROUTE_HOST: return conf_span(c, c->route[r->index].host);
	case ROUTE_SMARTHOST: return conf_span(c, c->smarthost[r->index].host);
	case ROUTE_MX:
	case ROUTE_LITERAL: return to->domain;
	case ROUTE_LOCAL:
	case ROUTE_NO_USER:
	case ROUTE_NO_DOMAIN: break;
	}
	return SPAN("local");
}
