/* SPDX-License-Identifier: BSD-2-Clause */
/* Delivery through the helper: what lands in a Maildir, as whom, and what never does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "posix/deliver.h"
#include "posix/mailbox.h"

#include "base/status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 20000

static char folder[64];
static struct mailbox_port port;
static struct mailbox box;
static char content[1 << 20];

static int setup(void **state)
{
	struct identity self = { geteuid(), getegid() };

	(void)state;
	strcpy(folder, "/tmp/pipit-mailbox-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(mailbox_port_start(&port, &self), 0);
	box = mailbox_port_mailbox(&port);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	mailbox_port_stop(&port);
	/* The helper ends with us. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void wait_port(void)
{
	struct pollfd polls[CONFIG_POSIX_DELIVERIES];
	size_t count = mailbox_port_polls(&port, polls);

	if (count > 0)
		assert_true(poll(polls, count, WAIT_MS) > 0);
	else
		poll(NULL, 0, 5);
}

static int begin(const char *path, const char *user)
{
	struct mailbox_target t = { MAILBOX_MAILDIR, span_of(path), span_of(user),
		SPAN("x@lan.test") };

	return box.begin(box.ctx, &t);
}

static void write_all(int h, struct span text)
{
	while (text.len > 0) {
		int n = box.write(box.ctx, h, text);

		if (n == ST_AGAIN) {
			wait_port();
			continue;
		}
		assert_true(n > 0);
		text = span_from(text, (size_t)n);
	}
}

static struct mailbox_result result_of(int h)
{
	struct mailbox_result r;
	int status;

	while ((status = box.result(box.ctx, h, &r)) == ST_AGAIN)
		wait_port();
	assert_int_equal(status, ST_OK);
	return r;
}

static struct mailbox_result finish(int h)
{
	int status;

	while ((status = box.finish(box.ctx, h)) == ST_AGAIN)
		wait_port();
	assert_int_equal(status, ST_OK);
	return result_of(h);
}

static struct mailbox_result deliver_to(const char *path, const char *user, struct span text)
{
	int h = begin(path, user);

	assert_true(h >= 0);
	write_all(h, text);
	return finish(h);
}

static const char *inside(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* The number of messages in a part of a Maildir; the last one's path in `last`. */
static int count_in(const char *maildir, const char *part, char last[PATH_MAX])
{
	char name[600];
	struct dirent *e;
	DIR *d;
	int count = 0;

	snprintf(name, sizeof(name), "%s/%s/%s", folder, maildir, part);
	d = opendir(name);
	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		count++;
		if (last != NULL)
			snprintf(last, PATH_MAX, "%s/%s", name, e->d_name);
	}
	closedir(d);
	return count;
}

static size_t slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(content, 1, sizeof(content), f);
	fclose(f);
	return n;
}

static void assert_delivered(struct mailbox_result r)
{
	if (r.outcome != MAILBOX_DELIVERED)
		fail_msg("not delivered: %s", r.text);
}

static void assert_content(const char *maildir, const char *text)
{
	char last[PATH_MAX];

	assert_int_equal(count_in(maildir, "new", last), 1);
	assert_int_equal(count_in(maildir, "tmp", NULL), 0);
	assert_int_equal(slurp(last), strlen(text));
	assert_memory_equal(content, text, strlen(text));
}

static void test_delivered(void **state)
{
	struct stat s;
	char last[PATH_MAX];

	(void)state;
	assert_delivered(deliver_to(inside("a/b/ada"), "ada-not-there",
		SPAN("Subject: x\r\n\r\nline\r\n.\r\n")));
	assert_content("a/b/ada", "Subject: x\n\nline\n.\n");
	assert_int_equal(stat(inside("a/b/ada"), &s), 0);
	assert_int_equal(s.st_mode & 07777, 0700);
	assert_int_equal(stat(inside("a/b/ada/cur"), &s), 0);
	assert_int_equal(s.st_mode & 07777, 0700);
	count_in("a/b/ada", "new", last);
	assert_int_equal(stat(last, &s), 0);
	assert_int_equal(s.st_mode & 07777, 0600);
	assert_int_equal(s.st_uid, geteuid());
}

