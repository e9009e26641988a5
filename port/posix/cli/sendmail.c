/* SPDX-License-Identifier: BSD-2-Clause */
/* sendmail - a program hands a message over: `pipit send`, sendmail(1).
 *
 * The way of a message: options -> recipients and header (in memory) -> the
 * listener on this machine, or, when nobody answers there, the spool.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "posix/cli/bridge.h"
#include "posix/cli/cli.h"
#include "posix/cli/compose.h"
#include "posix/cli/control.h"
#include "posix/cli/exits.h"
#include "posix/cli/options.h"
#include "posix/cli/settings.h"
#include "posix/cli/spool.h"
#include "posix/cli/submit.h"
#include "posix/cli/text.h"
#include "posix/random.h"

#define ADDED_MAX 8192u /* TO_MAX addresses and the rest of what compose.h adds */

struct sending {
	struct options o;
	struct settings settings;
	struct head head;
	struct message message;
	struct rcpts rcpts;
	struct buf sender, from, login, full_name, added;
	uint8_t sender_text[ADDRESS_MAX + 2u], from_text[ADDRESS_MAX + 2u];
	uint8_t login_text[LOCAL_PART_MAX], full_name_text[128], added_text[ADDED_MAX];
};

static struct span hostname(const struct sending *s)
{
	return conf_span(&s->settings.conf, s->settings.conf.hostname);
}

/* What a recipient's bare name is at: us, by a name whose mail stays here.  Cron's
 * mail to root must not leave only because hostname is no local_domain. */
static struct span home(const struct sending *s)
{
	const struct conf *c = &s->settings.conf;

	if (c->local_domain_count == 0 || conf_domain_is_local(c, hostname(s)))
		return hostname(s);
	return conf_span(c, c->local_domain[0]);
}

static struct ip_endpoint listener(const struct sending *s)
{
	return settings_submission(&s->settings);
}

/* ---- who sends ------------------------------------------------------------------- */

/* Login and full name of the caller. */
static void read_user(struct sending *s)
{
	char array[2048];
	struct passwd entry, *found = NULL;
	struct span gecos;

	buf_init(&s->login, s->login_text, sizeof s->login_text);
	buf_init(&s->full_name, s->full_name_text, sizeof s->full_name_text);
	if (getpwuid_r(getuid(), &entry, array, sizeof array, &found) != 0 || !found) {
		buf_puts(&s->login, "uid");
		buf_put_u32(&s->login, (uint32_t)getuid());
		return;
	}
	buf_puts(&s->login, entry.pw_name);
	gecos = span_of(entry.pw_gecos ? entry.pw_gecos : "");
	gecos = span_sub(gecos, 0, span_find(gecos, ','));
	if (span_find(gecos, '&') == gecos.len && gecos.len <= sizeof s->full_name_text)
		buf_put(&s->full_name, gecos);
}

static int read_sender(struct sending *s)
{
	read_user(s);
	buf_init(&s->sender, s->sender_text, sizeof s->sender_text);
	buf_init(&s->from, s->from_text, sizeof s->from_text);
	if (!rcpts_one(buf_span(&s->login), hostname(s), false, &s->from)) {
		text_complain_span("the login name makes no address", buf_span(&s->login));
		return EXIT_DATA;
	}
	if (!s->o.from) {
		buf_put(&s->sender, buf_span(&s->from));
		return EXIT_DONE;
	}
	if (!rcpts_one(span_of(s->o.from), hostname(s), true, &s->sender)) {
		text_complain_span("-f: not an address", span_of(s->o.from));
		return EXIT_DATA;
	}
	if (s->sender.len > 0) {
		buf_clear(&s->from);
		buf_put(&s->from, buf_span(&s->sender));
		buf_clear(&s->full_name);
	}
	return EXIT_DONE;
}

/* ---- who gets it ------------------------------------------------------------------- */

static int add_list(struct sending *s, struct span list)
{
	struct span bad;

	if (rcpts_add_list(&s->rcpts, list, home(s), &bad))
		return EXIT_DONE;
	text_complain_span("not an address, nothing was sent", bad);
	return EXIT_DATA;
}

