/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/sim.h"

#include <string.h>

#define LINE 78u
#define LONG_LINE 1500u

/* ---- Tokens --------------------------------------------------------------------- */

static bool number(struct span *s, uint16_t *out)
{
	uint32_t v = 0;

	if (s->len == 0 || !byte_is_digit(s->at[0]))
		return false;
	for (; s->len > 0 && byte_is_digit(s->at[0]); span_skip(s, 1))
		v = (v * 10u + s->at[0] - '0') & 0xffffu;
	*out = (uint16_t)v;
	return true;
}

struct token token_read(struct span text)
{
	struct token t = { .valid = false, .rcpt = -1 };
	uint16_t rcpt;

	if (text.len > 0 && text.at[0] == '<')
		span_skip(&text, 1);
	if (text.len == 0 || text.at[0] != 't')
		return t;
	span_skip(&text, 1);
	if (!number(&text, &t.message))
		return t;
	if (text.len > 0 && text.at[0] == 'r') {
		span_skip(&text, 1);
		if (!number(&text, &rcpt))
			return t;
		t.rcpt = (int16_t)rcpt;
	}
	t.valid = text.len > 0 && text.at[0] == '@' && t.message < CONFIG_SIM_MESSAGES &&
		t.rcpt < (int16_t)RCPTS_MAX;
	return t;
}

/* ---- Making --------------------------------------------------------------------- */

struct maker {
	uint32_t state;
	uint8_t *out;
	uint32_t len, wanted;
	uint8_t shape;
};

static uint32_t next(struct maker *m)
{
	m->state = m->state * 1664525u + 1013904223u;
	return m->state >> 8;
}

static void put(struct maker *m, uint8_t c)
{
	m->out[m->len++] = c;
}

static void puts_(struct maker *m, const char *text)
{
	for (; *text != '\0'; text++)
		put(m, (uint8_t)*text);
}

static void line(struct maker *m)
{
	uint32_t n = next(m) % LINE, i;

	if (m->shape & SHAPE_LONG && next(m) % 4 == 0)
		n += LONG_LINE;
	if (m->shape & SHAPE_DOTS && next(m) % 2 == 0)
		for (i = next(m) % 4; i > 0; i--)
			put(m, '.');
	if (m->shape & SHAPE_DOTS && next(m) % 4 == 0)
		n = 0;
	for (i = 0; i < n; i++) {
		uint32_t r = next(m);

		if (m->shape & SHAPE_EIGHT_BIT && r % 8 == 0)
			put(m, (uint8_t)(r % 16 == 0 ? 0x80 | (r >> 8 & 0x7f) : 0));
		else
			put(m, (uint8_t)(' ' + r % 95));
	}
	puts_(m, "\r\n");
}

static void header(struct maker *m, unsigned message)
{
	uint8_t room[64];
	struct buf b;
	uint32_t i;

	buf_init(&b, room, sizeof(room));
	buf_puts(&b, "X-Token: ");
	buf_put_u32(&b, message);
	buf_put_byte(&b, 0);
	puts_(m, "Subject: what the simulator says\r\n");
	puts_(m, (const char *)room);
	puts_(m, "\r\nFrom: somebody\r\n");
	if (m->shape & SHAPE_DATED)
		puts_(m,
			"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
			"Message-ID: <x@sim.test>\r\n");
	for (i = next(m) % 4; i > 0; i--)
		puts_(m, "X-Folded: a line\r\n\tand one more\r\n");
	puts_(m, "\r\n");
}

uint32_t content_make(const struct sim *w, unsigned message, uint8_t out[CONTENT_ROOM])
{
	const struct message *about = &w->ledger.message[message];
	struct maker m = { w->seed * 2654435761u + message * 40503u, out, 0, about->size,
		about->shape };

	if (m.shape & SHAPE_EMPTY)
		return 0;
	(void)next(&m);
	if (m.shape & SHAPE_HEADLESS)
		puts_(&m, "no header field is this line\r\n");
	else
		header(&m, message);
	while (m.len < m.wanted)
		line(&m);
	/* At least one octet that says what it is. */
	if (m.shape & SHAPE_EIGHT_BIT)
		puts_(&m, "\xc3\xa4\r\n");
	if (m.shape & SHAPE_BARE)
		puts_(&m, next(&m) % 2 ? "a bare\n.\nline\r\n" : "a bare\rreturn\r\n");
	return m.len;
}

/* ---- Checking ------------------------------------------------------------------- */

/* A whole field with its folded lines; empty when there is none. */
static struct span field(struct span *rest)
{
	struct span all = *rest;
	size_t len = 0, end;

	do {
		end = span_find(span_from(all, len), '\n');
		if (len + end >= all.len)
			return SPAN_EMPTY;
		len += end + 1;
	} while (len < all.len && (all.at[len] == ' ' || all.at[len] == '\t'));
	span_skip(rest, len);
	return span_sub(all, 0, len);
}

static bool find_id(struct span received, uint32_t *id)
{
	static const char mark[] = "SMTP id ";
	size_t i, k;
	uint32_t v = 0;

	for (i = 0; i + sizeof(mark) + 7 < received.len; i++)
		if (memcmp(received.at + i, mark, sizeof(mark) - 1) == 0)
			break;
	if (i + sizeof(mark) + 7 >= received.len)
		return false;
	for (k = i + sizeof(mark) - 1; k < i + sizeof(mark) + 7; k++)
		v = v << 4 |
			(uint32_t)(received.at[k] <= '9' ? received.at[k] - '0'
							 : received.at[k] - 'a' + 10);
	*id = v;
	return true;
}

static const char *check_prefix(const struct message *m, struct span prefix, uint32_t *id)
{
	unsigned received = 0, date = 0, name = 0;
	struct span f;

	while (prefix.len > 0) {
		if (m->shape & SHAPE_HEADLESS && prefix.len == 2 && prefix.at[0] == '\r')
			break;
		f = field(&prefix);
		if (span_starts_nocase(f, SPAN("Received: "))) {
			if (received++ == 0 && !find_id(f, id))
				return "a Received field without an id";
		} else if (span_starts_nocase(f, SPAN("Date: ")))
			date++;
		else if (span_starts_nocase(f, SPAN("Message-ID: ")))
			name++;
		else
			return "something else stands before it";
	}
	if (received == 0)
		return "it has no Received field";
	if (date != name || date > 1)
		return "it has got a Date or Message-ID too many or too few";
	/* Each Pipit is a client that may relay to the next. */
	if ((date == 1) != ((m->local_client || received > 1) && !(m->shape & SHAPE_DATED)))
		return "its header was completed, or not, against the rules";
	return NULL;
}

const char *content_check(const struct sim *w, unsigned message, struct span got, uint32_t *id)
{
	static uint8_t want[CONTENT_ROOM];
	const struct message *m = &w->ledger.message[message];
	uint32_t len = content_make(w, message, want);

	if (got.len < len)
		return "it is too short";
	if (memcmp(got.at + (got.len - len), want, len) != 0)
		return "its octets were altered";
	return check_prefix(m, span_sub(got, 0, got.len - len), id);
}
