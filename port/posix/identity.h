/* SPDX-License-Identifier: BSD-2-Clause */
/* identity - which user a process is, and how it becomes one. */
#ifndef PIPIT_POSIX_IDENTITY_H
#define PIPIT_POSIX_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

struct identity {
	uid_t uid;
	gid_t gid;
};

/* The user of this name.  Asks whatever the system asks (files, LDAP): may wait. */
bool identity_find(const char *name, struct identity *out);

/* Becomes this user for good, without supplementary groups.  False: still who it was, or in
 * between; then the process must end. */
bool identity_become(const struct identity *who);

/* The same, and CAP_NET_BIND_SERVICE stays: for listeners that a reload adds. */
bool identity_become_binder(const struct identity *who);

/* Whether /etc/passwd has this user.  Does not wait for anything but that file,
 * so a user of LDAP is not found. */
bool identity_is_local(const char *name, size_t len);

#endif
