/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/buf.h"

#include "base/check.h"

#include <string.h>

void buf_init(struct buf *b, void *array, size_t cap)
{
	b->at = array;
	b->cap = cap;
	buf_clear(b);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->overflow = false;
}

void buf_put(struct buf *b, struct span s)
{
	if (b->overflow || s.len > buf_room(b)) {
		b->overflow = true;
		return;
	}
	if (s.len > 0)
		memcpy(b->at + b->len, s.at, s.len);
	b->len += s.len;
}

void buf_put_max(struct buf *b, struct span s, size_t max)
{
	if (s.len > max)
		s.len = max;
	buf_put(b, s);
}

void buf_puts(struct buf *b, const char *text)
{
	buf_put(b, span_of(text));
}

void buf_put_byte(struct buf *b, uint8_t c)
{
	buf_put(b, span_make(&c, 1));
}

void buf_put_u32(struct buf *b, uint32_t value)
{
	buf_put_padded(b, value, 1);
}

void buf_put_padded(struct buf *b, uint32_t value, unsigned digits)
{
	uint8_t text[10];
	size_t n = sizeof(text);

	CHECK(digits <= sizeof(text));
	do {
		text[--n] = (uint8_t)('0' + value % 10u);
		value /= 10u;
	} while (value > 0 || sizeof(text) - n < digits);
	buf_put(b, span_make(text + n, sizeof(text) - n));
}

void buf_put_hex(struct buf *b, uint32_t value, unsigned digits)
{
	static const char hex[] = "0123456789abcdef";

	CHECK(digits <= 8);
	while (digits > 0) {
		digits--;
		buf_put_byte(b, (uint8_t)hex[(value >> (4u * digits)) & 15u]);
	}
}

void buf_drop(struct buf *b, size_t n)
{
	CHECK(n <= b->len);
	b->len -= n;
	if (b->len > 0 && n > 0)
		memmove(b->at, b->at + n, b->len);
}
