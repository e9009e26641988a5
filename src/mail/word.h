/* SPDX-License-Identifier: BSD-2-Clause */
/* word - comparisons with constants, for grammars: the keyword and the set of octets. */
#ifndef PIPIT_MAIL_WORD_H
#define PIPIT_MAIL_WORD_H

#include "base/span.h"

/* Without case. */
bool word_is(struct span s, const char *word);
bool word_starts(struct span s, const char *word);

/* The place of s among the words of list, which have blanks between, from 0; -1: it is
 * none of them.  Without case. */
int word_among(struct span s, const char *list);

/* Whether c is one of set's octets; NUL is in no set. */
bool byte_in(uint8_t c, const char *set);

#endif
