/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

#include <string.h>

/* ---- errors ------------------------------------------------------------------- */

/* Whole characters of s, as far as a message has room. */
static struct span told(struct span s)
{
	if (s.len <= CONF_TOLD_MAX)
		return s;
	s.len = CONF_TOLD_MAX;
	while ((s.at[s.len] & 0xc0u) == 0x80u)
		s.len--;
	return s;
}

void conf_tell_with(struct conf_reader *r, const char *what, const char *more)
{
	uint8_t message[CONF_MESSAGE_MAX];
	struct buf b;

	if (r->quiet)
		return;
	r->failed = true;
	r->errors->count++;
	buf_init(&b, message, sizeof(message));
	if (r->keyword) {
		buf_puts(&b, r->keyword->text);
		buf_puts(&b, ": ");
	}
	if (r->word.at) {
		buf_put_byte(&b, '"');
		buf_put(&b, told(r->word));
		buf_puts(&b, r->word.len > CONF_TOLD_MAX ? "...\" " : "\" ");
	}
	buf_puts(&b, what);
	buf_puts(&b, more);
	r->errors->report(r->errors->ctx, r->line, buf_span(&b));
}

bool conf_append(struct conf_reader *r, struct span s, struct conf_text *t)
{
	struct conf *c = r->c;

	if (s.len > sizeof(c->text) - c->text_len) {
		conf_no_room(r, "TEXT");
		return false;
	}
	if (s.len > 0)
		memcpy(c->text + c->text_len, s.at, s.len);
	c->text_len = (uint16_t)(c->text_len + s.len);
	t->len = (uint16_t)(t->len + s.len);
	return true;
}

bool conf_keep(struct conf_reader *r, struct span s, struct conf_text *t)
{
	t->at = r->c->text_len;
	t->len = 0;
	return conf_append(r, s, t);
}

struct span conf_span(const struct conf *c, struct conf_text t)
{
	return span_make(c->text + t.at, t.len);
}

bool conf_text_is(const struct conf *c, struct conf_text t, struct span s)
{
	return span_equal_nocase(conf_span(c, t), s);
}

/* ---- words -------------------------------------------------------------------- */

/* The octet after a backslash in quotes, or -1: nothing but \" and \\ is known, so
 * that a wrong guess at our rules is an error and not another value. */
static int escaped(struct span s, size_t i)
{
	return i < s.len && (s.at[i] == '"' || s.at[i] == '\\') ? s.at[i] : -1;
}

static bool separates(const struct conf_reader *r, uint8_t c)
{
	return byte_is_blank(c) || (c == ',' && r->commas);
}

bool conf_word(struct conf_reader *r)
{
	struct span s = r->rest;
	size_t i, n = 0;
	bool quoted = false, bad = false;

	while (s.len > 0 && separates(r, s.at[0]))
		s = span_from(s, 1);
	r->word = SPAN_EMPTY;
	if (s.len == 0 || s.at[0] == '#')
		return false;
	for (i = 0; i < s.len && !bad && (quoted || !separates(r, s.at[i])); i++) {
		int c = s.at[i];

		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && c == '\\')
			c = escaped(s, ++i);
		bad = c < 0 || n == sizeof(r->bare);
		if (!bad)
			r->bare[n++] = (uint8_t)c;
	}
	r->word = span_make(r->bare, n);
	r->rest = span_from(s, i);
	if (!quoted && !bad)
		return true;
	/* Where the next word begins is anyone's guess. */
	r->rest = SPAN_EMPTY;
	conf_tell(r, "is cut off or badly quoted; write \"VALUE\", inside \\\" and \\\\", "");
	return false;
}

bool conf_need(struct conf_reader *r)
{
	if (conf_word(r))
		return true;
	if (!r->failed)
		conf_tell(r, "a value is missing; expected ", conf_part(r->keyword, CONF_WANT));
	return false;
}

bool conf_word_is(const struct conf_reader *r, const char *text)
{
	return span_equal(r->word, span_of(text));
}

/* ---- keywords ----------------------------------------------------------------- */

