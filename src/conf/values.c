/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

#include <string.h>

#define DAY 86400u
#define TLS_ADVICE "it has no TLS: write tls=none or tls=opportunistic"

/* ---- numbers, sizes, times ---------------------------------------------------- */

struct unit {
	uint8_t letter; /* 0: the last */
	uint32_t factor;
};

static const struct unit plain[] = { { 0, 0 } };
static const struct unit sizes[] = { { 'k', 1u << 10 }, { 'm', 1u << 20 }, { 'g', 1u << 30 },
	{ 0, 0 } };
static const struct unit times[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', DAY },
	{ 0, 0 } };

static bool scaled(struct conf_reader *r, const struct unit *u, uint32_t least, uint32_t most,
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
	if (!span_to_u32(w, most / factor, &n) || n * factor < least) {
		conf_wrong(r);
		return false;
	}
	*out = n * factor;
	return true;
}

/* Where the one value of this keyword goes. */
static void *place(struct conf_reader *r)
{
	return (uint8_t *)r->c + r->keyword->at;
}

static void number(struct conf_reader *r, const struct unit *units, uint32_t least, uint32_t most)
{
	if (conf_need(r))
		scaled(r, units, least, most, place(r));
}

static void read_size(struct conf_reader *r)
{
	number(r, sizes, 1024, 1u << 31);
}

static void read_count(struct conf_reader *r)
{
	number(r, plain, 1, UINT16_MAX);
}

static void read_expire(struct conf_reader *r)
{
	number(r, times, 1, 365 * DAY);
}

static void read_warn_delay(struct conf_reader *r)
{
	number(r, times, 0, 365 * DAY);
}

static void read_mx_port(struct conf_reader *r)
{
	uint32_t n = 0;

	if (conf_need(r))
		scaled(r, plain, 1, UINT16_MAX, &n);
	r->c->mx_port = (uint16_t)n;
}

static void read_retry(struct conf_reader *r)
{
	struct conf *c = r->c;
	uint32_t before = 1;

	if (!conf_need(r))
		return;
	do {
		if (!conf_room(r, c->retry_count, CONFIG_CONF_RETRIES, "CONF_RETRIES"))
			return;
		scaled(r, times, before, 365 * DAY, &before);
		c->retry_s[c->retry_count++] = before;
	} while (conf_word(r));
}

/* ---- one of several words: its place -------------------------------------------- */

static void choice(struct conf_reader *r, const char *const *words)
{
	uint8_t *out = place(r);

	if (!conf_need(r))
		return;
	for (*out = 0; words[*out]; ++*out)
		if (conf_word_is(r, words[*out]))
			return;
	conf_wrong(r);
}

static void read_ip_version(struct conf_reader *r)
{
	static const char *const words[] = { "any", "4", "6", "prefer4", "prefer6", NULL };

	choice(r, words);
}

static void read_log(struct conf_reader *r)
{
	static const char *const words[] = { "error", "warning", "info", "debug", NULL };

	choice(r, words);
}

static void read_cut_through(struct conf_reader *r)
{
	if (conf_need(r) && !conf_word_is(r, "off"))
		conf_not_built(r, "write off");
}

/* ---- names, addresses, paths ------------------------------------------------------ */

static void name(struct conf_reader *r, bool domain, bool address)
{
	struct address a;

	if (!conf_need(r))
		return;
	if ((domain && address_domain_ok(r->word)) || (address && address_parse(r->word, &a)))
		conf_keep(r, r->word, place(r));
	else
		conf_wrong(r);
}

static void read_domain(struct conf_reader *r)
{
	name(r, true, false);
}

static void read_address(struct conf_reader *r)
{
	name(r, false, true);
}

static void read_masquerade(struct conf_reader *r)
{
	name(r, true, true);
}

static bool keep_path(struct conf_reader *r, struct conf_text *t)
{
	bool ok = conf_keep(r, SPAN_EMPTY, t);

	if (r->word.len == 0) {
		conf_wrong(r);
		return false;
	}
	if (r->word.at[0] != '/' && r->base_dir.len > 0)
		ok = conf_append(r, r->base_dir, t) && conf_append(r, SPAN("/"), t);
	return ok && conf_append(r, r->word, t);
}

static void read_path(struct conf_reader *r)
{
	if (conf_need(r))
		keep_path(r, place(r));
}

