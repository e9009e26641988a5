/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_conf - any configuration: errors are counted and are sentences, every text lies within
 * the value, what is taken keeps its promises, line ends and comments mean nothing, and
 * a value may be moved. */
#include "fuzz/fuzz.h"

#include "conf/conf.h"

#include <string.h>

static uint32_t told, last_line;

static void report(void *ctx, uint32_t line, struct span message)
{
	(void)ctx;
	told++;
	last_line = line;
	MUST(message.len > 0 && message.len < CONF_MESSAGE_MAX);
}

static struct conf_errors errors = { .report = report };
static const struct conf_defaults defaults = { SPAN_INIT("gw.example.net"), SPAN_INIT("/etc"),
	true };

static void text_ok(const struct conf *c, struct conf_text t)
{
	MUST(t.at + t.len <= c->text_len && c->text_len <= CONFIG_CONF_TEXT);
}

static void hosts_ok(const struct conf *c, const struct conf_host *h, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		text_ok(c, h[i].domain);
		text_ok(c, h[i].host);
	}
}

static void within(const struct conf *c)
{
	unsigned i;

	text_ok(c, c->hostname);
	text_ok(c, c->postmaster);
	text_ok(c, c->masquerade);
	text_ok(c, c->aliases_file);
	text_ok(c, c->control);
	text_ok(c, c->queue_path);
	MUST(c->listen_count <= CONFIG_CONF_LISTENS && c->retry_count <= CONFIG_CONF_RETRIES);
	MUST(c->relay_from_count <= CONFIG_CONF_RELAY_FROM);
	MUST(c->local_domain_count <= CONFIG_CONF_LOCAL_DOMAINS);
	MUST(c->deliver_count <= CONFIG_CONF_DELIVERS && c->route_count <= CONFIG_CONF_ROUTES);
	MUST(c->smarthost_count <= CONFIG_CONF_SMARTHOSTS);
	MUST(c->device_count <= CONFIG_CONF_DEVICES && c->alias_count <= CONFIG_CONF_ALIASES);
	MUST(c->dns_server_count <= CONFIG_CONF_DNS_SERVERS);
	for (i = 0; i < c->local_domain_count; i++)
		text_ok(c, c->local_domain[i]);
	for (i = 0; i < c->deliver_count; i++) {
		text_ok(c, c->deliver[i].pattern);
		text_ok(c, c->deliver[i].path);
	}
	for (i = 0; i < c->alias_count; i++) {
		text_ok(c, c->alias[i].name);
		text_ok(c, c->alias[i].targets);
	}
	for (i = 0; i < c->device_count; i++)
		text_ok(c, c->device[i].from);
	hosts_ok(c, c->smarthost, c->smarthost_count);
	hosts_ok(c, c->route, c->route_count);
}

static void path_ok(struct span path)
{
	MUST(path.len > 0 && path.at[0] == '/');
}

/* What the rest of Pipit relies on. */
static void promises(const struct conf *c)
{
	unsigned i;

	MUST(c->listen_count > 0 && c->relay_from_count > 0 && c->retry_count > 0);
	MUST(c->local_domain_count > 0 && conf_has(c->hostname));
	MUST(address_domain_ok(conf_span(c, c->hostname)));
	MUST(c->max_recipients > 0 && c->mx_port > 0 && c->expire_s > 0);
	for (i = 0; i < c->retry_count; i++)
		MUST(c->retry_s[i] > 0);
	for (i = 0; i < c->deliver_count; i++)
		if (conf_has(c->deliver[i].path)) /* not a callback */
			path_ok(conf_span(c, c->deliver[i].path));
	for (i = 0; i < c->alias_count; i++)
		MUST(conf_alias_find(c, conf_span(c, c->alias[i].name)).len > 0);
	for (i = 0; i < c->local_domain_count; i++)
		MUST(conf_domain_is_local(c, conf_span(c, c->local_domain[i])));
}

static enum status parse(struct conf *c, struct span text)
{
	enum status st;

	told = last_line = 0;
	memset(c, 0xa5, sizeof(*c));
	st = conf_parse(c, fuzz_exact(text), &defaults, &errors);
	MUST((st == ST_OK) == (errors.count == 0) && told == errors.count);
	MUST(st == ST_OK || st == ST_BAD);
	within(c);
	if (st == ST_OK)
		promises(c);
	return st;
}

/* The same text, with every line end as CRLF and a comment in front. */
static struct span disguised(struct span in)
{
	static uint8_t octets[1u << 15];
	struct buf b;
	size_t i;

	buf_init(&b, octets, sizeof(octets));
	for (i = 0; i < in.len; i++) {
		if (in.at[i] == '\n' && (i == 0 || in.at[i - 1] != '\r'))
			buf_put_byte(&b, '\r');
		buf_put_byte(&b, in.at[i]);
	}
	buf_puts(&b, in.len > 0 && in.at[in.len - 1] != '\n' ? "\n# end\n\n" : "# end\n\n");
	return buf_span(&b);
}

static void same(const struct conf *a, const struct conf *b)
{
	MUST(a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0);
	MUST(a->listen_count == b->listen_count && a->alias_count == b->alias_count);
	MUST(a->deliver_count == b->deliver_count && a->route_count == b->route_count);
	MUST(a->max_message_size == b->max_message_size && a->expire_s == b->expire_s);
	MUST(memcmp(a->retry_s, b->retry_s, a->retry_count * sizeof(a->retry_s[0])) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf first, second, moved;
	const struct span in = span_make(data, size < 8192 ? size : 8192);
	const enum status st = parse(&first, in);
	const uint32_t wrong = told;

	MUST(parse(&second, disguised(in)) == st && told == wrong);
	if (st != ST_OK)
		return 0;
	same(&first, &second);
	moved = first;
	memset(&first, 0, sizeof(first));
	promises(&moved);
	within(&moved);
	return 0;
}
