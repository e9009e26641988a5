/* SPDX-License-Identifier: BSD-2-Clause */
/* rcpts - see rcpts.h
 *
 * An item of a list is read into `word`, comments and blanks left out:
 *
 *   START -text-> WORD -"<"-> ANGLE -">"-> CLOSED -","-> START
 *
 * Two words with a gap between them are a phrase: a display name before "<" or
 * ":", bad as an address.  After CLOSED only comments may come.
 */
#include "posix/cli/rcpts.h"

#include <string.h>

#include "mail/address.h"

void rcpts_init(struct rcpts *r)
{
	r->count = r->len = 0;
}

bool rcpts_next(const struct rcpts *r, uint32_t *cursor, struct span *out)
{
	struct span rest = span_make(r->text + *cursor, r->len - *cursor);

	if (rest.len == 0)
		return false;
	*out = span_sub(rest, 0, span_find(rest, '\n'));
	*cursor += (uint32_t)out->len + 1u;
	return true;
}

bool rcpts_add(struct rcpts *r, struct span address)
{
	uint32_t cursor = 0;
	struct span other;

	while (rcpts_next(r, &cursor, &other))
		if (span_equal(other, address))
			return true;
	if (address.len + 1 > RCPTS_TEXT_MAX - r->len)
		return false;
	memcpy(r->text + r->len, address.at, address.len);
	r->len += (uint32_t)address.len;
	r->text[r->len++] = '\n';
	r->count++;
	return true;
}

/* s without <>: a whole address, or a local name that gets @hostname. */
static bool qualify(struct span s, struct span hostname, struct buf *out)
{
	uint8_t array[ADDRESS_MAX + 2u];
	struct address a;
	struct span path;
	struct buf b;

	if (s.len == 0)
		return false;
	buf_init(&b, array, sizeof array);
	buf_puts(&b, "<");
	buf_put(&b, s);
	buf_puts(&b, ">");
	path = buf_span(&b);
	if (b.overflow || !address_parse_path(&path, false, true, &a) || path.len > 0)
		return false;
	if (a.domain.len == 0)
		a.domain = hostname;
	if (a.local.len == 0 || a.local.at[0] == '-' || a.local.len + a.domain.len >= ADDRESS_MAX)
		return false;
	address_put(out, &a);
	return !out->overflow;
}

bool rcpts_one(struct span s, struct span hostname, bool null_ok, struct buf *out)
{
	s = span_trim(s);
	if (s.len >= 2 && s.at[0] == '<' && s.at[s.len - 1] == '>')
		s = span_sub(s, 1, s.len - 2);
	if (s.len == 0)
		return null_ok;
	return qualify(s, hostname, out);
}

/* ---- lists -------------------------------------------------------------------- */

enum state { START, WORD, ANGLE, CLOSED };

struct list {
	struct span in; /* what is still to be read */
	enum state state;
	bool gap;    /* a blank or comment was last */
	bool phrase; /* there was a gap where an address has none */
	bool group;  /* between "name:" and ";" */
	struct buf word;
	uint8_t array[ADDRESS_MAX + 2u];
};

static uint8_t take(struct list *l)
{
	uint8_t c = l->in.at[0];

	l->in = span_from(l->in, 1);
	return c;
}

/* Behind a "(": to the end of the comment, which may hold others. */
static bool skip_comment(struct list *l)
{
	uint32_t depth = 1;

	while (depth > 0 && l->in.len > 0) {
		uint8_t c = take(l);

		if (c == '\\' && l->in.len > 0)
			take(l);
		else if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
	}
	return depth == 0;
}

/* A quoted string whose opening quote was taken: kept with its quotes. */
static bool keep_quoted(struct list *l)
{
	buf_puts(&l->word, "\"");
	while (l->in.len > 0) {
		uint8_t c = take(l);

		if (c == '\r' || c == '\n')
			continue; /* a fold */
		buf_put_byte(&l->word, c);
		if (c == '"')
			return true;
		if (c == '\\' && l->in.len > 0)
			buf_put_byte(&l->word, take(l));
	}
	return false;
}

static void begin_item(struct list *l)
{
	buf_clear(&l->word);
	l->state = START;
	l->gap = l->phrase = false;
}

/* RFC 5322 4.4: blanks and comments may stand around these. */
static bool joins(const struct list *l, uint8_t c)
{
	const struct span joints = SPAN("@.,:");

	return l->word.len == 0 || span_find(joints, c) < joints.len ||
		span_find(joints, l->word.at[l->word.len - 1]) < joints.len;
}

/* Text of an address or a phrase. */
static bool on_text(struct list *l, uint8_t c)
{
	if (l->state == CLOSED)
		return false;
	if (l->gap && !joins(l, c))
		l->phrase = true;
	l->gap = false;
	if (l->state != ANGLE)
		l->state = WORD;
	if (c == '"')
		return keep_quoted(l);
	buf_put_byte(&l->word, c);
	return true;
}

/* "<" and ":" end a display name; its length does not matter. */
static bool on_open(struct list *l)
{
	if (l->state == ANGLE || l->state == CLOSED)
		return false;
	begin_item(l);
	l->state = ANGLE;
	return true;
}

static bool on_colon(struct list *l)
{
	if (l->state == ANGLE)
		return on_text(l, ':'); /* of a source route */
	if (l->state == CLOSED || l->state == START || l->group)
		return false;
	begin_item(l);
	l->group = true;
	return true;
}

/* One octet of a list that is not a separator. */
static bool on_octet(struct list *l, uint8_t c)
{
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n': l->gap = true; return true;
	case '(': l->gap = true; return skip_comment(l);
	case ')': return false;
	case '<': return on_open(l);
	case '>':
		if (l->state != ANGLE)
			return false;
		l->state = CLOSED;
		return true;
	case ':': return on_colon(l);
	default: return on_text(l, c);
	}
}

static bool separates(const struct list *l, uint8_t c)
{
	return l->state != ANGLE && (c == ',' || c == ';');
}

/* Reads one item with the separator behind it; its address, empty for none, is in l->word. */
static bool read_item(struct list *l)
{
	begin_item(l);
	while (l->in.len > 0) {
		uint8_t c = take(l);

		if (separates(l, c)) {
			/* Outlook's users separate with ";" without any group. */
			if (c == ';')
				l->group = false;
			break;
		}
		if (!on_octet(l, c))
			return false;
	}
	if (l->state == ANGLE || l->phrase || l->word.overflow)
		return false;
	return l->state != CLOSED || l->word.len > 0;
}

bool rcpts_add_list(struct rcpts *r, struct span list, struct span hostname, struct span *bad)
{
	uint8_t array[ADDRESS_MAX + 2u];
	struct list l = { .in = list };
	struct buf address;
	struct span item;

	buf_init(&l.word, l.array, sizeof l.array);
	buf_init(&address, array, sizeof array);
	while (l.in.len > 0) {
		bool ok;

		item = l.in;
		buf_clear(&address);
		ok = read_item(&l);
		*bad = span_sub(item, 0, item.len - l.in.len);
		if (!ok)
			return false;
		if (l.word.len == 0)
			continue;
		if (!qualify(buf_span(&l.word), hostname, &address) ||
			!rcpts_add(r, buf_span(&address)))
			return false;
	}
	*bad = list;
	return !l.group || list.len == 0;
}