/* Every cut between two writes gives the same file, at a lone CR too. */
static void test_line_ends_in_pieces(void **state)
{
	static const char text[] = "a\r\n\r\r\nb\rc\r\n\r";
	static const char want[] = "a\n\r\nb\rc\n\r";
	size_t cut;

	(void)state;
	for (cut = 0; cut <= sizeof(text) - 1; cut++) {
		char name[32];
		int h;

		snprintf(name, sizeof(name), "cut%zu", cut);
		h = begin(inside(name), "nobody-here");
		assert_true(h >= 0);
		write_all(h, span_make(text, cut));
		write_all(h, span_make(text + cut, sizeof(text) - 1 - cut));
		assert_delivered(finish(h));
		assert_content(name, want);
	}
}

static void test_large_message(void **state)
{
	static char text[700000];
	char last[PATH_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text); i++)
		text[i] = "\r\nab"[i % 4];
	assert_delivered(deliver_to(inside("large"), "x", span_make(text, sizeof(text))));
	assert_int_equal(count_in("large", "new", last), 1);
	assert_int_equal(slurp(last), sizeof(text) / 4 * 3);
	for (i = 0; i < sizeof(text) / 4 * 3; i++)
		assert_int_equal(content[i], "\nab"[i % 3]);
}

static void test_many_at_once(void **state)
{
	int h[CONFIG_POSIX_DELIVERIES], i;

	(void)state;
	for (i = 0; i < CONFIG_POSIX_DELIVERIES; i++) {
		h[i] = begin(inside("many"), "x");
		assert_true(h[i] >= 0);
	}
	assert_int_equal(begin(inside("many"), "x"), ST_AGAIN);
	for (i = 0; i < CONFIG_POSIX_DELIVERIES; i++)
		write_all(h[i], SPAN("x\r\n"));
	for (i = 0; i < CONFIG_POSIX_DELIVERIES; i++)
		assert_delivered(finish(h[i]));
	assert_int_equal(count_in("many", "new", NULL), CONFIG_POSIX_DELIVERIES);
	/* And more than may run at a time, one after the other. */
	for (i = 0; i < 2 * CONFIG_POSIX_DELIVERIES; i++)
		assert_delivered(deliver_to(inside("many"), "x", SPAN("y\r\n")));
	assert_int_equal(count_in("many", "new", NULL), 3 * CONFIG_POSIX_DELIVERIES);
}

static void wait_for_empty_tmp(const char *maildir)
{
	int i;

	for (i = 0; i < 400 && count_in(maildir, "tmp", NULL) != 0; i++)
		poll(NULL, 0, 10);
	assert_int_equal(count_in(maildir, "tmp", NULL), 0);
	assert_int_equal(count_in(maildir, "new", NULL), 0);
}

static void wait_for_file_in_tmp(const char *maildir)
{
	int i;

	for (i = 0; i < 400 && count_in(maildir, "tmp", NULL) != 1; i++)
		poll(NULL, 0, 10);
	assert_int_equal(count_in(maildir, "tmp", NULL), 1);
}

static void test_abandoned(void **state)
{
	int h = begin(inside("gone"), "x");

	(void)state;
	write_all(h, SPAN("half a mess"));
	wait_for_file_in_tmp("gone");
	box.abandon(box.ctx, h);
	wait_for_empty_tmp("gone");
}

/* kill -9 to the daemon in the middle of a message: half of it is no mail. */
static void test_daemon_killed(void **state)
{
	pid_t daemon = fork();

	(void)state;
	if (daemon == 0) {
		struct identity self = { geteuid(), getegid() };
		struct mailbox_port own;

		mailbox_port_start(&own, &self);
		box = mailbox_port_mailbox(&own);
		write_all(begin(inside("killed"), "x"), SPAN("half a mess"));
		pause();
		_exit(0);
	}
	wait_for_file_in_tmp("killed");
	kill(daemon, SIGKILL);
	waitpid(daemon, NULL, 0);
	wait_for_empty_tmp("killed");
}

