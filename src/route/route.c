/* SPDX-License-Identifier: BSD-2-Clause */
#include "route/route.h"

#include "base/bytes.h"

#include <string.h>

/* ---- what is ours --------------------------------------------------------------- */

bool route_literal(struct span domain, struct ip *out)
{
	static const uint8_t tag[] = "[IPv6:";
	struct span s = domain;

	if (s.len < 2 || s.at[0] != '[' || s.at[s.len - 1] != ']')
		return false;
	s = span_sub(s, 1, s.len - 2);
	if (span_starts_nocase(domain, span_make(tag, sizeof(tag) - 1)))
		s = span_from(s, sizeof(tag) - 2);
	return ip_parse(s, out);
}

/* An address at which we listen, or that leads back to this machine: mail to it must not
 * go round. */
static bool literal_is_own(const struct conf *c, struct span domain)
{
	struct ip ip;
	size_t i;

	if (!route_literal(domain, &ip))
		return false;
	if (ip_is_loopback(&ip) || ip_is_any(&ip))
		return true;
	for (i = 0; i < c->listen_count; i++)
		if (ip_equal(&c->listen[i].at.ip, &ip))
			return true;
	return false;
}

/* <postmaster> and <name@[our address]> are at the first local domain. */
static struct span full_domain(const struct conf *c, struct span domain)
{
	if (c->local_domain_count > 0 && (domain.len == 0 || literal_is_own(c, domain)))
		return conf_span(c, c->local_domain[0]);
	return domain;
}

/* A local part in quotes that it does not need is the same without (RFC 5321 4.1.2); one
 * that could look like anything else than a name keeps them. */
static struct span bare_local(struct span local)
{
	static const uint8_t others[] = "-_.+=";
	struct span inner;
	size_t i;

	if (local.len < 3 || local.at[0] != '"')
		return local;
	inner = span_sub(local, 1, local.len - 2);
	for (i = 0; i < inner.len; i++) {
		uint8_t c = inner.at[i];

		if (!byte_is_alpha(c) && !byte_is_digit(c) &&
			!memchr(others, c, sizeof(others) - 1))
			return local;
	}
	return inner;
}

bool route_domain_is_local(const struct conf *c, struct span domain)
{
	return conf_domain_is_local(c, full_domain(c, domain));
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

	if (span_equal(pattern, SPAN("*")))
		return 1;
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
	else if (best == 0 && route_literal(domain, &ip))
		r.way = ROUTE_LITERAL;
	return r;
}

struct route route_decide(const struct conf *c, const struct address *to)
{
	struct span domain = full_domain(c, to->domain);
	int found;

	if (domain.len == 0)
		return (struct route){ .way = ROUTE_NO_DOMAIN };
	if (!conf_domain_is_local(c, domain))
		return decide_away(c, domain);
	found = conf_deliver_find(c, bare_local(to->local), domain);
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

/* ---- aliases -------------------------------------------------------------------- */

/* The addresses met so far, each once, in the order in which they were met:
 * length (2), flags and depth (1), text.  What was met is not gone through again, so
 * a loop ends by itself. */
struct work {
	const struct conf *c;
	size_t used;
	uint8_t items[CONFIG_ROUTE_ALIAS_WORK];
};

#define ITEM_HEAD 3u
#define ITEM_FINAL 0x80u  /* a result */
#define ITEM_LOOKUP 0x40u /* aliases apply */
#define ITEM_DEPTH 0x3fu
_Static_assert(ALIAS_DEPTH_MAX <= ITEM_DEPTH, "an item holds its depth");

static struct span item_text(const struct work *w, size_t at)
{
	return span_make(w->items + at + ITEM_HEAD, load_le16(w->items + at));
}

static size_t item_next(const struct work *w, size_t at)
{
	return at + ITEM_HEAD + load_le16(w->items + at);
}

static void split(struct span text, struct address *a)
{
	size_t at = span_find_last(text, '@');

	a->local = span_sub(text, 0, at);
	a->domain = span_from(text, at + 1);
}

/* Local names have no case; of others only their host knows (RFC 5321 2.4). */
static bool same_mailbox(const struct conf *c, const struct address *a, const struct address *b)
{
	if (!span_equal_nocase(a->domain, b->domain))
		return false;
	return conf_domain_is_local(c, a->domain) ? span_equal_nocase(a->local, b->local)
						  : span_equal(a->local, b->local);
}

/* Octets written at the end, 0: no room. */
static size_t write_item(struct work *w, const struct address *a, uint8_t flags)
{
	uint8_t *item = w->items + w->used;
	size_t i, room = sizeof(w->items) - w->used;
	struct buf b;

	if (room < ITEM_HEAD)
		return 0;
	buf_init(&b, item + ITEM_HEAD, room - ITEM_HEAD);
	address_put(&b, a);
	if (b.overflow)
		return 0;
	for (i = 0; conf_domain_is_local(w->c, a->domain) && i < a->local.len; i++)
		b.at[i] = byte_lower(b.at[i]);
	store_le16(item, (uint16_t)b.len);
	item[2] = flags;
	return ITEM_HEAD + b.len;
}

static enum status put_item(struct work *w, struct address a, uint8_t flags)
{
	struct address other;
	size_t at;

