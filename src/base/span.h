/* SPDX-License-Identifier: BSD-2-Clause */
/* span - borrowed bytes: a pointer and a length, never NUL-terminated.
 *
 * A span never owns.  It is valid until the thing it points into is next
 * written; every function that returns one says what that thing is.  An empty
 * span may have a null pointer.  All functions here are pure.
 */
#ifndef PIPIT_BASE_SPAN_H
#define PIPIT_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Its alignment lets a 32-bit ARM keep both words in registers; gcc passes a struct of
 * less through the stack, which cost 1.7 KB. */
struct span {
	_Alignas(8) const uint8_t *at;
	size_t len;
};

/* The bytes of a string literal, without its NUL. */
#define SPAN(literal) ((struct span){ (const uint8_t *)("" literal), sizeof(literal) - 1u })

/* As an initialiser of a static table. */
#define SPAN_INIT(literal) \
	{ \
		(const uint8_t *)("" literal), sizeof(literal) - 1u \
	}

#define SPAN_EMPTY ((struct span){ NULL, 0 })

/* A NUL-terminated string; valid as long as the string. */
struct span span_of(const char *text);

static inline struct span span_make(const void *at, size_t len)
{
	return (struct span){ at, len };
}

bool span_equal(struct span a, struct span b);

/* ASCII letters compare without case, all other octets exactly. */
bool span_equal_nocase(struct span a, struct span b);
bool span_starts_nocase(struct span s, struct span prefix);

/* Part of s; from and len are cut to what is there.  The last two have a function whose
 * arguments all stay in registers. */
struct span span_sub(struct span s, size_t from, size_t len);
struct span span_behind(size_t from, struct span s);
struct span span_first(size_t len, struct span s);

static inline struct span span_from(struct span s, size_t from)
{
	return span_behind(from, s);
}

static inline struct span span_head(struct span s, size_t len)
{
	return span_first(len, s);
}

/* Takes n octets off the front of *s. */
void span_skip(struct span *s, size_t n);

/* Without blanks (space, tab) at both ends. */
struct span span_trim(struct span s);

/* Index of the first (last) octet c, or s.len when there is none. */
size_t span_find(struct span s, uint8_t c);
size_t span_find_last(struct span s, uint8_t c);

/* A decimal number, all of s; false when empty, not digits, or over max. */
bool span_to_u32(struct span s, uint32_t max, uint32_t *out);

/* Takes the next word off the front of *s (blanks around it are dropped). */
struct span span_word(struct span *s);

uint8_t byte_lower(uint8_t c);
bool byte_is_digit(uint8_t c);
bool byte_is_alpha(uint8_t c);
bool byte_is_alnum(uint8_t c);
bool byte_is_blank(uint8_t c); /* space, tab */

/* A case-insensitive hash of s, for tables in RAM; not for security. */
uint32_t span_hash_nocase(struct span s);

#endif
