/* SPDX-License-Identifier: BSD-2-Clause */
/* depth - how deep the stack has ever been.
 *
 * The start-up paints it; what is not painted any more was used.  The word at its far end
 * is a guard: depth_guard_holds is asked in every turn of the loop, and when it does not
 * hold something else in RAM is damaged already.
 */
#ifndef PIPIT_BARE_DEPTH_H
#define PIPIT_BARE_DEPTH_H

#include <stdbool.h>
#include <stdint.h>

/* Octets: all of the stack, and the most that was in use since the start. */
uint32_t depth_size(void);
uint32_t depth_most(void);

bool depth_guard_holds(void);

/* Overwrites the guard, to try what notices it. */
void depth_break_guard(void);

/* For the start-up, before anything is called: from the far end up to `top`. */
void depth_paint(uint32_t *top);

#endif
