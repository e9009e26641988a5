/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/span.h"

#include <string.h>

struct span span_of(const char *text)
{
	return span_make(text, text ? strlen(text) : 0);
}

uint8_t byte_lower(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool byte_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

bool byte_is_alpha(uint8_t c)
{
	return byte_lower(c) >= 'a' && byte_lower(c) <= 'z';
}

bool byte_is_alnum(uint8_t c)
{
	return byte_is_digit(c) || byte_is_alpha(c);
}

bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool span_starts_nocase(struct span s, struct span prefix)
{
	size_t i;

	if (s.len < prefix.len)
		return false;
	for (i = 0; i < prefix.len; i++)
		if (byte_lower(s.at[i]) != byte_lower(prefix.at[i]))
			return false;
	return true;
}

bool span_equal_nocase(struct span a, struct span b)
{
	return a.len == b.len && span_starts_nocase(a, b);
}

struct span span_behind(size_t from, struct span s)
{
	if (from >= s.len)
		return SPAN_EMPTY;
	return span_make(s.at + from, s.len - from);
}

void span_skip(struct span *s, size_t n)
{
	if (n > s->len)
		n = s->len;
	s->at += n;
	s->len -= n;
}

struct span span_first(size_t len, struct span s)
{
	if (len < s.len)
		s.len = len;
	return s;
}

struct span span_sub(struct span s, size_t from, size_t len)
{
	return span_head(span_from(s, from), len);
}

bool byte_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct span span_trim(struct span s)
{
	while (s.len > 0 && byte_is_blank(s.at[0]))
		s = span_from(s, 1);
	while (s.len > 0 && byte_is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

size_t span_find(struct span s, uint8_t c)
{
	const uint8_t *hit = s.len > 0 ? memchr(s.at, c, s.len) : NULL;

	return hit ? (size_t)(hit - s.at) : s.len;
}

size_t span_find_last(struct span s, uint8_t c)
{
	size_t i;

	for (i = s.len; i > 0; i--)
		if (s.at[i - 1] == c)
			return i - 1;
	return s.len;
}

bool span_to_u32(struct span s, uint32_t max, uint32_t *out)
{
	uint32_t value = 0;
	size_t i;

	if (s.len == 0)
		return false;
	for (i = 0; i < s.len; i++) {
		const uint32_t digit = (uint32_t)s.at[i] - '0';

		if (digit > 9 || digit > max || value > (max - digit) / 10u)
			return false;
		value = value * 10u + digit;
	}
	*out = value;
	return true;
}

struct span span_word(struct span *s)
{
	struct span word = span_trim(*s);
	size_t n = 0;

	while (n < word.len && !byte_is_blank(word.at[n]))
		n++;
	*s = span_trim(span_from(word, n));
	word.len = n;
	return word;
}

uint32_t span_hash_nocase(struct span s)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	size_t i;

	for (i = 0; i < s.len; i++)
		hash = (hash ^ byte_lower(s.at[i])) * 16777619u;
	return hash;
}
