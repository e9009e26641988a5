/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/core.h"

#include "route/route.h"

const struct conf *core_conf(const struct core *c)
{
	return &c->conf[c->conf_in_use];
}

bool core_is_own_host(void *ctx, struct span host)
{
	const struct conf *conf = core_conf(ctx);

	return span_equal_nocase(host, conf_span(conf, conf->hostname));
}

bool core_is_local(void *ctx, struct span domain)
{
	return domain.len == 0 || core_is_own_host(ctx, domain)
		|| route_domain_is_local(core_conf(ctx), domain);
}

static bool is_any(void *ctx, struct span domain)
{
	(void)ctx;
	(void)domain;
	return true;
}

struct header_rewrite core_rewrite(struct core *c, struct span device_from)
{
	const struct conf *conf = core_conf(c);

	if (device_from.len > 0)
		return (struct header_rewrite){ device_from, is_any, NULL };
	return (struct header_rewrite){ conf_span(conf, conf->masquerade), core_is_local, c };
}

uint32_t core_wall_s(const struct core *c)
{
	return c->now.wall_known ? c->now.wall_s : 0;
}

const struct conf_device *core_device(const struct core *c, const struct ip *peer)
{
	const struct conf *conf = core_conf(c);
	size_t i;

	for (i = 0; i < conf->device_count; i++)
		if (ip_equal(&conf->device[i].ip, peer))
			return &conf->device[i];
	return NULL;
}
