/* SPDX-License-Identifier: BSD-2-Clause */
/* head - see head.h */
#include "posix/cli/head.h"

#include <string.h>

void head_init(struct head *h)
{
	h->len = h->line = h->fields_len = 0;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Length of the field name at the front of line, 0: it is no field.  Blanks
 * before the colon are of RFC 822 and still seen. */
static size_t name_len(struct span line)
{
	size_t n = 0, colon;

	while (n < line.len && line.at[n] > 32 && line.at[n] < 127 && line.at[n] != ':')
		n++;
	for (colon = n; colon < line.len && is_blank(line.at[colon]); colon++)
		;
	return colon < line.len && line.at[colon] == ':' ? n : 0;
}

static bool is_mailbox_line(struct span line)
{
	return span_starts_nocase(line, SPAN("From ")) && line.at[0] == 'F';
}

/* Whether the line (with or without its end) goes on with the header. */
static bool in_header(const struct head *h, struct span line)
{
	if (line.len > 0 && is_blank(line.at[0]))
		return h->line > 0;
	return name_len(line) > 0;
}

/* Decides about the line that ends at len. */
static bool line_ends_header(struct head *h)
{
	struct span line = span_make(h->text + h->line, h->len - h->line);

	if (line.len == 2) {
		h->fields_len = h->line;
		h->len = h->line;
		return true;
	}
	if (h->line == 0 && is_mailbox_line(line)) {
		h->len = 0;
		return false;
	}
	if (!in_header(h, line)) {
		h->fields_len = h->line;
		return true;
	}
	h->line = h->len;
	return false;
}

enum head_result head_feed(struct head *h, struct span *in)
{
	size_t i = 0;
	bool done = false;

	while (i < in->len && !done && h->len < HEAD_MAX) {
		uint8_t c = in->at[i++];

		h->text[h->len++] = c;
		done = c == '\n' && line_ends_header(h);
	}
	*in = span_from(*in, i);
	if (done)
		return HEAD_DONE;
	if (h->len < HEAD_MAX)
		return HEAD_MORE;
	if (h->line == h->len || in_header(h, span_make(h->text + h->line, h->len - h->line)))
		return HEAD_TOO_LONG;
	h->fields_len = h->line;
	return HEAD_DONE;
}

void head_finish(struct head *h)
{
	h->fields_len = h->len;
}

struct span head_fields(const struct head *h)
{
	return span_make(h->text, h->fields_len);
}

struct span head_body(const struct head *h)
{
	return span_make(h->text + h->fields_len, h->len - h->fields_len);
}

/* Length of the first field with its folds and line ends. */
static size_t field_len(struct span s)
{
	size_t n = 0;

	do {
		n += span_find(span_from(s, n), '\n');
		if (n < s.len)
			n++;
	} while (n < s.len && is_blank(s.at[n]));
	return n;
}

bool head_next(struct span *fields, struct head_field *out)
{
	if (fields->len == 0)
		return false;
	out->whole = span_sub(*fields, 0, field_len(*fields));
	out->name = span_sub(out->whole, 0, name_len(out->whole));
	out->value = span_from(out->whole, span_find(out->whole, ':') + 1);
	if (out->value.len >= 2)
		out->value.len -= 2;
	*fields = span_from(*fields, out->whole.len);
	return true;
}

bool head_find(const struct head *h, const char *name, struct head_field *out)
{
	struct span fields = head_fields(h);

	while (head_next(&fields, out))
		if (span_equal_nocase(out->name, span_of(name)))
			return true;
	return false;
}

void head_drop(struct head *h, const char *name)
{
	struct head_field f;

	while (head_find(h, name, &f)) {
		size_t at = (size_t)(f.whole.at - h->text);

		memmove(h->text + at, h->text + at + f.whole.len, h->len - at - f.whole.len);
		h->len -= (uint32_t)f.whole.len;
		h->fields_len -= (uint32_t)f.whole.len;
	}
}
