/* SPDX-License-Identifier: BSD-2-Clause */
#include "sockets/net.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/status.h"
#include "sockets/address.h"

#include <string.h>

enum sockets_kind { SOCKETS_LISTENER, SOCKETS_STREAM, SOCKETS_CONNECTING, SOCKETS_DATAGRAM };

#define BACKLOG 511 /* as others choose; the system's own limit is below or above */
#define LINGER_MS 2000u
#define ACCEPT_PAUSE_MS 500u
#define PORT_TRIES 16u /* random ports that may be taken before the system chooses one */
#define PORT_LOWEST 1024u

/* ---- Handles ------------------------------------------------------------------ */

static struct sockets_handle *handle_get(struct sockets *s, int handle)
{
	CHECK(handle >= 0);
	CHECK((unsigned)handle < CONFIG_NET_HANDLES);
	CHECK(s->handle[handle].fd >= 0);
	return &s->handle[handle];
}

static int handle_find_free(const struct sockets *s)
{
	unsigned i;

	for (i = 0; i < CONFIG_NET_HANDLES; i++) {
		if (s->handle[i].fd < 0)
			return (int)i;
	}
	return -1;
}

static int handle_take(struct sockets *s, int slot, int fd, enum sockets_kind kind)
{
	struct sockets_handle *h = &s->handle[slot];

	h->fd = fd;
	h->kind = (uint8_t)kind;
	h->watched = 0;
	/* A connection being made is the exception: asking too early reads as success. */
	h->may = kind == SOCKETS_CONNECTING ? 0 : NET_READ | NET_WRITE;
	h->ended = 0;
	if ((unsigned)slot >= s->handle_end)
		s->handle_end = (unsigned)slot + 1u;
	return slot;
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
		error == EADDRNOTAVAIL;
}

static int failed(struct sockets *s, int error)
{
	s->last_errno = error;
	if (!is_shortage(error))
		return ST_IO;
	s->full_count++;
	return ST_FULL;
}

/* Closes a descriptor that did not become a handle. */
static int failed_close(struct sockets *s, int fd)
{
	int error = errno;

	os_close(fd);
	return failed(s, error);
}

static bool is_not_now(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* ---- Listening ---------------------------------------------------------------- */

static bool listener_prepare(int fd, const struct ip_endpoint *local)
{
	union sockets_address a;
	socklen_t len = sockets_address_make(&a, local);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (local->ip.family == 6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0)
		return false;
	return bind(fd, &a.any, len) == 0 && listen(fd, BACKLOG) == 0;
}

static int net_listen(void *ctx, const struct ip_endpoint *local)
{
	struct sockets *s = ctx;
	int slot = handle_find_free(s);
	int fd;

	if (slot < 0)
		return failed(s, ENOBUFS);
	fd = os_socket(sockets_family(local), SOCK_STREAM);
	if (fd < 0)
		return errno == EAFNOSUPPORT ? ST_MISSING : failed(s, errno);
	if (!listener_prepare(fd, local)) {
		/* Nothing to wait for: the address is not this machine's, or taken. */
		s->last_errno = errno;
		os_close(fd);
		return local->ip.family == 6 && s->last_errno == EADDRNOTAVAIL ? ST_MISSING : ST_IO;
	}
	return handle_take(s, slot, fd, SOCKETS_LISTENER);
}

int sockets_adopt_listener(struct sockets *s, int fd)
{
	int slot = handle_find_free(s);

	if (slot < 0)
		return failed(s, ENOBUFS);
	return handle_take(s, slot, fd, SOCKETS_LISTENER);
}

static int accept_failed(struct sockets *s, struct sockets_handle *l, int error)
{
	if (is_shortage(error)) {
		s->accept_pause_ms = os_mono_ms() + ACCEPT_PAUSE_MS;
		return failed(s, error);
	}
	if (is_not_now(error))
		l->may &= (uint8_t)~NET_READ;
	/* Anything else is about one connection that ended before it was taken. */
	return ST_AGAIN;
}

static int net_accept(void *ctx, int listener, struct ip_endpoint *peer, struct ip_endpoint *local)
{
	struct sockets *s = ctx;
	struct sockets_handle *l = handle_get(s, listener);
	union sockets_address a;
	socklen_t len = sizeof(a);
	int slot, fd;

	if (!(l->may & NET_READ) || s->accept_pause_ms > 0)
		return ST_AGAIN;
	slot = handle_find_free(s);
	if (slot < 0)
		return accept_failed(s, l, ENOBUFS);
	memset(&a, 0, sizeof(a));
	fd = os_accept(l->fd, &a.any, &len);
	if (fd < 0)
		return accept_failed(s, l, errno);
	sockets_address_take(peer, &a);
	memset(&a, 0, sizeof(a));
	len = sizeof(a);
	if (getsockname(fd, &a.any, &len) != 0)
		memset(&a, 0, sizeof(a));
	sockets_address_take(local, &a);
	return handle_take(s, slot, fd, SOCKETS_STREAM);
}

/* ---- Connecting --------------------------------------------------------------- */

static int net_connect(void *ctx, const struct ip_endpoint *to)
{
	struct sockets *s = ctx;
	union sockets_address a;
	socklen_t len = sockets_address_make(&a, to);
	int slot = handle_find_free(s);
	int one = 1;
	int fd;

	if (slot < 0)
		return failed(s, ENOBUFS);
	fd = os_socket(sockets_family(to), SOCK_STREAM);
	if (fd < 0)
		return failed(s, errno);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, &a.any, len) == 0)
		return handle_take(s, slot, fd, SOCKETS_STREAM);
	if (errno != EINPROGRESS && errno != EINTR)
		return failed_close(s, fd);
	return handle_take(s, slot, fd, SOCKETS_CONNECTING);
}