static int add_arguments(struct sending *s, int argc, char **argv)
{
	for (int i = s->o.first; i < argc; i++) {
		int code;

		if (argv[i][0] == '-') {
			text_complain_span(
				"options come before recipients, and no address starts with \"-\"",
				span_of(argv[i]));
			return EXIT_USAGE;
		}
		code = add_list(s, span_of(argv[i]));
		if (code != EXIT_DONE)
			return code;
	}
	return EXIT_DONE;
}

static int add_fields(struct sending *s, const char *const names[3])
{
	struct span fields = head_fields(&s->head);
	struct head_field f;

	while (head_next(&fields, &f)) {
		bool wanted = false;
		int code;

		for (size_t i = 0; i < 3; i++)
			wanted = wanted || span_equal_nocase(f.name, span_of(names[i]));
		code = wanted ? add_list(s, f.value) : EXIT_DONE;
		if (code != EXIT_DONE)
			return code;
	}
	return EXIT_DONE;
}

/* RFC 5322 3.6.6: a message that is sent again goes to the Resent- recipients only. */
static int add_header_recipients(struct sending *s)
{
	static const char *const first[3] = { "To", "Cc", "Bcc" };
	static const char *const again[3] = { "Resent-To", "Resent-Cc", "Resent-Bcc" };
	struct head_field f;

	for (size_t i = 0; i < 3; i++)
		if (head_find(&s->head, again[i], &f))
			return add_fields(s, again);
	return add_fields(s, first);
}

static int check_recipients(const struct sending *s)
{
	if (s->rcpts.count == 0) {
		text_complain("no recipients");
		return EXIT_USAGE;
	}
	if (s->rcpts.count > s->settings.conf.max_recipients) {
		text_complain("%u recipients, but max_recipients is %u", (unsigned)s->rcpts.count,
			(unsigned)s->settings.conf.max_recipients);
		return EXIT_DATA;
	}
	return EXIT_DONE;
}

/* ---- the message -------------------------------------------------------------------- */

static int read_head(struct sending *s)
{
	enum head_result r;

	message_init(&s->message, STDIN_FILENO, s->o.dots && !s->o.subject);
	head_init(&s->head);
	if (s->o.subject)
		return EXIT_DONE; /* all of the input is text */
	r = message_read_head(&s->message, &s->head);
	if (r == HEAD_DONE)
		return EXIT_DONE;
	if (r == HEAD_MORE) {
		text_complain("reading the message: %s", strerror(errno));
		return EXIT_AGAIN;
	}
	text_complain("the header is longer than %u octets", (unsigned)HEAD_MAX);
	return EXIT_DATA;
}

static int complete_head(struct sending *s)
{
	/* Fields that are for us, or not the sender's to write. */
	static const char *const dropped[] = { "Bcc", "Resent-Bcc", "Return-Path" };
	const struct random random = random_system();
	struct compose c = {
		.sender = buf_span(&s->from),
		.name = s->o.name ? span_of(s->o.name) : buf_span(&s->full_name),
		.hostname = hostname(s),
		.to = s->o.subject ? &s->rcpts : NULL,
		.text = s->o.subject != NULL,
		.wall_s = (uint32_t)time(NULL),
		.number = (uint32_t)getpid(),
	};

	for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
		head_drop(&s->head, dropped[i]);
	if (s->o.subject)
		c.subject = span_of(s->o.subject);
	random.fill(random.ctx, &c.random, sizeof c.random);
	buf_init(&s->added, s->added_text, sizeof s->added_text);
	compose_missing(&s->added, &s->head, &c);
	if (s->added.overflow) {
		text_complain("the subject or name is too long");
		return EXIT_DATA;
	}
	s->message.piece[0] = head_fields(&s->head);
	s->message.piece[1] = buf_span(&s->added);
	s->message.piece[2] = SPAN("\r\n");
	s->message.piece[3] = head_body(&s->head);
	return EXIT_DONE;
}

/* ---- handing it over ------------------------------------------------------------------ */

