/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/daemon.h"

#include "base/check.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_MS 30000u       /* a stop waits this long for what is in flight */
#define LINGER_END_MS 500u   /* and the process this long for last replies to arrive */
#define RELOAD_AGAIN_MS 100u /* while an earlier reload is still being taken over */
#define COMPLAIN_MS 60000u   /* how often the same shortage is told */

/* Signals and the sync thread, then the deliveries. */
#define POLLS_MAX (2u + CONFIG_POSIX_DELIVERIES)

_Static_assert(POLLS_MAX <= SOCKETS_MORE_MAX, "the wait has no room for all deliveries");

/* ---- Signals ----------------------------------------------------------------------------- */

static void reap(struct daemon *d)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		if (pid == d->mailbox.helper)
			d->mailbox.lost = true;
	}
}

static void ask_stop(struct daemon *d)
{
	if (d->stopping) {
		d->stop_now = true;
		return;
	}
	d->stopping = true;
	d->stop_at_ms = system_now().mono_ms + STOP_MS;
	log_port_say(&d->log, LOG_INFO,
		"stopping: finishing what is in flight; a second signal ends at once");
	pipit_stop(d->mta);
}

static void take_signals(struct daemon *d)
{
	struct signalfd_siginfo info;

	while (read(d->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGHUP: d->reload_wanted = true; break;
		case SIGCHLD: reap(d); break;
		default: ask_stop(d); break;
		}
	}
}

/* ---- Reload ------------------------------------------------------------------------------ */

/* The queue and the control socket stay where they are until a restart. */
static void warn_of_paths(struct daemon *d)
{
	struct daemon_paths now;

	if (!daemon_paths_read(d, &now, true))
		return;
	if (strcmp(now.queue_path, d->paths.queue_path) != 0 ||
		now.queue_size != d->paths.queue_size || strcmp(now.control, d->paths.control) != 0)
		log_port_say(&d->log, LOG_WARNING,
			"%s: changes of the queue and control lines count after a restart",
			d->config.path);
}

static void reload(struct daemon *d)
{
	char why[WHY_ROOM];
	struct pipit_problem where = { 0 };
	enum status status;

	d->reload_wanted = false;
	if (config_file_read(&d->config, why, sizeof(why)) != 0) {
		log_port_say(&d->log, LOG_ERROR, "%s; the old configuration stays in force", why);
		return;
	}
	status = pipit_reload(d->mta, config_file_text(&d->config), &where);
	if (status == ST_AGAIN) {
		d->reload_wanted = true;
		return;
	}
	/* What is wrong with the text, and that the old one stays, is the pipit's to log. */
	if (status == ST_OK)
		warn_of_paths(d);
	else if (status == ST_MISSING)
		log_port_say(&d->log, LOG_ERROR,
			"this build cannot reload (CONF_COPIES): restart it");
}

/* ---- What only the port can know ----------------------------------------------------------- */

static void complain(struct daemon *d)
{
	int error = d->flash_error_told ? 0 : flash_file_error(&d->flash);
	uint32_t now_ms;

	if (error != 0) {
		d->flash_error_told = true;
		log_port_say(&d->log, LOG_ERROR, "queue file %s: %s", d->paths.queue_path,
			strerror(error));
	}
	if (d->mailbox.lost && !d->helper_lost_told) {
		d->helper_lost_told = true;
		log_port_say(&d->log, LOG_ERROR,
			"the delivery helper has ended: mail for mailboxes waits until a restart");
	}
	if (d->sockets.full_count == d->full_told)
		return;
	now_ms = system_now().mono_ms;
	if (d->full_told != 0 && now_ms - d->full_told_ms < COMPLAIN_MS)
		return;
	d->full_told = d->sockets.full_count;
	d->full_told_ms = now_ms;
	log_port_say(&d->log, LOG_WARNING,
		"no descriptor is left (%s): new connections wait; raise the limit (ulimit -n)",
		strerror(d->sockets.last_errno));
}

/* ---- The loop ------------------------------------------------------------------------------ */

static void poll_add(struct pollfd *polls, size_t *count, int fd)
{
	if (fd < 0)
		return;
	polls[*count].fd = fd;
	polls[*count].events = POLLIN;
	polls[(*count)++].revents = 0;
}

static void wait_for_events(struct daemon *d, uint32_t wait_ms)
{
	struct pollfd polls[POLLS_MAX];
	size_t count = 0;

	poll_add(polls, &count, d->signal_fd);
	poll_add(polls, &count, flash_file_event_fd(&d->flash));
	count += mailbox_port_polls(&d->mailbox, polls + count);
	sockets_wait(&d->sockets, wait_ms, polls, count);
	if (polls[0].revents != 0)
		take_signals(d);
	if (polls[1].revents != 0)
		flash_file_clear(&d->flash);
}

static bool has_ended(const struct daemon *d, struct instant now)
{
	if (!d->stopping)
		return false;
	return d->stop_now || instant_until_ms(now.mono_ms, d->stop_at_ms) == 0 ||
		pipit_stopped(d->mta);
}

static uint32_t wait_limit(const struct daemon *d, struct instant now, uint32_t wait_ms)
{
	uint32_t left_ms;

	if (d->reload_wanted && wait_ms > RELOAD_AGAIN_MS)
		wait_ms = RELOAD_AGAIN_MS;
	if (!d->stopping)
		return wait_ms;
	left_ms = instant_until_ms(now.mono_ms, d->stop_at_ms);
	return left_ms < wait_ms ? left_ms : wait_ms;
}

static void end_lingering(struct daemon *d)
{
	uint32_t end_ms = system_now().mono_ms + LINGER_END_MS, left_ms = LINGER_END_MS;

	while (sockets_lingering(&d->sockets) > 0 && left_ms > 0) {
		sockets_wait(&d->sockets, left_ms, NULL, 0);
		left_ms = instant_until_ms(system_now().mono_ms, end_ms);
	}
}

void daemon_loop(struct daemon *d)
{
	struct instant now = system_now();
	uint32_t wait_ms = pipit_step(d->mta, now);

	while (!has_ended(d, now)) {
		d->reload_wanted |= pipit_wants_reload(d->mta);
		if (d->reload_wanted)
			reload(d);
		complain(d);
		wait_for_events(d, wait_limit(d, now, wait_ms));
		now = system_now();
		wait_ms = pipit_step(d->mta, now);
	}
	if (!pipit_stopped(d->mta))
		log_port_say(&d->log, LOG_WARNING,
			"ended before everything in flight was finished; the queue keeps it");
	pipit_close(d->mta);
	end_lingering(d);
	unlink(d->paths.control); /* where we may not, the next start replaces it */
	log_port_say(&d->log, LOG_INFO, "stopped");
}
