/* SPDX-License-Identifier: BSD-2-Clause */
/* cli - the calls of the multi-call binary that are not the daemon.
 *
 * argv[0] is the call's name ("send", "mailq", ...), options follow.  The
 * result is the process's exit code, after sysexits(3): 0 done, 64 usage, 65 data
 * refused, 67 no such user, 69 unavailable, 75 try again, 77 no permission,
 * 78 configuration.  Each call runs once in a process.  None of them starts a shell or
 * another program.
 *
 * `run` calls the two spool functions: what sendmail(1) wrote while no MTA was
 * running is submitted through our own listener, so that it passes the same
 * checks as all mail.  After the listeners are open and privileges are dropped:
 *
 *	if (cli_spool_pending(&conf) && fork() == 0)
 *		_exit(cli_spool_drain(&conf));
 *
 * with the child's descriptors but 0 to 2 closed before, for the queue's lock
 * and the listeners are among them.  It waits for the listener, and ends when
 * everything is gone, after the last of a few rounds, or when its parent ends.
 * It needs no privilege beyond owning the spool directory.
 */
#ifndef PIPIT_CLI_H
#define PIPIT_CLI_H

#include "conf/conf.h"

/* Where things are when neither -c nor the configuration says; the daemon and the calls
 * must agree. */
#ifndef PIPIT_CONFIG_PATH
#define PIPIT_CONFIG_PATH "/etc/pipit/pipit.conf"
#endif
#define PIPIT_CONTROL_PATH "/run/pipit/control"
#define PIPIT_QUEUE_PATH "/var/lib/pipit/queue"

int cli_check(int argc, char **argv);
int cli_send(int argc, char **argv);
int cli_sendmail(int argc, char **argv);
int cli_mailq(int argc, char **argv);
int cli_newaliases(int argc, char **argv);
int cli_queue(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_resolve(int argc, char **argv);

/* Prints what the calls are; the exit code is the caller's. */
void cli_usage(bool on_error);

/* Whether the spool beside the queue holds anything to submit.  Makes the
 * directory (mode 3733, the owner is who calls) when it is missing and can be made. */
bool cli_spool_pending(const struct conf *conf);

/* Submits what is in the spool; blocks.  Returns an exit code: 0, or 75 when something was
 * kept for the next start. */
int cli_spool_drain(const struct conf *conf);

#endif
