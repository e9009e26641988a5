/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/hosts.h"

#include "app/replies.h"

/* In place of a question's number; none of what resolver_ask returns. */
#define NO_QUESTION ST_MISSING

/* Those for addresses: A, and AAAA. */
#define QUESTIONS (1u + CONFIG_IPV6)

enum phase {
	PHASE_START,     /* nothing asked yet */
	PHASE_MX,        /* the MX records are asked for */
	PHASE_HOST,      /* the next host's name is to be taken */
	PHASE_ADDRESSES, /* its addresses are asked for */
	PHASE_READY,
	PHASE_END,
};

void hosts_begin(struct core *c, struct hosts *h, const struct route *route)
{
	h->phase = PHASE_START;
	h->conf_generation = c->conf_generation;
	h->route = *route;
	h->dns_failed = false;
	h->host_at = 0;
	h->host_len = 0;
	h->address_count = 0;
	h->address_at = 0;
	h->question[0] = NO_QUESTION;
	h->question[1] = NO_QUESTION;
}

void hosts_cancel(struct core *c, struct hosts *h)
{
	unsigned i;

	for (i = 0; CONFIG_DNS && i < QUESTIONS; i++) {
		if (h->question[i] >= 0)
			resolver_cancel(&c->resolver, h->question[i]);
		h->question[i] = NO_QUESTION;
	}
}

struct ip_endpoint hosts_endpoint(const struct hosts *h)
{
	return (struct ip_endpoint){ h->address[h->address_at], h->port };
}

/* So many addresses are there; none: on to the next host. */
static void ready(struct hosts *h, size_t addresses)
{
	h->phase = addresses > 0 ? PHASE_READY : PHASE_HOST;
	h->address_count = (uint8_t)addresses;
	h->address_at = 0;
}

static void set_host(struct hosts *h, struct span name)
{
	struct buf b;

	buf_init(&b, h->host, sizeof(h->host));
	buf_put(&b, name);
	h->host_len = (uint8_t)b.len;
}

/* The steps below return NULL, or why there are no (more) hosts. */

/* ---- MX ------------------------------------------------------------------------ */

static const struct reply *take_mx(struct core *c, struct hosts *h)
{
	static const struct mx_own own_template = { core_is_own_host, NULL };
	struct mx_own own = own_template;

	own.ctx = c;
	switch (mx_order(&h->mx, &own, &c->rng, &h->list)) {
	case MX_HOSTS: return NULL;
	case MX_NULL: return say(SAY_NULL_MX);
	case MX_LOOP: return say(SAY_MX_LOOP);
	case MX_NONE: break;
	}
	return say(SAY_NO_MX_HOST);
}

static const struct reply *await_mx(struct core *c, struct hosts *h, struct span domain)
{
	enum dns_result result = resolver_answer(&c->resolver, h->question[0], &h->mx);

	if (result == DNS_PENDING)
		return NULL;
	h->question[0] = NO_QUESTION;
	h->phase = PHASE_HOST;
	if (result == DNS_FOUND)
		return take_mx(c, h);
	if (result == DNS_NO_NAME)
		return say(SAY_NOT_FOUND);
	if (result == DNS_FAILED) {
		report_dns_failed(&c->report, domain);
		return say(SAY_NO_DNS);
	}
	/* The domain itself is the one host (RFC 5321 5.1: implicit MX). */
	h->list.count = 0;
	return NULL;
}

static const struct reply *ask_mx(struct core *c, struct hosts *h, struct span domain)
{
	h->question[0] = resolver_ask(&c->resolver, domain, DNS_MX);
	if (h->question[0] == ST_AGAIN)
		return NULL;
	h->phase = PHASE_MX;
	return h->question[0] < 0 ? say(SAY_NOT_FOUND) : NULL;
}

/* ---- hosts --------------------------------------------------------------------- */

static bool take_configured(struct core *c, struct hosts *h)
{
	const struct conf *conf = core_conf(c);
	size_t at = (size_t)h->route.index + h->host_at;
	const struct conf_host *host;

	/* After a reload the index may mean another line: the message is routed afresh at
	 * its next try. */
	if (h->conf_generation != c->conf_generation)
		return false;
	if (h->route.way == ROUTE_SMARTHOST && at < conf->smarthost_count)
		host = &conf->smarthost[at];
	else if (h->route.way == ROUTE_HOST && h->host_at == 0)
		host = &conf->route[h->route.index];
	else
		return false;
	set_host(h, conf_span(conf, host->host));
	h->port = host->port;
	h->tls = host->tls;
	return true;
}

static bool take_mx_host(struct core *c, struct hosts *h, struct span domain)
{
	h->port = core_conf(c)->mx_port;
	h->tls = CONF_TLS_OPPORTUNISTIC;
	if (h->list.count == 0 && h->host_at == 0)
		set_host(h, domain);
	else if (h->host_at < h->list.count)
		set_host(h, dns_record_name(&h->mx, &h->mx.record[h->list.order[h->host_at]]));
	else
		return false;
	return true;
}

