/* SPDX-License-Identifier: BSD-2-Clause */
/* console - one UART for the log, for the control line, and for the board's own commands.
 *
 *	console_start(&c, &inner, command, ctx);
 *	world.net = console_net(&c);
 *	world.log = console_log(&c);
 *	world.control = CONSOLE_LISTENER;
 *
 * Out go whole lines: those of the log begin with their level as "<6>", rows of the control
 * line do not, so that a program at the other end can tell them apart.  In come lines: what
 * begins with "board " is the board's, everything else goes to Pipit's control line, as if an
 * operator had connected.
 *
 * Pipit knows the control line as a connection: console_net passes everything on to the net
 * inside but the two handles that are the console's.
 */
#ifndef PIPIT_BARE_CONSOLE_H
#define PIPIT_BARE_CONSOLE_H

#include <stdbool.h>

#include "base/buf.h"
#include "pipit_config.h"
#include "sys/log.h"
#include "sys/net.h"

/* Far from the handles of any net inside. */
#define CONSOLE_LISTENER 0x7f00
#define CONSOLE_SESSION 0x7f01

struct console {
	struct net inner; /* .ops NULL: none */
	void (*command)(void *ctx, struct span words);
	void *ctx;
	uint32_t lost; /* lines of the log that found no room since the last that did */
	uint16_t line_len;
	uint16_t line_taken; /* by the control line */
	bool line_whole;
	bool line_deaf; /* too long: skipped to its end */
	bool session;
	uint16_t out_first, out_len; /* a ring */
	uint8_t line[CONFIG_BARE_CONSOLE_LINE];
	uint8_t out[CONFIG_BARE_CONSOLE_OUT];
};

/* command: takes what follows "board " on a line; it and inner's context outlive the console. */
void console_start(struct console *c, const struct net *inner,
	void (*command)(void *ctx, struct span words), void *ctx);

struct net console_net(struct console *c);
struct log console_log(struct console *c);

/* Moves what the UART has and takes; call it every few milliseconds. */
void console_pump(struct console *c);

/* Octets that can be said now. */
static inline size_t console_room(const struct console *c)
{
	return sizeof(c->out) - c->out_len;
}

/* One line out, for answers to the board's own commands; dropped when there is no room. */
void console_say(struct console *c, struct span text);

#endif
