/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/deliver.h"

#include "posix/maildir.h"
#include "sys/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_SECONDS 300u

/* ---- One delivery, in a child ------------------------------------------------------ */

static void answer(int fd, enum mailbox_outcome outcome, const char *what, int error)
{
	struct mailbox_result r;
	char *c;
	ssize_t n;

	memset(&r, 0, sizeof(r));
	r.outcome = outcome;
	if (error != 0)
		snprintf(r.text, sizeof(r.text), "%s: %s", what, strerror(error));
	else
		snprintf(r.text, sizeof(r.text), "%s", what);
	for (c = r.text; *c != '\0'; c++) {
		if (*c < ' ' || *c >= 0x7f)
			*c = '?';
	}
	n = send(fd, &r, sizeof(r), MSG_NOSIGNAL);
	(void)n; /* the daemon is gone: it will deliver again */
}

/* A local part may hold dots and slashes; none of them leads out of the folder
 * that the configuration names. */
static bool is_safe_path(const char *path)
{
	const char *part = path;

	if (path[0] != '/' || path[1] == '\0')
		return false;
	while (*part != '\0') {
		size_t len;

		part += strspn(part, "/");
		len = strcspn(part, "/");
		if ((len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		part += len;
	}
	return true;
}

static struct identity identity_for(const struct deliver_request *r, const struct identity *service)
{
	struct identity user;

	if (geteuid() == 0 && identity_find(r->user, &user) && user.uid != 0)
		return user;
	return *service;
}

/* True when the message ended as it should, and the daemon still wants it delivered. */
static bool take_message(int fd, struct maildir *m, int *error)
{
	uint8_t packet[1 + DELIVER_PIECE_MAX];
	ssize_t n;

	while (*error == 0) {
		n = recv(fd, packet, sizeof(packet), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		if (packet[0] == DELIVER_END)
			break;
		*error = maildir_write(m, span_make(packet + 1, (size_t)n - 1));
	}
	if (*error == 0)
		*error = maildir_sync(m);
	/* The sync may have taken long.  Given up in the meantime: not delivered. */
	n = recv(fd, packet, 1, MSG_PEEK | MSG_DONTWAIT);
	return n != 0;
}

static void deliver(int fd, const struct deliver_request *r, uint32_t number)
{
	struct maildir m;
	int error = maildir_open(&m, r->path, number);
	bool wanted = error != 0 || take_message(fd, &m, &error);

	if (wanted && error == 0) {
		error = maildir_publish(&m);
		if (error == 0)
			answer(fd, MAILBOX_DELIVERED, "", 0);
		else
			answer(fd, MAILBOX_LATER, m.what, error);
		return;
	}
	if (wanted)
		answer(fd, MAILBOX_LATER, m.what, error);
	maildir_abandon(&m);
}

static void child(int fd, const struct deliver_request *r, const struct identity *service,
	uint32_t number)
{
	struct identity who = identity_for(r, service);

	alarm(CHILD_SECONDS);
	umask(022);            /* all modes are said where something is made */
	fcntl(fd, F_SETFL, 0); /* it was made for the loop: here waiting is right */
	if (!is_safe_path(r->path)) {
		answer(fd, MAILBOX_REFUSED, "the mailbox has no usable name", 0);
		return;
	}
	if (geteuid() == 0 && who.uid != 0)
		maildir_prepare(r->path, &who);
	if (!identity_become(&who)) {
		answer(fd, MAILBOX_LATER, "cannot become the mailbox's user", errno);
		return;
	}
	deliver(fd, r, number);
}

/* ---- The helper -------------------------------------------------------------------- */

static void on_child(int number)
{
	(void)number; /* it interrupts recvmsg; reaping is done there */
}

/* The daemon decides when to stop, and its end is seen; a signal to the whole
 * group (Ctrl-C) must not end deliveries that it still counts on. */
static void set_signals(void)
{
	struct sigaction action;
	sigset_t none;

	memset(&action, 0, sizeof(action));
	action.sa_handler = SIG_IGN;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGPIPE, &action, NULL);
	action.sa_handler = SIG_DFL;
	sigaction(SIGALRM, &action, NULL);
	action.sa_handler = on_child;
	sigaction(SIGCHLD, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Reaps who has ended; waits for one while there are as many as may be. */
static unsigned reap(unsigned count)
{
	while (count > 0) {
		pid_t pid = waitpid(-1, NULL, count < CONFIG_POSIX_DELIVERIES ? WNOHANG : 0);

		if (pid > 0)
			count--;
		else if (pid == 0)
			break;
		else if (errno != EINTR)
			return 0;
	}
	return count;
}

static int received_fd(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

/* A request's descriptor; -1: interrupted or unusable; -2: the daemon has ended. */
static int take_request(int requests, struct deliver_request *r)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { r, sizeof(*r) };
	struct msghdr m = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(requests, &m, MSG_CMSG_CLOEXEC);
	int fd;

	if (n == 0 || (n < 0 && errno != EINTR && errno != ENFILE && errno != EMFILE))
		return -2;
	if (n < 0)
		return -1;
	fd = received_fd(&m);
	if (fd >= 0 && (size_t)n != sizeof(*r)) {
		close(fd);
		return -1;
	}
	r->user[sizeof(r->user) - 1] = '\0';
	r->path[sizeof(r->path) - 1] = '\0';
	return fd;
}

_Noreturn void deliver_helper(int requests, const struct identity *service)
{
	struct deliver_request r;
	struct identity unused;
	uint32_t number = 0;
	unsigned count = 0;
	pid_t pid;
	int fd;

	set_signals();
	/* What looks users up is loaded once here, and not by every child. */
	(void)identity_find("root", &unused);
	for (;;) {
		count = reap(count);
		fd = take_request(requests, &r);
		if (fd == -2)
			_exit(0);
		if (fd < 0)
			continue;
		number++;
		pid = fork();
		if (pid == 0) {
			close(requests);
			child(fd, &r, service, number);
			_exit(0);
		}
		/* Without a child the pair's end tells the daemon: try later. */
		if (pid > 0)
			count++;
		close(fd);
	}
}
