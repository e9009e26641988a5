/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

#include <string.h>

static int alias_index(const struct conf *c, struct span name)
{
	int i;

	for (i = c->alias_count - 1; i >= 0; i--)
		if (conf_text_is(c, c->alias[i].name, name))
			break;
	return i;
}

struct span conf_alias_find(const struct conf *c, struct span name)
{
	int i = alias_index(c, name);

	return i >= 0 ? conf_span(c, c->alias[i].targets) : SPAN_EMPTY;
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

/* The place for the alias named by r's word, not counted yet. */
static struct conf_alias *begin_alias(struct conf_reader *r)
{
	struct conf *c = r->c;
	struct conf_alias *a = &c->alias[c->alias_count];

	if (!name_ok(r->word))
		conf_wrong(r);
	else if (alias_index(c, r->word) >= 0)
		conf_repeated(r);
	else if (c->alias_count == CONFIG_CONF_ALIASES)
		conf_no_room(r, "ALIASES");
	else if (conf_keep(r, r->word, &a->name) && conf_keep(r, SPAN_EMPTY, &a->targets))
		return a;
	return NULL;
}

/* \name is name itself, whatever alias it may have; |command and /file, which may look
 * like names, are what only a later build can do (aliases(5)). */
static bool target_ok(struct span w)
{
	uint8_t c = w.len > 0 ? w.at[0] : 0;

	return c != '|' && c != '/' && name_ok(span_from(w, c == '\\'));
}

static void read_targets(struct conf_reader *r, struct conf_alias *a)
{
	while (!r->failed && conf_word(r)) {
		if (!target_ok(r->word))
			conf_wrong(r);
		if (conf_has(a->targets))
			conf_append(r, SPAN(" "), &a->targets);
		conf_append(r, r->word, &a->targets);
	}
	if (!r->failed && !conf_has(a->targets))
		conf_need(r);
	if (!r->failed)
		r->c->alias_count++;
}

void conf_read_alias(struct conf_reader *r, void *place)
{
	struct conf_alias *a = begin_alias(r);

	(void)place;
	if (a)
		read_targets(r, a);
}

enum status conf_alias_line(struct conf *c, struct span line, uint32_t number,
	struct conf_errors *errors)
{
	static const struct conf_keyword row = { .text = "alias\0"
							 "NAME: ADDRESS, ..." };
	struct conf_reader r = { .c = c, .errors = errors, .line = number, .commas = true };
	size_t colon = span_find(line, ':');
	struct conf_alias *a;

	r.rest = span_sub(line, 0, colon);
	if (!conf_line_ok(&r, line))
		return ST_BAD;
	r.keyword = &row;
	if (!conf_word(&r)) {
		if (colon < line.len && span_trim(r.rest).len == 0)
			conf_need(&r);
		return r.failed ? ST_BAD : ST_OK;
	}
	a = begin_alias(&r);
	if (a) {
		conf_check_is_local(&r);
		if (conf_word(&r))
			conf_wrong(&r);
		r.rest = span_from(line, colon + 1);
		read_targets(&r, a);
	}
	return r.failed ? ST_BAD : ST_OK;
}

/* ---- aliases of aliases --------------------------------------------------------- */

/* The alias that target leads to, or -1. */
static int alias_of(const struct conf *c, struct span target)
{
	size_t at = span_find_last(target, '@');
	int i = alias_index(c, target);

	if (i < 0 && at < target.len && conf_domain_is_local(c, span_from(target, at + 1)))
		i = alias_index(c, span_sub(target, 0, at));
	return i;
}

/* Whether all targets of alias i are addresses, or aliases that ended on a lower level. */
static bool ends(const struct conf *c, int i, const uint8_t *level, uint8_t now)
{
	struct span targets = conf_span(c, c->alias[i].targets);

	while (targets.len > 0) {
		int next = alias_of(c, span_word(&targets));

		/* One that names itself keeps itself. */
		if (next >= 0 && next != i && (level[next] == 0 || level[next] == now))
			return false;
	}
	return true;
}

void conf_check_aliases(struct conf_reader *r)
{
	uint8_t level[CONFIG_CONF_ALIASES] = { 0 };
	const struct conf *c = r->c;
	uint8_t now;
	int i;

	for (now = 1; now <= ALIAS_DEPTH_MAX + 1; now++) {
		for (i = 0; i < c->alias_count; i++) {
			if (level[i] == 0 && now <= ALIAS_DEPTH_MAX && ends(c, i, level, now))
				level[i] = now;
			if (level[i] > 0 || now <= ALIAS_DEPTH_MAX)
				continue;
			conf_line_of(r, "alias", conf_span(c, c->alias[i].name), 1);
			r->word = conf_span(c, c->alias[i].name);
			conf_tell(r, "leads back to itself, or on and on; end it with an address",
				"");
		}
	}
}

enum status conf_alias_finish(struct conf *c, struct conf_errors *errors)
{
	struct conf_reader r = { .c = c, .errors = errors };

	conf_check_aliases(&r);
	return r.failed ? ST_BAD : ST_OK;
}
