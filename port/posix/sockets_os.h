/* SPDX-License-Identifier: BSD-2-Clause */
/* sockets_os - the few places where one BSD-style socket library differs from another.
 *
 * net.c uses socket, bind, listen, accept, connect, send, recv, getsockname,
 * getsockopt, setsockopt, shutdown and poll by their usual names; what this
 * header adds is how a socket is opened without blocking, how one is accepted, the wait,
 * and a clock.  This is the POSIX side; port/lwip has the other.
 */
#ifndef PIPIT_SOCKETS_OS_H
#define PIPIT_SOCKETS_OS_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A peer that is gone is an error code, never a signal. */
#define OS_SEND_FLAGS MSG_NOSIGNAL

/* Sockets do not wait, and no process that is started later inherits them. */
static inline int os_socket(int family, int type)
{
	return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* TCP_NODELAY comes with the listener. */
static inline int os_accept(int fd, struct sockaddr *peer, socklen_t *len)
{
	return accept4(fd, peer, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static inline int os_close(int fd)
{
	return close(fd);
}

static inline int os_poll(struct pollfd *fds, nfds_t count, int wait_ms)
{
	return poll(fds, count, wait_ms);
}

static inline uint64_t os_mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

#endif
