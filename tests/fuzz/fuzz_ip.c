/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_ip - addresses of the net: what is an address is what the C library takes for one,
 * our text is its text (RFC 5952), and what was printed is read as the same. */
#include "fuzz/fuzz.h"

#include "base/ip.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* As a sockaddr would have it; family 0: it is no address. */
static struct ip by_library(struct span s)
{
	uint8_t bytes[16];
	struct ip ip = { 0 };
	char text[64];

	if (s.len > 2 && s.at[0] == '[' && s.at[s.len - 1] == ']')
		s = span_sub(s, 1, s.len - 2);
	if (s.len == 0 || s.len >= sizeof(text) || span_find(s, 0) < s.len)
		return ip;
	memcpy(text, s.at, s.len);
	text[s.len] = 0;
	if (inet_pton(AF_INET, text, ip.bytes) == 1) {
		ip.family = 4;
	} else if (inet_pton(AF_INET6, text, bytes) == 1) {
		ip.family = memcmp(bytes, mapped, 12) == 0 ? 4 : 6;
		memcpy(ip.bytes, bytes + (ip.family == 4 ? 12 : 0), ip.family == 4 ? 4 : 16);
	}
	return ip;
}

static void check_text(const struct ip *ip, struct span text)
{
	char theirs[INET6_ADDRSTRLEN];

	MUST(inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->bytes, theirs, sizeof(theirs)));
	/* The library shows an old notation, which RFC 5952 5 leaves to it. */
	if (ip->family == 4 || !strchr(theirs, '.'))
		MUST(span_equal(text, span_of(theirs)));
}

static void address(struct span in)
{
	uint8_t text[IP_TEXT_MAX];
	struct ip ip = { 0 }, again, theirs = by_library(in);
	struct buf b;

	MUST(ip_parse(in, &ip) == (theirs.family != 0));
	if (theirs.family == 0)
		return;
	MUST(ip_equal(&ip, &theirs));
	buf_init(&b, text, sizeof(text));
	ip_put(&b, &ip);
	MUST(!b.overflow);
	check_text(&ip, buf_span(&b));
	MUST(ip_parse(buf_span(&b), &again) && ip_equal(&ip, &again));
	MUST(!(ip_is_any(&ip) && ip_is_loopback(&ip)));
}

static void endpoint(struct span in)
{
	uint8_t text[IP_ENDPOINT_TEXT_MAX];
	struct ip_endpoint e, again;
	struct buf b;

	if (!ip_endpoint_parse(in, 25, &e))
		return;
	MUST(e.port != 0);
	buf_init(&b, text, sizeof(text));
	ip_endpoint_put(&b, &e);
	MUST(!b.overflow && ip_endpoint_parse(buf_span(&b), 1, &again));
	MUST(ip_equal(&e.ip, &again.ip) && e.port == again.port);
}

static void prefix(struct span in)
{
	uint8_t text[IP_TEXT_MAX + 4];
	struct ip_prefix p, again;
	struct ip other;
	struct buf b;

	if (!ip_prefix_parse(in, &p))
		return;
	MUST(p.bits <= (p.ip.family == 4 ? 32 : 128) && ip_in_prefix(&p.ip, &p));
	buf_init(&b, text, sizeof(text));
	ip_put(&b, &p.ip);
	buf_put_byte(&b, '/');
	buf_put_u32(&b, p.bits);
	MUST(!b.overflow && ip_prefix_parse(buf_span(&b), &again));
	MUST(ip_equal(&p.ip, &again.ip) && p.bits == again.bits);
	if (p.bits == 0)
		return;
	other = p.ip;
	other.bytes[(p.bits - 1) / 8] ^= (uint8_t)(0x80u >> (p.bits - 1) % 8);
	MUST(!ip_in_prefix(&other, &p));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size), line;

	while (in.len > 0) {
		line = fuzz_exact(fuzz_line(&in));
		address(line);
		endpoint(line);
		prefix(line);
	}
	return 0;
}
