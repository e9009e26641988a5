/* SPDX-License-Identifier: BSD-2-Clause */
/* spool - where messages wait while no MTA runs.
 *
 * A directory beside the queue, owned by the daemon's user, mode 3733: anyone
 * may put a file in, nobody but the owner can list them, and nobody can
 * remove another's (sticky).  The setgid bit gives files the daemon's group,
 * which may read them (0640), so that no privilege is needed to drain.
 *
 * A file is written under a temporary name (t.), made durable, and renamed to its
 * own (m.); both names end in 128 random bits, for a name that can be guessed
 * can be taken or linked elsewhere before.  Text, LF line ends in the envelope:
 *
 *	pipit-spool 1
 *	S<reverse-path>
 *	R<forward-path>      one for each recipient
 *	                     an empty line
 *	the message, CRLF line ends, to the end of the file
 *
 * What is read here was written by any local user: the drainer takes only
 * regular files with one link, opens them without following links, parses the envelope
 * strictly and submits by SMTP, where every address is checked again.
 */
#ifndef PIPIT_CLI_SPOOL_H
#define PIPIT_CLI_SPOOL_H

#include "base/ip.h"
#include "posix/cli/message.h"
#include "posix/cli/rcpts.h"

#define SPOOL_NAME_MAX 36u /* "m." and 32 hex digits, NUL */

/* An opened spool directory, or -1 with errno; makes it when it is missing. */
int spool_open(const char *path);

struct spool_item {
	struct span sender;
	const struct rcpts *rcpts;
	struct message *message; /* from its start */
	uint32_t size_max;       /* of the message, octets */
};

/* EXIT_DONE when the message is durable, its name then in `name`; EXIT_DATA: larger than
 * size_max; else
 * EXIT_AGAIN.  Complains itself. */
int spool_write(int directory, const struct spool_item *item, char name[SPOOL_NAME_MAX]);

/* Submits one file by its name, and removes it when it was taken.  EXIT_AGAIN: kept, or
 * another process has it;
 * EXIT_UNAVAILABLE: no server; EXIT_DATA, EXIT_NO_USER: refused for good. */
int spool_submit(int directory, const char *name, const struct ip_endpoint *to,
	struct span hostname, bool some);

/* Renames a refused file to f.: kept for a person.  Not into a directory of its own:
 * anyone could put a link there in its place. */
void spool_refuse(int directory, const char *name);

/* Whether a directory entry is a message. */
bool spool_is_message(const char *name);

/* The envelope from a file's start: fd is then at the message, whose octets
 * already read are in *message's pieces.  false: not a spool file. */
bool spool_read_envelope(int fd, struct message *message, struct buf *sender, struct rcpts *rcpts);

#endif
