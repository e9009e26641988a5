/* SPDX-License-Identifier: BSD-2-Clause */
/* check - what must be true, kept in the product.
 *
 * A failed CHECK is our own mistake: going on could lose mail, stopping cannot,
 * since everything answered 250 is durable.  The text of the condition would cost
 * kilobytes.  Never CHECK input: a peer's bytes, a file, what flash returns.
 *
 * The port gives both functions: they say where and end the process or reset the board.
 * Without CONFIG_CHECK_FILES a board has the file in the address that check_failed_line
 * would return to, and the line because gcc joins calls that are alike.
 */
#ifndef PIPIT_BASE_CHECK_H
#define PIPIT_BASE_CHECK_H

#include "pipit_config.h"

#if CONFIG_CHECK_FILES
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__))
#else
#define CHECK(condition) ((condition) ? (void)0 : check_failed_line(__LINE__))
#endif

_Noreturn void check_failed(const char *file, int line);
_Noreturn void check_failed_line(int line);

#endif
