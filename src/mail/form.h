/* SPDX-License-Identifier: BSD-2-Clause */
/* form - a text with blanks to fill in: one place shows what a header or report looks like.
 *
 * Pure.  "%x" in the form calls `fill` with 'x'; a line end becomes CRLF.  What is
 * filled in is put by `fill` as it is: a stranger's text goes through printable_put.
 */
#ifndef PIPIT_MAIL_FORM_H
#define PIPIT_MAIL_FORM_H

#include "base/buf.h"

void form_put(struct buf *b, const char *form,
	void (*fill)(struct buf *b, char what, const void *of), const void *of);

#endif
