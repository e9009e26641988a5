/* SPDX-License-Identifier: BSD-2-Clause */
#include "route/route.h"

/* In lower case: names at a local domain have none. */
static bool put_safe(struct buf *path, struct span s)
{
	size_t i;

	if (s.len == 0 || s.at[0] == '.')
		return false;
	for (i = 0; i < s.len; i++) {
		if (s.at[i] == '/' || s.at[i] < ' ' || s.at[i] >= 0x7f)
			return false;
		buf_put_byte(path, byte_lower(s.at[i]));
	}
	return true;
}

enum status route_deliver_path(const struct conf *c, unsigned deliver, const struct address *to,
	struct buf *path)
{
	struct span pattern = conf_span(c, c->deliver[deliver].path);
	struct span local = route_bare_local(to->local), domain = route_full_domain(c, to->domain);
	size_t i;

	for (i = 0; i < pattern.len; i++) {
		uint8_t what = pattern.at[i] == '%' ? pattern.at[++i]
						    : 0; /* conf_parse saw one behind each % */

		if (what == 0)
			buf_put_byte(path, pattern.at[i]);
		if ((what == 'u' || what == 'r') && !put_safe(path, local))
			return ST_BAD;
		if (what == 'r')
			buf_put_byte(path, '@');
		if ((what == 'd' || what == 'r') && !put_safe(path, domain))
			return ST_BAD;
	}
	return path->overflow ? ST_FULL : ST_OK;
}
