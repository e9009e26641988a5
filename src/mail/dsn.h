/* SPDX-License-Identifier: BSD-2-Clause */
/* dsn - delivery status notifications (RFC 3464, RFC 6522), made part by part.
 *
 * Pure: the same input gives the same octets, so a report can be sent again
 * and be the same report.  The caller puts the parts together:
 *
 *   dsn_put_head       header and the human part's opening
 *   dsn_put_human      once per reported recipient: one paragraph
 *   dsn_put_status     opens message/delivery-status with the per-message fields
 *   dsn_put_rcpt       once per reported recipient: its fields
 *   dsn_put_original   opens text/rfc822-headers; the caller then gives the
 *                      original's header lines (8-bit octets replaced by '?', no
 *                      line that begins with "--": it might end the part)
 *   dsn_put_end        closes the last boundary
 *
 * All lines end in CRLF.  Each call puts less than DSN_PART_MAX octets.
 */
#ifndef PIPIT_MAIL_DSN_H
#define PIPIT_MAIL_DSN_H

#include "mail/address.h"
#include "mail/reply.h"

#define DSN_PART_MAX 1600u

enum dsn_kind { DSN_FAILED, DSN_DELAYED };

struct dsn {
	enum dsn_kind kind;
	uint32_t message;     /* id in our queue */
	uint32_t wall_s;      /* of the report; part of its Message-ID and boundary */
	uint32_t arrival_s;   /* of the original; 0: not known */
	uint32_t expiry_s;    /* when it will be given up, for DSN_DELAYED; 0: not known */
	struct span hostname; /* ours: Reporting-MTA, From: MAILER-DAEMON@ */
	struct span to;       /* the reverse-path that is told */
	struct span origin;   /* who brought the original, from its envelope */
};

struct dsn_rcpt {
	struct span final;    /* forward-path */
	struct span original; /* as it was given before aliases; may be empty */
	bool remote;          /* the next hop said it, not we */
	struct reply reply;
};

void dsn_put_head(struct buf *b, const struct dsn *d);
void dsn_put_human(struct buf *b, const struct dsn *d, const struct dsn_rcpt *r);
void dsn_put_status(struct buf *b, const struct dsn *d);
void dsn_put_rcpt(struct buf *b, const struct dsn *d, const struct dsn_rcpt *r);
void dsn_put_original(struct buf *b, const struct dsn *d);
void dsn_put_end(struct buf *b, const struct dsn *d);

#endif