static int net_connected(void *ctx, int handle)
{
	struct sockets *s = ctx;
	struct sockets_handle *h = handle_get(s, handle);
	int error = 0;
	socklen_t len = sizeof(error);

	if (h->kind == SOCKETS_STREAM)
		return ST_OK;
	CHECK(h->kind == SOCKETS_CONNECTING);
	if (h->may == 0)
		return ST_AGAIN;
	if (getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error != 0) {
		s->last_errno = error;
		return ST_IO;
	}
	h->kind = SOCKETS_STREAM;
	h->may = NET_READ | NET_WRITE;
	return ST_OK;
}

/* Kaminsky's attack has to guess the port too (RFC 5452 9.2), so it is drawn from the port's
 * random numbers and not left to a system that counts. */
static bool bind_random(struct sockets *s, int fd, int family)
{
	struct ip_endpoint local;
	union sockets_address a;
	socklen_t len;
	uint8_t octets[2];
	unsigned i;

	memset(&local, 0, sizeof(local));
	local.ip.family = family == AF_INET ? 4 : 6;
	for (i = 0; i < PORT_TRIES; i++) {
		s->random.fill(s->random.ctx, octets, sizeof(octets));
		local.port = load_be16(octets);
		if (local.port < PORT_LOWEST)
			continue;
		len = sockets_address_make(&a, &local);
		if (bind(fd, &a.any, len) == 0)
			return true;
		if (errno != EADDRINUSE && errno != EACCES)
			return false;
	}
	return true;
}

static int net_datagram(void *ctx, const struct ip_endpoint *to)
{
	struct sockets *s = ctx;
	union sockets_address a;
	socklen_t len = sockets_address_make(&a, to);
	int slot = handle_find_free(s);
	int fd;

	if (slot < 0)
		return failed(s, ENOBUFS);
	fd = os_socket(sockets_family(to), SOCK_DGRAM);
	if (fd < 0)
		return failed(s, errno);
	if (!bind_random(s, fd, sockets_family(to)) || connect(fd, &a.any, len) != 0)
		return failed_close(s, fd);
	return handle_take(s, slot, fd, SOCKETS_DATAGRAM);
}

/* ---- Octets ------------------------------------------------------------------- */

/* Less than was asked for: the next call would say "not now", so it is not made. */
static void note_partial(struct sockets_handle *h, size_t done, size_t asked, uint8_t what)
{
	if (h->kind == SOCKETS_STREAM && done < asked)
		h->may &= (uint8_t)~what;
}

static int moved_nothing(struct sockets *s, struct sockets_handle *h, uint8_t what)
{
	int error = errno;

	if (is_not_now(error) || (what == NET_WRITE && error == ENOBUFS)) {
		h->may &= (uint8_t)~what;
		return ST_AGAIN;
	}
	if (h->kind != SOCKETS_DATAGRAM)
		h->ended = 1;
	s->last_errno = error;
	return ST_IO;
}

