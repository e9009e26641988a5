/* SPDX-License-Identifier: BSD-2-Clause */
/* net - struct net over BSD-style sockets, and the wait for all of them.
 *
 *	sockets_init(&s, random);
 *	world.net = sockets_net(&s);
 *	for (;;) {
 *		wait_ms = pipit_step(...);
 *		sockets_wait(&s, wait_ms, NULL, 0);
 *	}
 *
 * All memory is struct sockets.  poll() is asked once a turn for what is
 * watched; its answer is remembered per handle, so that a recv or send that
 * cannot succeed costs no system call.  A fresh handle may try at once.
 *
 * close lets the last reply arrive: it sends FIN, and a connection whose peer
 * has not finished stays in a small table (bounded, 2 s) where what still
 * comes is thrown away; closing it at once would send RST, and a peer's stack
 * drops what it has not read when that arrives.
 *
 * Without descriptors accept says ST_FULL once, then listeners rest until
 * something is closed, at most half a second: the backlog keeps the peers.
 */
#ifndef PIPIT_SOCKETS_NET_H
#define PIPIT_SOCKETS_NET_H

#include "pipit_config.h"
#include "sys/net.h"
#include "sys/random.h"

#include "sockets_os.h"

/* Other descriptors that one wait can include. */
#define SOCKETS_MORE_MAX CONFIG_NET_MORE

struct sockets_handle {
	int fd;          /* -1: free */
	uint8_t kind;    /* enum sockets_kind */
	uint8_t watched; /* NET_READ | NET_WRITE that the wait shall end for */
	uint8_t may;     /* what poll promised and no call has denied since */
	uint8_t ended;   /* the peer has finished, or the connection is broken */
};

struct sockets_linger {
	int fd; /* -1: free */
	uint64_t until_ms;
};

struct sockets {
	struct random random;
	unsigned handle_end; /* all used handles are below */
	unsigned linger_count;
	uint64_t accept_pause_ms; /* listeners rest until then; 0: they do not */
	uint32_t full_count;      /* times that no handle or descriptor was left */
	int last_errno;           /* of the last call that returned ST_IO or ST_FULL */
	struct sockets_handle handle[CONFIG_NET_HANDLES];
	struct sockets_linger linger[CONFIG_NET_LINGERS];
	struct pollfd poll[CONFIG_NET_HANDLES + CONFIG_NET_LINGERS + SOCKETS_MORE_MAX];
};

void sockets_init(struct sockets *s, struct random random);
struct net sockets_net(struct sockets *s);

/* Takes over a listening, non-blocking stream socket that was made elsewhere (the control
 * line).  A handle, or ST_FULL; then it stays the caller's. */
int sockets_adopt_listener(struct sockets *s, int fd);

/* Waits until a watched handle or one of `more` is ready, at most wait_ms.
 * more[].revents is filled in; at most SOCKETS_MORE_MAX of them.  A signal
 * may end it early. */
void sockets_wait(struct sockets *s, uint32_t wait_ms, struct pollfd *more, size_t more_count);

/* Closed connections whose peer has not finished: the end of a process waits
 * a moment for them. */
unsigned sockets_lingering(const struct sockets *s);

#endif
