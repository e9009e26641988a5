/* SPDX-License-Identifier: BSD-2-Clause */
#include "route/route.h"

/* In place of expand.c: there is one alias, postmaster (RFC 5321 4.5.1). */
enum status route_expand(const struct conf *c, const struct address *to,
	const struct route_sink *sink)
{
	struct address full = { to->local, route_full_domain(c, to->domain) };
	struct span target = conf_span(c, c->postmaster);
	uint8_t text[ADDRESS_MAX];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	if (target.len > 0 && conf_domain_is_local(c, full.domain) &&
		span_equal_nocase(full.local, SPAN("postmaster")))
		buf_put(&b, target);
	else
		address_put(&b, &full);
	return !b.overflow && sink->found(sink->ctx, buf_span(&b)) ? ST_OK : ST_FULL;
}
