/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/daemon.h"

#include "conf/conf.h"
#include "posix/blob.h"
#include "posix/cli/cli.h"
#include "posix/control_socket.h"
#include "posix/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

/* Each can use a handle at the same moment; listeners twice, while a reload replaces them. */
#define HANDLES_WANTED \
	(0u + CONFIG_SERVER_SESSIONS + CONFIG_CLIENT_SESSIONS + CONFIG_CONTROL_SESSIONS + \
		1u /* and the control line's listener */ \
		+ 2u * CONFIG_CONF_LISTENS + \
		CONFIG_DNS_QUERIES) /* a datagram or TCP handle each   */

_Static_assert(CONFIG_NET_HANDLES >= HANDLES_WANTED,
	"NET_HANDLES: too few for the sessions, listeners and DNS questions of this configuration");

#define OTHER_DESCRIPTORS \
	32u /* standard streams, queue, signals, helper, log, and files read in passing */

/* ---- Configuration ------------------------------------------------------------------- */

struct teller {
	const char *path;
	bool quiet;
};

static void tell_error(void *ctx, uint32_t line, struct span message)
{
	const struct teller *t = ctx;

	if (t->quiet)
		return;
	if (line > 0)
		fprintf(stderr, "%s:%u: %.*s\n", t->path, line, (int)message.len,
			(const char *)message.at);
	else
		fprintf(stderr, "%s: %.*s\n", t->path, (int)message.len, (const char *)message.at);
}

static bool copy_text(char *to, size_t room, struct span from)
{
	if (from.len >= room)
		return false;
	memcpy(to, from.at, from.len);
	to[from.len] = '\0';
	return true;
}

static bool paths_take(const struct conf *c, struct daemon_paths *s)
{
	s->queue_size = c->queue_size;
	return copy_text(s->queue_path, sizeof(s->queue_path),
		       conf_has(c->queue_path) ? conf_span(c, c->queue_path)
					       : SPAN(PIPIT_QUEUE_PATH)) &&
		copy_text(s->control, sizeof(s->control),
			conf_has(c->control) ? conf_span(c, c->control) : SPAN(PIPIT_CONTROL_PATH));
}

static bool parse(const struct daemon *d, struct conf *c, bool quiet)
{
	struct teller teller = { d->config.path, quiet };
	struct conf_errors errors = { tell_error, &teller, 0 };
	const struct conf_defaults defaults = { .hostname = span_of(d->hostname),
		.base_dir = span_of(d->config.base_dir) };

	return conf_parse(c, config_file_text(&d->config), &defaults, &errors) == ST_OK;
}

bool daemon_paths_read(struct daemon *d, struct daemon_paths *s, bool quiet)
{
	struct conf c;

	memset(s, 0, sizeof(*s));
	if (!parse(d, &c, quiet))
		return false;
	if (paths_take(&c, s))
		return true;
	if (!quiet)
		fprintf(stderr, "%s: the path of the queue or of the control socket is too long\n",
			d->config.path);
	return false;
}

static int read_config(struct daemon *d)
{
	char why[WHY_ROOM];
	int code = config_file_read(&d->config, why, sizeof(why));

	if (code != 0) {
		fprintf(stderr, "%s\n", why);
		return code;
	}
	return daemon_paths_read(d, &d->paths, false) ? 0 : EX_CONFIG;
}

/* ---- Who we are ------------------------------------------------------------------------ */

/* Started by root: the service's user, when there is one. */
static int choose_identity(struct daemon *d)
{
	d->service.uid = geteuid();
	d->service.gid = getegid();
	if (geteuid() != 0 && d->user_named) {
		fprintf(stderr, "--user: only root can become %s\n", d->user);
		return EX_USAGE;
	}
	if (geteuid() != 0 || identity_find(d->user, &d->service))
		return 0;
	if (d->user_named) {
		fprintf(stderr, "--user: there is no user %s\n", d->user);
		return EX_NOUSER;
	}
	log_port_say(&d->log, LOG_WARNING,
		"there is no user %s: staying root (useradd -r pipit makes one)", d->user);
	return 0;
}

static int drop_privileges(struct daemon *d)
{
	if (!identity_become_binder(&d->service)) {
		log_port_say(&d->log, LOG_ERROR, "cannot become user %s: %s", d->user,
			strerror(errno));
		return EX_OSERR;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!d->config.optional && access(d->config.path, R_OK) != 0)
		log_port_say(&d->log, LOG_WARNING,
			"%s is not readable by user %s: a reload will fail", d->config.path,
			d->user);
	return 0;
}

/* ---- The parts ------------------------------------------------------------------------- */

static int start_signals(struct daemon *d)
{
	sigset_t taken;

	sigemptyset(&taken);
	sigaddset(&taken, SIGTERM);
	sigaddset(&taken, SIGINT);
	sigaddset(&taken, SIGHUP);
	sigaddset(&taken, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &taken, NULL) != 0)
		return EX_OSERR;
	d->signal_fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->signal_fd >= 0)
		return 0;
	log_port_say(&d->log, LOG_ERROR, "no descriptor for signals: %s", strerror(errno));
	return EX_OSERR;
}

static int start_helper(struct daemon *d)
{
	int error = mailbox_port_start(&d->mailbox, &d->service);

	if (error == 0)
		return 0;
	log_port_say(&d->log, LOG_ERROR, "the delivery helper cannot be started: %s",
		strerror(error));
	return EX_OSERR;
}

