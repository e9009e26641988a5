/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/trace.h"

#include "mail/date.h"
#include "mail/printable.h"
#include "mail/word.h"

/* RFC 5321 4.1.3: IPv6 carries a tag. */
static void literal_put(struct buf *b, const struct ip *ip)
{
	buf_puts(b, CONFIG_IPV6 && ip->family == 6 ? "[IPv6:" : "[");
	ip_put(b, ip);
	buf_put_byte(b, ']');
}

/* The client chose this text, and readers of Received parse it: only what can stand
 * in a domain or literal stays, so no comment, blank or line end can be forged. */
static void helo_put(struct buf *b, struct span helo)
{
	size_t i;

	for (i = 0; i < helo.len && i < DOMAIN_MAX; i++) {
		const uint8_t c = helo.at[i];

		buf_put_byte(b, byte_is_alnum(c) || byte_in(c, "-._:[]") ? c : (uint8_t)'?');
	}
}

static void clock_put(struct buf *b, uint32_t wall_s)
{
	date_put(b, wall_s);
	if (wall_s == 0)
		buf_puts(b, " (clock not set)");
	buf_puts(b, "\r\n");
}

static void from_put(struct buf *b, const struct trace *t)
{
	const bool known = t->peer.family != 0;

	buf_puts(b, "from ");
	if (t->helo.len > 0)
		helo_put(b, t->helo);
	else if (known)
		literal_put(b, &t->peer);
	else
		buf_puts(b, "unknown");
	if (known) {
		buf_puts(b, " (");
		literal_put(b, &t->peer);
		buf_puts(b, ")");
	}
	buf_puts(b, "\r\n\t");
}

void trace_put_received(struct buf *b, const struct trace *t)
{
	buf_puts(b, "Received: ");
	if (!t->own)
		from_put(b, t);
	buf_puts(b, "by ");
	buf_put(b, t->hostname);
	buf_puts(b, " (Pipit) ");
	if (!t->own)
		buf_puts(b, t->esmtp ? "with ESMTP " : "with SMTP ");
	buf_puts(b, "id ");
	buf_put_hex(b, t->id, 8);
	if (t->for_rcpt.len > 0) {
		buf_puts(b, "\r\n\tfor <");
		printable_put(b, t->for_rcpt);
		buf_put_byte(b, '>');
	}
	buf_puts(b, ";\r\n\t");
	clock_put(b, t->wall_s);
}

void trace_put_date(struct buf *b, uint32_t wall_s)
{
	buf_puts(b, "Date: ");
	clock_put(b, wall_s);
}

void trace_put_message_id(struct buf *b, struct span hostname, uint32_t id, uint32_t wall_s,
	uint32_t random)
{
	const uint32_t parts[] = { wall_s, id, random };
	size_t i;

	buf_puts(b, "Message-ID: <");
	for (i = 0; i < 3; i++) {
		buf_put_hex(b, parts[i], 8);
		buf_put_byte(b, i < 2 ? '.' : '@');
	}
	buf_put(b, hostname);
	buf_puts(b, ">\r\n");
}
