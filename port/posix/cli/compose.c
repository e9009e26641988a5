/* SPDX-License-Identifier: BSD-2-Clause */
/* compose - see compose.h */
#include "posix/cli/compose.h"

#include "mail/date.h"
#include "mail/trace.h"

static bool is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] > 0x7f)
			return false;
	return true;
}

static void put_encoded(struct buf *b, uint8_t c)
{
	if (byte_is_alpha(c) || byte_is_digit(c)) {
		buf_put_byte(b, c);
		return;
	}
	buf_put_byte(b, '=');
	buf_put_byte(b, (uint8_t) "0123456789ABCDEF"[c >> 4]);
	buf_put_byte(b, (uint8_t) "0123456789ABCDEF"[c & 15]);
}

/* Octets of one character of UTF-8, as its first octet says; 1 for what is not UTF-8. */
static size_t character_len(struct span s)
{
	size_t n = 1;

	while (n < s.len && n < 4 && (s.at[n] & 0xc0) == 0x80)
		n++;
	return s.at[0] >= 0xc0 ? n : 1;
}

/* RFC 2047 5: an encoded word is at most 75 octets and holds whole characters. */
static void put_words(struct buf *b, struct span s)
{
	while (s.len > 0) {
		size_t used = 12; /* =?UTF-8?Q??= */

		buf_puts(b, "=?UTF-8?Q?");
		while (s.len > 0) {
			size_t n = character_len(s);

			if (used + 3 * n > 75)
				break;
			used += 3 * n;
			for (size_t i = 0; i < n; i++)
				put_encoded(b, is_control(s.at[i]) ? ' ' : s.at[i]);
			s = span_from(s, n);
		}
		buf_puts(b, s.len > 0 ? "?=\r\n " : "?=");
	}
}

void compose_text(struct buf *b, struct span s)
{
	if (!is_plain(s)) {
		put_words(b, s);
		return;
	}
	for (size_t i = 0; i < s.len; i++)
		buf_put_byte(b, is_control(s.at[i]) ? ' ' : s.at[i]);
}

/* A display name before <: quoted when it is more than words. */
static void put_name(struct buf *b, struct span name)
{
	if (!is_plain(name)) {
		put_words(b, name);
		return;
	}
	buf_puts(b, "\"");
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] == '"' || name.at[i] == '\\')
			buf_put_byte(b, '\\');
		buf_put_byte(b, is_control(name.at[i]) ? ' ' : name.at[i]);
	}
	buf_puts(b, "\"");
}

static void put_from(struct buf *b, const struct compose *c)
{
	buf_puts(b, "From: ");
	if (c->name.len > 0) {
		put_name(b, c->name);
		buf_puts(b, " <");
	}
	buf_put(b, c->sender);
	buf_puts(b, c->name.len > 0 ? ">\r\n" : "\r\n");
}

#define TO_MAX 20u /* more recipients than this have no business in each other's view */

static void put_to(struct buf *b, const struct compose *c)
{
	uint32_t cursor = 0;
	struct span address;
	const char *between = "To: ";

	if (!c->to || c->to->count > TO_MAX) {
		buf_puts(b, "To: undisclosed-recipients:;\r\n");
		return;
	}
	while (rcpts_next(c->to, &cursor, &address)) {
		buf_puts(b, between);
		buf_put(b, address);
		between = ",\r\n ";
	}
	buf_puts(b, "\r\n");
}

static bool has(const struct head *h, const char *name)
{
	struct head_field f;

	return head_find(h, name, &f);
}

void compose_missing(struct buf *b, const struct head *h, const struct compose *c)
{
	if (!has(h, "Date"))
		trace_put_date(b, c->wall_s);
	if (!has(h, "Message-ID"))
		trace_put_message_id(b, c->hostname, c->number, c->wall_s, c->random);
	if (!has(h, "From") && c->sender.len > 0)
		put_from(b, c);
	if (!has(h, "To") && !has(h, "Cc"))
		put_to(b, c);
	if (c->subject.at) {
		buf_puts(b, "Subject: ");
		compose_text(b, c->subject);
		buf_puts(b, "\r\n");
	}
	if (c->text)
		buf_puts(b,
			"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
			"Content-Transfer-Encoding: 8bit\r\n");
}
