/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/row.h"

static bool is_plain(struct span value)
{
	size_t i;

	for (i = 0; i < value.len; i++)
		if (value.at[i] <= ' ' || value.at[i] > '~' || value.at[i] == '"' ||
			value.at[i] == '\\' || value.at[i] == '=')
			return false;
	return value.len > 0;
}

static void put_quoted(struct buf *b, struct span value)
{
	size_t i;

	buf_put_byte(b, '"');
	for (i = 0; i < value.len; i++) {
		if (value.at[i] < ' ' || value.at[i] > '~') {
			buf_puts(b, "\\x");
			buf_put_hex(b, value.at[i], 2);
			continue;
		}
		if (value.at[i] == '"' || value.at[i] == '\\')
			buf_put_byte(b, '\\');
		buf_put_byte(b, value.at[i]);
	}
	buf_put_byte(b, '"');
}

static void put_key(struct buf *b, const char *key)
{
	if (b->len > 0)
		buf_put_byte(b, ' ');
	buf_puts(b, key);
	buf_put_byte(b, '=');
}

void row_word(struct buf *b, const char *word)
{
	if (b->len > 0)
		buf_put_byte(b, ' ');
	buf_puts(b, word);
}

void row_text(struct buf *b, const char *key, struct span value)
{
	put_key(b, key);
	if (is_plain(value))
		buf_put(b, value);
	else
		put_quoted(b, value);
}

void row_u32(struct buf *b, const char *key, uint32_t value)
{
	put_key(b, key);
	buf_put_u32(b, value);
}

void row_id(struct buf *b, const char *key, uint32_t id)
{
	put_key(b, key);
	buf_put_hex(b, id, 8);
}

void row_reply(struct buf *b, const struct reply *r)
{
	uint8_t text[12];
	struct buf enhanced;

	if (r->code == 0)
		return;
	row_u32(b, "code", r->code);
	if (r->enhanced[0] != 0) {
		buf_init(&enhanced, text, sizeof(text));
		reply_enhanced_put(&enhanced, r->enhanced);
		row_text(b, "enhanced", buf_span(&enhanced));
	}
	row_text(b, "text", r->text);
}
