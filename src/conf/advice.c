/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

#include <string.h>

#define KEYWORD_MAX 24u /* octets of a word that are compared with the keywords */

/* ---- words ---------------------------------------------------------------------- */

/* Whether word begins with one of the words of list. */
static bool listed(struct span word, const char *list)
{
	struct span rest = span_of(list);

	while (rest.len > 0)
		if (span_starts_nocase(word, span_word(&rest)))
			return true;
	return false;
}

void conf_wrong(struct conf_reader *r)
{
	static const char later[] =
		"role= tls= user= password_file= verify= pin= pipe lmtp mbox memory mtd:";

	const char *want = conf_part(r->keyword, CONF_WANT);
	/* A keyword that only knows "off" waits for the issue that switches it on. */
	bool is_later = listed(r->word, later) || span_equal(span_of(want), SPAN("off"));

	conf_tell(r, is_later ? "is not in this build; expected " : "is wrong; expected ", want);
}

void conf_repeated(struct conf_reader *r)
{
	conf_tell(r, "repeats an earlier one; remove it", "");
}

static struct span text_at(const struct conf *c, const void *place)
{
	struct conf_text text;

	memcpy(&text, place, sizeof(text));
	return conf_span(c, text);
}

/* Whether an entry of the list before place is the same. */
static bool is_there(struct conf_reader *r, const uint8_t *entry, const uint8_t *place)
{
	const struct conf_keyword *k = r->keyword;

	if (k->same == CONF_SAME_TEXT)
		r->word = text_at(r->c, place);
	for (; k->same != CONF_SAME_NEVER && entry < place; entry += k->stride)
		if (k->same == CONF_SAME_TEXT ? span_equal_nocase(text_at(r->c, entry), r->word)
					      : memcmp(entry, place, k->same) == 0)
			return true;
	return false;
}

void conf_check_repeated(struct conf_reader *r, const uint8_t *list, const uint8_t *place)
{
	if (is_there(r, list, place))
		conf_repeated(r);
}

void conf_no_room(struct conf_reader *r, const char *symbol)
{
	conf_tell(r, "does not fit in this build; raise CONF_", symbol);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance, one row at a time. */
static unsigned distance(struct span a, struct span b)
{
	uint8_t row[KEYWORD_MAX + 1];
	size_t i, j;

	for (j = 0; j <= b.len; j++)
		row[j] = (uint8_t)j;
	for (i = 0; i < a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = (uint8_t)(i + 1);
		for (j = 0; j < b.len; j++) {
			unsigned change = diagonal + (a.at[i] != b.at[j]);

			diagonal = row[j + 1];
			row[j + 1] = (uint8_t)least(change, least(row[j], diagonal) + 1u);
		}
	}
	return row[b.len];
}

void conf_unknown(struct conf_reader *r)
{
	static const char later[] = CONF_ABSENT_KEYWORDS
		"require_tls_for_auth user tls_certificate tls_key tls_ca "
		"spf dkim_verify dkim_sign dmarc clamd dnsbl rate_limit alert_to";
	struct span start = span_head(r->word, KEYWORD_MAX);
	unsigned d, best = UINT8_MAX;
	const char *nearest = "";
	size_t i;

	if (listed(r->word, later)) {
		conf_tell(r, "is not in this build; remove the line", "");
		return;
	}
	for (i = 0; i < CONF_KEYWORDS; i++) {
		d = distance(start, span_of(conf_keywords[i].text));
		if (d < best) {
			best = d;
			nearest = conf_keywords[i].text;
		}
	}
	conf_tell(r, "is no keyword; the nearest is ", nearest);
}

/* ---- lines ---------------------------------------------------------------------- */

void conf_line_of(struct conf_reader *r, const char *keyword, struct span value, unsigned words)
{
	struct span text = r->text;
	bool hit = false;
	unsigned n;

	r->quiet = true;
	r->word = span_of(keyword);
	r->keyword = conf_find_keyword(r);
	for (r->line = 1; !hit && conf_take_line(&text, &r->rest); r->line++) {
		if (!conf_word(r) || !conf_word_is(r, keyword))
			continue;
		hit = value.len == 0;
		for (n = 0; !hit && n < words && conf_word(r); n++)
			hit = span_equal_nocase(r->word, value);
	}
	r->line = hit ? r->line - 1 : 0;
	r->quiet = false;
}

void conf_twice(struct conf_reader *r, uint32_t first)
{
	char digits[12] = "";
	struct buf b;

	buf_init(&b, digits, sizeof(digits) - 1);
	buf_put_u32(&b, first);
	conf_tell(r, "only one is allowed; there is one in line ", digits);
}

/* ---- aliases of aliases --------------------------------------------------------- */

/* The alias that target leads to, or -1. */
static int alias_of(const struct conf *c, struct span target)
{
	size_t at = span_find_last(target, '@');
	int i = conf_alias_index(c, target);

	if (i < 0 && at < target.len && conf_domain_is_local(c, span_from(target, at + 1)))
		i = conf_alias_index(c, span_head(target, at));
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

/* ---- what does not fit together ----------------------------------------------- */

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

void conf_check(struct conf_reader *r, bool domains_said)
{
	if (domains_said)
		check_local_domains(r);
	check_domains(r);
	conf_check_aliases(r);
	check_warn_delay(r);
}
