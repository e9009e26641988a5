/* SPDX-License-Identifier: BSD-2-Clause */
/* text - see text.h */
#include "posix/cli/text.h"

#include <errno.h>
#include <string.h>

#include "posix/cli/exits.h"

void text_put(FILE *to, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] >= 0x20 && s.at[i] < 0x7f)
			putc(s.at[i], to);
		else
			fprintf(to, "\\x%02X", (unsigned)s.at[i]);
	}
}

/* The length of the well-formed UTF-8 sequence at the front of s, 0: none (RFC 3629 4). */
static size_t utf8_len(struct span s)
{
	uint8_t c = s.at[0];
	uint8_t low = 0x80, high = 0xbf; /* of the second octet */
	size_t len;

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		len = 2;
	else if (c >= 0xe0 && c <= 0xef)
		len = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		len = 4;
	else
		return 0;
	if (c == 0xe0)
		low = 0xa0;
	if (c == 0xed)
		high = 0x9f;
	if (c == 0xf0)
		low = 0x90;
	if (c == 0xf4)
		high = 0x8f;
	if (s.len < len || s.at[1] < low || s.at[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (s.at[i] < 0x80 || s.at[i] > 0xbf)
			return 0;
	return len;
}

void text_put_json(FILE *to, struct span s)
{
	putc('"', to);
	while (s.len > 0) {
		size_t n = utf8_len(s);
		uint8_t c = s.at[0];

		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (n == 0 || c < 0x20 || c == 0x7f)
			fprintf(to, "\\u%04x", (unsigned)c);
		else
			fwrite(s.at, 1, n, to);
		s = span_from(s, n == 0 ? 1 : n);
	}
	putc('"', to);
}

void text_put_json_number(FILE *to, struct span s)
{
	size_t first = s.len > 1 && s.at[0] == '-' ? 1 : 0;
	bool number = s.len > 0 && s.len < 16 && !(s.len > first + 1 && s.at[first] == '0');

	for (size_t i = first; i < s.len; i++)
		if (!byte_is_digit(s.at[i]))
			number = false;
	if (s.len == 0)
		fputs("null", to);
	else if (number)
		fwrite(s.at, 1, s.len, to);
	else
		text_put_json(to, s);
}

int text_put_duration(FILE *to, uint32_t seconds)
{
	static const struct {
		uint32_t s;
		char name;
	} units[] = {
		{ 86400, 'd' },
		{ 3600, 'h' },
		{ 60, 'm' },
		{ 1, 's' },
	};
	size_t i = 0;
	int n;

	while (i < 3 && seconds < units[i].s)
		i++;
	n = fprintf(to, "%u%c", (unsigned)(seconds / units[i].s), units[i].name);
	seconds %= units[i].s;
	if (i < 3 && seconds / units[i + 1].s > 0)
		n += fprintf(to, "%u%c", (unsigned)(seconds / units[i + 1].s), units[i + 1].name);
	return n;
}

int text_put_size(FILE *to, uint32_t bytes)
{
	static const char names[] = { 'K', 'M', 'G' };
	uint32_t unit = 1024;
	size_t i = 0;

	if (bytes < unit)
		return fprintf(to, "%u", (unsigned)bytes);
	while (i < 2 && bytes / unit >= 1024) {
		unit *= 1024;
		i++;
	}
	if (bytes / unit >= 10)
		return fprintf(to, "%u%c", (unsigned)(bytes / unit), names[i]);
	return fprintf(to, "%u.%u%c", (unsigned)(bytes / unit),
		(unsigned)(bytes % unit / (unit / 10 + 1)), names[i]);
}

FILE *text_errors(void)
{
	static char line[512];
	static bool done;

	if (!done)
		setvbuf(stderr, line, _IOLBF, sizeof(line));
	done = true;
	return stderr;
}

void text_complain(const char *format, ...)
{
	FILE *to = text_errors();
	va_list args;

	fputs("pipit: ", to);
	va_start(args, format);
	vfprintf(to, format, args);
	va_end(args);
	putc('\n', to);
}

void text_complain_span(const char *what, struct span s)
{
	FILE *to = text_errors();

	fprintf(to, "pipit: %s: ", what);
	text_put(to, s);
	putc('\n', to);
}

int text_finish(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	text_complain("standard output: %s", strerror(errno));
	return code == EXIT_DONE ? EXIT_AGAIN : code;
}
