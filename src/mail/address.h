/* SPDX-License-Identifier: BSD-2-Clause */
/* address - the mailbox grammar of RFC 5321 4.1.2, on borrowed text.
 *
 * Pure.  Local parts keep their quotes and case; domains are letters, digits,
 * hyphens and dots, or an [address literal].  Octets over 127 and control
 * characters are refused (no SMTPUTF8).  Results point into the input.
 */
#ifndef PIPIT_MAIL_ADDRESS_H
#define PIPIT_MAIL_ADDRESS_H

#include "base/ip.h"
#include "pipit_limits.h"

struct address {
	struct span local;  /* as written, quotes included; empty: the null reverse-path <> */
	struct span domain; /* empty: null path, or local name alone (<postmaster>) */
};

/* "local@domain", all of s, at most ADDRESS_MAX.  A local part may be longer than
 * LOCAL_PART_MAX: bounce addresses that carry another address (VERP, SRS) often
 * are, and RFC 5321 4.5.3.1 asks for no limit where none is needed. */
bool address_parse(struct span s, struct address *out);

/* "<...>" at the front of *s, which moves behind it.  A source route
 * (@a,@b:user@c) is dropped.  null_ok allows <>, local_ok a name without
 * domain, at most LOCAL_PART_MAX.  false: not a path; *s is then unchanged. */
bool address_parse_path(struct span *s, bool null_ok, bool local_ok, struct address *out);

/* Whether s is a host name as EHLO, MX and routes carry it (RFC 5321 4.1.2
 * Domain), no literal. */
bool address_domain_ok(struct span s);

/* Whether a domain is an address literal, and which (RFC 5321 4.1.3). */
bool address_literal(struct span s, struct ip *out);

static inline bool address_is_null(const struct address *a)
{
	return a->local.len == 0 && a->domain.len == 0;
}

bool address_equal(const struct address *a, const struct address *b); /* domain without case */
void address_put(struct buf *b, const struct address *a);             /* without <> */

#endif
