/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

bool conf_domain_is_local(const struct conf *c, struct span domain)
{
	size_t i;

	for (i = 0; i < c->local_domain_count; i++)
		if (conf_text_is(c, c->local_domain[i], domain))
			return true;
	return false;
}

static void default_names(struct conf_reader *r, struct span hostname)
{
	struct conf *c = r->c;
	const struct span localhost = SPAN("localhost");

	if (!conf_has(c->hostname))
		conf_keep(r, address_domain_ok(hostname) ? hostname : localhost, &c->hostname);
	if (c->local_domain_count > 0)
		return;
	c->local_domain[c->local_domain_count++] = c->hostname;
	if (!conf_domain_is_local(c, localhost) && conf_keep(r, localhost, &c->local_domain[1]))
		c->local_domain_count++;
}

void conf_end(struct conf_reader *r, struct span hostname)
{
	bool domains_said = r->c->local_domain_count > 0;

	r->keyword = NULL;
	r->word = SPAN_EMPTY;
	default_names(r, hostname);
	conf_check(r, domains_said);
}