static int start_queue_file(struct daemon *d)
{
	char why[WHY_ROOM];
	int code = flash_file_open(&d->flash, d->paths.queue_path, d->paths.queue_size,
		FLASH_FILE_DAEMON, why, sizeof(why));

	if (code != 0)
		log_port_say(&d->log, LOG_ERROR, "%s", why);
	return code;
}

static int start_control(struct daemon *d, int *handle)
{
	char why[WHY_ROOM];
	int fd;
	int code = control_socket_open(d->paths.control, &fd, why, sizeof(why));

	*handle = -1;
	if (code != 0) {
		log_port_say(&d->log, LOG_ERROR, "%s", why);
		return code;
	}
	*handle = sockets_adopt_listener(&d->sockets, fd);
	return 0;
}

static void world_make(struct daemon *d, int control)
{
	struct pipit_world *w = &d->world;

	w->net = sockets_net(&d->sockets);
	w->flash = flash_file_flash(&d->flash);
	w->random = random_system();
	w->log = log_port_log(&d->log);
	w->mailbox = mailbox_port_mailbox(&d->mailbox);
	w->blob = blob_files();
	w->hostname = span_of(d->hostname);
	w->base_dir = span_of(d->config.base_dir);
	w->control = control;
	w->dns_server_count = system_dns_servers(w->dns_server, WORLD_DNS_SERVERS);
}

/* The exit code, and what the sentence of pipit_init leaves out. */
static int explain_init(struct daemon *d, enum status status, const struct pipit_problem *where)
{
	int error = d->sockets.last_errno;

	switch (status) {
	case ST_BAD:
		log_port_say(&d->log, LOG_ERROR, "%s:%u: %s", d->config.path, where->line,
			where->text);
		return EX_CONFIG;
	case ST_FOREIGN:
	case ST_CORRUPT:
		log_port_say(&d->log, LOG_ERROR,
			"queue file %s: %s; name another, or erase it with `pipit queue format`",
			d->paths.queue_path, where->text);
		return EX_DATAERR;
	default: break;
	}
	if (error != 0) {
		log_port_say(&d->log, LOG_ERROR, "%s: %s", where->text, strerror(error));
		return EX_UNAVAILABLE;
	}
	error = flash_file_error(&d->flash);
	log_port_say(&d->log, LOG_ERROR, "queue file %s: %s%s%s", d->paths.queue_path, where->text,
		error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
	return EX_IOERR;
}

static int start_pipit(struct daemon *d, int control)
{
	struct pipit_problem where = { 0 };
	enum status status;

	world_make(d, control);
	d->sockets.last_errno = 0;
	status = pipit_init(d->mta, &d->world, config_file_text(&d->config), &where);
	return status == ST_OK ? 0 : explain_init(d, status, &where);
}

/* ---- What sendmail wrote while no daemon was there ---------------------------------------- */

/* The child must not hold the queue file's lock or a listener after us. */
static void close_all_descriptors(void)
{
	long fd, end = sysconf(_SC_OPEN_MAX);

	for (fd = STDERR_FILENO + 1; fd < end && fd < 65536; fd++)
		close((int)fd);
}

static _Noreturn void drain(const struct conf *c, pid_t daemon)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (getppid() != daemon)
		_exit(EX_TEMPFAIL);
	close_all_descriptors();
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	_exit(cli_spool_drain(c));
}

static void start_spool(struct daemon *d)
{
	struct conf c;
	pid_t self = getpid();

	if (parse(d, &c, true) && cli_spool_pending(&c) && fork() == 0)
		drain(&c, self);
}

/* ---- In order ------------------------------------------------------------------------------ */

static int start_parts(struct daemon *d)
{
	int control = -1;
	int code = start_signals(d);

	/* Forked before there is a lock, a listener or a thread that it could inherit. */
	if (code == 0)
		code = start_helper(d);
	if (code == 0)
		code = start_queue_file(d);
	/* After the queue file's lock: a second daemon must not touch the first one's socket. */
	if (code == 0)
		code = start_control(d, &control);
	if (code != 0)
		return code;
	code = start_pipit(d, control);
	if (code == 0)
		code = drop_privileges(d);
	if (code != 0)
		unlink(d->paths.control);
	return code;
}

int daemon_start(struct daemon *d)
{
	int code;

	d->signal_fd = -1;
	d->flash.fd = -1;
	d->mailbox.requests = -1;
	log_port_init(&d->log, d->syslog);
	sockets_init(&d->sockets, random_system());
	system_hostname(d->hostname);
	system_raise_descriptors(CONFIG_NET_HANDLES + CONFIG_NET_LINGERS + CONFIG_POSIX_DELIVERIES +
		OTHER_DESCRIPTORS);
	code = choose_identity(d);
	if (code == 0)
		code = read_config(d);
	if (code == 0)
		code = start_parts(d);
	if (code != 0) {
		daemon_end(d);
		return code;
	}
	start_spool(d);
	log_port_say(&d->log, LOG_INFO, "running pid=%ld uid=%ld config=%s queue=%s control=%s",
		(long)getpid(), (long)geteuid(), d->config.path, d->paths.queue_path,
		d->paths.control);
	return 0;
}

void daemon_end(struct daemon *d)
{
	mailbox_port_stop(&d->mailbox);
	flash_file_close(&d->flash);
	if (d->signal_fd >= 0)
		close(d->signal_fd);
}
