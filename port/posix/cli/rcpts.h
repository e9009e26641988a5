/* SPDX-License-Identifier: BSD-2-Clause */
/* rcpts - the recipients of a message, taken from To fields and arguments.
 *
 * Pure.  Reads address lists of RFC 5322 3.4: display names, comments (nested),
 * quoted strings, groups, source routes, folds.  Nothing is guessed: what is
 * not clearly one address (two words, a stray parenthesis, something behind the
 * ">") makes the list bad, for a wrong guess sends mail to a stranger.
 * Addresses are then checked with mail/address.h, a name alone gets @hostname,
 * and none may start with "-", since that is how options are smuggled into
 * commands that handle mail.
 */
#ifndef PIPIT_CLI_RCPTS_H
#define PIPIT_CLI_RCPTS_H

#include "base/buf.h"
#include "pipit_limits.h"

#define RCPTS_TEXT_MAX 65536u

struct rcpts {
	uint32_t count;
	uint32_t len;
	uint8_t text[RCPTS_TEXT_MAX]; /* addresses, each with an LF behind it */
};

void rcpts_init(struct rcpts *r);

/* Adds every address of a list, none twice.  false: the list is bad or there are
 * too many; *bad then is the part that is wrong, in list. */
bool rcpts_add_list(struct rcpts *r, struct span list, struct span hostname, struct span *bad);

/* Adds one address as it is. */
bool rcpts_add(struct rcpts *r, struct span address);

/* Walks them: *cursor starts at 0. */
bool rcpts_next(const struct rcpts *r, uint32_t *cursor, struct span *out);

/* One address with or without <>; "" and "<>" give the null reverse-path when null_ok.
 * false: it is none. */
bool rcpts_one(struct span s, struct span hostname, bool null_ok, struct buf *out);

#endif
