/* SPDX-License-Identifier: BSD-2-Clause */
/* settings - see settings.h */
#include "posix/cli/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "posix/cli/cli.h"
#include "posix/cli/exits.h"
#include "posix/cli/text.h"
#include "posix/config_file.h"
#include "posix/system.h"

#define FILE_MAX (256u << 10) /* an aliases file */
#define ALIAS_LINE_MAX 4096u  /* with its continuations */

static struct config_file file;
static uint8_t file_text[FILE_MAX];

enum settings_result {
	SETTINGS_GOOD,
	SETTINGS_UNREADABLE, /* no file, or no permission: all defaults */
	SETTINGS_BAD,        /* has errors */
};

/* Where errors of one file go. */
struct complaints {
	const char *path;
	bool loud;
};

static void on_error(void *ctx, uint32_t line, struct span message)
{
	const struct complaints *c = ctx;

	if (!c->loud)
		return;
	if (line > 0)
		fprintf(text_errors(), "%s:%u: ", c->path, (unsigned)line);
	else
		fprintf(text_errors(), "%s: ", c->path);
	text_put(text_errors(), message);
	putc('\n', text_errors());
}

static void complain_file(const struct complaints *c, const char *what)
{
	if (c->loud)
		fprintf(text_errors(), "%s: %s\n", c->path, what);
}

/* All of a file into file_text; false with errno: EFBIG when it is larger. */
static bool read_file(const char *path, struct span *text)
{
	size_t len = 0;
	ssize_t n = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	while (len < FILE_MAX && n > 0) {
		n = read(fd, file_text + len, FILE_MAX - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	close(fd);
	if (len == FILE_MAX)
		errno = EFBIG;
	*text = span_make(file_text, len);
	return n >= 0 && len < FILE_MAX;
}

/* ---- aliases(5) ---------------------------------------------------------------- */

static struct span take_line(struct span *text)
{
	struct span line = span_sub(*text, 0, span_find(*text, '\n'));

	*text = span_from(*text, line.len + 1);
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

static bool continues(struct span text)
{
	return text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t');
}

static void read_aliases(struct conf *c, struct span text, struct conf_errors *errors)
{
	static uint8_t array[ALIAS_LINE_MAX];
	uint32_t number = 0, first;
	struct buf line;

	while (text.len > 0) {
		buf_init(&line, array, sizeof array);
		buf_put(&line, take_line(&text));
		first = ++number;
		while (continues(text)) {
			buf_put(&line, take_line(&text));
			number++;
		}
		if (line.overflow) {
			on_error(errors->ctx, first,
				SPAN("the line is too long; use several names"));
			errors->count++;
			continue;
		}
		conf_alias_line(c, buf_span(&line), first, errors);
	}
	conf_alias_finish(c, errors);
}

static bool add_aliases(struct settings *s)
{
	struct complaints complaints = { s->aliases, true };
	struct conf_errors errors = { on_error, &complaints, 0 };
	struct span text;

	if (s->aliases[0] == '\0')
		return true;
	if (!read_file(s->aliases, &text)) {
		complain_file(&complaints, strerror(errno));
		return false;
	}
	read_aliases(&s->conf, text, &errors);
	return errors.count == 0;
}

/* ---- the configuration ------------------------------------------------------------ */

static bool copy_path(char *to, const struct conf *c, struct conf_text from, const char *otherwise)
{
	struct span s = conf_has(from) ? conf_span(c, from) : span_of(otherwise);

	if (s.len >= SETTINGS_PATH_MAX)
		return false;
	memcpy(to, s.at, s.len);
	to[s.len] = '\0';
	return true;
}

static bool parse(struct settings *s, struct span text, bool loud)
{
	struct complaints complaints = { s->path, loud };
	struct conf_errors errors = { on_error, &complaints, 0 };
	struct conf_defaults defaults = { .hostname = span_of(s->hostname),
		.base_dir = span_of(file.base_dir) };
	bool good = conf_parse(&s->conf, text, &defaults, &errors) == ST_OK;

	if (!copy_path(s->control, &s->conf, s->conf.control, PIPIT_CONTROL_PATH) ||
		!copy_path(s->queue, &s->conf, s->conf.queue_path, PIPIT_QUEUE_PATH) ||
		!copy_path(s->aliases, &s->conf, s->conf.aliases_file, "")) {
		complain_file(&complaints, "a path is too long");
		good = false;
	}
	return good;
}

static enum settings_result read_config(struct settings *s, const char *path, bool loud)
{
	char why[256];
	bool readable, good;

	*s = (struct settings){ .path = path ? path : PIPIT_CONFIG_PATH };
	file.path = s->path;
	file.optional = false;
	system_hostname(s->hostname);
	readable = config_file_read(&file, why, sizeof why) == 0;
	if (!readable) {
		file.len = 0;
		if (loud)
			text_complain("%s", why);
	}
	good = parse(s, config_file_text(&file), loud);
	if (!readable)
		return SETTINGS_UNREADABLE;
	return good ? SETTINGS_GOOD : SETTINGS_BAD;
}

int settings_need(struct settings *s, const char *path)
{
	enum settings_result r = read_config(s, path, true);

	/* Both are read in any case: all errors at once. */
	if (r == SETTINGS_UNREADABLE || !add_aliases(s))
		return EXIT_CONFIG;
	return r == SETTINGS_GOOD ? EXIT_DONE : EXIT_CONFIG;
}

int settings_want(struct settings *s, const char *path)
{
	enum settings_result r = read_config(s, path, path != NULL);

	if (r == SETTINGS_GOOD)
		return EXIT_DONE;
	if (path)
		return EXIT_CONFIG;
	if (r == SETTINGS_BAD)
		text_complain("%s has errors, see pipit check; going on with what is right in it",
			s->path);
	return EXIT_DONE;
}

struct ip_endpoint settings_listener(const struct conf *c)
{
	static const struct ip_endpoint otherwise = {
		.ip = { .family = 4, .bytes = { 127, 0, 0, 1 } },
		.port = 25,
	};
	struct ip_endpoint at = c->listen_count > 0 ? c->listen[0].at : otherwise;

	for (size_t i = 0; i < c->listen_count; i++) {
		const struct ip *ip = &c->listen[i].at.ip;

		if (ip_is_loopback(ip) || ip_is_any(ip)) {
			at = c->listen[i].at;
			break;
		}
	}
	if (ip_is_any(&at.ip)) {
		at.ip.bytes[0] = at.ip.family == 4 ? 127 : 0;
		at.ip.bytes[at.ip.family == 4 ? 3 : 15] = 1;
	}
	return at;
}

struct ip_endpoint settings_submission(const struct settings *s)
{
	return settings_listener(&s->conf);
}

bool settings_spool(const struct conf *c, char *path, size_t cap)
{
	struct span queue = conf_has(c->queue_path) ? conf_span(c, c->queue_path)
						    : SPAN(PIPIT_QUEUE_PATH);
	size_t slash = span_find_last(queue, '/');
	struct buf b;

	buf_init(&b, path, cap);
	if (slash < queue.len)
		buf_put(&b, span_sub(queue, 0, slash + 1));
	buf_puts(&b, "spool");
	buf_put_byte(&b, '\0');
	return !b.overflow;
}
