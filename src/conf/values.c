/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

/* ---- numbers, sizes, times ---------------------------------------------------- */

#define DAY 86400u

struct unit {
	uint8_t letter; /* 0: the last */
	uint32_t factor;
};

static const struct unit sizes[] = { { 'k', 1u << 10 }, { 'm', 1u << 20 }, { 'g', 1u << 30 },
	{ 0, 0 } };
static const struct unit times[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', DAY },
	{ 0, 0 } };

static void scaled(struct conf_reader *r, const struct unit *u, uint32_t least, uint32_t most,
	uint32_t *out)
{
	struct span w = r->word;
	uint32_t factor = 1, n;

	for (; u->letter != 0; u++) {
		if (w.len > 0 && byte_lower(w.at[w.len - 1]) == u->letter) {
			factor = u->factor;
			w.len--;
			break;
		}
	}
	if (span_to_u32(w, most / factor, &n) && n * factor >= least)
		*out = n * factor;
	else
		conf_wrong(r);
}

static void read_time(struct conf_reader *r, void *place)
{
	scaled(r, times, 1, 365 * DAY, place);
}

#if CONFIG_DELAY_REPORTS
static void read_time_or_never(struct conf_reader *r, void *place)
{
	scaled(r, times, 0, 365 * DAY, place);
}
#endif

static void read_retry(struct conf_reader *r, void *place)
{
	uint32_t *step = place;

	scaled(r, times, r->c->retry_count > 0 ? step[-1] : 1, 365 * DAY, step);
}

static void read_size(struct conf_reader *r, void *place)
{
	scaled(r, sizes, 1024, UINT32_MAX, place);
}

static void read_count(struct conf_reader *r, void *place)
{
	static const struct unit none[] = { { 0, 0 } };
	uint16_t *count = place;
	uint32_t n = 0;

	scaled(r, none, 1, UINT16_MAX, &n);
	*count = (uint16_t)n;
}

/* One of the words that the row wants: its place among them. */
static void read_choice(struct conf_reader *r, void *place)
{
	struct span words = span_of(conf_part(r->keyword, CONF_WANT));
	uint8_t *choice = place;

	for (*choice = 0; words.len > 0; ++*choice) {
		size_t n = span_find(words, ',');

		if (span_equal(r->word, span_head(words, n)))
			return;
		words = span_from(words, n + 2);
	}
	conf_wrong(r);
}

/* ---- names, addresses, paths ------------------------------------------------------ */

enum { ARG_DOMAIN = 1, ARG_ADDRESS = 2 };

static void read_name(struct conf_reader *r, void *place)
{
	unsigned arg = r->keyword->arg;
	struct address a;

	if (((arg & ARG_DOMAIN) && address_domain_ok(r->word)) ||
		((arg & ARG_ADDRESS) && address_parse(r->word, &a)))
		conf_keep(r, r->word, place);
	else
		conf_wrong(r);
}

void conf_read_path(struct conf_reader *r, void *place)
{
	bool ok = conf_keep(r, SPAN_EMPTY, place);

	if (r->word.len == 0)
		conf_wrong(r);
	else if (r->word.at[0] != '/' && r->base_dir.len > 0)
		ok = conf_append(r, r->base_dir, place) && conf_append(r, SPAN("/"), place);
	if (ok)
		conf_append(r, r->word, place);
}

static void read_queue(struct conf_reader *r, void *place)
{
	if (conf_word_is(r, "memory") || span_starts_nocase(r->word, SPAN("mtd:")))
		conf_wrong(r);
	conf_read_path(r, place);
	if (!r->failed && conf_word(r))
		read_size(r, &r->c->queue_size);
}

/* ---- IP addresses --------------------------------------------------------------- */

static void read_endpoint(struct conf_reader *r, void *place)
{
	struct ip_endpoint *e = place;

	if (!ip_endpoint_parse(r->word, r->keyword->arg, e))
		conf_wrong(r);
}

static void read_prefix(struct conf_reader *r, void *place)
{
	struct ip_prefix *p = place;

	/* Wider than any network that one person answers for (10/8, fc00::/7) is
	 * an open relay. */
	if (!ip_prefix_parse(r->word, p))
		conf_wrong(r);
	else if (p->bits < (p->ip.family == 4 ? 8 : 7))
		conf_tell(r, "makes an open relay; name your own networks", "");
}

/* ---- next hops ------------------------------------------------------------------ */

/* "HOST", "HOST:PORT"; an IPv6 address only in brackets. */
static bool host_ok(struct span *host, uint16_t *port)
{
	struct ip ip;

	*port = 25;
	if (!ip_port_take(host, port))
		return false;
	return address_domain_ok(*host) ||
		(host->len > 0 && host->at[0] == '[' && ip_parse(*host, &ip));
}

/* HOST[:PORT] tls=... */
static void read_host(struct conf_reader *r, struct conf_host *h, bool tls_said)
{
	struct span host = r->word;

	if (!host_ok(&host, &h->port)) {
		conf_wrong(r);
		return;
	}
	conf_keep(r, host, &h->host);
	h->tls = CONF_TLS_OPPORTUNISTIC;
	while (conf_word(r)) {
		tls_said = true;
		if (conf_word_is(r, "tls=none"))
			h->tls = CONF_TLS_NONE;
		else if (!conf_word_is(r, "tls=opportunistic"))
			conf_wrong(r);
	}
	/* What a smarthost's default promises cannot be kept: never silently in clear. */
	r->word = SPAN("tls=verified, the default,");
	if (!tls_said)
		conf_wrong(r);
}

