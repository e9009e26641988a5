/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/word.h"

bool word_is(struct span s, const char *word)
{
	return span_equal_nocase(s, span_of(word));
}

bool word_starts(struct span s, const char *word)
{
	return span_starts_nocase(s, span_of(word));
}

int word_among(struct span s, const char *list)
{
	struct span rest = span_of(list), word;
	int i;

	for (i = 0; (word = span_word(&rest)).len > 0; i++)
		if (span_equal_nocase(s, word))
			return i;
	return -1;
}

bool byte_in(uint8_t c, const char *set)
{
	const struct span s = span_of(set);

	return span_find(s, c) < s.len;
}
