/* SPDX-License-Identifier: BSD-2-Clause */
/* control_socket - the UNIX socket that the operator's calls talk to.
 *
 * 0660, group pipit if there is one.  A socket that a dead daemon left is
 * replaced; one that still answers is not, and neither is anything else of that name.
 */
#ifndef PIPIT_POSIX_CONTROL_SOCKET_H
#define PIPIT_POSIX_CONTROL_SOCKET_H

#include <stddef.h>

/* A listening, non-blocking descriptor in *fd.  0, or a sysexits(3) code and a sentence in why. */
int control_socket_open(const char *path, int *fd, char *why, size_t why_size);

#endif
