/* SPDX-License-Identifier: BSD-2-Clause */
/* config_line - the board's configuration, kept in pages, shown and set line by line.
 *
 *	config                what is kept
 *	config clear          begin afresh
 *	config add LINE       one more line of the new text
 *	config save           the new text is kept: it counts from the next start on
 *	config forget         nothing is kept: the one compiled in counts
 *
 * The new text is collected in the caller's buffer and reaches flash by `save` alone.
 */
#ifndef PIPIT_PAGES_CONFIG_LINE_H
#define PIPIT_PAGES_CONFIG_LINE_H

#include "base/buf.h"
#include "pages/pages.h"

struct config_line {
	struct pages *pages;
	struct buf text; /* the new one */
	uint8_t state;   /* internal */
	bool forget;     /* save nothing */
	uint32_t shown;  /* octets of the kept one, of an answer at hand */
};

/* room: for the new text, as long as the longest configuration; it and pages outlive c. */
void config_line_init(struct config_line *c, struct pages *pages, void *room, size_t size);

/* The kept configuration: its octets, 0 when there is none or it does not fit. */
size_t config_line_load(struct pages *pages, void *to, size_t size);

/* Takes a request line (without its end).  false: it is none of these.  Then answer it: */
bool config_line_begin(struct config_line *c, struct span line);

/* The next piece of the answer into out, some at least when there is room for 64 octets.  wall_s:
 * the clock, 0 if not known.  ST_AGAIN: call again, when what is in out has gone; ST_OK: this
 * was the last, it ends in `ok` or `error TEXT`. */
enum status config_line_answer(struct config_line *c, uint32_t wall_s, struct buf *out);

#endif
