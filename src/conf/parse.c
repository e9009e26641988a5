/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

#include <string.h>

#define TOLD_MAX 48u    /* octets of a value that a message shows */
#define KEYWORD_MAX 24u /* octets of a word that are compared with the keywords */

/* ---- errors ------------------------------------------------------------------- */

/* Whole characters of s, as far as a message has room. */
static struct span told(struct span s)
{
	if (s.len <= TOLD_MAX)
		return s;
	s.len = TOLD_MAX;
	while ((s.at[s.len] & 0xc0u) == 0x80u)
		s.len--;
	return s;
}

void conf_tell(struct conf_reader *r, const char *what, const char *more)
{
	uint8_t message[CONF_MESSAGE_MAX];
	struct buf b;

	if (r->quiet)
		return;
	r->failed = true;
	r->errors->count++;
	buf_init(&b, message, sizeof(message));
	if (r->keyword) {
		buf_puts(&b, r->keyword->name);
		buf_puts(&b, ": ");
	}
	if (r->word.at) {
		buf_put_byte(&b, '"');
		buf_put(&b, told(r->word));
		buf_puts(&b, r->word.len > TOLD_MAX ? "...\" " : "\" ");
	}
	buf_puts(&b, what);
	buf_puts(&b, more);
	r->errors->report(r->errors->ctx, r->line, buf_span(&b));
}

void conf_wrong(struct conf_reader *r)
{
	conf_tell(r, "is wrong; expected ", r->keyword->want);
}

void conf_repeated(struct conf_reader *r)
{
	conf_tell(r, "repeats an earlier one; remove it", "");
}

void conf_not_built(struct conf_reader *r, const char *advice)
{
	conf_tell(r, "is not in this build; ", advice);
}

bool conf_room(struct conf_reader *r, size_t count, size_t max, const char *symbol)
{
	if (count < max)
		return true;
	conf_tell(r, "does not fit in this build; raise ", symbol);
	return false;
}

bool conf_append(struct conf_reader *r, struct span s, struct conf_text *t)
{
	struct conf *c = r->c;

	if (s.len > sizeof(c->text) - c->text_len)
		return conf_room(r, 0, 0, "CONF_TEXT");
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
	return c == ' ' || c == '\t' || (c == ',' && r->commas);
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
		conf_tell(r, "a value is missing; expected ", r->keyword->want);
	return false;
}

bool conf_word_is(const struct conf_reader *r, const char *text)
{
	return span_equal(r->word, span_of(text));
}

/* ---- keywords ----------------------------------------------------------------- */

#define NAMES (CONF_KEYWORDS + CONF_LATER)

static const char *name_at(size_t i)
{
	return i < CONF_KEYWORDS ? conf_keywords[i].name : conf_later[i - CONF_KEYWORDS];
}