/* All hosts were tried, or none had an address. */
static const struct reply *out_of_hosts(const struct hosts *h)
{
	if (h->host_at > 1 || h->address_count > 0)
		return say(SAY_UNREACHABLE);
	if (h->dns_failed)
		return say(SAY_NO_DNS);
	if (h->route.way == ROUTE_MX && h->list.count == 0)
		return say(SAY_NO_ROUTE);
	return say(SAY_NO_ADDRESS);
}

static void ask_addresses(struct core *c, struct hosts *h)
{
	uint8_t version = core_conf(c)->ip_version;

	if (!CONFIG_IPV6 || version != MX_IP_6)
		h->question[0] = resolver_ask(&c->resolver, hosts_name(h), DNS_A);
	if (CONFIG_IPV6 && version != MX_IP_4)
		h->question[1] = resolver_ask(&c->resolver, hosts_name(h), DNS_AAAA);
	if (h->question[0] == ST_AGAIN || (CONFIG_IPV6 && h->question[1] == ST_AGAIN)) {
		hosts_cancel(c, h);
		return;
	}
	h->phase = PHASE_ADDRESSES;
	h->host_at++;
}

static const struct reply *next_host(struct core *c, struct hosts *h, struct span domain)
{
	bool by_mx = CONFIG_DNS && h->route.way == ROUTE_MX;

	if (by_mx ? !take_mx_host(c, h, domain) : !take_configured(c, h))
		return out_of_hosts(h);
	if (ip_parse(hosts_name(h), &h->address[0])) {
		h->host_at++;
		ready(h, 1);
	} else if (CONFIG_DNS) {
		ask_addresses(c, h);
	} else {
		return say(SAY_NO_DNS);
	}
	return NULL;
}

/* ---- addresses ----------------------------------------------------------------- */

static bool is_pending(const struct core *c, const struct hosts *h)
{
	unsigned i;

	for (i = 0; i < QUESTIONS; i++)
		if (h->question[i] >= 0 && resolver_pending(&c->resolver, h->question[i]))
			return true;
	return false;
}

static void await_addresses(struct core *c, struct hosts *h)
{
	struct dns_answer answer[QUESTIONS]; /* A, AAAA */
	const struct dns_answer *found[2] = { NULL, NULL };
	enum dns_result result;
	unsigned i;

	if (is_pending(c, h))
		return;
	for (i = 0; i < QUESTIONS; i++) {
		if (h->question[i] < 0)
			continue;
		result = resolver_answer(&c->resolver, h->question[i], &answer[i]);
		h->question[i] = NO_QUESTION;
		if (result == DNS_FOUND && answer[i].count > 0)
			found[i] = &answer[i];
		h->dns_failed |= result == DNS_FAILED;
	}
	ready(h,
		mx_addresses(found[0], found[1], core_conf(c)->ip_version, &c->rng, h->address,
			CONFIG_HOST_ADDRESSES));
}

/* user@[192.0.2.1], user@[IPv6:2001:db8::1] (RFC 5321 4.1.3) */
static const struct reply *take_literal(struct core *c, struct hosts *h, struct span domain)
{
	if (h->host_at > 0)
		return out_of_hosts(h);
	if (!address_literal(domain, &h->address[0]))
		return say(SAY_NOT_FOUND);
	set_host(h, span_sub(domain, 1, domain.len - 2));
	h->host_at = 2;
	h->port = core_conf(c)->mx_port;
	h->tls = CONF_TLS_OPPORTUNISTIC;
	ready(h, 1);
	return NULL;
}

static const struct reply *start(struct core *c, struct hosts *h, struct span domain)
{
	if (h->route.way == ROUTE_MX)
		return CONFIG_DNS ? ask_mx(c, h, domain) : say(SAY_NO_DNS);
	h->phase = PHASE_HOST;
	return NULL;
}

static const struct reply *step(struct core *c, struct hosts *h, struct span domain)
{
	switch ((enum phase)h->phase) {
	case PHASE_START: return start(c, h, domain);
	case PHASE_MX: return CONFIG_DNS ? await_mx(c, h, domain) : NULL;
	case PHASE_HOST:
		return h->route.way == ROUTE_LITERAL ? take_literal(c, h, domain)
						     : next_host(c, h, domain);
	case PHASE_ADDRESSES:
		if (CONFIG_DNS)
			await_addresses(c, h);
		break;
	case PHASE_READY:
	case PHASE_END: break;
	}
	return NULL;
}

enum hosts_result hosts_step(struct core *c, struct hosts *h, struct span domain)
{
	const struct reply *why;
	uint8_t before;

	/* Each round is another phase or host: both are few. */
	do {
		before = h->phase;
		why = step(c, h, domain);
		if (why != NULL) {
			h->phase = PHASE_END;
			h->why = why;
		}
	} while (h->phase != before);
	if (h->phase == PHASE_READY)
		return HOSTS_READY;
	return h->phase == PHASE_END ? HOSTS_END : HOSTS_WAIT;
}

void hosts_next(struct hosts *h)
{
	h->address_at++;
	if (h->phase == PHASE_READY && h->address_at >= h->address_count)
		h->phase = PHASE_HOST;
}
