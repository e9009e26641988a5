/* SPDX-License-Identifier: BSD-2-Clause */
/* word - comparisons with constants, for grammars: the keyword and the set of octets. */
#ifndef PIPIT_MAIL_WORD_H
#define PIPIT_MAIL_WORD_H

#include "base/span.h"

/* Without case. */
bool word_is(struct span s, const char *word);
bool word_starts(struct span s, const char *word);

/* Whether c is one of set's octets; NUL is in no set. */
bool byte_in(uint8_t c, const char *set);

#endif
