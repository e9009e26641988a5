/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/dsn.h"

#include "mail/date.h"
#include "mail/form.h"
#include "mail/printable.h"

#define ORIGIN_PUT_MAX 128u /* enough for "helo [address]" of anyone honest */

/* "=_" can stand neither in quoted-printable nor in a header field's name. */
#define BOUNDARY_START "=_pipit_"

/* The blanks of the forms; fill knows their letters. */
#define HOST "%a"       /* ours */
#define TO "%b"         /* the reverse-path that is told */
#define ORIGIN "%c"     /* who brought the original */
#define FINAL "%d"      /* a recipient, as it was sent on */
#define ORIGINAL "%e"   /* and as it was given */
#define DATE "%f"       /* of the report */
#define ARRIVAL "%g"    /* of the original */
#define EXPIRY "%h"     /* of its last try */
#define STAMP "%i"      /* the same for the same report */
#define BOUNDARY "%j"   /* CRLF and the line that begins, or ends, a part */
#define STATUS "%k"     /* a recipient's */
#define REPLY_LINE "%l" /* what was said, and CRLF */

struct about {
	const struct dsn *d;
	const struct dsn_rcpt *r;
};

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

/* RFC 3464 2.3.4 wants a status always; without one from the peer the class is
 * what is certain: a delay is never permanent. */
static void status_put(struct buf *b, const struct dsn *d, const struct reply *r)
{
	const uint8_t unknown[3] = { failed(d) && r->code >= 500 ? 5 : 4, 0, 0 };

	reply_enhanced_put(b, r->enhanced[0] >= 4 ? r->enhanced : unknown);
}

static void fill(struct buf *b, char what, const void *of)
{
	const struct about *about = of;
	const struct dsn *d = about->d;
	struct span text;

	switch (what) {
	case 'a': text = d->hostname; break;
	case 'b': text = d->to; break;
	case 'c': text = span_head(d->origin, ORIGIN_PUT_MAX); break;
	case 'd': text = about->r->final; break;
	case 'e': text = about->r->original; break;
	case 'f': date_put(b, d->wall_s); return;
	case 'g': date_put(b, d->arrival_s); return;
	case 'h': date_put(b, d->expiry_s); return;
	case 'i':
	case 'j':
		if (what == 'j')
			buf_puts(b, "\r\n--" BOUNDARY_START);
		stamp_put(b, d);
		return;
	case 'k': status_put(b, d, &about->r->reply); return;
	case 'l': reply_put(b, &about->r->reply); return;
	default: return;
	}
	printable_put(b, text);
}

static void put(struct buf *b, const struct dsn *d, const struct dsn_rcpt *r, const char *form)
{
	const struct about about = { d, r };

	form_put(b, form, fill, &about);
}

void dsn_put_head(struct buf *b, const struct dsn *d)
{
	put(b, d, NULL,
		"From: Mail Delivery System <MAILER-DAEMON@" HOST ">\n"
		"To: <" TO ">\n"
		"Date: " DATE "\n"
		"Message-ID: <" STAMP "@" HOST ">\n"
		"Auto-Submitted: auto-replied\n"
		"MIME-Version: 1.0\n"
		"Content-Type: multipart/report; report-type=delivery-status;\n"
		"\tboundary=\"" BOUNDARY_START STAMP "\"\n");
	put(b, d, NULL,
		failed(d) ? "Subject: Undelivered mail returned to sender\n"
			  : "Subject: Delayed mail, still being retried\n");
	put(b, d, NULL,
		BOUNDARY "\nContent-Type: text/plain; charset=us-ascii\n\n"
			 "Your message from " ORIGIN "\n");
	if (d->arrival_s != 0)
		put(b, d, NULL, "of " ARRIVAL "\n");
	put(b, d, NULL,
		failed(d) ? "could not be delivered to these recipients, and is not tried again:\n"
			  : "is not yet delivered to these recipients.  It is still being tried;\n"
			    "you need not do anything.\n");
	if (!failed(d) && d->expiry_s != 0)
		put(b, d, NULL, "It will be given up on " EXPIRY "\n");
}

void dsn_put_human(struct buf *b, const struct dsn *d, const struct dsn_rcpt *r)
{
	put(b, d, r, "\n<" FINAL ">");
	if (r->original.len > 0 && !span_equal(r->original, r->final))
		put(b, d, r, "\n    (you wrote to <" ORIGINAL ">)");
	put(b, d, r,
		r->remote ? ":\n    the next mail server said:\n    " REPLY_LINE
			  : ":\n    " REPLY_LINE);
}

void dsn_put_status(struct buf *b, const struct dsn *d)
{
	put(b, d, NULL,
		BOUNDARY "\nContent-Type: message/delivery-status\n\n"
			 "Reporting-MTA: dns; " HOST "\n");
	if (d->arrival_s != 0)
		put(b, d, NULL, "Arrival-Date: " ARRIVAL "\n");
}

void dsn_put_rcpt(struct buf *b, const struct dsn *d, const struct dsn_rcpt *r)
{
	put(b, d, r, "\n");
	if (r->original.len > 0)
		put(b, d, r, "Original-Recipient: rfc822; " ORIGINAL "\n");
	put(b, d, r,
		failed(d) ? "Final-Recipient: rfc822; " FINAL "\nAction: failed\n"
			  : "Final-Recipient: rfc822; " FINAL "\nAction: delayed\n");
	put(b, d, r, "Status: " STATUS "\nDiagnostic-Code: ");
	put(b, d, r, r->remote ? "smtp; " REPLY_LINE : "x-pipit; " REPLY_LINE);
	if (!failed(d) && d->expiry_s != 0)
		put(b, d, r, "Will-Retry-Until: " EXPIRY "\n");
}

void dsn_put_original(struct buf *b, const struct dsn *d)
{
	put(b, d, NULL, BOUNDARY "\nContent-Type: text/rfc822-headers\n\n");
}

void dsn_put_end(struct buf *b, const struct dsn *d)
{
	put(b, d, NULL, BOUNDARY "--\n");
}
