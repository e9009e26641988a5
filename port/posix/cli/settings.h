/* SPDX-License-Identifier: BSD-2-Clause */
/* settings - the configuration as the calls see it, with or without a file that can be read.
 *
 * Any user may send mail, also one who may not read the configuration, and also
 * while it is broken: then what is right in it is used, and the defaults.
 */
#ifndef PIPIT_CLI_SETTINGS_H
#define PIPIT_CLI_SETTINGS_H

#include "conf/conf.h"
#include "posix/system.h"

#define SETTINGS_PATH_MAX 1024u

struct settings {
	struct conf conf;
	const char *path;
	char hostname[SYSTEM_NAME_ROOM]; /* the system's */
	/* What the configuration says, or the defaults; NUL-terminated. */
	char control[SETTINGS_PATH_MAX];
	char queue[SETTINGS_PATH_MAX];
	char aliases[SETTINGS_PATH_MAX];
};

/* Reads the file at path, NULL: PIPIT_CONFIG_PATH, and its aliases file.  EXIT_DONE, or
 * EXIT_CONFIG with every error told as FILE:LINE: message. */
int settings_need(struct settings *s, const char *path);

/* For calls that can do with less: EXIT_CONFIG only for a file that was named with -c.
 * Aliases are not read: they are the server's business. */
int settings_want(struct settings *s, const char *path);

/* The listener to submit to: the first on a loopback address or on all, else the first. */
struct ip_endpoint settings_submission(const struct settings *s);
struct ip_endpoint settings_listener(const struct conf *c);

/* The spool's directory beside the queue; false: the path is too long. */
bool settings_spool(const struct conf *c, char *path, size_t cap);

#endif
