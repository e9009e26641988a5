/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/dsn.h"

#include "mail/date.h"
#include "mail/printable.h"

#define ORIGIN_PUT_MAX 128u /* enough for "helo [address]" of anyone honest */

static bool failed(const struct dsn *d)
{
	return !CONFIG_DELAY_REPORTS || d->kind == DSN_FAILED;
}

static void stamp_put(struct buf *b, const struct dsn *d)
{
	buf_put_hex(b, d->message, 8);
	buf_put_byte(b, failed(d) ? '.' : '-');
	buf_put_hex(b, d->wall_s, 8);
}

/* "=_" can stand neither in quoted-printable nor in a header field's name. */
static void boundary_put(struct buf *b, const struct dsn *d)
{
	buf_puts(b, "=_pipit_");
	stamp_put(b, d);
}

/* CRLF, the boundary, and the fields of the part that follows. */
static void part_put(struct buf *b, const struct dsn *d, const char *fields)
{
	buf_puts(b, "\r\n--");
	boundary_put(b, d);
	buf_puts(b, fields);
}

static void date_field_put(struct buf *b, const char *name, uint32_t wall_s)
{
	buf_puts(b, name);
	date_put(b, wall_s);
	buf_puts(b, "\r\n");
}

static void text_field_put(struct buf *b, const char *name, struct span text, const char *end)
{
	buf_puts(b, name);
	printable_put(b, text);
	buf_puts(b, end);
}

void dsn_put_head(struct buf *b, const struct dsn *d)
{
	text_field_put(b, "From: Mail Delivery System <MAILER-DAEMON@", d->hostname, ">\r\n");
	text_field_put(b, "To: <", d->to, ">\r\n");
	buf_puts(b,
		failed(d) ? "Subject: Undelivered mail returned to sender\r\n"
			  : "Subject: Delayed mail, still being retried\r\n");
	date_field_put(b, "Date: ", d->wall_s);
	buf_puts(b, "Message-ID: <");
	stamp_put(b, d);
	text_field_put(b, "@", d->hostname, ">\r\n");
	buf_puts(b,
		"Auto-Submitted: auto-replied\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: multipart/report; report-type=delivery-status;\r\n"
		"\tboundary=\"");
	boundary_put(b, d);
	buf_puts(b, "\"\r\n");
	part_put(b, d, "\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n");
	text_field_put(b, "Your message from ", span_sub(d->origin, 0, ORIGIN_PUT_MAX), "\r\n");
	if (d->arrival_s != 0)
		date_field_put(b, "of ", d->arrival_s);
	buf_puts(b,
		failed(d)
			? "could not be delivered to these recipients, and is not tried again:\r\n"
			: "is not yet delivered to these recipients.  It is still being tried;\r\n"
			  "you need not do anything.\r\n");
	if (!failed(d) && d->expiry_s != 0)
		date_field_put(b, "It will be given up on ", d->expiry_s);
}

static void spoken_put(struct buf *b, const struct reply *r)
{
	if (r->code != 0) {
		buf_put_u32(b, r->code);
		buf_put_byte(b, ' ');
	}
	if (r->enhanced[0] != 0) {
		reply_enhanced_put(b, r->enhanced);
		buf_put_byte(b, ' ');
	}
	printable_put(b, span_sub(r->text, 0, REPLY_TEXT_PUT_MAX));
	buf_puts(b, "\r\n");
}

void dsn_put_human(struct buf *b, const struct dsn *d, const struct dsn_rcpt *r)
{
	(void)d;
	text_field_put(b, "\r\n<", r->final, ">");
	if (r->original.len > 0 && !span_equal(r->original, r->final))
		text_field_put(b, "\r\n    (you wrote to <", r->original, ">)");
	buf_puts(b, r->remote ? ":\r\n    the next mail server said:\r\n    " : ":\r\n    ");
	spoken_put(b, &r->reply);
}

void dsn_put_status(struct buf *b, const struct dsn *d)
{
	part_put(b, d, "\r\nContent-Type: message/delivery-status\r\n\r\n");
	text_field_put(b, "Reporting-MTA: dns; ", d->hostname, "\r\n");
	if (d->arrival_s != 0)
		date_field_put(b, "Arrival-Date: ", d->arrival_s);
}

/* RFC 3464 2.3.4 wants a status always; without one from the peer the class is
 * what is certain: a delay is never permanent. */
static void status_put(struct buf *b, const struct dsn *d, const struct reply *r)
{
	const uint8_t unknown[3] = { failed(d) && r->code >= 500 ? 5 : 4, 0, 0 };

	buf_puts(b, "Status: ");
	reply_enhanced_put(b, r->enhanced[0] >= 4 ? r->enhanced : unknown);
	buf_puts(b, "\r\n");
}

void dsn_put_rcpt(struct buf *b, const struct dsn *d, const struct dsn_rcpt *r)
{
	buf_puts(b, "\r\n");
	if (r->original.len > 0)
		text_field_put(b, "Original-Recipient: rfc822; ", r->original, "\r\n");
	text_field_put(b, "Final-Recipient: rfc822; ", r->final, "\r\n");
	buf_puts(b, failed(d) ? "Action: failed\r\n" : "Action: delayed\r\n");
	status_put(b, d, &r->reply);
	buf_puts(b, r->remote ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: x-pipit; ");
	spoken_put(b, &r->reply);
	if (!failed(d) && d->expiry_s != 0)
		date_field_put(b, "Will-Retry-Until: ", d->expiry_s);
}

void dsn_put_original(struct buf *b, const struct dsn *d)
{
	part_put(b, d, "\r\nContent-Type: text/rfc822-headers\r\n\r\n");
}

void dsn_put_end(struct buf *b, const struct dsn *d)
{
	part_put(b, d, "--\r\n");
}
