/* SPDX-License-Identifier: BSD-2-Clause */
/* vectors - lines of tests/vectors/X.txt: "#" lines and empty ones skipped, escapes undone.
 *
 * \xNN is an octet, \N*c\ (or \N*\xNN\) is N times an octet.  Tests start in the
 * top folder of the tree.
 */
#ifndef PIPIT_TESTS_VECTORS_H
#define PIPIT_TESTS_VECTORS_H

#include "unit.h"

#include <stdio.h>

static inline bool vectors_hex(const char *s, uint8_t *out)
{
	char digits[3] = { 0 };
	char *end;

	if (s[0] != '\\' || s[1] != 'x' || s[2] == 0 || s[3] == 0)
		return false;
	memcpy(digits, s + 2, 2);
	*out = (uint8_t)strtoul(digits, &end, 16);
	return end == digits + 2;
}

/* "\N*c\" at s: puts it, returns its length; 0: something else. */
static inline size_t vectors_repeat(const char *s, uint8_t *to, size_t *len, size_t cap)
{
	char *end;
	unsigned long n;
	uint8_t c;
	size_t used;

	if (s[0] != '\\' || s[1] < '0' || s[1] > '9')
		return 0;
	n = strtoul(s + 1, &end, 10);
	if (*end != '*')
		return 0;
	used = (size_t)(end + 1 - s);
	if (vectors_hex(s + used, &c)) {
		used += 4;
	} else {
		c = (uint8_t)s[used];
		used++;
	}
	if (s[used] != '\\' || *len + n > cap)
		return 0;
	memset(to + *len, c, n);
	*len += n;
	return used + 1;
}

/* Undoes the escapes of text; into an array of its own, valid until the next but three. */
static inline struct span vectors_unescape(const char *text)
{
	static uint8_t arrays[4][1u << 17];
	static unsigned turn;
	uint8_t *to = arrays[turn = (turn + 1) % 4];
	size_t len = 0, n;

	while (*text) {
		n = vectors_repeat(text, to, &len, sizeof(arrays[0]));
		if (n == 0) {
			n = vectors_hex(text, &to[len]) ? 4 : 1;
			if (n == 1)
				to[len] = (uint8_t)*text;
			len++;
		}
		text += n;
	}
	return span_make(to, len);
}

/* The next line that says something; false at the end.  The file must exist. */
static inline bool vectors_next(FILE *file, char *line, size_t cap, unsigned *number)
{
	assert_non_null(file);
	while (fgets(line, (int)cap, file)) {
		++*number;
		line[strcspn(line, "\n")] = 0;
		if (line[0] && line[0] != '#')
			return true;
	}
	return false;
}

#endif
