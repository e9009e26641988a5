/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

#include <string.h>

int conf_alias_index(const struct conf *c, struct span name)
{
	int i;

	for (i = c->alias_count - 1; i >= 0; i--)
		if (conf_text_is(c, c->alias[i].name, name))
			break;
	return i;
}

struct span conf_alias_find(const struct conf *c, struct span name)
{
	int i = conf_alias_index(c, name);

	return i >= 0 ? conf_span(c, c->alias[i].targets) : SPAN_EMPTY;
}

/* ---- reading -------------------------------------------------------------------- */

static bool name_ok(struct span s)
{
	return conf_local_ok(s) || conf_name_ok(s);
}

/* The place for the alias named by r's word, not counted yet. */
struct conf_alias *conf_alias_begin(struct conf_reader *r)
{
	struct conf *c = r->c;
	struct conf_alias *a = &c->alias[c->alias_count];

	if (!name_ok(r->word))
		conf_wrong(r);
	else if (conf_alias_index(c, r->word) >= 0)
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

void conf_alias_targets(struct conf_reader *r, struct conf_alias *a)
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
	struct conf_alias *a = conf_alias_begin(r);

	(void)place;
	if (a)
		conf_alias_targets(r, a);
}
