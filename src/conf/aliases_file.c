/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

enum status conf_alias_line(struct conf *c, struct span line, uint32_t number,
	struct conf_errors *errors)
{
	static const struct conf_keyword row = { .text = "alias\0"
							 "NAME: ADDRESS, ..." };
	struct conf_reader r = { .c = c, .errors = errors, .line = number, .commas = true };
	size_t colon = span_find(line, ':');
	struct conf_alias *a;

	r.rest = span_head(line, colon);
	if (!conf_line_ok(&r, line))
		return ST_BAD;
	r.keyword = &row;
	if (!conf_word(&r)) {
		if (colon < line.len && span_trim(r.rest).len == 0)
			conf_need(&r);
		return r.failed ? ST_BAD : ST_OK;
	}
	a = conf_alias_begin(&r);
	if (a) {
		conf_check_is_local(&r);
		if (conf_word(&r))
			conf_wrong(&r);
		r.rest = span_from(line, colon + 1);
		conf_alias_targets(&r, a);
	}
	return r.failed ? ST_BAD : ST_OK;
}

enum status conf_alias_finish(struct conf *c, struct conf_errors *errors)
{
	struct conf_reader r = { .c = c, .errors = errors };

	conf_check_aliases(&r);
	return r.failed ? ST_BAD : ST_OK;
}
