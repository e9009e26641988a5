/* SPDX-License-Identifier: BSD-2-Clause */
/* run - `pipit run`: the daemon, in the foreground.
 *
 *	pipit run [-c FILE] [--syslog] [--user NAME]
 *
 * The order at start: configuration, delivery helper, queue file, control
 * socket, pipit_init (listeners, mount), privileges, loop.  Whatever fails
 * leaves nothing running and says so in one line, with the exit code of
 * sysexits(3) that fits.
 *
 * SIGTERM and SIGINT finish what is in flight, at most 30 s; a second one ends
 * at once.  SIGHUP reloads the configuration.
 */
#ifndef PIPIT_POSIX_RUN_H
#define PIPIT_POSIX_RUN_H

int run(int argc, char **argv); /* argv[0] is "run" */

#endif