static int net_recv(void *ctx, int handle, void *to, size_t len)
{
	struct sockets *s = ctx;
	struct sockets_handle *h = handle_get(s, handle);
	ssize_t n;

	CHECK(len > 0);
	if (!(h->may & NET_READ))
		return ST_AGAIN;
	n = recv(h->fd, to, len > INT32_MAX ? INT32_MAX : len, 0);
	if (n < 0)
		return moved_nothing(s, h, NET_READ);
	/* An empty datagram is no end, it is nothing. */
	if (n == 0 && h->kind == SOCKETS_DATAGRAM)
		return ST_AGAIN;
	if (n == 0)
		h->ended = 1;
	else
		note_partial(h, (size_t)n, len, NET_READ);
	return (int)n;
}

static int net_send(void *ctx, int handle, const void *from, size_t len)
{
	struct sockets *s = ctx;
	struct sockets_handle *h = handle_get(s, handle);
	ssize_t n;

	CHECK(len > 0);
	if (!(h->may & NET_WRITE))
		return ST_AGAIN;
	n = send(h->fd, from, len > INT32_MAX ? INT32_MAX : len, OS_SEND_FLAGS);
	if (n < 0)
		return moved_nothing(s, h, NET_WRITE);
	if (n == 0)
		return ST_AGAIN;
	note_partial(h, (size_t)n, len, NET_WRITE);
	return (int)n;
}

static void net_watch(void *ctx, int handle, unsigned events)
{
	handle_get(ctx, handle)->watched = (uint8_t)(events & (NET_READ | NET_WRITE));
}

/* ---- Closing ------------------------------------------------------------------ */

/* True when nothing more can come: the peer has finished, or is lost. */
static bool drained(int fd)
{
	uint8_t junk[CONFIG_NET_DRAIN];
	ssize_t n = recv(fd, junk, sizeof(junk), 0);

	return n == 0 || (n < 0 && !is_not_now(errno));
}

static void linger_end(struct sockets *s, struct sockets_linger *l)
{
	os_close(l->fd);
	l->fd = -1;
	s->linger_count--;
	s->accept_pause_ms = 0;
}

static struct sockets_linger *linger_slot(struct sockets *s)
{
	struct sockets_linger *oldest = &s->linger[0];
	unsigned i;

	for (i = 0; i < CONFIG_NET_LINGERS; i++) {
		if (s->linger[i].fd < 0)
			return &s->linger[i];
		if (s->linger[i].until_ms < oldest->until_ms)
			oldest = &s->linger[i];
	}
	linger_end(s, oldest);
	return oldest;
}

static void linger_begin(struct sockets *s, int fd)
{
	struct sockets_linger *l = linger_slot(s);

	l->fd = fd;
	l->until_ms = os_mono_ms() + LINGER_MS;
	s->linger_count++;
}

static void net_close(void *ctx, int handle)
{
	struct sockets *s = ctx;
	struct sockets_handle *h = handle_get(s, handle);
	bool linger = h->kind == SOCKETS_STREAM && !h->ended && shutdown(h->fd, SHUT_WR) == 0 &&
		!drained(h->fd);

	if (linger)
		linger_begin(s, h->fd);
	else
		os_close(h->fd);
	h->fd = -1;
	s->accept_pause_ms = 0;
	while (s->handle_end > 0 && s->handle[s->handle_end - 1].fd < 0)
		s->handle_end--;
}

unsigned sockets_lingering(const struct sockets *s)
{
	return s->linger_count;
}

/* ---- Waiting ------------------------------------------------------------------ */

static short handle_events(const struct sockets *s, const struct sockets_handle *h)
{
	short events = 0;

	if (h->fd < 0 || (h->kind == SOCKETS_LISTENER && s->accept_pause_ms > 0))
		return 0;
	if (h->watched & NET_READ)
		events |= POLLIN;
	if ((h->watched & NET_WRITE) || (h->kind == SOCKETS_CONNECTING && h->watched))
		events |= POLLOUT;
	return events;
}

static void poll_add(struct sockets *s, nfds_t *count, int fd, short events)
{
	struct pollfd *p = &s->poll[(*count)++];

	p->fd = fd;
	p->events = events;
	p->revents = 0;
}

/* The order is: handles that wait for something, lingering connections, `more`. */
static nfds_t poll_fill(struct sockets *s, const struct pollfd *more, size_t more_count)
{
	nfds_t count = 0;
	size_t i;

	for (i = 0; i < s->handle_end; i++) {
		short events = handle_events(s, &s->handle[i]);

		if (events != 0)
			poll_add(s, &count, s->handle[i].fd, events);
	}
	for (i = 0; s->linger_count > 0 && i < CONFIG_NET_LINGERS; i++) {
		if (s->linger[i].fd >= 0)
			poll_add(s, &count, s->linger[i].fd, POLLIN);
	}
	for (i = 0; i < more_count; i++)
		poll_add(s, &count, more[i].fd, more[i].events);
	return count;
}

