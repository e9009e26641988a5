/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/address.h"

#include "mail/printable.h"
#include "mail/word.h"

#define LABEL_MAX 63u /* RFC 1035 2.3.4 */

/* RFC 5322 3.2.3 atext: printable, without the specials and the blank. */
static bool is_atext(uint8_t c)
{
	return printable_byte(c) && !byte_in(c, " \"(),.:;<>@[\\]");
}

/* Length of the dot-string at the front of s; 0: none.  Two dots in a row or
 * one at an end make no dot-string (RFC 5321 4.1.2). */
static size_t dot_string_len(struct span s)
{
	size_t n = 0;

	while (n < s.len) {
		if (s.at[n] == '.' && (n == 0 || s.at[n - 1] == '.'))
			return 0;
		if (s.at[n] != '.' && !is_atext(s.at[n]))
			break;
		n++;
	}
	return (n > 0 && s.at[n - 1] == '.') ? 0 : n;
}

/* Length of the quoted string at the front of s with its quotes; 0: none. */
static size_t quoted_len(struct span s)
{
	size_t n;

	for (n = 1; n < s.len && printable_byte(s.at[n]); n++) {
		if (s.at[n] == '"')
			return n + 1;
		if (s.at[n] == '\\' && (++n == s.len || !printable_byte(s.at[n])))
			return 0;
	}
	return 0;
}

static size_t local_len(struct span s)
{
	if (s.len == 0)
		return 0;
	return s.at[0] == '"' ? quoted_len(s) : dot_string_len(s);
}

bool address_domain_ok(struct span s)
{
	size_t i, label = 0;

	if (s.len == 0 || s.len > DOMAIN_MAX || s.at[s.len - 1] == '-' || s.at[s.len - 1] == '.')
		return false;
	for (i = 0; i < s.len; i++) {
		if (s.at[i] == '.') {
			if (label == 0 || s.at[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!byte_is_alnum(s.at[i]) && (s.at[i] != '-' || label == 0))
			return false;
		if (++label > LABEL_MAX)
			return false;
	}
	return true;
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 4.1.3); other tags are registered nowhere. */
bool address_literal(struct span s, struct ip *out)
{
	bool tagged;

	if (s.len < 3 || s.len > DOMAIN_MAX || s.at[0] != '[' || s.at[s.len - 1] != ']')
		return false;
	s = span_sub(s, 1, s.len - 2);
	tagged = CONFIG_IPV6 && word_starts(s, "IPv6:");
	if (tagged)
		s = span_from(s, 5);
	/* ip_parse would take brackets of its own. */
	return tagged == (span_find(s, ':') < s.len) && span_find(s, '[') == s.len &&
		ip_parse(s, out);
}

static bool domain_or_literal_ok(struct span s)
{
	struct ip ip;

	return address_domain_ok(s) || address_literal(s, &ip);
}

bool address_parse(struct span s, struct address *out)
{
	size_t n = local_len(s);

	/* The "@" that counts is the one behind the local part: a quoted local
	 * part may hold others, and a domain never does. */
	if (n == 0 || n == s.len || s.at[n] != '@' || s.len > ADDRESS_MAX)
		return false;
	if (!domain_or_literal_ok(span_from(s, n + 1)))
		return false;
	out->local = span_head(s, n);
	out->domain = span_from(s, n + 1);
	return true;
}

/* Takes "@a,@b:" off the front of *s (RFC 5321 appendix C: accepted, ignored). */
static bool route_take(struct span *s)
{
	size_t n;

	while (s->len > 0 && s->at[0] == '@') {
		span_skip(s, 1);
		for (n = 0; n < s->len && s->at[n] != ',' && s->at[n] != ':'; n++)
			;
		if (n == s->len || !address_domain_ok(span_head(*s, n)))
			return false;
		if (s->at[n] == ':') {
			span_skip(s, n + 1);
			return true;
		}
		span_skip(s, n + 1);
	}
	return false;
}

bool address_parse_path(struct span *s, bool null_ok, bool local_ok, struct address *out)
{
	struct span rest = span_from(*s, 1), inside;
	size_t n, end;

	if (s->len < 2 || s->at[0] != '<')
		return false;
	if (rest.at[0] == '@' && !route_take(&rest))
		return false;
	n = local_len(rest);
	end = n + span_find(span_from(rest, n), '>');
	if (end >= rest.len)
		return false;
	inside = span_head(rest, end);
	if (inside.len == 0 || n == inside.len) {
		if (inside.len > 0 ? (!local_ok || n > LOCAL_PART_MAX)
				   : (!null_ok || s->at[1] != '>'))
			return false;
		out->local = inside;
		out->domain = SPAN_EMPTY;
	} else if (!address_parse(inside, out)) {
		return false;
	}
	*s = span_from(rest, end + 1);
	return true;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return span_equal(a->local, b->local) && span_equal_nocase(a->domain, b->domain);
}

void address_put(struct buf *b, const struct address *a)
{
	buf_put(b, a->local);
	if (a->domain.len > 0) {
		buf_put_byte(b, '@');
		buf_put(b, a->domain);
	}
}
