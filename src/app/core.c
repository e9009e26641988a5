/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/core.h"

bool core_is_own_host(void *ctx, struct span host)
{
	const struct conf *conf = core_conf(ctx);

	return span_equal_nocase(host, conf_span(conf, conf->hostname));
}

uint32_t core_wall_s(const struct core *c)
{
	return c->now.wall_known ? c->now.wall_s : 0;
}

uint32_t core_when_s(const struct core *c, uint32_t at_s)
{
	if (at_s == 0 || !c->now.wall_known)
		return INSTANT_NEVER;
	return c->now_s + (at_s > c->now.wall_s ? at_s - c->now.wall_s : 0);
}

uint32_t core_end_s(const struct core *c, uint32_t from_s, uint32_t end_s)
{
	return from_s > c->now.wall_s ? INSTANT_NEVER : core_when_s(c, end_s);
}