static void read_queue(struct conf_reader *r)
{
	if (!conf_need(r))
		return;
	if (conf_word_is(r, "memory") || span_starts_nocase(r->word, SPAN("mtd:")))
		conf_not_built(r, "write the path of a file");
	else if (keep_path(r, place(r)) && conf_word(r))
		scaled(r, sizes, 1u << 15, UINT32_MAX, &r->c->queue_size);
}

/* ---- IP addresses --------------------------------------------------------------- */

static void bad_option(struct conf_reader *r)
{
	static const char *const later[] = { "role=", "tls=", "user=", "password_file=", "verify=",
		"pin=" };
	size_t i;

	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		if (span_starts_nocase(r->word, span_of(later[i]))) {
			conf_not_built(r, "remove it");
			return;
		}
	}
	conf_wrong(r);
}

/* An endpoint with a port, or told. */
static bool endpoint(struct conf_reader *r, uint16_t port_default, struct ip_endpoint *e)
{
	if (ip_endpoint_parse(r->word, port_default, e) && e->port != 0)
		return true;
	conf_wrong(r);
	return false;
}

/* Both want the same place: one port, and one address or "any" beside it. */
static bool overlap(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
	return a->port == b->port && a->ip.family == b->ip.family &&
		(ip_equal(&a->ip, &b->ip) || ip_is_any(&a->ip) || ip_is_any(&b->ip));
}

static void read_listen(struct conf_reader *r)
{
	struct conf *c = r->c;
	struct ip_endpoint e;
	size_t i;

	if (!conf_need(r) || !endpoint(r, 25, &e) ||
		!conf_room(r, c->listen_count, CONFIG_CONF_LISTENS, "CONF_LISTENS"))
		return;
	for (i = 0; i < c->listen_count; i++)
		if (overlap(&c->listen[i].at, &e))
			conf_repeated(r);
	if (!r->failed)
		c->listen[c->listen_count++].at = e;
	if (conf_word(r))
		bad_option(r);
}

static void read_relay_from(struct conf_reader *r)
{
	struct conf *c = r->c;
	struct ip_prefix *p;

	if (!conf_need(r))
		return;
	do {
		if (!conf_room(r, c->relay_from_count, CONFIG_CONF_RELAY_FROM, "CONF_RELAY_FROM"))
			return;
		p = &c->relay_from[c->relay_from_count];
		/* Wider than any network that one person answers for (10/8, fc00::/7)
		 * is an open relay. */
		if (!ip_prefix_parse(r->word, p))
			conf_wrong(r);
		else if (p->bits < (p->ip.family == 4 ? 8 : 7))
			conf_tell(r, "would make an open relay; name your own networks", "");
		else
			c->relay_from_count++;
	} while (conf_word(r));
}

static void read_dns_server(struct conf_reader *r)
{
	struct conf *c = r->c;

	if (!conf_need(r))
		return;
	do {
		if (!conf_room(r, c->dns_server_count, CONFIG_CONF_DNS_SERVERS, "CONF_DNS_SERVERS"))
			return;
		if (endpoint(r, 53, &c->dns_server[c->dns_server_count]))
			c->dns_server_count++;
	} while (conf_word(r));
}

static void device_option(struct conf_reader *r, struct conf_device *d)
{
	const struct span from = SPAN("from=");
	struct span v = span_from(r->word, from.len);
	struct address a;

	if (conf_word_is(r, "legacy=yes"))
		d->legacy = true;
	else if (span_starts_nocase(r->word, from) && address_parse(v, &a))
		conf_keep(r, v, &d->from);
	else if (!conf_word_is(r, "legacy=no"))
		conf_wrong(r);
}

static void read_device(struct conf_reader *r)
{
	struct conf *c = r->c;
	struct conf_device *d = &c->device[c->device_count];
	size_t i;

	if (!conf_need(r) || !conf_room(r, c->device_count, CONFIG_CONF_DEVICES, "CONF_DEVICES"))
		return;
	if (!ip_parse(r->word, &d->ip))
		conf_wrong(r);
	for (i = 0; i < c->device_count; i++)
		if (ip_equal(&c->device[i].ip, &d->ip))
			conf_repeated(r);
	while (!r->failed && conf_word(r))
		device_option(r, d);
	if (!r->failed)
		c->device_count++;
}

/* ---- our own domains ------------------------------------------------------------ */

static void read_local_domain(struct conf_reader *r)
{
	struct conf *c = r->c;

	if (!conf_need(r))
		return;
	do {
		if (!conf_room(r, c->local_domain_count, CONFIG_CONF_LOCAL_DOMAINS,
			    "CONF_LOCAL_DOMAINS"))
			return;
		if (!address_domain_ok(r->word))
			conf_wrong(r);
		else if (conf_domain_is_local(c, r->word))
			conf_repeated(r);
		else if (conf_keep(r, r->word, &c->local_domain[c->local_domain_count]))
			c->local_domain_count++;
	} while (conf_word(r));
}

