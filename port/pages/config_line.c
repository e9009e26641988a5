/* SPDX-License-Identifier: BSD-2-Clause */
#include "pages/config_line.h"

#define NAME SPAN("config")
#define SHOW_PIECE 64u

enum { IDLE, SHOW, DONE, NO_ROOM, UNKNOWN, BEGIN, WRITE, COMMIT };

void config_line_init(struct config_line *c, struct pages *pages, void *room, size_t size)
{
	c->pages = pages;
	buf_init(&c->text, room, size);
	c->state = IDLE;
	c->forget = false;
	c->shown = 0;
}

size_t config_line_load(struct pages *pages, void *to, size_t size)
{
	uint8_t *at = to;
	size_t len = 0;
	int n;

	do {
		n = pages_read(pages, NAME, (uint32_t)len, at + len, size - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && len < size);
	return n < 0 || len == size ? 0 : len;
}

/* Behind `add` and one blank: the line as it stands. */
static void add(struct config_line *c, struct span line)
{
	size_t mark = c->text.len;

	buf_put(&c->text, line);
	buf_put_byte(&c->text, '\n');
	c->state = c->text.overflow ? NO_ROOM : DONE;
	if (c->text.overflow) {
		c->text.len = mark;
		c->text.overflow = false;
	}
}

bool config_line_begin(struct config_line *c, struct span line)
{
	struct span word;

	if (!span_equal_nocase(span_word(&line), NAME))
		return false;
	word = span_word(&line);
	c->state = UNKNOWN;
	c->shown = 0;
	if (word.len == 0) {
		c->state = SHOW;
	} else if (span_equal_nocase(word, SPAN("add"))) {
		add(c, line);
	} else if (line.len == 0 && span_equal_nocase(word, SPAN("clear"))) {
		buf_clear(&c->text);
		c->state = DONE;
	} else if (line.len == 0 &&
		(span_equal_nocase(word, SPAN("save")) ||
			span_equal_nocase(word, SPAN("forget")))) {
		c->forget = span_equal_nocase(word, SPAN("forget"));
		c->state = BEGIN;
	}
	return true;
}

static enum status show(struct config_line *c, struct buf *out)
{
	uint8_t piece[SHOW_PIECE];
	size_t cap = buf_room(out) < sizeof(piece) ? buf_room(out) : sizeof(piece);
	int n = pages_read(c->pages, NAME, c->shown, piece, cap);

	if (n > 0) {
		buf_put(out, span_make(piece, (size_t)n));
		c->shown += (uint32_t)n;
	} else {
		c->state = DONE;
	}
	return ST_AGAIN;
}

/* A piece of what `save` does: ST_OK, ST_AGAIN, or why not. */
static enum status save(struct config_line *c, uint32_t wall_s)
{
	enum status status;

	if (c->state == COMMIT)
		return pages_commit(c->pages, wall_s);
	status = c->state == BEGIN ? pages_begin(c->pages, NAME)
		: c->forget        ? ST_OK
				   : pages_write(c->pages, buf_span(&c->text));
	if (status == ST_OK) {
		c->state = c->state == BEGIN ? WRITE : COMMIT;
		return ST_AGAIN;
	}
	return status;
}

static enum status end(struct config_line *c, const char *answer, struct buf *out)
{
	c->state = IDLE;
	buf_puts(out, answer);
	return ST_OK;
}

enum status config_line_answer(struct config_line *c, uint32_t wall_s, struct buf *out)
{
	enum status status;

	switch (c->state) {
	case SHOW: return show(c, out);
	case NO_ROOM: return end(c, "error no room for this line\n", out);
	case UNKNOWN: return end(c, "error expected: config [clear|add LINE|save|forget]\n", out);
	case BEGIN:
	case WRITE:
	case COMMIT:
		status = save(c, wall_s);
		if (status == ST_AGAIN)
			return ST_AGAIN;
		if (status != ST_OK)
			return end(c, "error flash has no room or failed: nothing changed\n", out);
		break;
	default: break;
	}
	return end(c, "ok\n", out);
}
