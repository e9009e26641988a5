/* SPDX-License-Identifier: BSD-2-Clause */
/* answer - see answer.h */
#include "posix/cli/answer.h"

struct answer answer_parse(struct span line)
{
	struct answer r = { .pairs = line };

	r.kind = span_word(&r.pairs);
	return r;
}

static int hex_value(uint8_t c)
{
	if (byte_is_digit(c))
		return c - '0';
	c = byte_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The escape behind a backslash at the front of *s. */
static bool take_escape(struct span *s, struct buf *out)
{
	if (s->len >= 1 && (s->at[0] == '"' || s->at[0] == '\\')) {
		buf_put_byte(out, s->at[0]);
		*s = span_from(*s, 1);
		return true;
	}
	if (s->len < 3 || s->at[0] != 'x' || hex_value(s->at[1]) < 0 || hex_value(s->at[2]) < 0)
		return false;
	buf_put_byte(out, (uint8_t)(hex_value(s->at[1]) * 16 + hex_value(s->at[2])));
	*s = span_from(*s, 3);
	return true;
}

/* Behind the opening quote: up to and with the closing one. */
static bool take_quoted(struct span *s, struct buf *out)
{
	while (s->len > 0) {
		uint8_t c = s->at[0];

		*s = span_from(*s, 1);
		if (c == '"')
			return s->len == 0 || s->at[0] == ' ';
		if (c != '\\')
			buf_put_byte(out, c);
		else if (!take_escape(s, out))
			return false;
	}
	return false;
}

static bool take_pair(struct span *s, struct span *key, struct buf *value)
{
	size_t equals = span_find(*s, '=');
	size_t blank;

	*key = span_sub(*s, 0, equals);
	if (equals == 0 || equals == s->len || span_find(*key, ' ') != key->len)
		return false;
	*s = span_from(*s, equals + 1);
	if (s->len > 0 && s->at[0] == '"') {
		*s = span_from(*s, 1);
		return take_quoted(s, value);
	}
	blank = span_find(*s, ' ');
	buf_put(value, span_sub(*s, 0, blank));
	*s = span_from(*s, blank);
	return true;
}

bool answer_next(struct answer *r, struct span *key, struct buf *value, bool *broken)
{
	buf_clear(value);
	*broken = false;
	r->pairs = span_trim(r->pairs);
	if (r->pairs.len == 0)
		return false;
	*broken = !take_pair(&r->pairs, key, value) || value->overflow;
	if (*broken)
		r->pairs = SPAN_EMPTY;
	return !*broken;
}

bool answer_get(const struct answer *r, const char *key, struct buf *value)
{
	struct span pairs = span_trim(r->pairs), found;

	while (pairs.len > 0) {
		buf_clear(value);
		if (!take_pair(&pairs, &found, value))
			break;
		if (span_equal(found, span_of(key)) && !value->overflow)
			return true;
		pairs = span_trim(pairs);
	}
	buf_clear(value);
	return false;
}

uint32_t answer_get_u32(const struct answer *r, const char *key, uint32_t fallback)
{
	uint8_t array[16];
	struct buf value;
	uint32_t number;

	buf_init(&value, array, sizeof array);
	if (answer_get(r, key, &value) && span_to_u32(buf_span(&value), UINT32_MAX, &number))
		return number;
	return fallback;
}