static bool star(struct span s)
{
	return span_equal(s, SPAN("*"));
}

/* "LOCAL@DOMAIN", either may be "*", which is a local part like any other. */
static bool keep_pattern(struct conf_reader *r, struct conf_deliver *d)
{
	size_t at = span_find_last(r->word, '@');
	struct span local = span_sub(r->word, 0, at), domain = span_from(r->word, at + 1);

	if (star(domain) ? !conf_local_ok(local) : !conf_name_ok(r->word)) {
		conf_wrong(r);
		return false;
	}
	if (!conf_keep(r, r->word, &d->local))
		return false;
	d->domain.at = (uint16_t)(d->local.at + at + 1);
	d->domain.len = (uint16_t)domain.len;
	d->local.len = (uint16_t)at;
	return true;
}

/* % only before what route_deliver_path knows. */
static bool percents_ok(struct span path)
{
	size_t i;

	for (i = 0; i < path.len; i++)
		if (path.at[i] == '%' &&
			(++i == path.len || span_find(SPAN("udr"), path.at[i]) == 3))
			return false;
	return true;
}

static void deliver_way(struct conf_reader *r)
{
	if (!conf_need(r) || conf_word_is(r, "maildir"))
		return;
	if (conf_word_is(r, "pipe") || conf_word_is(r, "lmtp") || conf_word_is(r, "mbox"))
		conf_not_built(r, "use maildir");
	else
		conf_wrong(r);
}

static void read_deliver(struct conf_reader *r)
{
	struct conf *c = r->c;
	struct conf_deliver *d = &c->deliver[c->deliver_count];
	size_t i;

	if (!conf_need(r) || !conf_room(r, c->deliver_count, CONFIG_CONF_DELIVERS, "CONF_DELIVERS"))
		return;
	for (i = 0; i < c->deliver_count; i++)
		if (conf_text_is(c, conf_pattern(&c->deliver[i]), r->word))
			conf_repeated(r);
	if (!keep_pattern(r, d))
		return;
	deliver_way(r);
	if (r->failed || !conf_need(r))
		return;
	if (!percents_ok(r->word))
		conf_wrong(r);
	else
		keep_path(r, &d->path);
	if (!r->failed && conf_word(r)) {
		d->users_system = conf_word_is(r, "users=system");
		if (!d->users_system)
			conf_wrong(r);
	}
	if (!r->failed)
		c->deliver_count++;
}

/* ---- next hops ------------------------------------------------------------------ */

#define TLS_NOT_SAID UINT8_MAX

/* "HOST", "HOST:PORT"; an IPv6 address only in brackets. */
static bool split_port(struct span *host, uint16_t *port)
{
	size_t colon = span_find_last(*host, ':');
	uint32_t n = 25;
	struct ip ip;

	if (colon < host->len && host->at[host->len - 1] != ']') {
		if (!span_to_u32(span_from(*host, colon + 1), UINT16_MAX, &n) || n == 0)
			return false;
		host->len = colon;
	}
	*port = (uint16_t)n;
	return address_domain_ok(*host) ||
		(host->len > 0 && host->at[0] == '[' && ip_parse(*host, &ip));
}

static void host_option(struct conf_reader *r, struct conf_host *h)
{
	if (conf_word_is(r, "tls=none"))
		h->tls = CONF_TLS_NONE;
	else if (conf_word_is(r, "tls=opportunistic"))
		h->tls = CONF_TLS_OPPORTUNISTIC;
	else if (span_starts_nocase(r->word, SPAN("tls=")))
		conf_not_built(r, TLS_ADVICE);
	else
		bad_option(r);
}

/* HOST[:PORT] and options. */
static bool read_host(struct conf_reader *r, struct conf_host *h, uint8_t tls_default)
{
	struct span host;

	h->tls = tls_default;
	if (!conf_need(r))
		return false;
	host = r->word;
	if (!split_port(&host, &h->port)) {
		conf_wrong(r);
		return false;
	}
	conf_keep(r, host, &h->host);
	while (conf_word(r))
		host_option(r, h);
	return !r->failed;
}