static void read_smarthost(struct conf_reader *r, void *place)
{
	read_host(r, place, false);
}

/* For "example.org", "*.example.org" or "*". */
static void read_route(struct conf_reader *r, void *place)
{
	struct conf_host *h = place;
	struct span w = r->word;

	if (!span_equal(w, SPAN("*")) &&
		!address_domain_ok(span_starts_nocase(w, SPAN("*.")) ? span_from(w, 2) : w))
		conf_wrong(r);
	else if (conf_keep(r, w, &h->domain) && conf_need(r))
		read_host(r, h, true);
}

/* ---- the table ------------------------------------------------------------------ */

#define ONE(name, want, read, member, arg) \
	{ \
		name "\0" want, read, offsetof(struct conf, member), 0, 0, 1, CONF_SAME_NEVER, arg \
	}
#define ROW(name, want, symbol, read, array, count, same, arg) \
	{ \
		name "\0" CONF_ADVICE(want "\0" #symbol), read, offsetof(struct conf, array), \
			offsetof(struct conf, count), sizeof(((struct conf *)0)->array[0]), \
			CONFIG_CONF_##symbol, same, arg \
	}
#define LIST(name, want, symbol, read, array, same, arg) \
	ROW(name, want, symbol, read, array, array##_count, same, arg)

#if CONFIG_IPV6
#define IP_VERSIONS "any, 4, 6, prefer4, prefer6"
#else
#define IP_VERSIONS "any, 4"
#endif

#if CONFIG_MAILBOXES
#define DELIVER_TO "NAME@DOMAIN maildir PATH [users=system], %u %d %r in PATH"
#else
#define DELIVER_TO "NAME@DOMAIN callback"
#endif

#define ENDPOINT sizeof(struct ip_endpoint)
#define PREFIX sizeof(struct ip_prefix)
#define TEXT CONF_SAME_TEXT
#define LINE CONF_WHOLE_LINE

/* clang-format off */
const struct conf_keyword conf_keywords[CONF_KEYWORDS] = {
	ONE("hostname", CONF_ADVICE("NAME"), read_name, hostname, ARG_DOMAIN),
	ONE("postmaster", CONF_ADVICE("USER@DOMAIN"), read_name, postmaster, ARG_ADDRESS),
	LIST("listen", "IP[:PORT]", LISTENS, read_endpoint, listen, ENDPOINT, 25),
	LIST("relay_from", "IP[/BITS] ..., no bits set below",
		RELAY_FROM, read_prefix, relay_from, PREFIX, 0),
#if CONFIG_LEGACY_DEVICES
	LIST("device", "IP [legacy=yes|no] [from=USER@DOMAIN]",
		DEVICES, conf_read_device, device, sizeof(struct ip), LINE),
#endif
	LIST("local_domain", "DOMAIN ...",
		LOCAL_DOMAINS, read_name, local_domain, TEXT, ARG_DOMAIN),
#if CONFIG_ALIASES
	{ "alias\0" CONF_ADVICE("NAME ADDRESS ..."),
		conf_read_alias, 0, 0, 0, 0, CONF_SAME_NEVER, 0 },
#endif
#if CONFIG_ALIASES_FILE
	ONE("aliases", CONF_ADVICE("PATH"), conf_read_path, aliases_file, 0),
#endif
#if CONFIG_LOCAL_DELIVERY
	LIST("deliver", DELIVER_TO,
		DELIVERS, conf_read_deliver, deliver, TEXT, LINE),
#endif
#if CONFIG_MASQUERADE
	ONE("masquerade", CONF_ADVICE("DOMAIN or USER@DOMAIN"),
		read_name, masquerade, ARG_DOMAIN | ARG_ADDRESS),
#endif
	LIST("smarthost", "HOST[:PORT] tls=none|opportunistic",
		SMARTHOSTS, read_smarthost, smarthost, CONF_SAME_NEVER, LINE),
	LIST("route", "DOMAIN HOST[:PORT] [tls=none|opportunistic]",
		ROUTES, read_route, route, TEXT, LINE),
#if CONFIG_DNS
	LIST("dns_server", "IP[:PORT] ...", DNS_SERVERS, read_endpoint, dns_server, ENDPOINT, 53),
	ONE("mx_port", CONF_ADVICE("1 to 65535"), read_count, mx_port, 0),
	ONE("ip_version", IP_VERSIONS, read_choice, ip_version, 0),
#endif
	ONE("ntp_server", CONF_ADVICE("HOST"), read_name, ntp_server, ARG_DOMAIN),
	ONE("queue", CONF_ADVICE("PATH [SIZE], like 64M"), read_queue, queue_path, 0),
	ONE("cut_through", "off", read_choice, cut_through, 0),
	ROW("retry", "TIME ..., rising, like 1m 15m 4h",
		RETRIES, read_retry, retry_s, retry_count, CONF_SAME_NEVER, 0),
	ONE("expire", CONF_ADVICE("TIME, like 5d"), read_time, expire_s, 0),
#if CONFIG_DELAY_REPORTS
	ONE("warn_delay", CONF_ADVICE("TIME, like 4h, or 0 for never"),
		read_time_or_never, warn_delay_s, 0),
#endif
	ONE("max_message_size", CONF_ADVICE("SIZE, like 10M"), read_size, max_message_size, 0),
	ONE("max_recipients", CONF_ADVICE("1 to 65535"), read_count, max_recipients, 0),
	ONE("control", CONF_ADVICE("PATH"), conf_read_path, control, 0),
	ONE("log", "error, warning, info, debug", read_choice, log_level, 0),
};
/* clang-format on */
