/* SPDX-License-Identifier: BSD-2-Clause */
/* sockets_os - lwIP's side of what port/posix/sockets_os.h is for POSIX.
 *
 * Sockets are opened and accepted without O_NONBLOCK: an accepted one does not have it from
 * its listener.  The answers of poll() change only while the stack is pumped.
 */
#ifndef PIPIT_SOCKETS_OS_H
#define PIPIT_SOCKETS_OS_H

#include <errno.h>
#include <stdint.h>

#include <lwip/sockets.h>

#include "lwip/stack.h"

#define OS_SEND_FLAGS 0

/* Without IPv6 there is no endpoint of its family; net.c is the same source. */
#if !LWIP_IPV6
#define IPPROTO_IPV6 41
#define IPV6_V6ONLY 27
struct sockaddr_in6 {
	u8_t sin6_len;
	sa_family_t sin6_family;
	in_port_t sin6_port;
	u8_t sin6_addr[16];
};
#endif

/* ---- The calls by their usual names ----------------------------------------------- */

static inline int bind(int fd, const struct sockaddr *a, socklen_t len)
{
	return lwip_bind(fd, a, len);
}

static inline int listen(int fd, int backlog)
{
	return lwip_listen(fd, backlog);
}

static inline int connect(int fd, const struct sockaddr *a, socklen_t len)
{
	return lwip_connect(fd, a, len);
}

static inline ssize_t recv(int fd, void *to, size_t len, int flags)
{
	return lwip_recv(fd, to, len, flags);
}

static inline ssize_t send(int fd, const void *from, size_t len, int flags)
{
	return lwip_send(fd, from, len, flags);
}

static inline int shutdown(int fd, int how)
{
	return lwip_shutdown(fd, how);
}

static inline int getsockname(int fd, struct sockaddr *a, socklen_t *len)
{
	return lwip_getsockname(fd, a, len);
}

static inline int getsockopt(int fd, int level, int name, void *to, socklen_t *len)
{
	return lwip_getsockopt(fd, level, name, to, len);
}

static inline int setsockopt(int fd, int level, int name, const void *from, socklen_t len)
{
	return lwip_setsockopt(fd, level, name, from, len);
}

/* ---- What differs -------------------------------------------------------------------- */

static inline int os_nonblocking(int fd)
{
	int error;

	if (fd < 0 || lwip_fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	error = errno;
	lwip_close(fd);
	errno = error;
	return -1;
}

static inline int os_socket(int family, int type)
{
	return os_nonblocking(lwip_socket(family, type, 0));
}

static inline int os_accept(int fd, struct sockaddr *peer, socklen_t *len)
{
	return os_nonblocking(lwip_accept(fd, peer, len));
}

static inline int os_close(int fd)
{
	return lwip_close(fd);
}

/* poll() does not pump when it finds something ready or may not wait, and refuses to wait
 * for nothing. */
static inline int os_poll(struct pollfd *fds, nfds_t count, int wait_ms)
{
	stack_pump(count == 0 && wait_ms > 0 ? (uint32_t)wait_ms : 0);
	return count == 0 ? 0 : lwip_poll(fds, count, wait_ms);
}

static inline uint64_t os_mono_ms(void)
{
	return stack_mono_ms();
}

#endif
