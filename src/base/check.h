/* SPDX-License-Identifier: BSD-2-Clause */
/* check - what must be true, kept in the product.
 *
 * A failed CHECK is our own mistake: going on could lose mail, stopping cannot,
 * since everything answered 250 is durable.  Only file and line are kept, the
 * text of the condition would cost kilobytes.  Never CHECK input: a peer's
 * bytes, a file, what flash returns.
 */
#ifndef PIPIT_BASE_CHECK_H
#define PIPIT_BASE_CHECK_H

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__))

/* Given by the port: says where and ends the process or resets the board. */
_Noreturn void check_failed(const char *file, int line);

#endif
