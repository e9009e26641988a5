/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

#include <limits.h>

bool conf_domain_is_local(const struct conf *c, struct span domain)
{
	size_t i;

	for (i = 0; i < c->local_domain_count; i++)
		if (conf_text_is(c, c->local_domain[i], domain))
			return true;
	return false;
}

/* ---- which `deliver` line ------------------------------------------------------- */

static bool matches(const struct conf *c, struct conf_text pattern, struct span s, unsigned worth,
	unsigned *score)
{
	if (conf_text_is(c, pattern, SPAN("*")))
		return true;
	*score += worth;
	return conf_text_is(c, pattern, s);
}

int conf_deliver_find(const struct conf *c, struct span local, struct span domain)
{
	unsigned best = 0;
	int found = -1;
	uint8_t i;

	for (i = 0; i < c->deliver_count; i++) {
		unsigned score = 1;

		if (matches(c, c->deliver[i].local, local, 2, &score) &&
			matches(c, c->deliver[i].domain, domain, 1, &score) && score > best) {
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
	r->word = value.len > 0 ? value : SPAN_EMPTY;
	conf_tell(r, what, "");
}

static bool has_alias(const struct conf *c, struct span name)
{
	return conf_has(c->aliases_file) || conf_alias_find(c, name).len > 0;
}

/* Whether anybody at all gets mail at this domain. */
static bool has_users(const struct conf *c, struct span domain)
{
	unsigned score;
	size_t i;

	if (c->alias_count > 0 || conf_has(c->aliases_file))
		return true;
	for (i = 0; i < c->deliver_count; i++)
		if (matches(c, c->deliver[i].domain, domain, 0, &score))
			return true;
	return false;
}

/* RFC 5321 4.5.1: postmaster must be accepted.  A mailbox that only users of the
 * system have is none for a name that is no user's.  route_expand has the same order. */
static bool has_postmaster(const struct conf *c, struct span domain)
{
	int found = conf_deliver_find(c, SPAN("postmaster"), domain);

	return conf_has(c->postmaster) || has_alias(c, SPAN("postmaster")) ||
		has_alias(c, SPAN("root")) || (found >= 0 && !c->deliver[found].users_system);
}

static void check_local_domains(struct conf_reader *r)
{
	const struct conf *c = r->c;
	size_t i;

	for (i = 0; i < c->local_domain_count; i++) {
		struct span domain = conf_span(c, c->local_domain[i]);

		if (!has_users(c, domain))
			tell_at(r, "local_domain", domain, UINT_MAX,
				"has no mailbox; add: deliver *@DOMAIN maildir PATH");
		else if (!has_postmaster(c, domain))
			tell_at(r, "local_domain", domain, UINT_MAX,
				"has no postmaster; add: postmaster USER@DOMAIN");
	}
}

struct conf_text conf_pattern(const struct conf_deliver *d)
{
	return (struct conf_text){ .at = d->local.at,
		.len = (uint16_t)(d->local.len + 1 + d->domain.len) };
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
		check_at(r, "deliver", conf_span(c, conf_pattern(&c->deliver[i])));
	for (i = 0; i < c->alias_count; i++)
		check_at(r, "alias", conf_span(c, c->alias[i].name));
}

/* The postmaster gets what nobody else can: it must not come back. */
static void check_postmaster(struct conf_reader *r)
{
	const struct conf *c = r->c;
	struct span text = conf_span(c, c->postmaster);
	struct address a;

	if (address_parse(text, &a) && conf_domain_is_local(c, a.domain) &&
		conf_deliver_find(c, a.local, a.domain) < 0 && !has_alias(c, text) &&
		!has_alias(c, a.local))
		tell_at(r, "postmaster", text, 1,
			"is local but has no mailbox; add a deliver line");
}

static void check_warn_delay(struct conf_reader *r)
{
	struct conf *c = r->c;

	if (c->expire_s == 0 || c->warn_delay_s < c->expire_s)
		return;
	/* Where only expire was said the default gives way. */
	conf_line_of(r, "warn_delay", SPAN_EMPTY, 0);
	if (r->line == 0)
		c->warn_delay_s = 0;
	else
		tell_at(r, "warn_delay", SPAN_EMPTY, 0,
			"is not before expire; make it shorter, or 0 for never");
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
	check_postmaster(r);
	conf_check_aliases(r);
	check_warn_delay(r);
}