	for (at = 0; at < w->used; at = item_next(w, at)) {
		split(item_text(w, at), &other);
		if (!same_mailbox(w->c, &other, &a))
			continue;
		w->items[at + 2] |= flags & (uint8_t)~ITEM_DEPTH;
		return ST_OK;
	}
	at = write_item(w, &a, flags);
	w->used += at;
	return at > 0 ? ST_OK : ST_FULL;
}

/* RFC 5321 4.5.1: postmaster is always there.  If nothing else is said it is whoever
 * is root. */
static struct span postmaster_targets(const struct conf *c, struct span domain)
{
	struct span targets = conf_span(c, c->postmaster);
	int found = conf_deliver_find(c, SPAN("postmaster"), domain);

	if (targets.len == 0)
		targets = conf_alias_find(c, SPAN("postmaster"));
	if (targets.len == 0 && (found < 0 || c->deliver[found].users_system))
		targets = conf_alias_find(c, SPAN("root"));
	return targets;
}

static struct span targets_of(const struct conf *c, struct span text, const struct address *a)
{
	struct span targets;

	if (!conf_domain_is_local(c, a->domain))
		return SPAN_EMPTY;
	targets = conf_alias_find(c, text);
	if (targets.len > 0)
		return targets;
	if (span_equal_nocase(a->local, SPAN("postmaster")))
		return postmaster_targets(c, a->domain);
	return conf_alias_find(c, a->local);
}

static enum status put_target(struct work *w, struct span target, const struct address *from,
	unsigned depth)
{
	bool bare = target.at[0] == '\\';
	struct address a;

	split(bare ? span_from(target, 1) : target, &a);
	if (a.domain.len == 0)
		a.domain = from->domain;
	if (bare || same_mailbox(w->c, &a, from))
		return put_item(w, a, (uint8_t)(ITEM_FINAL | depth));
	return put_item(w, a, (uint8_t)(ITEM_LOOKUP | depth));
}

static enum status expand_item(struct work *w, size_t at)
{
	unsigned depth = (w->items[at + 2] & ITEM_DEPTH) + 1u;
	enum status st = ST_OK;
	struct span targets;
	struct address a;

	split(item_text(w, at), &a);
	targets = targets_of(w->c, item_text(w, at), &a);
	if (targets.len == 0)
		w->items[at + 2] |= ITEM_FINAL;
	else if (depth > ALIAS_DEPTH_MAX)
		return ST_BAD;
	while (targets.len > 0 && st == ST_OK)
		st = put_target(w, span_word(&targets), &a, depth);
	return st;
}

enum status route_expand(const struct conf *c, const struct address *to,
	const struct route_sink *sink)
{
	struct address first = { .local = to->local, .domain = full_domain(c, to->domain) };
	struct work w;
	enum status st;
	size_t at;

	w.c = c;
	w.used = 0;
	if (conf_domain_is_local(c, first.domain))
		first.local = bare_local(first.local);
	st = put_item(&w, first, ITEM_LOOKUP);
	for (at = 0; at < w.used && st == ST_OK; at = item_next(&w, at))
		if (w.items[at + 2] & ITEM_LOOKUP)
			st = expand_item(&w, at);
	if (st != ST_OK)
		return st;
	/* Nobody is told before all is known to be well. */
	st = ST_BAD;
	for (at = 0; at < w.used; at = item_next(&w, at)) {
		if (!(w.items[at + 2] & ITEM_FINAL))
			continue;
		st = ST_OK;
		if (!sink->found(sink->ctx, item_text(&w, at)))
			return ST_FULL;
	}
	return st;
}

/* ---- the path ------------------------------------------------------------------- */

/* In lower case: names at a local domain have none. */
static bool put_safe(struct buf *path, struct span s)
{
	size_t i;

	if (s.len == 0 || s.at[0] == '.')
		return false;
	for (i = 0; i < s.len; i++) {
		if (s.at[i] == '/' || s.at[i] < ' ' || s.at[i] >= 0x7f)
			return false;
		buf_put_byte(path, byte_lower(s.at[i]));
	}
	return true;
}

enum status route_deliver_path(const struct conf *c, unsigned deliver, const struct address *to,
	struct buf *path)
{
	struct span pattern = conf_span(c, c->deliver[deliver].path);
	struct span local = bare_local(to->local), domain = full_domain(c, to->domain);
	size_t i;

	for (i = 0; i < pattern.len; i++) {
		uint8_t what = pattern.at[i] == '%' ? pattern.at[++i]
						    : 0; /* conf_parse saw one behind each % */

		if (what == 0)
			buf_put_byte(path, pattern.at[i]);
		if ((what == 'u' || what == 'r') && !put_safe(path, local))
			return ST_BAD;
		if (what == 'r')
			buf_put_byte(path, '@');
		if ((what == 'd' || what == 'r') && !put_safe(path, domain))
			return ST_BAD;
	}
	return path->overflow ? ST_FULL : ST_OK;
}