const struct conf_keyword *conf_find_keyword(const struct conf_reader *r)
{
	const struct conf_keyword *k;

	for (k = conf_keywords; k < conf_keywords + CONF_KEYWORDS; k++)
		if (conf_word_is(r, k->text))
			return k;
	return NULL;
}

/* ---- lines -------------------------------------------------------------------- */

bool conf_take_line(struct span *text, struct span *line)
{
	size_t end = span_find(*text, '\n');

	if (text->len == 0)
		return false;
	*line = span_head(*text, end);
	span_skip(text, end + 1);
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		line->len--;
	return true;
}

bool conf_line_ok(struct conf_reader *r, struct span line)
{
	r->failed = false;
	r->keyword = NULL;
	r->word = SPAN_EMPTY;
	if (conf_text_ok(line))
		return true;
	conf_tell(r, "control character or broken UTF-8; remove it", "");
	return false;
}

static void read_values(struct conf_reader *r)
{
	const struct conf_keyword *k = r->keyword;
	uint8_t *base = (uint8_t *)r->c, *list = base + k->at, *place = list, none = 0;
	uint8_t *count = k->stride > 0 ? base + k->count_at : &none;
	uint32_t errors;

	if (!conf_need(r))
		return;
	do {
		errors = r->errors->count;
		if (k->stride > 0 && *count == k->max) {
			conf_no_room(r, conf_part(k, CONF_SYMBOL));
			return;
		}
		place = list + *count * k->stride;
		k->read(r, place);
		if (errors == r->errors->count)
			conf_check_repeated(r, list, place);
		if (errors == r->errors->count)
			++*count;
	} while (k->stride > 0 && k->arg != CONF_WHOLE_LINE && conf_word(r));
}

/* Line 0 is one of defaults: it counts when no other has its keyword. */
static void read_line(struct conf_reader *r, uint32_t *first)
{
	const struct conf_keyword *k;

	if (!conf_word(r))
		return;
	k = conf_find_keyword(r);
	if (!k) {
		conf_unknown(r);
		return;
	}
	r->keyword = k;
	r->word = SPAN_EMPTY;
	first += k - conf_keywords;
	if (*first != 0 && (r->line == 0 || (k->stride == 0 && k->max > 0))) {
		if (r->line != 0)
			conf_twice(r, *first);
		return;
	}
	*first = r->line;
	read_values(r);
	if (!r->failed && conf_word(r))
		conf_tell(r, "is one word too many; expected ", conf_part(k, CONF_WANT));
}

/* A safe loopback-only MTA. */
#if CONFIG_DNS
#define MX_PORT "mx_port 25\n"
#else
#define MX_PORT
#endif
#if CONFIG_DELAY_REPORTS
#define WARN_DELAY "warn_delay 4h\n"
#else
#define WARN_DELAY
#endif
#if CONFIG_IPV6
#define LOOPBACK6 "listen [::1]\nrelay_from 127.0.0.0/8 ::1\n"
#else
#define LOOPBACK6 "relay_from 127.0.0.0/8\n"
#endif
static const char defaults[] = "listen 127.0.0.1\n" LOOPBACK6 MX_PORT "retry 1m 5m 15m 1h 4h\n"
			       "expire 5d\n" WARN_DELAY "max_message_size 10M\n"
			       "max_recipients 100\n"
			       "log info\n";

enum status conf_parse(struct conf *c, struct span text, const struct conf_defaults *d,
	struct conf_errors *errors)
{
	struct conf_reader r = { .c = c,
		.errors = errors,
		.text = text,
		.base_dir = d->base_dir,
		.callback = d->callback };
	uint32_t first[CONF_KEYWORDS] = { 0 }; /* line that has the keyword */

	memset(c, 0, sizeof(*c));
	errors->count = 0;
	for (r.line = 1; conf_take_line(&text, &r.rest); r.line++) {
		if (!conf_line_ok(&r, r.rest))
			continue;
		if (r.rest.len <= CONF_LINE_MAX)
			read_line(&r, first);
		else
			conf_tell(&r, "the line is too long; split it", "");
	}
	r.line = 0;
	for (text = span_of(defaults); conf_take_line(&text, &r.rest);)
		read_line(&r, first);
	conf_end(&r, d->hostname);
	return errors->count == 0 ? ST_OK : ST_BAD;
}
