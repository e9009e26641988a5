/* SPDX-License-Identifier: BSD-2-Clause */
/* check - a failed CHECK in a test: says where and ends the process. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *file, int line)
{
	fprintf(stderr, "%s:%d: check failed\n", file, line);
	abort();
}

_Noreturn void check_failed_line(int line)
{
	check_failed("a file not kept (CHECK_FILES)", line);
}
