/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fuzz_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: must be: %s\n", file, line, what);
	abort();
}

uint8_t fuzz_u8(struct span *in)
{
	const uint8_t c = in->len > 0 ? in->at[0] : 0;

	span_skip(in, in->len > 0);
	return c;
}

uint16_t fuzz_u16(struct span *in)
{
	const unsigned low = fuzz_u8(in);

	return (uint16_t)(low | (unsigned)fuzz_u8(in) << 8);
}

uint32_t fuzz_u32(struct span *in)
{
	const uint32_t low = fuzz_u16(in);

	return low | (uint32_t)fuzz_u16(in) << 16;
}

struct span fuzz_take(struct span *in, size_t n)
{
	const struct span taken = span_sub(*in, 0, n);

	span_skip(in, taken.len);
	return taken;
}

struct span fuzz_line(struct span *in)
{
	const struct span line = fuzz_take(in, span_find(*in, '\n'));

	span_skip(in, in->len > 0);
	return line;
}

struct span fuzz_exact(struct span s)
{
	static uint8_t *copies[4];
	static unsigned turn;
	uint8_t **copy = &copies[++turn % 4];

	free(*copy);
	*copy = malloc(s.len + (s.len == 0));
	if (!*copy)
		abort();
	if (s.len > 0)
		memcpy(*copy, s.at, s.len);
	return span_make(*copy, s.len);
}

/* ---- pieces ------------------------------------------------------------------------ */

struct fuzz_pieces fuzz_pieces(uint32_t seed)
{
	return (struct fuzz_pieces){ seed, seed };
}

size_t fuzz_piece(struct fuzz_pieces *p, size_t len)
{
	size_t n;

	if (p->seed == 0 || len == 0)
		return len;
	if (p->seed == 1)
		return 1;
	p->state = p->state * 1664525u + 1013904223u;
	n = 1 + (p->state >> 8) % ((p->state >> 28) < 12 ? 4u : 300u);
	return n < len ? n : len;
}

/* ---- logs -------------------------------------------------------------------------- */

void fuzz_log_begin(struct fuzz_log *l)
{
	buf_init(&l->b, l->octets, sizeof(l->octets));
}

void fuzz_note(struct fuzz_log *l, const char *what, struct span s)
{
	buf_puts(&l->b, what);
	buf_put_byte(&l->b, ' ');
	buf_put(&l->b, s);
	buf_put_byte(&l->b, '\n');
}

void fuzz_note_number(struct fuzz_log *l, const char *what, uint32_t n)
{
	buf_puts(&l->b, what);
	buf_put_byte(&l->b, ' ');
	buf_put_u32(&l->b, n);
	buf_put_byte(&l->b, '\n');
}

void fuzz_log_same(const struct fuzz_log *a, const struct fuzz_log *b)
{
	if (!a->b.overflow && !b->b.overflow && span_equal(buf_span(&a->b), buf_span(&b->b)))
		return;
	fprintf(stderr, "---- one way:\n%.*s\n---- another way:\n%.*s\n", (int)a->b.len, a->octets,
		(int)b->b.len, b->octets);
	fuzz_failed(__FILE__, __LINE__, "the same whatever the pieces");
}

/* ---- looking ----------------------------------------------------------------------- */

size_t fuzz_find(struct span s, struct span find)
{
	size_t i;

	for (i = 0; i + find.len <= s.len; i++)
		if (memcmp(s.at + i, find.at, find.len) == 0)
			return i;
	return s.len;
}

unsigned fuzz_count(struct span s, struct span find)
{
	unsigned n = 0;
	size_t at;

	for (; (at = fuzz_find(s, find)) < s.len; n++)
		s = span_from(s, at + find.len);
	return n;
}

bool fuzz_crlf_only(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.at[i] == '\r' && (i + 1 == s.len || s.at[i + 1] != '\n'))
			return false;
		if (s.at[i] == '\n' && (i == 0 || s.at[i - 1] != '\r'))
			return false;
	}
	return true;
}

bool fuzz_printable(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((s.at[i] < ' ' && s.at[i] != '\r' && s.at[i] != '\n' && s.at[i] != '\t') ||
			s.at[i] > '~')
			return false;
	return true;
}
