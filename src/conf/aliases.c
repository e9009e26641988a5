/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

#include <string.h>

/* ---- the sorted table ----------------------------------------------------------- */

static int compare_nocase(struct span a, struct span b)
{
	size_t i;

	for (i = 0; i < a.len && i < b.len; i++) {
		int d = byte_lower(a.at[i]) - byte_lower(b.at[i]);

		if (d != 0)
			return d;
	}
	return (a.len > b.len) - (a.len < b.len);
}

/* Where name is, or where it would be put. */
static size_t place_of(const struct conf *c, struct span name, bool *found)
{
	size_t from = 0, to = c->alias_count;

	*found = false;
	while (from < to) {
		size_t middle = (from + to) / 2;
		int d = compare_nocase(name, conf_span(c, c->alias[middle].name));

		if (d == 0) {
			*found = true;
			return middle;
		}
		if (d < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return from;
}

struct span conf_alias_find(const struct conf *c, struct span name)
{
	bool found;
	size_t i = place_of(c, name, &found);

	return found ? conf_span(c, c->alias[i].targets) : SPAN_EMPTY;
}

/* ---- reading -------------------------------------------------------------------- */

/* Targets stand in one text with blanks between, so none may be in them. */
static bool plain(struct span s)
{
	return span_find(s, ' ') == s.len && span_find(s, '"') == s.len;
}

bool conf_local_ok(struct span s)
{
	uint8_t text[LOCAL_PART_MAX + 2];
	struct address a;
	struct buf b;

	buf_init(&b, text, sizeof(text));
	buf_put(&b, s);
	buf_puts(&b, "@a");
	return !b.overflow && plain(s) && address_parse(buf_span(&b), &a);
}

bool conf_name_ok(struct span s)
{
	struct address a;

	return plain(s) && address_parse(s, &a);
}

static bool name_ok(struct span s)
{
	return conf_local_ok(s) || conf_name_ok(s);
}

static bool begin_alias(struct conf_reader *r, struct conf_alias *a)
{
	bool found;

	if (!name_ok(r->word)) {
		conf_wrong(r);
		return false;
	}
	place_of(r->c, r->word, &found);
	if (found) {
		conf_repeated(r);
		return false;
	}
	return conf_room(r, r->c->alias_count, CONFIG_CONF_ALIASES, "CONF_ALIASES") &&
		conf_keep(r, r->word, &a->name) && conf_keep(r, SPAN_EMPTY, &a->targets);
}

/* \name is name itself, whatever alias it may have (aliases(5)). */
static bool add_target(struct conf_reader *r, struct conf_alias *a)
{
	uint8_t c = r->word.len > 0 ? r->word.at[0] : 0;

	if (c == '|' || c == '/' || c == ':') {
		conf_not_built(r, "write an address");
		return false;
	}
	if (!name_ok(span_from(r->word, c == '\\' ? 1 : 0))) {
		conf_wrong(r);
		return false;
	}
	return (!conf_has(a->targets) || conf_append(r, SPAN(" "), &a->targets)) &&
		conf_append(r, r->word, &a->targets);
}

static void end_alias(struct conf_reader *r, const struct conf_alias *a)
{
	struct conf *c = r->c;
	bool found;
	size_t i = place_of(c, conf_span(c, a->name), &found);

	memmove(&c->alias[i + 1], &c->alias[i], (c->alias_count - i) * sizeof(c->alias[0]));
	c->alias[i] = *a;
	c->alias_count++;
}

static void read_targets(struct conf_reader *r, struct conf_alias *a)
{
	if (!conf_need(r))
		return;
	do {
		if (!add_target(r, a))
			return;
	} while (conf_word(r));
	if (!r->failed)
		end_alias(r, a);
}

void conf_read_alias(struct conf_reader *r)
{
	struct conf_alias a;

	if (conf_need(r) && begin_alias(r, &a))
		read_targets(r, &a);
}

enum status conf_alias_line(struct conf *c, struct span line, uint32_t number,
	struct conf_errors *errors)
{
	static const struct conf_keyword row = { .name = "alias", .want = "NAME: ADDRESS, ..." };
	struct conf_reader r = { .c = c, .errors = errors, .line = number, .commas = true };
	size_t colon = span_find(line, ':');
	struct conf_alias a;

	line = span_trim(line);
	if (line.len == 0 || line.at[0] == '#' || !conf_line_ok(&r, line))
		return r.failed ? ST_BAD : ST_OK;
	colon = span_find(line, ':');
	r.keyword = &row;
	r.rest = span_sub(line, 0, colon);
	if (conf_need(&r) && begin_alias(&r, &a)) {
		conf_check_is_local(&r);
		if (conf_word(&r))
			conf_wrong(&r);
		r.rest = span_from(line, colon + 1);
		read_targets(&r, &a);
	}
	return r.failed ? ST_BAD : ST_OK;
}

/* ---- aliases of aliases --------------------------------------------------------- */

/* The alias that target leads to, or -1. */
static int alias_of(const struct conf *c, struct span target)
{
	size_t at = span_find_last(target, '@');
	bool found;
	size_t i = place_of(c, target, &found);

	if (!found && at < target.len && conf_domain_is_local(c, span_from(target, at + 1)))
		i = place_of(c, span_sub(target, 0, at), &found);
	return found ? (int)i : -1;
}

/* Whether all targets of alias i are addresses, or aliases that ended on a lower level. */
static bool ends(const struct conf *c, size_t i, const uint8_t *level, uint8_t now)
{
	struct span targets = conf_span(c, c->alias[i].targets);

	while (targets.len > 0) {
		int next = alias_of(c, span_word(&targets));

		/* One that names itself keeps itself. */
		if (next >= 0 && next != (int)i && (level[next] == 0 || level[next] == now))
			return false;
	}
	return true;
}

void conf_check_aliases(struct conf_reader *r)
{
	uint8_t level[CONFIG_CONF_ALIASES] = { 0 };
	const struct conf *c = r->c;
	uint8_t now;
	size_t i;

	for (now = 1; now <= ALIAS_DEPTH_MAX; now++)
		for (i = 0; i < c->alias_count; i++)
			if (level[i] == 0 && ends(c, i, level, now))
				level[i] = now;
	for (i = 0; i < c->alias_count; i++) {
		if (level[i] != 0)
			continue;
		conf_line_of(r, "alias", conf_span(c, c->alias[i].name), 1);
		r->word = conf_span(c, c->alias[i].name);
		conf_tell(r, "leads back to itself, or on and on; end it with an address", "");
	}
}

enum status conf_alias_finish(struct conf *c, struct conf_errors *errors)
{
	struct conf_reader r = { .c = c, .errors = errors };

	conf_check_aliases(&r);
	return r.failed ? ST_BAD : ST_OK;
}
