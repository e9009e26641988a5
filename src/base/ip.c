/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/ip6.h"

#include <string.h>

static bool is_six(const struct ip *a)
{
	return CONFIG_IPV6 && a->family == 6;
}

static unsigned ip_len(const struct ip *a)
{
	return is_six(a) ? IP_BYTES_MAX : 4u;
}

/* Four decimal numbers.  A leading zero is refused: some read it as octal, and
 * two readers that disagree about an address are a hole. */
bool ip4_parse(struct span s, uint8_t out[4])
{
	unsigned i;

	for (i = 0; i < 4; i++) {
		size_t n = span_find(s, '.');
		uint32_t value;

		if (n > 3 || (n > 1 && s.at[0] == '0') || (i < 3) != (n < s.len))
			return false;
		if (!span_to_u32(span_head(s, n), 255, &value))
			return false;
		out[i] = (uint8_t)value;
		s = span_from(s, n + 1);
	}
	return true;
}

bool ip_parse(struct span s, struct ip *out)
{
	struct ip ip = { 0 };

	if (s.len > 2 && s.at[0] == '[' && s.at[s.len - 1] == ']')
		s = span_sub(s, 1, s.len - 2);
	ip.family = 4;
	if (!ip4_parse(s, ip.bytes) && !ip6_parse(s, &ip))
		return false;
	*out = ip;
	return true;
}

bool ip_port_take(struct span *s, uint16_t *port)
{
	size_t colon = span_find_last(*s, ':');
	uint32_t n;

	if (colon == s->len || s->at[s->len - 1] == ']')
		return true;
	if (!span_to_u32(span_from(*s, colon + 1), UINT16_MAX, &n) || n == 0)
		return false;
	*port = (uint16_t)n;
	s->len = colon;
	return true;
}

bool ip_endpoint_parse(struct span s, uint16_t port_default, struct ip_endpoint *out)
{
	bool bare_v6 = CONFIG_IPV6 && s.len > 0 && s.at[0] != '[' &&
		span_find(s, ':') != span_find_last(s, ':');

	out->port = port_default;
	return (bare_v6 || ip_port_take(&s, &out->port)) && ip_parse(s, &out->ip);
}

static bool bit_of(const struct ip *a, unsigned bit)
{
	return (a->bytes[bit / 8u] >> (7u - bit % 8u) & 1u) != 0;
}

bool ip_prefix_parse(struct span s, struct ip_prefix *out)
{
	size_t slash = span_find(s, '/');
	struct span address = span_head(s, slash);
	unsigned written = CONFIG_IPV6 && span_find(address, ':') < address.len ? 128u : 32u;
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
	one.bytes[IP_BYTES_MAX - 1] = 0;
	return is_six(a) && a->bytes[IP_BYTES_MAX - 1] == 1 && ip_is_any(&one);
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

void ip_put(struct buf *b, const struct ip *a)
{
	if (a->family == 4)
		put_v4(b, a->bytes);
	else if (is_six(a))
		ip6_put(b, a);
	else
		buf_puts(b, "none");
}

void ip_endpoint_put(struct buf *b, const struct ip_endpoint *e)
{
	if (is_six(&e->ip))
		buf_put_byte(b, '[');
	ip_put(b, &e->ip);
	if (is_six(&e->ip))
		buf_put_byte(b, ']');
	buf_put_byte(b, ':');
	buf_put_u32(b, e->port);
}
