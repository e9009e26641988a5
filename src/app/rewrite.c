/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/core.h"
#include "route/route.h"

bool core_is_local(void *ctx, struct span domain)
{
	return domain.len == 0 || core_is_own_host(ctx, domain) ||
		route_domain_is_local(core_conf(ctx), domain);
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
