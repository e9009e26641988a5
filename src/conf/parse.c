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

const char *conf_part(const struct conf_keyword *k, unsigned part)
{
	const char *text = k->text;

	while (part-- > 0)
		text += strlen(text) + 1;
	return text;
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
		buf_puts(&b, r->keyword->text);
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

/* Whether word begins with one of the words of list. */
static bool listed(struct span word, const char *list)
{
	struct span rest = span_of(list);

	while (rest.len > 0)
		if (span_starts_nocase(word, span_word(&rest)))
			return true;
	return false;
}

void conf_wrong(struct conf_reader *r)
{
	static const char later[] =
		"role= tls= user= password_file= verify= pin= pipe lmtp mbox memory mtd:";

	conf_tell(r,
		listed(r->word, later) ? "is not in this build; expected " : "is wrong; expected ",
		conf_part(r->keyword, CONF_WANT));
}

void conf_repeated(struct conf_reader *r)
{
	conf_tell(r, "repeats an earlier one; remove it", "");
}

void conf_no_room(struct conf_reader *r, const char *symbol)
{
	conf_tell(r, "does not fit in this build; raise CONF_", symbol);
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
		conf_tell(r, "a value is missing; expected ", conf_part(r->keyword, CONF_WANT));
	return false;
}

bool conf_word_is(const struct conf_reader *r, const char *text)
{
	return span_equal(r->word, span_of(text));
}

/* ---- keywords ----------------------------------------------------------------- */

static const struct conf_keyword *find_keyword(const struct conf_reader *r)
{
	const struct conf_keyword *k;

	for (k = conf_keywords; k < conf_keywords + CONF_KEYWORDS; k++)
		if (conf_word_is(r, k->text))
			return k;
	return NULL;
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

static void tell_unknown(struct conf_reader *r)
{
	static const char later[] =
		"require_tls_for_auth user ntp_server tls_certificate tls_key tls_ca "
		"spf dkim_verify dkim_sign dmarc clamd dnsbl rate_limit alert_to";
	struct span start = span_sub(r->word, 0, KEYWORD_MAX);
	unsigned d, best = UINT8_MAX;
	const char *nearest = "";
	size_t i;

	if (listed(r->word, later)) {
		conf_tell(r, "is not in this build; remove the line", "");
		return;
	}
	for (i = 0; i < CONF_KEYWORDS; i++) {
		d = distance(start, span_of(conf_keywords[i].text));
		if (d < best) {
			best = d;
			nearest = conf_keywords[i].text;
		}
	}
	conf_tell(r, "is no keyword; the nearest is ", nearest);
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

/* The octets that may follow a lead octet, where they are not 80 to bf: no
 * overlong forms, no surrogates (RFC 3629 4), no C1 controls, which terminals obey. */
static const uint8_t second[][3] = {
	{ 0xc2, 0xa0, 0xbf },
	{ 0xe0, 0xa0, 0xbf },
	{ 0xed, 0x80, 0x9f },
	{ 0xf0, 0x90, 0xbf },
	{ 0xf4, 0x80, 0x8f },
};

static bool utf8_printable(struct span s)
{
	uint8_t low = 0x80, high = 0xbf;
	unsigned more = 0;
	size_t i, k;

	for (i = 0; i < s.len; i++) {
		uint8_t c = s.at[i];

		if (more > 0) {
			if (c < low || c > high)
				return false;
			more--;
		} else if (c < 0x80) {
			if ((c < ' ' && c != '\t') || c == 0x7f)
				return false;
			continue;
		} else {
			if (c < 0xc2 || c > 0xf4)
				return false;
			more = 1u + (c >= 0xe0) + (c >= 0xf0);
		}
		low = 0x80;
		high = 0xbf;
		for (k = 0; k < sizeof(second) / sizeof(second[0]); k++) {
			if (c == second[k][0]) {
				low = second[k][1];
				high = second[k][2];
			}
		}
	}
	return more == 0;
}

bool conf_line_ok(struct conf_reader *r, struct span line)
{
	r->failed = false;
	r->keyword = NULL;
	r->word = SPAN_EMPTY;
	if (utf8_printable(line))
		return true;
	conf_tell(r, "control character or broken UTF-8; remove it", "");
	return false;
}

void conf_line_of(struct conf_reader *r, const char *keyword, struct span value, unsigned words)
{
	struct span text = r->text;
	bool hit = false;
	unsigned n;

	r->quiet = true;
	r->word = span_of(keyword);
	r->keyword = find_keyword(r);
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

static struct span text_at(const struct conf *c, const void *place)
{
	struct conf_text text;

	memcpy(&text, place, sizeof(text));
	return conf_span(c, text);
}

/* Whether an entry of the list before place is the same. */
static bool is_there(struct conf_reader *r, const uint8_t *entry, const uint8_t *place)
{
	const struct conf_keyword *k = r->keyword;

	if (k->same == CONF_SAME_TEXT)
		r->word = text_at(r->c, place);
	for (; k->same != CONF_SAME_NEVER && entry < place; entry += k->stride)
		if (k->same == CONF_SAME_TEXT ? span_equal_nocase(text_at(r->c, entry), r->word)
					      : memcmp(entry, place, k->same) == 0)
			return true;
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
		if (errors == r->errors->count && is_there(r, list, place))
			conf_repeated(r);
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
	k = find_keyword(r);
	if (!k) {
		tell_unknown(r);
		return;
	}
	r->keyword = k;
	r->word = SPAN_EMPTY;
	first += k - conf_keywords;
	if (*first != 0 && (r->line == 0 || (k->stride == 0 && k->max > 0))) {
		if (r->line != 0)
			tell_twice(r, *first);
		return;
	}
	*first = r->line;
	read_values(r);
	if (!r->failed && conf_word(r))
		conf_tell(r, "is one word too many; expected ", conf_part(k, CONF_WANT));
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
