/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/ip.h"

#include <string.h>

/* ::ffff:0:0/96, RFC 4291 2.5.5.2. */
static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static unsigned ip_len(const struct ip *a)
{
	return a->family == 4 ? 4u : a->family == 6 ? 16u : 0u;
}

/* Four decimal numbers.  A leading zero is refused: some read it as octal, and
 * two readers that disagree about an address are a hole. */
static bool parse_v4(struct span s, uint8_t out[4])
{
	unsigned i;

	for (i = 0; i < 4; i++) {
		size_t n = i < 3 ? span_find(s, '.') : s.len;
		uint32_t value;

		if (n > 3 || (n > 1 && s.at[0] == '0') || (i < 3 && n == s.len))
			return false;
		if (!span_to_u32(span_sub(s, 0, n), 255, &value))
			return false;
		out[i] = (uint8_t)value;
		s = span_from(s, n + 1);
	}
	return true;
}

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

		if (colon == s.len && n <= 12 && parse_v4(s, out + n))
			return (int)n + 4;
		if (n > 14 || !parse_group(span_sub(s, 0, colon), out + n))
			return -1;
		n += 2;
		if (colon == s.len)
			return (int)n;
		s = span_from(s, colon + 1);
	}
}

static bool parse_v6(struct span s, uint8_t out[16])
{
	uint8_t tail[16];
	size_t gap = 0;
	int front, back;

	while (gap + 1 < s.len && !(s.at[gap] == ':' && s.at[gap + 1] == ':'))
		gap++;
	if (gap + 1 >= s.len)
		return parse_groups(s, out) == 16;
	front = parse_groups(span_sub(s, 0, gap), out);
	back = parse_groups(span_from(s, gap + 2), tail);
	/* "::" stands for at least one group (RFC 4291 2.2), and an IPv4 part only
	 * ends an address. */
	if (front < 0 || back < 0 || front + back > 14 || span_find(span_sub(s, 0, gap), '.') < gap)
		return false;
	memset(out + front, 0, (size_t)(16 - front));
	memcpy(out + 16 - back, tail, (size_t)back);
	return true;
}

bool ip_parse(struct span s, struct ip *out)
{
	struct ip ip = { 0 };

	if (s.len > 2 && s.at[0] == '[' && s.at[s.len - 1] == ']')
		s = span_sub(s, 1, s.len - 2);
	if (span_find(s, ':') == s.len) {
		ip.family = 4;
		if (!parse_v4(s, ip.bytes))
			return false;
	} else {
		ip.family = 6;
		if (!parse_v6(s, ip.bytes))
			return false;
		if (memcmp(ip.bytes, mapped, sizeof(mapped)) == 0) {
			ip.family = 4;
			memcpy(ip.bytes, ip.bytes + 12, 4);
			memset(ip.bytes + 4, 0, 12);
		}
	}
	*out = ip;
	return true;
}

bool ip_endpoint_parse(struct span s, uint16_t port_default, struct ip_endpoint *out)
{
	size_t colon = span_find_last(s, ':');
	bool bare_v6 = s.len > 0 && s.at[0] != '[' && span_find(s, ':') != colon;
	bool ends_in_bracket = s.len > 0 && s.at[s.len - 1] == ']';
	uint32_t port = port_default;

	if (colon < s.len && !bare_v6 && !ends_in_bracket) {
		if (!span_to_u32(span_from(s, colon + 1), UINT16_MAX, &port) || port == 0)
			return false;
		s.len = colon;
	}
	out->port = (uint16_t)port;
	return ip_parse(s, &out->ip);
}

static bool bit_of(const struct ip *a, unsigned bit)
{
	return (a->bytes[bit / 8u] >> (7u - bit % 8u) & 1u) != 0;
}

bool ip_prefix_parse(struct span s, struct ip_prefix *out)
{
	size_t slash = span_find(s, '/');
	struct span address = span_sub(s, 0, slash);
	unsigned written = span_find(address, ':') < address.len ? 128u : 32u;
	unsigned total, i;
	uint32_t bits = written;

	if (!ip_parse(address, &out->ip))
		return false;
	if (slash < s.len && !span_to_u32(span_from(s, slash + 1), written, &bits))
		return false;
	total = 8u * ip_len(&out->ip);
	/* An IPv4-mapped prefix counts its bits from the front of 128. */
	if (bits < written - total)
		return false;
	bits -= written - total;
	for (i = bits; i < total; i++)
		if (bit_of(&out->ip, i))
			return false;
	out->bits = (uint8_t)bits;
	return true;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, ip_len(a)) == 0;
}

bool ip_in_prefix(const struct ip *a, const struct ip_prefix *prefix)
{
	unsigned i;

	if (a->family == 0 || a->family != prefix->ip.family)
		return false;
	for (i = 0; i < prefix->bits; i++)
		if (bit_of(a, i) != bit_of(&prefix->ip, i))
			return false;
	return true;
}

bool ip_is_any(const struct ip *a)
{
	unsigned i;

	for (i = 0; i < ip_len(a); i++)
		if (a->bytes[i] != 0)
			return false;
	return a->family != 0;
}

bool ip_is_loopback(const struct ip *a)
{
	struct ip one = *a;

	if (a->family == 4)
		return a->bytes[0] == 127;
	one.bytes[15] = 0;
	return a->family == 6 && a->bytes[15] == 1 && ip_is_any(&one);
}

static void put_v4(struct buf *b, const uint8_t bytes[4])
{
	unsigned i;

	for (i = 0; i < 4; i++) {
		if (i > 0)
			buf_put_byte(b, '.');
		buf_put_u32(b, bytes[i]);
	}
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
static void put_v6(struct buf *b, const struct ip *a)
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

void ip_put(struct buf *b, const struct ip *a)
{
	if (a->family == 4)
		put_v4(b, a->bytes);
	else if (a->family == 6)
		put_v6(b, a);
	else
		buf_puts(b, "none");
}

void ip_endpoint_put(struct buf *b, const struct ip_endpoint *e)
{
	if (e->ip.family == 6)
		buf_put_byte(b, '[');
	ip_put(b, &e->ip);
	if (e->ip.family == 6)
		buf_put_byte(b, ']');
	buf_put_byte(b, ':');
	buf_put_u32(b, e->port);
}
