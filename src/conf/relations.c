/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

bool conf_domain_is_local(const struct conf *c, struct span domain)
{
	size_t i;

	for (i = 0; i < c->local_domain_count; i++)
		if (conf_text_is(c, c->local_domain[i], domain))
			return true;
	return false;
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

		if (matches(span_sub(pattern, 0, at), local, 2, &score) &&
			matches(span_from(pattern, at + 1), domain, 1, &score) && score > best) {
			best = score;
			found = i;
		}
	}
	return found;
}

/* ---- relations ------------------------------------------------------------------ */

static void tell_at(struct conf_reader *r, const char *keyword, struct span value, unsigned words,
	const char *what)
{
	conf_line_of(r, keyword, value, words);
	r->word = value;
	conf_tell(r, what, "");
}

/* RFC 5321 4.5.1: postmaster must be accepted.  A mailbox that only users of the
 * system have is none for a name that is no user's. */
static bool has_postmaster(const struct conf *c, struct span domain)
{
	int found = conf_deliver_find(c, SPAN("postmaster"), domain);

	return conf_has(c->postmaster) || conf_alias_find(c, SPAN("postmaster")).len > 0 ||
		conf_alias_find(c, SPAN("root")).len > 0 ||
		(found >= 0 && !c->deliver[found].users_system);
}

static void check_local_domains(struct conf_reader *r)
{
	const struct conf *c = r->c;
	const char *what;
	size_t i;

	for (i = 0; i < c->local_domain_count && !conf_has(c->aliases_file); i++) {
		struct span domain = conf_span(c, c->local_domain[i]);

		what = NULL;
		if (!has_postmaster(c, domain))
			what = "has no postmaster; add a postmaster line";
		if (c->alias_count == 0 && conf_deliver_find(c, SPAN_EMPTY, domain) < 0)
			what = "has no mailbox; add a deliver line";
		if (what)
			tell_at(r, "local_domain", domain, CONF_LINE_MAX, what);
	}
}

/* Whether the part behind the @, if any, is ours. */
static bool is_local(const struct conf *c, struct span name)
{
	struct span domain = span_from(name, span_find_last(name, '@') + 1);

	return domain.len == 0 || span_equal(domain, SPAN("*")) || conf_domain_is_local(c, domain);
}

static const char not_local[] = "is not in a local_domain; add it there";

void conf_check_is_local(struct conf_reader *r)
{
	if (!is_local(r->c, r->word))
		conf_tell(r, not_local, "");
}

static void check_at(struct conf_reader *r, const char *keyword, struct span name)
{
	if (!is_local(r->c, name))
		tell_at(r, keyword, name, 1, not_local);
}

static void check_domains(struct conf_reader *r)
{
	const struct conf *c = r->c;
	size_t i;

	for (i = 0; i < c->deliver_count; i++)
		check_at(r, "deliver", conf_span(c, c->deliver[i].pattern));
	for (i = 0; i < c->alias_count; i++)
		check_at(r, "alias", conf_span(c, c->alias[i].name));
}

static void check_warn_delay(struct conf_reader *r)
{
	struct conf *c = r->c;

	if (c->expire_s == 0 || c->warn_delay_s < c->expire_s)
		return;
	/* Where only expire was said the default gives way. */
	conf_line_of(r, "warn_delay", SPAN_EMPTY, 0);
	r->word = SPAN_EMPTY;
	if (r->line == 0)
		c->warn_delay_s = 0;
	else
		conf_tell(r, "is not before expire; make it shorter, or 0 for never", "");
}

static void default_names(struct conf_reader *r, struct span hostname)
{
	struct conf *c = r->c;
	const struct span localhost = SPAN("localhost");

	if (!conf_has(c->hostname))
		conf_keep(r, address_domain_ok(hostname) ? hostname : localhost, &c->hostname);
	if (c->local_domain_count > 0)
		return;
	c->local_domain[c->local_domain_count++] = c->hostname;
	if (!conf_domain_is_local(c, localhost) && conf_keep(r, localhost, &c->local_domain[1]))
		c->local_domain_count++;
}

void conf_end(struct conf_reader *r, struct span hostname)
{
	bool domains_said = r->c->local_domain_count > 0;

	r->keyword = NULL;
	r->word = SPAN_EMPTY;
	default_names(r, hostname);
	if (domains_said)
		check_local_domains(r);
	check_domains(r);
	conf_check_aliases(r);
	check_warn_delay(r);
}
