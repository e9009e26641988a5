/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool: what local users may put there, and how it is drained into a listener. */
#include "unit.h"

#include "posix/cli/cli.h"
#include "posix/cli/exits.h"
#include "posix/cli/settings.h"
#include "posix/cli/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GOOD "pipit-spool 1\nSme@x.test\nRa@b.test\n\nSubject: x\r\n\r\nbody\r\n"

static char folder[64], spool[80];
static struct conf conf;

static int setup(void **state)
{
	static const struct conf_defaults none = { .hostname = SPAN_INIT("cli.test") };
	struct conf_errors errors = { 0 };
	char text[160];
	(void)state;

	strcpy(folder, "/tmp/pipit-spool-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(spool, sizeof(spool), "%s/spool", folder);
	snprintf(text, sizeof(text), "queue %s/queue\nlisten 127.0.0.1:1\n", folder);
	assert_int_equal(conf_parse(&conf, span_of(text), &none, &errors), ST_OK);
	return 0;
}

static void path_of(char path[256], const char *name)
{
	snprintf(path, 256, "%s/%s", spool, name);
}

static int teardown(void **state)
{
	char path[256];
	DIR *d = opendir(spool);
	struct dirent *e;
	(void)state;

	while (d && (e = readdir(d)) != NULL) {
		path_of(path, e->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(spool);
	rmdir(folder);
	return 0;
}

/* A name of the right form that ends in c. */
static const char *name_of(char c)
{
	static char name[SPOOL_NAME_MAX];

	memset(name, '0', sizeof(name) - 1);
	memcpy(name, "m.", 2);
	name[SPOOL_NAME_MAX - 3] = c;
	name[SPOOL_NAME_MAX - 2] = '\0';
	return name;
}

static void put_file(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	path_of(path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static unsigned count_files(const char *prefix)
{
	DIR *d = opendir(spool);
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	closedir(d);
	return n;
}

/* ---- a listener ---------------------------------------------------------------------- */

static bool starts(const char *line, const char *verb)
{
	return strncmp(line, verb, strlen(verb)) == 0;
}

/* Refuses recipients at no.test and later.test; notes each message taken with one octet. */
static void serve(int fd, int notes)
{
	FILE *in = fdopen(fd, "r+");
	char line[1100];
	bool body = false;

	dprintf(fd, "220 x\r\n");
	while (fgets(line, sizeof(line), in)) {
		if (body && strcmp(line, ".\r\n") != 0)
			continue;
		if (body && write(notes, "+", 1) != 1)
			_exit(1);
		if (starts(line, "DATA"))
			dprintf(fd, "354 go\r\n");
		else if (starts(line, "RCPT") && strstr(line, "@no.test"))
			dprintf(fd, "550 5.1.1 no\r\n");
		else if (starts(line, "RCPT") && strstr(line, "@later.test"))
			dprintf(fd, "451 4.3.0 later\r\n");
		else
			dprintf(fd, "250 2.0.0 ok\r\n");
		body = starts(line, "DATA");
	}
	fclose(in);
}

static pid_t start_server(int notes)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	pid_t pid;

	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	conf.listen[0].at.port = ntohs(at.sin_port);
	pid = fork();
	if (pid == 0) {
		int fd;

		signal(SIGPIPE, SIG_IGN);
		while ((fd = accept(listener, NULL, NULL)) >= 0)
			serve(fd, notes);
		_exit(0);
	}
	close(listener);
	return pid;
}

/* Drains in a child, as the daemon does; a child that still waits for its next round is ended. */
static unsigned drain(unsigned seconds)
{
	int notes[2];
	pid_t server, child;
	char taken[64];
	ssize_t n;
	int status;

	assert_int_equal(pipe(notes), 0);
	server = start_server(notes[1]);
	child = fork();
	if (child == 0)
		_exit(cli_spool_drain(&conf));
	for (unsigned i = 0; i < seconds * 20 && waitpid(child, &status, WNOHANG) == 0; i++)
		usleep(50000);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	kill(server, SIGKILL);
	waitpid(server, &status, 0);
	close(notes[1]);
	n = read(notes[0], taken, sizeof(taken));
	close(notes[0]);
	return n > 0 ? (unsigned)n : 0;
}

/* ---- tests --------------------------------------------------------------------------- */

static void test_made_when_missing(void **state)
{
	struct stat st;
	(void)state;

	assert_false(cli_spool_pending(&conf));
	assert_int_equal(stat(spool, &st), 0);
	assert_int_equal(st.st_mode & 07777, 03733);
	put_file("t.00000000000000000000000000000000", GOOD);
	put_file("m.short", GOOD);
	assert_false(cli_spool_pending(&conf));
	put_file(name_of('1'), GOOD);
	assert_true(cli_spool_pending(&conf));
}

static void test_written_and_read(void **state)
{
	static struct message message, back;
	static struct rcpts rcpts, rcpts_back;
	struct spool_item item = { SPAN("me@x.test"), &rcpts, &message, 1000 };
	uint8_t array[ADDRESS_MAX + 2u], body[64];
	char name[SPOOL_NAME_MAX];
	struct buf sender;
	int directory, fd, n;
	(void)state;

	rcpts_init(&rcpts);
	rcpts_add(&rcpts, SPAN("a@b.test"));
	rcpts_add(&rcpts, SPAN("c@d.test"));
	message_init(&message, open("/dev/null", O_RDONLY), false);
	message.piece[0] = SPAN("Subject: x\r\n\r\n.\r\nbody\r\n");
	directory = spool_open(spool);
	assert_true(directory >= 0);
	assert_int_equal(spool_write(directory, &item, name), EXIT_DONE);
	assert_true(spool_is_message(name));
	fd = openat(directory, name, O_RDONLY);
	buf_init(&sender, array, sizeof(array));
	assert_true(spool_read_envelope(fd, &back, &sender, &rcpts_back));
	assert_span(buf_span(&sender), "me@x.test");
	assert_int_equal(rcpts_back.count, 2);
	n = message_read(&back, body, sizeof(body));
	assert_span(span_make(body, (size_t)n), "Subject: x\r\n\r\n.\r\nbody\r\n");
	/* Too large: nothing stays. */
	item.size_max = 5;
	message_rewind(&message);
	message.at = message.offset = 0;
	assert_int_equal(spool_write(directory, &item, name), EXIT_DATA);
	assert_int_equal(count_files("t."), 0);
	assert_int_equal(count_files("m."), 1);
	close(fd);
	close(directory);
}

/* CVE-2020-28026 and its like: lines that would be read as others. */
static void test_hostile_envelopes(void **state)
{
	static const char *const rows[] = {
		"",
		"pipit-spool 1",
		"pipit-spool 2\nSa@b.test\nRa@b.test\n\nx",
		"pipit-spool 1\nRa@b.test\n\n",
		"pipit-spool 1\nSa@b.test\n\nx",
		"pipit-spool 1\nSa@b.test\nRa@b.test\n",
		"pipit-spool 1\nSa@b.test\nXa@b.test\n\n",
		"pipit-spool 1\nSa@b.test\r\nRa@b.test\n\n",
		"pipit-spool 1\nSa@b.test>\rRCPT TO:<x@y\nRa@b.test\n\n",
		"pipit-spool 1\nS-oQ@b.test\nRa@b.test\n\n",
		"pipit-spool 1\nSa@b.test\nR-oQ@b.test\n\n",
		"pipit-spool 1\nSa@b.test\nR\n\n",
		"root:x:0:0:root:/root:/bin/sh\n",
	};
	static struct message message;
	static struct rcpts rcpts;
	uint8_t array[ADDRESS_MAX + 2u];
	char path[256];
	struct buf sender;
	(void)state;

	assert_false(cli_spool_pending(&conf));
	buf_init(&sender, array, sizeof(array));
	for (size_t i = 0; i < COUNT(rows); i++) {
		int fd;

		put_file(name_of('1'), rows[i]);
		path_of(path, name_of('1'));
		fd = open(path, O_RDONLY);
		assert_false(spool_read_envelope(fd, &message, &sender, &rcpts));
		close(fd);
	}
}

static void test_drain(void **state)
{
	(void)state;
	assert_false(cli_spool_pending(&conf));
	put_file(name_of('1'), GOOD);
	put_file(name_of('2'), GOOD);
	put_file("t.00000000000000000000000000000000", GOOD);
	assert_int_equal(drain(10), 2);
	assert_int_equal(count_files("m."), 0);
	assert_int_equal(count_files("t."), 1); /* its writer is still at it */
}

static void test_drain_refused(void **state)
{
	(void)state;
	assert_false(cli_spool_pending(&conf));
	put_file(name_of('1'), "pipit-spool 1\nS\nRa@no.test\n\nx\r\n");
	put_file(name_of('2'),
		"pipit-spool 1\nS\nRa@no.test\nRb@b.test\n\nx\r\n"); /* the other gets it */
	put_file(name_of('3'), "nonsense");
	assert_int_equal(drain(10), 1);
	assert_int_equal(count_files("m."), 0);
	assert_int_equal(count_files("f."), 3);
}

static void test_drain_later(void **state)
{
	(void)state;
	assert_false(cli_spool_pending(&conf));
	put_file(name_of('1'), "pipit-spool 1\nS\nRa@later.test\nRb@b.test\n\nx\r\n");
	assert_int_equal(drain(1), 0);
	assert_int_equal(count_files("m."), 1);
}

/* CVE-2020-8793: links to what others own, things that are no files. */
static void test_drain_links(void **state)
{
	char secret[128], path[256], unique[256];
	(void)state;

	assert_false(cli_spool_pending(&conf));
	snprintf(secret, sizeof(secret), "%s/secret", folder);
	put_file("../secret", GOOD);
	path_of(path, name_of('1'));
	assert_int_equal(symlink(secret, path), 0);
	path_of(path, name_of('2'));
	assert_int_equal(link(secret, path), 0);
	path_of(path, name_of('3'));
	assert_int_equal(mkfifo(path, 0600), 0);
	path_of(unique, name_of('4'));
	put_file(name_of('4'), GOOD);
	assert_int_equal(drain(1), 1);
	assert_int_not_equal(access(unique, F_OK), 0);
	assert_int_equal(access(secret, F_OK), 0);
	unlink(secret);
}

/* Who has the lock is submitting it: the caller of sendmail and the daemon's child may meet. */
static void test_drain_locked(void **state)
{
	char path[256];
	int fd;
	(void)state;

	assert_false(cli_spool_pending(&conf));
	put_file(name_of('1'), GOOD);
	path_of(path, name_of('1'));
	fd = open(path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(drain(1), 0);
	assert_int_equal(count_files("m."), 1);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_made_when_missing),
		TEST(test_written_and_read),
		TEST(test_hostile_envelopes),
		TEST(test_drain),
		TEST(test_drain_refused),
		TEST(test_drain_later),
		TEST(test_drain_links),
		TEST(test_drain_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
