/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

void conf_read_device(struct conf_reader *r, void *place)
{
	const struct span from = SPAN("from=");
	struct conf_device *d = place;
	struct address a;

	if (!ip_parse(r->word, &d->ip))
		conf_wrong(r);
	while (!r->failed && conf_word(r)) {
		struct span v = span_from(r->word, from.len);

		if (conf_word_is(r, "legacy=yes"))
			d->legacy = true;
		else if (CONFIG_MASQUERADE && span_starts_nocase(r->word, from) &&
			address_parse(v, &a))
			conf_keep(r, v, &d->from);
		else if (!conf_word_is(r, "legacy=no"))
			conf_wrong(r);
	}
}
