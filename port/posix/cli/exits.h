/* SPDX-License-Identifier: BSD-2-Clause */
/* exits - the exit codes of every call, after sysexits(3), which not every system has as a
 * header. */
#ifndef PIPIT_CLI_EXITS_H
#define PIPIT_CLI_EXITS_H

enum cli_exit {
	EXIT_DONE = 0,
	EXIT_USAGE = 64,
	EXIT_DATA = 65,
	EXIT_NO_USER = 67,
	EXIT_UNAVAILABLE = 69,
	EXIT_AGAIN = 75,
	EXIT_NO_PERMISSION = 77,
	EXIT_CONFIG = 78,
};

#endif
