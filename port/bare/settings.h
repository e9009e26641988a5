/* SPDX-License-Identifier: BSD-2-Clause */
/* settings - the configuration that is kept on flash and set on the console.
 *
 * `board config ...` (pages/config_line.h): clear, add LINE, save, forget; alone it shows what
 * is kept.  What is kept counts from the next start on, before the board's page and what is
 * linked in; when Pipit refuses it the board says why and takes those.
 */
#ifndef PIPIT_BARE_SETTINGS_H
#define PIPIT_BARE_SETTINGS_H

#include "bare/console.h"
#include "pages/config_line.h"

#define SETTINGS_ROW 128u /* octets of the longest line that is shown whole */

struct settings {
	bool open; /* there is flash for it */
	bool answering;
	struct flash flash;
	struct pages pages;
	struct config_line line;
	struct console *console;
	struct buf row;
	uint8_t row_room[SETTINGS_ROW];
	uint8_t text[CONFIG_CONF_TEXT]; /* what is typed, or for a start what is kept */
};

/* Over machine_settings; what it is missing or broken is told when somebody asks. */
void settings_start(struct settings *s, struct console *console);

/* The kept text, empty when there is none.  Valid until the next command; what was typed
 * and not saved is gone. */
struct span settings_text(struct settings *s);

/* Takes the words behind `board `; false: they are about something else. */
bool settings_command(struct settings *s, struct span words);

/* Goes on with an answer: a row at most.  wall_s: the clock, 0 if not known. */
void settings_turn(struct settings *s, uint32_t wall_s);

#endif
