/* SPDX-License-Identifier: BSD-2-Clause */
#include "route/route.h"

#include "base/bytes.h"

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

	a->local = span_head(text, at);
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
	struct address first = { .local = to->local, .domain = route_full_domain(c, to->domain) };
	struct work w;
	enum status st;
	size_t at;

	w.c = c;
	w.used = 0;
	if (conf_domain_is_local(c, first.domain))
		first.local = route_bare_local(first.local);
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