static int to_spool(struct sending *s)
{
	const struct ip_endpoint to = listener(s);
	const struct spool_item item = {
		.sender = buf_span(&s->sender),
		.rcpts = &s->rcpts,
		.message = &s->message,
		.size_max = s->settings.conf.max_message_size,
	};
	char path[SETTINGS_PATH_MAX], name[SPOOL_NAME_MAX];
	int directory, code;

	directory = settings_spool(&s->settings.conf, path, sizeof path) ? spool_open(path) : -1;
	if (directory < 0) {
		text_complain("no MTA is running, and %s: %s", path, strerror(errno));
		return EXIT_AGAIN;
	}
	code = spool_write(directory, &item, name);
	if (code == EXIT_DONE) {
		/* An MTA that started meanwhile may have looked before the file was there. */
		code = spool_submit(directory, name, &to, hostname(s), false);
		if (code == EXIT_AGAIN || code == EXIT_UNAVAILABLE)
			code = EXIT_DONE;
		else if (code != EXIT_DONE)
			spool_refuse(directory, name);
	}
	close(directory);
	return code;
}

static int hand_over(struct sending *s)
{
	const struct ip_endpoint to = listener(s);
	struct submit submit = {
		.hostname = hostname(s),
		.sender = buf_span(&s->sender),
		.rcpts = &s->rcpts,
		.message = &s->message,
		.eight_bit = s->o.eight_bit || message_eight_bit(&s->message),
		.verbose = s->o.verbose,
	};
	int fd = submit_connect(&to);
	int code = fd < 0 ? EXIT_UNAVAILABLE : submit_run(fd, &submit);

	if (code == EXIT_UNAVAILABLE && message_rewind(&s->message))
		return to_spool(s);
	if (code != EXIT_UNAVAILABLE)
		return code;
	text_complain("the connection was lost before the message was accepted");
	return EXIT_AGAIN;
}

static int send_message(struct sending *s, int argc, char **argv)
{
	int code = read_sender(s);

	rcpts_init(&s->rcpts);
	if (code == EXIT_DONE)
		code = add_arguments(s, argc, argv);
	if (code == EXIT_DONE && !s->o.from_header)
		code = check_recipients(s);
	if (code == EXIT_DONE)
		code = read_head(s);
	if (code == EXIT_DONE && s->o.from_header)
		code = add_header_recipients(s);
	if (code == EXIT_DONE)
		code = check_recipients(s);
	if (code == EXIT_DONE)
		code = complete_head(s);
	return code == EXIT_DONE ? hand_over(s) : code;
}

/* ---- the calls ------------------------------------------------------------------------ */

static int run_mode(struct sending *s, int argc, char **argv)
{
	struct ip_endpoint to;
	int code = settings_want(&s->settings, s->o.config);

	if (code != EXIT_DONE)
		return code;
	switch (s->o.mode) {
	case OPTIONS_SMTP: to = listener(s); return bridge_run(&to);
	case OPTIONS_FLUSH: return operator_line_simple(s->settings.control, "retry all");
	default: return send_message(s, argc, argv);
	}
}

/* sendmail -bp and -bi are other calls under another name. */
static int other_call(const struct options *o, char *name)
{
	char option[] = "-c", path[SETTINGS_PATH_MAX];
	char *argv[] = { name, option, path, NULL };
	int argc = o->config ? 3 : 1;

	snprintf(path, sizeof path, "%s", o->config ? o->config : "");
	return o->mode == OPTIONS_MAILQ ? cli_mailq(argc, argv) : cli_newaliases(argc, argv);
}

static int run(int argc, char **argv, bool subject_ok)
{
	static struct sending s;
	int code = options_parse(&s.o, argc, argv, subject_ok);

	if (code != EXIT_DONE)
		return code;
	if (s.o.mode == OPTIONS_MAILQ || s.o.mode == OPTIONS_ALIASES)
		return other_call(&s.o, argv[0]);
	return text_finish(run_mode(&s, argc, argv));
}

int cli_send(int argc, char **argv)
{
	return run(argc, argv, true);
}

int cli_sendmail(int argc, char **argv)
{
	return run(argc, argv, false);
}
