/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon - everything that the running daemon holds beside the pipit itself.
 *
 * start.c fills it, loop.c runs it, run.c owns it.
 */
#ifndef PIPIT_POSIX_DAEMON_H
#define PIPIT_POSIX_DAEMON_H

#include "pipit.h"
#include "posix/config_file.h"
#include "posix/flash_file.h"
#include "posix/identity.h"
#include "posix/log.h"
#include "posix/mailbox.h"
#include "posix/system.h"
#include "sockets/net.h"

#define SERVICE_USER "pipit"
#define WHY_ROOM 512u
#define CONTROL_ROOM 108u /* sun_path */

/* What the port takes from the configuration; the rest is the pipit's. */
struct daemon_paths {
	char queue_path[PATH_MAX];
	uint32_t queue_size;
	char control[CONTROL_ROOM];
};

struct daemon {
	struct pipit *mta;
	const char *user; /* --user, or SERVICE_USER */
	bool user_named;
	bool syslog;
	int signal_fd;
	bool stopping; /* asked to stop, until stop_at_ms */
	uint32_t stop_at_ms;
	bool stop_now;
	bool reload_wanted;
	bool helper_lost_told, flash_error_told;
	uint32_t full_told; /* sockets.full_count at the last complaint */
	uint32_t full_told_ms;
	struct identity service;
	struct daemon_paths paths;
	struct pipit_world world;
	struct log_port log;
	struct sockets sockets;
	struct flash_file flash;
	struct mailbox_port mailbox;
	struct config_file config;
	char hostname[SYSTEM_NAME_ROOM];
};

/* 0, or an exit code after having said why; then nothing is open. */
int daemon_start(struct daemon *d);

/* Until a signal ends it, or the mailboxes, sessions and queue have finished. */
void daemon_loop(struct daemon *d);

/* Reads what the port needs out of the configuration's text; every error goes to standard error as
 * FILE:LINE: text unless quiet.  False on errors. */
bool daemon_paths_read(struct daemon *d, struct daemon_paths *s, bool quiet);

void daemon_end(struct daemon *d);

#endif
