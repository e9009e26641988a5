/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/sync_thread.h"

#include "base/check.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int sync_now(int fd)
{
	while (fdatasync(fd) != 0) {
		if (errno != EINTR)
			return errno;
	}
	return 0;
}

static void tell(const struct sync_thread *t)
{
	const uint64_t one = 1;
	ssize_t n = write(t->event_fd, &one, sizeof(one));

	(void)n; /* the counter is full only while it is readable anyway */
}

static void *thread_main(void *arg)
{
	struct sync_thread *t = arg;
	int error;

	pthread_mutex_lock(&t->lock);
	for (;;) {
		while (t->state != SYNC_WANTED && !t->quit)
			pthread_cond_wait(&t->wake, &t->lock);
		if (t->state != SYNC_WANTED)
			break;
		t->state = SYNC_RUNNING;
		pthread_mutex_unlock(&t->lock);
		error = sync_now(t->fd);
		pthread_mutex_lock(&t->lock);
		if (error != 0 && t->error == 0)
			t->error = error;
		t->state = SYNC_DONE;
		tell(t);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* Signals are the loop's: a thread inherits the mask of the one that makes it. */
static int thread_create(struct sync_thread *t)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&t->thread, NULL, thread_main, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

int sync_thread_start(struct sync_thread *t, int fd)
{
	int error;

	t->fd = fd;
	t->state = SYNC_IDLE;
	t->error = 0;
	t->quit = false;
	t->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->event_fd < 0)
		return errno;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->wake, NULL);
	error = thread_create(t);
	if (error != 0)
		close(t->event_fd);
	return error;
}

bool sync_thread_begin(struct sync_thread *t)
{
	bool ok;

	pthread_mutex_lock(&t->lock);
	CHECK(t->state == SYNC_IDLE || t->state == SYNC_DONE);
	ok = t->error == 0;
	if (ok) {
		t->state = SYNC_WANTED;
		pthread_cond_signal(&t->wake);
	}
	pthread_mutex_unlock(&t->lock);
	return ok;
}

int sync_thread_done(struct sync_thread *t)
{
	int result;

	pthread_mutex_lock(&t->lock);
	if (t->error != 0)
		result = -1;
	else
		result = t->state == SYNC_WANTED || t->state == SYNC_RUNNING ? 0 : 1;
	pthread_mutex_unlock(&t->lock);
	return result;
}

int sync_thread_error(struct sync_thread *t)
{
	int error;

	pthread_mutex_lock(&t->lock);
	error = t->error;
	pthread_mutex_unlock(&t->lock);
	return error;
}

int sync_thread_event_fd(const struct sync_thread *t)
{
	return t->event_fd;
}

void sync_thread_clear(struct sync_thread *t)
{
	uint64_t count;
	ssize_t n = read(t->event_fd, &count, sizeof(count));

	(void)n; /* nothing to read is as good */
}

void sync_thread_stop(struct sync_thread *t)
{
	pthread_mutex_lock(&t->lock);
	t->quit = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	close(t->event_fd);
}
