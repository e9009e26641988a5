/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/mailbox.h"

#include "base/check.h"
#include "base/status.h"
#include "posix/deliver.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_TRIES 50u
#define STOP_WAIT_NS 10000000L

static bool is_not_now(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ENOBUFS;
}

static struct mailbox_delivery *delivery_get(struct mailbox_port *m, int handle)
{
	CHECK(handle >= 0);
	CHECK((unsigned)handle < CONFIG_POSIX_DELIVERIES);
	CHECK(m->delivery[handle].fd >= 0);
	return &m->delivery[handle];
}

static void delivery_end(struct mailbox_delivery *d)
{
	close(d->fd);
	d->fd = -1;
	d->want = 0;
}

/* ---- Begin ------------------------------------------------------------------------- */

/* Too long to be a system user or a path at all: empty, which the helper refuses. */
static void text_copy(char *to, size_t room, struct span from)
{
	if (from.len >= room || (from.len > 0 && memchr(from.at, 0, from.len) != NULL))
		return;
	if (from.len > 0)
		memcpy(to, from.at, from.len);
	to[from.len] = '\0';
}

static int send_request(const struct mailbox_port *m, struct deliver_request *r, int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { r, sizeof(*r) };
	struct msghdr h = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(m->requests, &h, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return ST_OK;
	return is_not_now(errno) ? ST_AGAIN : ST_IO;
}

static int slot_find(const struct mailbox_port *m)
{
	int i;

	for (i = 0; i < CONFIG_POSIX_DELIVERIES; i++) {
		if (m->delivery[i].fd < 0)
			return i;
	}
	return ST_AGAIN;
}

static int mailbox_begin(void *ctx, const struct mailbox_target *target)
{
	struct mailbox_port *m = ctx;
	struct deliver_request r;
	int slot = slot_find(m);
	int pair[2];
	int status;

	if (m->requests < 0)
		return ST_IO;
	if (slot < 0)
		return slot;
	memset(&r, 0, sizeof(r));
	text_copy(r.user, sizeof(r.user), target->user);
	text_copy(r.path, sizeof(r.path), target->path);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return ST_IO;
	status = send_request(m, &r, pair[1]);
	close(pair[1]);
	if (status != ST_OK) {
		close(pair[0]);
		m->lost |= status == ST_IO;
		return status;
	}
	m->delivery[slot].fd = pair[0];
	m->delivery[slot].want = 0;
	m->delivery[slot].answered = false;
	return slot;
}

/* ---- The message ------------------------------------------------------------------- */

/* A packet to the child.  One that closed its end early has said why before: what it
 * does not want is swallowed, and the result tells. */
static int send_packet(struct mailbox_delivery *d, uint8_t kind, struct span bytes)
{
	union {
		const uint8_t *in;
		void *out;
	} u = { .in = bytes.at };
	struct iovec parts[2] = { { &kind, 1 }, { u.out, bytes.len } };
	struct msghdr h = { .msg_iov = parts, .msg_iovlen = bytes.len > 0 ? 2 : 1 };

	d->want = 0;
	if (d->answered || sendmsg(d->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return ST_OK;
	if (is_not_now(errno)) {
		d->want = POLLOUT;
		return ST_AGAIN;
	}
	d->answered = errno == EPIPE || errno == ECONNRESET;
	return d->answered ? ST_OK : ST_IO;
}

static int mailbox_write(void *ctx, int handle, struct span bytes)
{
	struct span piece = span_sub(bytes, 0, DELIVER_PIECE_MAX);
	int status;

	if (piece.len == 0)
		return 0;
	status = send_packet(delivery_get(ctx, handle), DELIVER_DATA, piece);
	return status == ST_OK ? (int)piece.len : status;
}

static int mailbox_finish(void *ctx, int handle)
{
	struct mailbox_delivery *d = delivery_get(ctx, handle);
	int status = send_packet(d, DELIVER_END, SPAN_EMPTY);

	if (status == ST_OK)
		d->want = POLLIN;
	return status;
}

static void result_lost(struct mailbox_result *out)
{
	static const char text[] = "the delivery process ended without an answer";

	out->outcome = MAILBOX_LATER;
	memcpy(out->text, text, sizeof(text));
}

static int mailbox_result(void *ctx, int handle, struct mailbox_result *out)
{
	struct mailbox_delivery *d = delivery_get(ctx, handle);
	ssize_t n = recv(d->fd, out, sizeof(*out), MSG_DONTWAIT);

	/* An end that left octets unread is told first; the answer is behind it. */
	if (n < 0 && errno == ECONNRESET)
		n = recv(d->fd, out, sizeof(*out), MSG_DONTWAIT);
	if (n < 0 && is_not_now(errno)) {
		d->want = POLLIN;
		return ST_AGAIN;
	}
	if (n != (ssize_t)sizeof(*out))
		result_lost(out);
	out->text[sizeof(out->text) - 1] = '\0';
	delivery_end(d);
	return ST_OK;
}

static void mailbox_abandon(void *ctx, int handle)
{
	delivery_end(delivery_get(ctx, handle));
}

static bool mailbox_user_exists(void *ctx, struct span user)
{
	(void)ctx;
	return identity_is_local((const char *)user.at, user.len);
}

/* ---- The port ---------------------------------------------------------------------- */

int mailbox_port_start(struct mailbox_port *m, const struct identity *service)
{
	int pair[2];
	unsigned i;

	memset(m, 0, sizeof(*m));
	m->requests = -1;
	for (i = 0; i < CONFIG_POSIX_DELIVERIES; i++)
		m->delivery[i].fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return errno;
	m->helper = fork();
	if (m->helper < 0) {
		int error = errno;

		close(pair[0]);
		close(pair[1]);
		return error;
	}
	if (m->helper == 0) {
		close(pair[0]);
		deliver_helper(pair[1], service);
	}
	close(pair[1]);
	m->requests = pair[0];
	return 0;
}

struct mailbox mailbox_port_mailbox(struct mailbox_port *m)
{
	return (struct mailbox){
		.begin = mailbox_begin,
		.write = mailbox_write,
		.finish = mailbox_finish,
		.result = mailbox_result,
		.abandon = mailbox_abandon,
		.user_exists = mailbox_user_exists,
		.ctx = m,
	};
}

size_t mailbox_port_polls(const struct mailbox_port *m, struct pollfd *polls)
{
	size_t count = 0;
	unsigned i;

	for (i = 0; i < CONFIG_POSIX_DELIVERIES; i++) {
		if (m->delivery[i].fd < 0 || m->delivery[i].want == 0)
			continue;
		polls[count].fd = m->delivery[i].fd;
		polls[count].events = m->delivery[i].want;
		polls[count++].revents = 0;
	}
	return count;
}

void mailbox_port_stop(struct mailbox_port *m)
{
	const struct timespec wait = { 0, STOP_WAIT_NS };
	unsigned i;

	for (i = 0; i < CONFIG_POSIX_DELIVERIES; i++) {
		if (m->delivery[i].fd >= 0)
			delivery_end(&m->delivery[i]);
	}
	if (m->requests < 0)
		return;
	close(m->requests);
	m->requests = -1;
	for (i = 0; i < STOP_TRIES && waitpid(m->helper, NULL, WNOHANG) == 0; i++)
		nanosleep(&wait, NULL);
}
