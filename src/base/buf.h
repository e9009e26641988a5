/* SPDX-License-Identifier: BSD-2-Clause */
/* buf - bytes going out: a fixed array being filled.
 *
 * `overflow` is sticky: build the whole, test once.  After an overflow the
 * contents are a prefix of what was meant and must not be used.  The array
 * belongs to the caller and outlives the buf.
 */
#ifndef PIPIT_BASE_BUF_H
#define PIPIT_BASE_BUF_H

#include "base/span.h"

struct buf {
	uint8_t *at;
	size_t len, cap;
	bool overflow;
};

void buf_init(struct buf *b, void *array, size_t cap);
void buf_clear(struct buf *b);
void buf_put(struct buf *b, struct span s);
void buf_put_max(struct buf *b, struct span s, size_t max); /* no more than its first max octets */
void buf_puts(struct buf *b, const char *text);
void buf_put_byte(struct buf *b, uint8_t c);
void buf_put_u32(struct buf *b, uint32_t value); /* decimal */
void buf_put_hex(struct buf *b, uint32_t value, unsigned digits);
void buf_put_padded(struct buf *b, uint32_t value, unsigned digits); /* decimal, zeros in front */

/* What was put so far; valid until the buf is next changed. */
static inline struct span buf_span(const struct buf *b)
{
	return span_make(b->at, b->len);
}

static inline size_t buf_room(const struct buf *b)
{
	return b->cap - b->len;
}

/* Forgets the first n octets and moves the rest to the front. */
void buf_drop(struct buf *b, size_t n);

#endif