static void test_helper_killed(void **state)
{
	int h = begin(inside("before"), "x"), i, status = 0;

	(void)state;
	write_all(h, SPAN("x\r\n"));
	wait_for_file_in_tmp("before");
	kill(port.helper, SIGKILL);
	waitpid(port.helper, NULL, 0);
	/* What was under way goes on, nothing new begins. */
	assert_delivered(finish(h));
	for (i = 0; i < 100 && status != ST_IO; i++) {
		status = begin(inside("after"), "x");
		assert_true(status < 0 || result_of(status).outcome == MAILBOX_LATER);
	}
	assert_int_equal(status, ST_IO);
	assert_true(port.lost);
}

/* The disk fills up while the message is written (here: a file size limit of the helper's). */
static void test_disk_full(void **state)
{
	static char text[400000];
	struct rlimit before, small;
	struct mailbox_result r;

	(void)state;
	memset(text, 'x', sizeof(text));
	mailbox_port_stop(&port);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 50000;
	setrlimit(RLIMIT_FSIZE, &small);
	setup(NULL);
	setrlimit(RLIMIT_FSIZE, &before);
	r = deliver_to(inside("full"), "x", span_make(text, sizeof(text)));
	assert_int_equal(r.outcome, MAILBOX_LATER);
	assert_string_equal(r.text, "cannot write the message: File too large");
	wait_for_empty_tmp("full");
}

static void assert_refused(const char *path)
{
	struct mailbox_result r = deliver_to(path, "x", SPAN("x\r\n"));

	assert_int_equal(r.outcome, MAILBOX_REFUSED);
}

static void test_paths_that_lead_out(void **state)
{
	char path[PATH_MAX + 100];

	(void)state;
	assert_refused("relative/path");
	assert_refused("");
	assert_refused("/");
	assert_refused(inside("ada/../../etc"));
	assert_refused(inside(".."));
	assert_refused(inside("."));
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_refused(path);
	assert_int_equal(count_in("", "", NULL), 0);
}

static void test_folder_is_a_file(void **state)
{
	struct mailbox_result r;
	int fd = open(inside("file"), O_WRONLY | O_CREAT, 0600);

	(void)state;
	close(fd);
	r = deliver_to(inside("file"), "x", SPAN("x\r\n"));
	assert_int_equal(r.outcome, MAILBOX_LATER);
	assert_string_equal(r.text, "cannot open the Maildir: Not a directory");
}

static void test_links_inside_are_not_followed(void **state)
{
	struct mailbox_result r;
	char target[256];

	(void)state;
	snprintf(target, sizeof(target), "%s/elsewhere", folder);
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(mkdir(inside("trap"), 0700), 0);
	assert_int_equal(symlink(target, inside("trap/new")), 0);
	r = deliver_to(inside("trap"), "x", SPAN("x\r\n"));
	assert_int_equal(r.outcome, MAILBOX_LATER);
	assert_int_equal(count_in("elsewhere", "", NULL), 0);
}

/* ---- As root: other users' mailboxes ------------------------------------------------ */

static struct identity other;

static bool as_root(void)
{
	if (geteuid() == 0 && identity_find("nobody", &other) && other.uid != 0)
		return true;
	print_message("needs root and a user nobody: skipped\n");
	skip();
	return false;
}

static void restart_as(const struct identity *service)
{
	mailbox_port_stop(&port);
	assert_int_equal(mailbox_port_start(&port, service), 0);
	box = mailbox_port_mailbox(&port);
}

static void assert_owner(const char *path, uid_t uid)
{
	struct stat s;

	assert_int_equal(lstat(path, &s), 0);
	assert_int_equal(s.st_uid, uid);
}

static void test_root_delivers_as_the_user(void **state)
{
	char last[PATH_MAX];
	struct stat s;

	(void)state;
	if (!as_root())
		return;
	assert_delivered(deliver_to(inside("spool/mail/nobody"), "nobody", SPAN("x\r\n")));
	assert_owner(inside("spool"), 0);
	assert_owner(inside("spool/mail/nobody"), other.uid);
	assert_owner(inside("spool/mail/nobody/new"), other.uid);
	assert_int_equal(stat(inside("spool/mail/nobody"), &s), 0);
	assert_int_equal(s.st_mode & 07777, 0700);
	assert_int_equal(stat(inside("spool/mail"), &s), 0);
	assert_int_equal(s.st_mode & 07777, 0755);
	assert_int_equal(count_in("spool/mail/nobody", "new", last), 1);
	assert_owner(last, other.uid);
}

