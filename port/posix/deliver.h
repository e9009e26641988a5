/* SPDX-License-Identifier: BSD-2-Clause */
/* deliver - the delivery helper: it may become other users, so that the daemon need not.
 *
 * It is forked before the daemon drops its privileges and before there is any
 * thread.  The daemon sends it a request together with one end of a pair of sockets;
 * it forks a child, which takes the message from that socket, as the user
 * whose mailbox it is, and answers on it.  Packets (SOCK_SEQPACKET):
 *
 *	daemon -> helper   struct deliver_request, with the descriptor
 *	daemon -> child    DELIVER_DATA and octets, ..., DELIVER_END
 *	child  -> daemon   struct mailbox_result, once
 *
 * An end without DELIVER_END is a daemon that gave up or died: nothing is
 * delivered.  A child that hangs ends after five minutes; the helper ends with
 * the daemon.
 *
 * As which user: started by root, the local part's if the system knows it and
 * it is not root, else the service's.  Not started by root: as who we are.
 */
#ifndef PIPIT_POSIX_DELIVER_H
#define PIPIT_POSIX_DELIVER_H

#include "pipit_limits.h"
#include "posix/identity.h"

#include <limits.h>

#define DELIVER_PIECE_MAX 16384u /* octets of a message in one packet */

enum { DELIVER_DATA = 'd', DELIVER_END = '.' };

struct deliver_request {
	char user[LOCAL_PART_MAX + 1u];
	char path[PATH_MAX];
};

/* Serves until the other end of `requests` is closed. */
_Noreturn void deliver_helper(int requests, const struct identity *service);

#endif
