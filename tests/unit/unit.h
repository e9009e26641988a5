/* SPDX-License-Identifier: BSD-2-Clause */
/* unit - what unit tests share: cmocka, spans in assertions, input before an unreadable page. */
#ifndef PIPIT_TESTS_UNIT_H
#define PIPIT_TESTS_UNIT_H

#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A copy of s whose last octet is the last that can be read.  Valid until the next call. */
static inline struct span guarded_span(struct span s)
{
	static uint8_t *end;
	const size_t room = 1u << 17;

	if (!end) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE);
		uint8_t *at = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (at == MAP_FAILED || mprotect(at + room, page, PROT_NONE) != 0)
			abort();
		end = at + room;
	}
	if (s.len > 0)
		memcpy(end - s.len, s.at, s.len);
	return span_make(end - s.len, s.len);
}

static inline struct span guarded(const char *text)
{
	return guarded_span(span_of(text));
}

#define assert_span(got, text) assert_span_at((got), (text), __FILE__, __LINE__)

static inline void assert_span_at(struct span got, const char *text, const char *file, int line)
{
	if (span_equal(got, span_of(text)))
		return;
	print_error("\"%.*s\" is not \"%s\"\n", (int)got.len, (const char *)got.at, text);
	_fail(file, line);
}

#endif
