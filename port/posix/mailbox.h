/* SPDX-License-Identifier: BSD-2-Clause */
/* mailbox - struct mailbox through the delivery helper (deliver.h), without ever waiting for it.
 *
 * Start it before privileges are dropped and before any thread.  A delivery is
 * a pair of sockets whose other end the helper hands to the process that does
 * it.  user_exists knows the users of /etc/passwd: RCPT cannot wait for a network.
 */
#ifndef PIPIT_POSIX_MAILBOX_H
#define PIPIT_POSIX_MAILBOX_H

#include "pipit_config.h"
#include "posix/identity.h"
#include "sys/mailbox.h"

#include <poll.h>

struct mailbox_delivery {
	int fd;        /* -1: free */
	short want;    /* what the last call that could not go on waits for */
	bool answered; /* the other side took no more: its reason is to be read */
};

struct mailbox_port {
	int requests; /* to the helper; -1: there is none */
	pid_t helper;
	bool lost; /* the helper is gone: nothing can be delivered until a restart */
	struct mailbox_delivery delivery[CONFIG_POSIX_DELIVERIES];
};

/* Forks the helper.  0 or an errno. */
int mailbox_port_start(struct mailbox_port *m, const struct identity *service);

struct mailbox mailbox_port_mailbox(struct mailbox_port *m);

/* What the loop's wait shall include; the count, at most CONFIG_POSIX_DELIVERIES. */
size_t mailbox_port_polls(const struct mailbox_port *m, struct pollfd *polls);

/* Ends the helper, and waits a moment for it. */
void mailbox_port_stop(struct mailbox_port *m);

#endif
