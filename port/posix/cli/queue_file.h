/* SPDX-License-Identifier: BSD-2-Clause */
/* queue_file - work on the queue's file while the MTA is stopped: its lock is taken first. */
#ifndef PIPIT_CLI_QUEUE_FILE_H
#define PIPIT_CLI_QUEUE_FILE_H

#include "posix/cli/settings.h"

/* Erases everything in it.  Makes the file when it is missing. */
int queue_file_format(const struct settings *s);

/* Copies all messages to a new file of this size ("64M"), which then takes the old one's
 * place.  At
 * every point one of the two is whole under the queue's name. */
int queue_file_resize(const struct settings *s, struct span text);

/* For `check`: warnings about the file, and what the configuration asks of it.  Changes
 * nothing. */
void queue_file_check(const struct settings *s);

#endif
