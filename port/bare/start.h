/* SPDX-License-Identifier: BSD-2-Clause */
/* start - from the reset to main, when a board's few instructions have made a stack. */
#ifndef PIPIT_BARE_START_H
#define PIPIT_BARE_START_H

_Noreturn void bare_start(void);

/* The board's first instruction: makes a stack and goes to bare_start. */
void reset(void);

int main(void);

#endif