static void handle_note(struct sockets_handle *h, const struct pollfd *p)
{
	uint8_t asked = 0, ready = 0;

	if (p->events & POLLIN)
		asked |= NET_READ;
	if (p->events & POLLOUT)
		asked |= NET_WRITE;
	if (p->revents & POLLIN)
		ready |= NET_READ;
	if (p->revents & POLLOUT)
		ready |= NET_WRITE;
	/* An error is told by the next call, whichever that is. */
	if (p->revents & (POLLERR | POLLHUP | POLLNVAL))
		ready |= NET_READ | NET_WRITE;
	h->may = (uint8_t)((h->may & ~asked) | ready);
}

/* Walks in the order of poll_fill; nothing was opened or closed in between. */
static void poll_apply(struct sockets *s, struct pollfd *more, size_t more_count)
{
	const struct pollfd *p = s->poll;
	unsigned linger_count = s->linger_count;
	size_t i;

	for (i = 0; i < s->handle_end; i++) {
		if (handle_events(s, &s->handle[i]) != 0)
			handle_note(&s->handle[i], p++);
	}
	for (i = 0; linger_count > 0 && i < CONFIG_NET_LINGERS; i++) {
		if (s->linger[i].fd < 0)
			continue;
		if (p->revents != 0 && drained(s->linger[i].fd))
			linger_end(s, &s->linger[i]);
		p++;
	}
	for (i = 0; i < more_count; i++)
		more[i].revents = (p++)->revents;
}

static uint32_t until_ms(uint64_t at_ms, uint64_t now_ms, uint32_t wait_ms)
{
	uint64_t left = at_ms > now_ms ? at_ms - now_ms : 0;

	return left < wait_ms ? (uint32_t)left : wait_ms;
}

/* What ends by the clock: lingering connections and the rest of the listeners. */
static uint32_t wait_limit(const struct sockets *s, uint32_t wait_ms)
{
	uint64_t now_ms;
	size_t i;

	if (s->linger_count == 0 && s->accept_pause_ms == 0)
		return wait_ms;
	now_ms = os_mono_ms();
	if (s->accept_pause_ms > 0)
		wait_ms = until_ms(s->accept_pause_ms, now_ms, wait_ms);
	for (i = 0; s->linger_count > 0 && i < CONFIG_NET_LINGERS; i++) {
		if (s->linger[i].fd >= 0)
			wait_ms = until_ms(s->linger[i].until_ms, now_ms, wait_ms);
	}
	return wait_ms;
}

static void expire(struct sockets *s)
{
	uint64_t now_ms;
	size_t i;

	if (s->linger_count == 0 && s->accept_pause_ms == 0)
		return;
	now_ms = os_mono_ms();
	if (s->accept_pause_ms <= now_ms)
		s->accept_pause_ms = 0;
	for (i = 0; i < CONFIG_NET_LINGERS; i++) {
		if (s->linger[i].fd >= 0 && s->linger[i].until_ms <= now_ms)
			linger_end(s, &s->linger[i]);
	}
}

void sockets_wait(struct sockets *s, uint32_t wait_ms, struct pollfd *more, size_t more_count)
{
	nfds_t count;
	size_t i;

	CHECK(more_count <= SOCKETS_MORE_MAX);
	for (i = 0; i < more_count; i++)
		more[i].revents = 0;
	wait_ms = wait_limit(s, wait_ms);
	count = poll_fill(s, more, more_count);
	if (os_poll(s->poll, count, wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms) >= 0)
		poll_apply(s, more, more_count);
	expire(s);
}

/* ---- The value ---------------------------------------------------------------- */

void sockets_init(struct sockets *s, struct random random)
{
	size_t i;

	memset(s, 0, sizeof(*s));
	s->random = random;
	for (i = 0; i < CONFIG_NET_HANDLES; i++)
		s->handle[i].fd = -1;
	for (i = 0; i < CONFIG_NET_LINGERS; i++)
		s->linger[i].fd = -1;
}

struct net sockets_net(struct sockets *s)
{
	static const struct net_ops ops = {
		.listen = net_listen,
		.accept = net_accept,
		.connect = net_connect,
		.connected = net_connected,
		.recv = net_recv,
		.send = net_send,
		.close = net_close,
		.datagram = net_datagram,
		.watch = net_watch,
	};

	return (struct net){ &ops, s };
}
