/* SPDX-License-Identifier: BSD-2-Clause */
/* control - see control.h */
#include "posix/cli/control.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "posix/cli/text.h"

#define WAIT_MS 60000 /* `resolve` asks name servers, three times each */

static int cannot(const char *path)
{
	if (errno == EACCES || errno == EPERM) {
		text_complain("%s: no permission; root and members of the socket's group may ask",
			path);
		return EXIT_NO_PERMISSION;
	}
	text_complain("%s: %s; is the MTA running? `pipit run` starts it", path, strerror(errno));
	return EXIT_UNAVAILABLE;
}

int operator_line_open(struct control *c, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int code;

	c->at = c->len = 0;
	if (len >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return cannot(path);
	}
	memcpy(address.sun_path, path, len);
	c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&address, sizeof address) == 0)
		return EXIT_DONE;
	code = cannot(path);
	if (c->fd >= 0)
		close(c->fd);
	return code;
}

void operator_line_close(struct control *c)
{
	close(c->fd);
}

static bool send_all(int fd, struct span s)
{
	while (s.len > 0) {
		ssize_t n = send(fd, s.at, s.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = span_from(s, (size_t)n);
	}
	return true;
}

bool operator_line_ask(struct control *c, struct span request)
{
	return request.len < CONTROL_REQUEST_MAX && send_all(c->fd, request) &&
		send_all(c->fd, SPAN("\n"));
}

/* More octets; false at the end, after too long, or when a row does not fit. */
static bool receive(struct control *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	ssize_t n;

	memmove(c->array, c->array + c->at, c->len - c->at);
	c->len -= c->at;
	c->at = 0;
	if (c->len == sizeof c->array || poll(&p, 1, WAIT_MS) == 0)
		return false;
	do
		n = recv(c->fd, c->array + c->len, sizeof c->array - c->len, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		c->len += (size_t)n;
	return n > 0;
}

static enum control_answer kind_of(struct span *line)
{
	struct span rest = *line;
	struct span word = span_word(&rest);

	if (span_equal(word, SPAN("ok")))
		return CONTROL_OK;
	if (!span_equal(word, SPAN("error")))
		return CONTROL_ROW;
	*line = span_trim(rest);
	return CONTROL_ERROR;
}

enum control_answer operator_line_next(struct control *c, struct span *line)
{
	for (;;) {
		struct span have = span_make(c->array + c->at, c->len - c->at);
		size_t n = span_find(have, '\n');

		if (n < have.len) {
			*line = span_sub(have, 0, n);
			c->at += n + 1;
			return kind_of(line);
		}
		if (!receive(c)) {
			*line = SPAN_EMPTY;
			return CONTROL_LOST;
		}
	}
}

int operator_line_end(enum control_answer end, struct span line)
{
	if (end == CONTROL_OK)
		return EXIT_DONE;
	if (end == CONTROL_LOST) {
		text_complain("the MTA did not finish its answer");
		return EXIT_UNAVAILABLE;
	}
	text_complain_span("the MTA says", line);
	return line.len > 0 && line.at[0] == '4' ? EXIT_AGAIN : EXIT_DATA;
}

int operator_line_simple(const char *path, const char *request)
{
	static struct control c;
	struct span line = SPAN_EMPTY;
	enum control_answer a = CONTROL_LOST;
	int code = operator_line_open(&c, path);

	if (code != EXIT_DONE)
		return code;
	if (operator_line_ask(&c, span_of(request))) {
		do
			a = operator_line_next(&c, &line);
		while (a == CONTROL_ROW);
	}
	code = operator_line_end(a, line);
	operator_line_close(&c);
	return code;
}

bool operator_line_word_ok(struct span word)
{
	const struct span others = SPAN(".:_@[]-+*");

	for (size_t i = 0; i < word.len; i++)
		if (!byte_is_alpha(word.at[i]) && !byte_is_digit(word.at[i]) &&
			span_find(others, word.at[i]) == others.len)
			return false;
	return word.len > 0 && word.len <= 256;
}
