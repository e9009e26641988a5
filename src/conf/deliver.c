/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

/* ---- reading -------------------------------------------------------------------- */

/* "*" is a local part like any other. */
static bool pattern_ok(struct span w)
{
	size_t at = span_find_last(w, '@');

	if (span_equal(span_from(w, at + 1), SPAN("*")))
		return conf_local_ok(span_head(w, at));
	return conf_name_ok(w);
}

/* % only before what route_deliver_path knows. */
static bool percents_ok(struct span path)
{
	size_t i;

	for (i = 0; i < path.len; i++)
		if (path.at[i] == '%' &&
			(++i == path.len || span_find(SPAN("udr"), path.at[i]) == 3))
			return false;
	return true;
}

void conf_read_deliver(struct conf_reader *r, void *place)
{
	struct conf_deliver *d = place;

	if (!pattern_ok(r->word)) {
		conf_wrong(r);
		return;
	}
	if (!conf_keep(r, r->word, &d->pattern) || !conf_need(r))
		return;
	if (CONFIG_CALLBACK && r->callback && conf_word_is(r, "callback"))
		return;
	if (!CONFIG_MAILBOXES || !conf_word_is(r, "maildir"))
		conf_wrong(r);
	else if (conf_need(r) && !percents_ok(r->word))
		conf_wrong(r);
	if (r->failed)
		return;
	conf_read_path(r, &d->path);
	d->users_system = conf_word(r);
	if (d->users_system && !conf_word_is(r, "users=system"))
		conf_wrong(r);
}

/* ---- which `deliver` line ------------------------------------------------------- */

static bool matches(struct span pattern, struct span s, unsigned worth, unsigned *score)
{
	if (span_equal(pattern, SPAN("*")))
		return true;
	*score += worth;
	return s.len == 0 || span_equal_nocase(pattern, s);
}

int conf_deliver_find(const struct conf *c, struct span local, struct span domain)
{
	unsigned best = 0;
	int i, found = -1;

	for (i = 0; i < c->deliver_count; i++) {
		struct span pattern = conf_span(c, c->deliver[i].pattern);
		size_t at = span_find_last(pattern, '@');
		unsigned score = 1;

		if (matches(span_head(pattern, at), local, 2, &score) &&
			matches(span_from(pattern, at + 1), domain, 1, &score) && score > best) {
			best = score;
			found = i;
		}
	}
	return found;
}
