/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/ip6.h"

#include <string.h>

/* ::ffff:0:0/96, RFC 4291 2.5.5.2. */
static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static unsigned hex_value(uint8_t c)
{
	if (byte_is_digit(c))
		return (unsigned)(c - '0');
	c = byte_lower(c);
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10u : 16u;
}

static bool parse_group(struct span s, uint8_t out[2])
{
	unsigned value = 0;
	size_t i;

	if (s.len == 0 || s.len > 4)
		return false;
	for (i = 0; i < s.len; i++) {
		if (hex_value(s.at[i]) > 15u)
			return false;
		value = value << 4 | hex_value(s.at[i]);
	}
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)(value & 0xffu);
	return true;
}

/* Groups between colons up to the end of s, the last may be IPv4.  Octets
 * written, at most 16; -1 when it is not such a list. */
static int parse_groups(struct span s, uint8_t out[16])
{
	unsigned n = 0;

	if (s.len == 0)
		return 0;
	for (;;) {
		size_t colon = span_find(s, ':');

		if (colon == s.len && n <= 12 && ip4_parse(s, out + n))
			return (int)n + 4;
		if (n > 14 || !parse_group(span_head(s, colon), out + n))
			return -1;
		n += 2;
		if (colon == s.len)
			return (int)n;
		s = span_from(s, colon + 1);
	}
}

static bool parse_octets(struct span s, uint8_t out[16])
{
	uint8_t tail[16];
	size_t gap = 0;
	int front, back;

	while (gap + 1 < s.len && !(s.at[gap] == ':' && s.at[gap + 1] == ':'))
		gap++;
	if (gap + 1 >= s.len)
		return parse_groups(s, out) == 16;
	front = parse_groups(span_head(s, gap), out);
	back = parse_groups(span_from(s, gap + 2), tail);
	/* "::" stands for at least one group (RFC 4291 2.2), and an IPv4 part only
	 * ends an address. */
	if (front < 0 || back < 0 || front + back > 14 || span_find(span_head(s, gap), '.') < gap)
		return false;
	memset(out + front, 0, (size_t)(16 - front));
	memcpy(out + 16 - back, tail, (size_t)back);
	return true;
}

bool ip6_parse(struct span s, struct ip *out)
{
	if (span_find(s, ':') == s.len || !parse_octets(s, out->bytes))
		return false;
	out->family = 6;
	if (memcmp(out->bytes, mapped, sizeof(mapped)) == 0) {
		out->family = 4;
		memcpy(out->bytes, out->bytes + 12, 4);
		memset(out->bytes + 4, 0, 12);
	}
	return true;
}

static unsigned group_of(const struct ip *a, unsigned i)
{
	return (unsigned)a->bytes[2 * i] << 8 | a->bytes[2 * i + 1];
}

static void put_group(struct buf *b, unsigned group)
{
	unsigned digits = 1;

	while (digits < 4 && group >> (4u * digits) != 0)
		digits++;
	buf_put_hex(b, group, digits);
}

/* RFC 5952 4.2: "::" takes the longest run of two or more zero groups, the first of equals. */
void ip6_put(struct buf *b, const struct ip *a)
{
	unsigned best = 8, best_len = 1, i, n;

	for (i = 0; i < 8; i += n + 1) {
		for (n = 0; i + n < 8 && group_of(a, i + n) == 0; n++)
			;
		if (n > best_len) {
			best = i;
			best_len = n;
		}
	}
	for (i = 0; i < 8; i++) {
		if (i == best) {
			buf_puts(b, "::");
			i += best_len - 1;
			continue;
		}
		if (i > 0 && i != best + best_len)
			buf_put_byte(b, ':');
		put_group(b, group_of(a, i));
	}
}
