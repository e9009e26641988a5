/* SPDX-License-Identifier: BSD-2-Clause */
/* row - one line of `word key=value key="quoted value"`: log lines and control rows.
 *
 * What a peer said cannot end a line or fake a key: values with blanks, quotes,
 * '=' or anything not printable are quoted, with \" \\ and \xHH.
 */
#ifndef PIPIT_APP_ROW_H
#define PIPIT_APP_ROW_H

#include "base/buf.h"
#include "mail/reply.h"

void row_word(struct buf *b, const char *word);
void row_text(struct buf *b, const char *key, struct span value);
void row_u32(struct buf *b, const char *key, uint32_t value);
void row_id(struct buf *b, const char *key, uint32_t id); /* 8 hex digits */

/* code= enhanced= text=; nothing for a reply without code. */
void row_reply(struct buf *b, const struct reply *r);

#endif
