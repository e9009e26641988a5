/* SPDX-License-Identifier: BSD-2-Clause */
/* sync_thread - fdatasync beside the loop: the only thread there is, and all it does.
 *
 * begin, then ask done until it is not 0; begin again for what was written in
 * the meantime.  That is group commit: everything written while one fdatasync
 * runs shares the next one.
 *
 * A failed sync stays failed: the kernel may call the pages clean after it
 * told us once, so a second fdatasync that succeeds says nothing.
 */
#ifndef PIPIT_POSIX_SYNC_THREAD_H
#define PIPIT_POSIX_SYNC_THREAD_H

#include <pthread.h>
#include <stdbool.h>

enum sync_state { SYNC_IDLE, SYNC_WANTED, SYNC_RUNNING, SYNC_DONE };

struct sync_thread {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int fd;       /* what is synced; the caller's */
	int event_fd; /* readable when a sync has ended */
	int state;    /* enum sync_state; this and what follows: under the lock */
	int error;    /* errno of the first failed sync */
	bool quit;
};

/* 0 or an errno.  The thread takes no signals. */
int sync_thread_start(struct sync_thread *t, int fd);

/* Everything written to fd before this call is to be synced.  False when an earlier one failed. */
bool sync_thread_begin(struct sync_thread *t);

/* 1: done, 0: not yet, -1: failed, for good. */
int sync_thread_done(struct sync_thread *t);

/* errno of the sync that failed, or 0. */
int sync_thread_error(struct sync_thread *t);

/* Becomes readable when a sync has ended; clear after the wait. */
int sync_thread_event_fd(const struct sync_thread *t);
void sync_thread_clear(struct sync_thread *t);

/* Waits for a running sync, and ends the thread. */
void sync_thread_stop(struct sync_thread *t);

#endif
