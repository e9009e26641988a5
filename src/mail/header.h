/* SPDX-License-Identifier: BSD-2-Clause */
/* header - watches a message pass by: what its header has, and rewrites its From.
 *
 * A streaming filter between DATA and the queue: octets in, octets out, no
 * octet of the body changed.  It notes Date, Message-ID, the number of
 * Received fields, 8-bit content, and where the header ends.  With a masquerade it
 * replaces addresses in From, Sender and Reply-To that `is_local` calls ours:
 * by the same local part at `domain`, or by one address (RFC 5321 has no section for this;
 * it is what Postfix calls masquerading).  A field longer than
 * HEADER_FIELD_MAX passes unchanged, and an address that would grow beyond the array too.
 * Display names, comments and quoted strings stay as they are.
 */
#ifndef PIPIT_MAIL_HEADER_H
#define PIPIT_MAIL_HEADER_H

#include "mail/address.h"

#define HEADER_FIELD_MAX 512u
#define HEADER_NAME_MAX 78u /* RFC 5322 2.1.1's line: a longer name is no name */

struct header_rewrite {
	struct span to; /* a domain, or an address with "@"; empty: change nothing */
	bool (*is_local)(void *ctx, struct span domain); /* empty domain: unqualified address */
	void *ctx;
};

struct header {
	bool has_date, has_message_id;
	bool eight_bit;   /* an octet over 127 was seen, header or body */
	bool in_body;     /* the empty line has passed */
	bool headless;    /* the first line is no field: what is put before the message
	                          * must end with an empty line */
	uint8_t received; /* Received fields; stays at 255 */
	/* internal */
	uint8_t state;
	bool first; /* no line has ended yet */
	uint16_t len;
	/* A name, or a field that is to be rewritten. */
	uint8_t field[CONFIG_MASQUERADE ? HEADER_FIELD_MAX + ADDRESS_MAX : HEADER_NAME_MAX + 2u];
};

void header_init(struct header *h);

/* Takes n octets from the front of in (returned) and gives octets to write in *out:
 * either a part of in, or the filter's own array, valid until the next call.  An
 * empty *out is normal (held back).  The caller must use all of *out before
 * calling again.  0 is returned only when in is empty or *out is not. */
size_t header_feed(struct header *h, const struct header_rewrite *rewrite, struct span in,
	struct span *out);

/* The end of the message: what was still held back. */
struct span header_finish(struct header *h, const struct header_rewrite *rewrite);

#endif