static void read_smarthost(struct conf_reader *r)
{
	struct conf *c = r->c;
	struct conf_host *h = &c->smarthost[c->smarthost_count];

	if (!conf_room(r, c->smarthost_count, CONFIG_CONF_SMARTHOSTS, "CONF_SMARTHOSTS") ||
		!read_host(r, h, TLS_NOT_SAID))
		return;
	if (h->tls != TLS_NOT_SAID) {
		c->smarthost_count++;
		return;
	}
	/* What the default promises cannot be kept: never silently in clear. */
	r->word = SPAN("tls=verified, the default,");
	conf_not_built(r, TLS_ADVICE);
}

/* "example.org", "*.example.org" or "*" */
static bool route_domain_ok(struct span w)
{
	return star(w) ||
		address_domain_ok(span_starts_nocase(w, SPAN("*.")) ? span_from(w, 2) : w);
}

static void read_route(struct conf_reader *r)
{
	struct conf *c = r->c;
	struct conf_host *h = &c->route[c->route_count];
	size_t i;

	if (!conf_need(r) || !conf_room(r, c->route_count, CONFIG_CONF_ROUTES, "CONF_ROUTES"))
		return;
	if (!route_domain_ok(r->word))
		conf_wrong(r);
	for (i = 0; i < c->route_count; i++)
		if (conf_text_is(c, c->route[i].domain, r->word))
			conf_repeated(r);
	if (!r->failed && conf_keep(r, r->word, &h->domain) &&
		read_host(r, h, CONF_TLS_OPPORTUNISTIC))
		c->route_count++;
}

/* ---- the table ------------------------------------------------------------------ */

#define HOST_WANT "HOST[:PORT] [tls=none|opportunistic]"

/* clang-format off */
#define AT(member) offsetof(struct conf, member)

const struct conf_keyword conf_keywords[CONF_KEYWORDS] = {
	{ "hostname",         "NAME",                                   read_domain,      AT(hostname),         true },
	{ "postmaster",       "USER@DOMAIN",                            read_address,     AT(postmaster),       true },
	{ "listen",           "IP[:PORT]",                              read_listen,      0,                    false },
	{ "relay_from",       "IP[/BITS] ..., no bits set below",       read_relay_from,  0,                    false },
	{ "device",           "IP [legacy=yes|no] [from=USER@DOMAIN]",  read_device,      0,                    false },
	{ "local_domain",     "DOMAIN ...",                             read_local_domain, 0,                   false },
	{ "alias",            "NAME ADDRESS ...",                       conf_read_alias,  0,                    false },
	{ "aliases",          "PATH",                                   read_path,        AT(aliases_file),     true },
	{ "deliver",          "NAME@DOMAIN maildir PATH [users=system], %u %d %r in PATH", read_deliver, 0,      false },
	{ "masquerade",       "DOMAIN or USER@DOMAIN",                  read_masquerade,  AT(masquerade),       true },
	{ "smarthost",        HOST_WANT,                                read_smarthost,   0,                    false },
	{ "route",            "DOMAIN " HOST_WANT,                      read_route,       0,                    false },
	{ "dns_server",       "IP[:PORT] ...",                          read_dns_server,  0,                    false },
	{ "mx_port",          "1 to 65535",                             read_mx_port,     0,                    true },
	{ "ip_version",       "any, 4, 6, prefer4 or prefer6",          read_ip_version,  AT(ip_version),       true },
	{ "queue",            "PATH [SIZE], like 64M, at least 32K",    read_queue,       AT(queue_path),       true },
	{ "cut_through",      "off",                                    read_cut_through, 0,                    true },
	{ "retry",            "TIME ..., rising, like 1m 15m 4h",       read_retry,       0,                    true },
	{ "expire",           "TIME, like 5d, at most 365d",            read_expire,      AT(expire_s),         true },
	{ "warn_delay",       "TIME, like 4h, or 0 for never",          read_warn_delay,  AT(warn_delay_s),     true },
	{ "max_message_size", "SIZE, like 10M, 1K to 2G",               read_size,        AT(max_message_size), true },
	{ "max_recipients",   "1 to 65535",                             read_count,       AT(max_recipients),   true },
	{ "control",          "PATH",                                   read_path,        AT(control),          true },
	{ "log",              "error, warning, info or debug",          read_log,         AT(log_level),        true },
};
/* clang-format on */

const char *const conf_later[CONF_LATER] = { "require_tls_for_auth", "user", "ntp_server",
	"tls_certificate", "tls_key", "tls_ca", "spf", "dkim_verify", "dkim_sign", "dmarc", "clamd",
	"dnsbl", "rate_limit", "alert_to" };
