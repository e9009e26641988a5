/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

/* Targets stand in one text with blanks between, so none may be in them. */
static bool plain(struct span s)
{
	return span_find(s, ' ') == s.len && span_find(s, '"') == s.len;
}

bool conf_local_ok(struct span s)
{
	uint8_t text[LOCAL_PART_MAX + 2];
	struct address a;
	struct buf b;

	buf_init(&b, text, sizeof(text));
	buf_put(&b, s);
	buf_puts(&b, "@a");
	return !b.overflow && plain(s) && address_parse(buf_span(&b), &a);
}

bool conf_name_ok(struct span s)
{
	struct address a;

	return plain(s) && address_parse(s, &a);
}