static size_t find_name(const struct conf_reader *r)
{
	size_t i;

	for (i = 0; i < NAMES && !conf_word_is(r, name_at(i)); i++)
		;
	return i;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance, one row at a time. */
static unsigned distance(struct span a, struct span b)
{
	uint8_t row[KEYWORD_MAX + 1];
	size_t i, j;

	for (j = 0; j <= b.len; j++)
		row[j] = (uint8_t)j;
	for (i = 0; i < a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = (uint8_t)(i + 1);
		for (j = 0; j < b.len; j++) {
			unsigned change = diagonal + (a.at[i] != b.at[j]);

			diagonal = row[j + 1];
			row[j + 1] = (uint8_t)least(change, least(row[j], diagonal) + 1u);
		}
	}
	return row[b.len];
}

static void tell_nearest(struct conf_reader *r)
{
	struct span start = span_sub(r->word, 0, KEYWORD_MAX);
	unsigned best = UINT8_MAX;
	size_t i, nearest = 0;

	for (i = 0; i < NAMES; i++) {
		unsigned d = distance(start, span_of(name_at(i)));

		if (d < best) {
			best = d;
			nearest = i;
		}
	}
	conf_tell(r, "is no keyword; the nearest is ", name_at(nearest));
}

/* ---- lines -------------------------------------------------------------------- */

static bool take_line(struct span *text, struct span *line)
{
	size_t end = span_find(*text, '\n');

	if (text->len == 0)
		return false;
	*line = span_sub(*text, 0, end);
	*text = span_from(*text, end + 1);
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		line->len--;
	return true;
}

/* Octets of the printable character or tab at the front of s (not empty), 0 when it
 * is a control character (C1 too: terminals obey them) or no UTF-8 (RFC 3629). */
static size_t character_len(struct span s)
{
	static const uint16_t first[] = { 0, ' ', 0xa0, 0x800 };
	uint32_t c = s.at[0];
	size_t n = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
	size_t i;

	if (c == '\t')
		return 1;
	if (n == 0 || n > s.len || c == 0x7f)
		return 0;
	if (n > 1)
		c &= 0x7fu >> n;
	for (i = 1; i < n; i++) {
		if ((s.at[i] & 0xc0u) != 0x80u)
			return 0;
		c = (c << 6) | (s.at[i] & 0x3fu);
	}
	if (c < (n == 4 ? 0x10000u : first[n]) || c > 0x10ffffu || (c >= 0xd800u && c < 0xe000u))
		return 0;
	return n;
}

bool conf_line_ok(struct conf_reader *r, struct span line)
{
	size_t i, n;

	r->failed = false;
	r->keyword = NULL;
	r->word = SPAN_EMPTY;
	for (i = 0; i < line.len; i += n) {
		n = character_len(span_from(line, i));
		if (n == 0) {
			conf_tell(r, "control character or broken UTF-8; remove it", "");
			return false;
		}
	}
	return true;
}

void conf_line_of(struct conf_reader *r, const char *keyword, struct span value, unsigned words)
{
	struct span text = r->text;
	bool hit = false;
	unsigned n;

	r->quiet = true;
	r->word = span_of(keyword);
	r->keyword = &conf_keywords[find_name(r)];
	for (r->line = 1; !hit && take_line(&text, &r->rest); r->line++) {
		if (!conf_word(r) || !conf_word_is(r, keyword))
			continue;
		hit = value.len == 0;
		for (n = 0; !hit && n < words && conf_word(r); n++)
			hit = span_equal_nocase(r->word, value);
	}
	r->line = hit ? r->line - 1 : 0;
	r->quiet = false;
}

static void tell_twice(struct conf_reader *r, uint32_t first)
{
	char digits[12] = "";
	struct buf b;

	buf_init(&b, digits, sizeof(digits) - 1);
	buf_put_u32(&b, first);
	conf_tell(r, "only one is allowed; there is one in line ", digits);
}

/* Line 0 is one of defaults: it counts when no other has its keyword. */
static void read_line(struct conf_reader *r, uint32_t *first)
{
	size_t i;

	if (!conf_word(r))
		return;
	i = find_name(r);
	if (i >= NAMES) {
		tell_nearest(r);
		return;
	}
	if (i >= CONF_KEYWORDS) {
		conf_not_built(r, "remove the line");
		return;
	}
	r->keyword = &conf_keywords[i];
	r->word = SPAN_EMPTY;
	if (first[i] != 0 && (r->keyword->once || r->line == 0)) {
		if (r->line != 0)
			tell_twice(r, first[i]);
		return;
	}
	first[i] = r->line;
	r->keyword->read(r);
	if (!r->failed && conf_word(r))
		conf_tell(r, "is one word too many; expected ", r->keyword->want);
}

/* A safe loopback-only MTA. */
static const char defaults[] = "listen 127.0.0.1\n"
			       "listen [::1]\n"
			       "relay_from 127.0.0.0/8 ::1\n"
			       "mx_port 25\n"
			       "retry 1m 5m 15m 1h 4h\n"
			       "expire 5d\n"
			       "warn_delay 4h\n"
			       "max_message_size 10M\n"
			       "max_recipients 100\n"
			       "log info\n";

enum status conf_parse(struct conf *c, struct span text, const struct conf_defaults *d,
	struct conf_errors *errors)
{
	struct conf_reader r = { .c = c, .errors = errors, .text = text, .base_dir = d->base_dir };
	uint32_t first[CONF_KEYWORDS] = { 0 }; /* line that has the keyword */

	memset(c, 0, sizeof(*c));
	errors->count = 0;
	for (r.line = 1; take_line(&text, &r.rest); r.line++) {
		if (!conf_line_ok(&r, r.rest))
			continue;
		if (r.rest.len <= CONF_LINE_MAX)
			read_line(&r, first);
		else
			conf_tell(&r, "the line is too long; split it", "");
	}
	r.line = 0;
	for (text = span_of(defaults); take_line(&text, &r.rest);)
		read_line(&r, first);
	conf_end(&r, d->hostname);
	return errors->count == 0 ? ST_OK : ST_BAD;
}
