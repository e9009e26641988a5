/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/system.h"

#include "base/span.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define FILE_ROOM 16384u /* of a file that is looked through; what is behind is not seen */
#define DNS_PORT 53u
#define WALL_KNOWN_S 1735689600 /* 2025-01-01: a clock before this was never set */

/* The start of a small file, for as long as the room lives. */
static struct span read_start(const char *path, uint8_t *room, size_t size)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return SPAN_EMPTY;
	n = read(fd, room, size);
	close(fd);
	return n > 0 ? span_make(room, (size_t)n) : SPAN_EMPTY;
}

static struct span take_line(struct span *text)
{
	size_t end = span_find(*text, '\n');
	struct span line = span_sub(*text, 0, end);

	*text = span_from(*text, end + 1);
	return span_sub(line, 0, span_find(line, '#'));
}

static bool has_dot(struct span s)
{
	return span_find(s, '.') < s.len;
}

/* ---- The name ----------------------------------------------------------------------- */

static bool line_has_word(struct span line, struct span word)
{
	while (line.len > 0) {
		if (span_equal_nocase(span_word(&line), word))
			return true;
	}
	return false;
}

/* The first name with a dot on the line of /etc/hosts that has `name`. */
static struct span find_in_hosts(struct span text, struct span name)
{
	struct span line, word;

	while (text.len > 0) {
		line = take_line(&text);
		span_word(&line);
		if (!line_has_word(line, name))
			continue;
		while (line.len > 0) {
			word = span_word(&line);
			if (has_dot(word))
				return word;
		}
	}
	return SPAN_EMPTY;
}

static bool keep_name(char name[SYSTEM_NAME_ROOM], struct span s)
{
	if (!has_dot(s) || s.len >= SYSTEM_NAME_ROOM)
		return false;
	memcpy(name, s.at, s.len);
	name[s.len] = '\0';
	return true;
}

void system_hostname(char name[SYSTEM_NAME_ROOM])
{
	char host[SYSTEM_NAME_ROOM];
	uint8_t room[FILE_ROOM];
	struct span text;

	if (gethostname(host, sizeof(host)) != 0 || host[0] == '\0')
		memcpy(host, "localhost", sizeof("localhost"));
	host[sizeof(host) - 1] = '\0';
	memcpy(name, host, sizeof(host));
	if (strchr(name, '.') != NULL)
		return;
	text = read_start("/etc/hosts", room, sizeof(room));
	if (keep_name(name, find_in_hosts(text, span_of(host))))
		return;
	text = read_start("/etc/mailname", room, sizeof(room));
	keep_name(name, span_trim(take_line(&text)));
}

/* ---- DNS servers --------------------------------------------------------------------- */

uint8_t system_dns_servers(struct ip_endpoint *servers, uint8_t max)
{
	uint8_t room[FILE_ROOM];
	struct span text = read_start("/etc/resolv.conf", room, sizeof(room));
	uint8_t count = 0;

	while (text.len > 0 && count < max) {
		struct span line = take_line(&text);

		if (span_equal(span_word(&line), SPAN("nameserver")) &&
			ip_parse(span_word(&line), &servers[count].ip))
			servers[count++].port = DNS_PORT;
	}
	if (count == 0 && max > 0 && ip_endpoint_parse(SPAN("127.0.0.1"), DNS_PORT, &servers[0]))
		count = 1;
	return count;
}

/* ---- Time and limits ------------------------------------------------------------------- */

struct instant system_now(void)
{
	struct timespec mono, wall;
	struct instant now;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	now.mono_ms = (uint32_t)((uint64_t)mono.tv_sec * 1000u + (uint64_t)mono.tv_nsec / 1000000u);
	now.wall_known = wall.tv_sec >= WALL_KNOWN_S && wall.tv_sec <= (time_t)UINT32_MAX;
	now.wall_s = now.wall_known ? (uint32_t)wall.tv_sec : 0;
	return now;
}

void system_raise_descriptors(unsigned wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
}
