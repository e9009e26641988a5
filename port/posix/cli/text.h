/* SPDX-License-Identifier: BSD-2-Clause */
/* text - what the calls print: safe for a terminal, valid as JSON.
 *
 * Everything that came from a peer passes through one of these, so that an
 * escape sequence in a reply cannot reach a terminal or break a JSON string.
 */
#ifndef PIPIT_CLI_TEXT_H
#define PIPIT_CLI_TEXT_H

#include <stdarg.h>
#include <stdio.h>

#include "base/span.h"

/* Printable ASCII as it is, all else as \xHH. */
void text_put(FILE *to, struct span s);

/* "s" as a JSON string with its quotes; octets that are not UTF-8 are \u00HH. */
void text_put_json(FILE *to, struct span s);

/* As a JSON number when s is one (an integer without useless zeros), null when empty, else
 * as a string. */
void text_put_json_number(FILE *to, struct span s);

/* "12s", "5m", "1h20m", "2d": two units at most.  Columns written. */
int text_put_duration(FILE *to, uint32_t seconds);

/* "512", "4.0K", "12M" */
int text_put_size(FILE *to, uint32_t bytes);

/* Standard error, line by line: for complaints that are written in pieces. */
FILE *text_errors(void);

/* "pipit: ..." and a line end on standard error; the format is ours, %s only for trusted
 * text. */
void text_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "pipit: WHAT: s" with s escaped. */
void text_complain_span(const char *what, struct span s);

/* Flushes standard output: EXIT_DONE, or EXIT_AGAIN with a complaint when it could not be
 * written. */
int text_finish(int code);

#endif
