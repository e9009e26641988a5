/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_route - where a message goes: a configuration, a line with "--", then addresses.  A way
 * always names a line that is there, aliases end in addresses, each once, and a mailbox's
 * path has no octet of an address that leads elsewhere. */
#include "fuzz/fuzz.h"

#include "route/mx.h"
#include "route/route.h"

#include <string.h>

static struct conf conf;

static void report(void *ctx, uint32_t line, struct span message)
{
	(void)ctx;
	(void)line;
	(void)message;
}

static unsigned slashes(struct span s)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < s.len; i++)
		n += s.at[i] == '/';
	return n;
}

/* As many folders as the pattern has: the address added none. */
static void check_path(unsigned deliver, const struct address *a)
{
	const struct span pattern = conf_span(&conf, conf.deliver[deliver].path);
	uint8_t octets[256];
	struct span path;
	struct buf b;
	enum status st;

	buf_init(&b, octets, sizeof(octets));
	st = route_deliver_path(&conf, deliver, a, &b);
	MUST(st == ST_OK || st == ST_BAD || st == ST_FULL);
	if (st != ST_OK)
		return;
	path = buf_span(&b);
	MUST(path.len > 0 && path.at[0] == '/' && slashes(path) == slashes(pattern));
	MUST(fuzz_find(path, SPAN("/../")) == path.len ||
		fuzz_find(pattern, SPAN("/../")) < pattern.len);
	MUST(span_find(path, 0) == path.len);
}

static void check_route(const struct address *a)
{
	const struct route r = route_decide(&conf, a);
	const struct span hop = route_hop_name(&conf, &r, a);

	switch (r.way) {
	case ROUTE_LOCAL:
		MUST(r.index < conf.deliver_count && route_domain_is_local(&conf, a->domain));
		MUST(r.check_system_user == conf.deliver[r.index].users_system);
		check_path(r.index, a);
		break;
	case ROUTE_HOST: MUST(r.index < conf.route_count); break;
	case ROUTE_SMARTHOST: MUST(r.index < conf.smarthost_count); break;
	case ROUTE_NO_USER: MUST(route_domain_is_local(&conf, a->domain)); break;
	case ROUTE_MX:
	case ROUTE_LITERAL: MUST(!route_domain_is_local(&conf, a->domain)); break;
	default: MUST(a->domain.len == 0 && conf.local_domain_count == 0); break;
	}
	MUST(hop.len > 0);
}

struct found {
	unsigned count, max;
	struct buf b;
	uint8_t octets[CONFIG_ROUTE_ALIAS_WORK * 2];
};

static bool found(void *ctx, struct span text)
{
	struct found *f = ctx;
	struct span before = buf_span(&f->b);
	struct address a;

	MUST(f->count < f->max && address_parse(text, &a));
	while (before.len > 0)
		MUST(!span_equal(fuzz_line(&before), text));
	buf_put(&f->b, text);
	buf_put_byte(&f->b, '\n');
	MUST(!f->b.overflow);
	check_route(&a);
	return ++f->count < f->max;
}

static void expand(const struct address *a, unsigned max)
{
	static struct found f;
	const struct route_sink sink = { found, &f };
	enum status st;

	f.count = 0;
	f.max = max;
	buf_init(&f.b, f.octets, sizeof(f.octets));
	st = route_expand(&conf, a, &sink);
	MUST(st == ST_OK || st == ST_BAD || st == ST_FULL);
	MUST(st != ST_OK || (f.count > 0 && f.count < max));
	MUST(st != ST_BAD || f.count == 0);
}

/* ---- MX records of the fuzzer's --------------------------------------------------- */

static bool is_own(void *ctx, struct span host)
{
	(void)ctx;
	return span_equal_nocase(host, SPAN("me"));
}

static void check_list(const struct dns_answer *a, const struct mx_list *list, bool own)
{
	bool seen[CONFIG_DNS_RECORDS] = { false };
	unsigned i;

	MUST(list->count > 0 && list->count <= a->count);
	for (i = 0; i < list->count; i++) {
		const struct dns_record *r = &a->record[list->order[i]];

		MUST(list->order[i] < a->count && !seen[list->order[i]] && r->name_len > 0);
		MUST(i == 0 || r->preference >= a->record[list->order[i - 1]].preference);
		MUST(!own || !is_own(NULL, dns_record_name(a, r)));
		seen[list->order[i]] = true;
	}
}

static void mx(struct span *in)
{
	static const char names[] = "meonetwothreefour";
	static const uint8_t at[] = { 0, 2, 5, 8, 13, 17 };
	const struct mx_own own = { is_own, NULL };
	struct rng rng = { { fuzz_u8(in), 1, 2, 3 } };
	struct dns_answer a = { .count = fuzz_u8(in) % (CONFIG_DNS_RECORDS + 1u), .text_len = 17 };
	struct mx_list list;
	struct ip ips[4];
	enum mx_verdict v;
	unsigned i;

	memcpy(a.text, names, 17);
	for (i = 0; i < a.count; i++) {
		const uint8_t what = fuzz_u8(in), which = what % 6;

		a.record[i].preference = what >> 4;
		a.record[i].name_at = at[which % 5];
		a.record[i].name_len = which == 5 ? 0 : (uint8_t)(at[which + 1] - at[which]);
		a.record[i].ip.family = 4;
	}
	v = mx_order(&a, &own, &rng, &list);
	if (v == MX_HOSTS)
		check_list(&a, &list, true);
	MUST(v != MX_NULL || a.count == 1);
	i = (unsigned)mx_addresses(&a, fuzz_u8(in) & 1 ? &a : NULL,
		(enum mx_ip_version)(fuzz_u8(in) % 5), &rng, ips, 4);
	MUST(i <= 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf_defaults defaults = { SPAN_INIT("gw.test"), SPAN_INIT("/etc"),
		false };
	struct conf_errors errors = { .report = report };
	struct span in = span_make(data, size < 6000 ? size : 6000), line, text;
	struct address a;
	size_t end;

	end = fuzz_find(in, SPAN("\n--\n"));
	text = fuzz_take(&in, end + 1);
	(void)fuzz_take(&in, 3);
	if (conf_parse(&conf, text, &defaults, &errors) != ST_OK)
		return 0;
	mx(&in);
	while (in.len > 0) {
		line = fuzz_line(&in);
		if (!address_parse(line, &a) && !address_parse_path(&line, false, true, &a))
			continue;
		if (a.domain.len > 0)
			check_route(&a);
		expand(&a, 100);
		expand(&a, 2);
	}
	return 0;
}
