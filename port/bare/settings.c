/* SPDX-License-Identifier: BSD-2-Clause */
#include "bare/settings.h"

#include "bare/machine.h"

#include <string.h>

void settings_start(struct settings *s, struct console *console)
{
	memset(s, 0, sizeof(*s));
	s->console = console;
	s->open = machine_settings(&s->flash) == ST_OK && pages_open(&s->pages, &s->flash) == ST_OK;
	config_line_init(&s->line, &s->pages, s->text, sizeof(s->text));
	buf_init(&s->row, s->row_room, sizeof(s->row_room));
}

struct span settings_text(struct settings *s)
{
	size_t len = s->open ? config_line_load(&s->pages, s->text, sizeof(s->text)) : 0;

	buf_clear(&s->line.text);
	return span_make(s->text, len);
}

bool settings_command(struct settings *s, struct span words)
{
	struct span rest = words;

	if (!span_equal_nocase(span_word(&rest), SPAN("config")))
		return false;
	if (!s->open)
		console_say(s->console,
			SPAN("error this board has no flash for its configuration"));
	else if (s->answering)
		console_say(s->console, SPAN("error the last one has not ended"));
	else
		s->answering = config_line_begin(&s->line, words);
	return true;
}

/* Whole rows go out; a row that is longer than its room goes in pieces. */
static void rows_out(struct settings *s, bool last)
{
	size_t end = span_find(buf_span(&s->row), '\n');

	while (end < s->row.len || (end > 0 && (last || buf_room(&s->row) < 1u))) {
		console_say(s->console, span_sub(buf_span(&s->row), 0, end));
		buf_drop(&s->row, end < s->row.len ? end + 1u : end);
		end = span_find(buf_span(&s->row), '\n');
	}
}

void settings_turn(struct settings *s, uint32_t wall_s)
{
	uint8_t room[64];
	struct buf piece;
	size_t free = buf_room(&s->row);

	if (!s->answering || console_room(s->console) < 2u * SETTINGS_ROW)
		return;
	buf_init(&piece, room, free < sizeof(room) ? free : sizeof(room));
	s->answering = config_line_answer(&s->line, wall_s, &piece) == ST_AGAIN;
	buf_put(&s->row, buf_span(&piece));
	rows_out(s, !s->answering);
}