/* No system user, or root: the service's user. */
static void test_root_delivers_as_the_service(void **state)
{
	(void)state;
	if (!as_root())
		return;
	restart_as(&other);
	assert_delivered(deliver_to(inside("m/virtual"), "no-such-user", SPAN("x\r\n")));
	assert_owner(inside("m/virtual/new"), other.uid);
	assert_delivered(deliver_to(inside("m/root"), "root", SPAN("x\r\n")));
	assert_owner(inside("m/root/new"), other.uid);
}

/* A user who owns the folder above sets a link there: root makes and owns nothing behind it. */
static void test_root_follows_no_link(void **state)
{
	struct mailbox_result r;
	char target[256];

	(void)state;
	if (!as_root())
		return;
	snprintf(target, sizeof(target), "%s/secret", folder);
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(mkdir(inside("home"), 0755), 0);
	assert_int_equal(chown(inside("home"), other.uid, other.gid), 0);
	assert_int_equal(symlink(target, inside("home/Maildir")), 0);
	assert_int_equal(lchown(inside("home/Maildir"), other.uid, other.gid), 0);
	r = deliver_to(inside("home/Maildir/sub"), "nobody", SPAN("x\r\n"));
	assert_int_equal(r.outcome, MAILBOX_LATER);
	assert_string_equal(r.text, "cannot open the Maildir: Permission denied");
	assert_int_equal(count_in("secret", "", NULL), 0);
	/* Not even a link of its own. */
	assert_int_equal(symlink(target, inside("link")), 0);
	r = deliver_to(inside("link/sub"), "nobody", SPAN("x\r\n"));
	assert_int_equal(r.outcome, MAILBOX_LATER);
	assert_int_equal(count_in("secret", "", NULL), 0);
	/* In the user's folder it is the user who makes what is missing. */
	assert_delivered(deliver_to(inside("home/plain/deep"), "nobody", SPAN("x\r\n")));
	assert_owner(inside("home/plain"), other.uid);
	/* Nor does root deliver as root (no user pipit) where another has a say. */
	r = deliver_to(inside("home/sub"), "no-such-user", SPAN("x\r\n"));
	assert_int_equal(r.outcome, MAILBOX_LATER);
	assert_string_equal(r.text, "cannot open the Maildir: Operation not permitted");
	assert_int_equal(count_in("home", "sub", NULL), -1);
}

static void test_users_of_the_system(void **state)
{
	(void)state;
	assert_true(box.user_exists(box.ctx, SPAN("root")));
	assert_false(box.user_exists(box.ctx, SPAN("roo")));
	assert_false(box.user_exists(box.ctx, SPAN("root:")));
	assert_false(box.user_exists(box.ctx, SPAN("oot")));
	assert_false(box.user_exists(box.ctx, SPAN("")));
	assert_false(box.user_exists(box.ctx, SPAN("x")));
	assert_false(box.user_exists(box.ctx, SPAN("/bin/bash")));
}

#define BOX_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOX_TEST(test_delivered),
		BOX_TEST(test_line_ends_in_pieces),
		BOX_TEST(test_large_message),
		BOX_TEST(test_many_at_once),
		BOX_TEST(test_abandoned),
		BOX_TEST(test_daemon_killed),
		BOX_TEST(test_helper_killed),
		BOX_TEST(test_disk_full),
		BOX_TEST(test_paths_that_lead_out),
		BOX_TEST(test_folder_is_a_file),
		BOX_TEST(test_links_inside_are_not_followed),
		BOX_TEST(test_root_delivers_as_the_user),
		BOX_TEST(test_root_delivers_as_the_service),
		BOX_TEST(test_root_follows_no_link),
		BOX_TEST(test_users_of_the_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
