/* SPDX-License-Identifier: BSD-2-Clause */
/* masquerade - addresses of ours become others: in a field of the header, or alone.
 *
 * Pure.  The field is the one that a header filter (header.h) holds back; one that
 * would outgrow the filter's array stays as it is.
 */
#ifndef PIPIT_MAIL_MASQUERADE_H
#define PIPIT_MAIL_MASQUERADE_H

#include "mail/header.h"

#if CONFIG_MASQUERADE

static inline bool masquerade_wanted(const struct header_rewrite *rewrite)
{
	return rewrite && rewrite->to.len > 0;
}

void masquerade_field(struct header *h, const struct header_rewrite *rewrite);

/* a, masqueraded: into b. */
void header_rewrite_address(struct buf *b, const struct header_rewrite *rewrite,
	const struct address *a);

#else

static inline bool masquerade_wanted(const struct header_rewrite *rewrite)
{
	(void)rewrite;
	return false;
}

static inline void masquerade_field(struct header *h, const struct header_rewrite *rewrite)
{
	(void)h;
	(void)rewrite;
}

static inline void header_rewrite_address(struct buf *b, const struct header_rewrite *rewrite,
	const struct address *a)
{
	(void)rewrite;
	address_put(b, a);
}

#endif

#endif
