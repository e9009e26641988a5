/* SPDX-License-Identifier: BSD-2-Clause */
/* check - a failed CHECK ends the daemon: what it answered 250 to is durable, going on could lose
 * it. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *file, int line)
{
	fprintf(stderr, "pipit: %s:%d: check failed, please report this\n", file, line);
	abort();
}

_Noreturn void check_failed_line(int line)
{
	check_failed("a file not kept (CHECK_FILES)", line);
}
