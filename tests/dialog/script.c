/* SPDX-License-Identifier: BSD-2-Clause */
#include "dialog/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

_Noreturn static void broken(const char *path, unsigned number, const char *why)
{
	fprintf(stderr, "%s:%u: %s\n", path, number, why);
	exit(2);
}

static uint8_t arena[1u << 23]; /* all texts of the script that is read */
static size_t arena_len;

static struct span keep(const void *at, size_t len)
{
	uint8_t *copy = arena + arena_len;

	if (len > sizeof(arena) - arena_len)
		abort();
	memcpy(copy, at, len);
	arena_len += len;
	return span_make(copy, len);
}

static bool hex_at(const char *s, uint8_t *out)
{
	unsigned value;

	if (s[0] != '\\' || s[1] != 'x' || sscanf(s + 2, "%2x", &value) != 1)
		return false;
	*out = (uint8_t)value;
	return true;
}

/* "\N*c\" and "\N*\xNN\": length of the escape, or 0. */
static size_t repeat_at(const char *s, unsigned long *n, uint8_t *c)
{
	char *end;
	size_t used;

	if (s[0] != '\\' || s[1] < '0' || s[1] > '9')
		return 0;
	*n = strtoul(s + 1, &end, 10);
	if (*end != '*')
		return 0;
	used = (size_t)(end + 1 - s);
	*c = (uint8_t)s[used];
	used += hex_at(s + used, c) ? 4 : 1;
	return s[used] == '\\' ? used + 1 : 0;
}

static struct span unescape(const char *s, const char *end)
{
	static uint8_t to[1u << 22];
	unsigned long n;
	size_t len = 0, used;
	uint8_t c;

	while (*s) {
		n = 1;
		used = repeat_at(s, &n, &c);
		if (used == 0) {
			c = (uint8_t)*s;
			used = hex_at(s, &c) ? 4 : 1;
		}
		if (len + n + 2 > sizeof(to))
			abort();
		memset(to + len, c, n);
		len += n;
		s += used;
	}
	memcpy(to + len, end, strlen(end));
	return keep(to, len + strlen(end));
}

static void setting(struct script *s, const char *text, unsigned number)
{
	if (strcmp(text, "client") == 0) {
		s->client = true;
	} else if (strcmp(text, "legacy") == 0) {
		s->legacy = true;
	} else if (strncmp(text, "size ", 5) == 0) {
		s->size_max = (uint32_t)strtoul(text + 5, NULL, 10);
	} else if (strncmp(text, "refuse ", 7) == 0) {
		s->refused = true;
		s->refusal = script_reply(keep(text + 7, strlen(text + 7)));
	} else {
		broken(s->path, number, "setting not known");
	}
}

static void line_read(struct script *s, char *text, unsigned number)
{
	struct script_line *l = &s->lines[s->count];
	const bool bare = text[0] && text[1] == '~';
	char *value = text + (bare ? 3 : 2), *arrow = NULL;

	if (text[0] == 0 || !strchr("@CS?!", text[0]) || value[-1] != ':')
		broken(s->path, number, "neither C: S: ?: !: @: nor #");
	if (*value == ' ')
		value++;
	if (text[0] == '@') {
		setting(s, value, number);
		return;
	}
	if (s->count++ == SCRIPT_LINES_MAX)
		broken(s->path, number, "too many lines");
	if (text[0] == '?' && (arrow = strstr(value, "-> ")) != NULL) {
		l->answer = unescape(arrow + 3, "");
		*arrow = 0;
		while (arrow > value && arrow[-1] == ' ')
			*--arrow = 0;
	}
	l->kind = text[0];
	l->number = number;
	l->text = unescape(value, !bare && (text[0] == 'C' || text[0] == 'S') ? "\r\n" : "");
}

void script_read(struct script *s, const char *path)
{
	static char line[4096];
	FILE *file = fopen(path, "r");
	unsigned number = 0;

	if (!file)
		broken(path, 0, "cannot be opened");
	memset(s, 0, sizeof(*s));
	arena_len = 0;
	s->path = path;
	while (fgets(line, sizeof(line), file)) {
		number++;
		line[strcspn(line, "\n")] = 0;
		if (line[0] && line[0] != '#')
			line_read(s, line, number);
	}
	fclose(file);
	if (s->count == 0)
		broken(path, number, "no line in it");
}

struct reply script_reply(struct span answer)
{
	struct reply r = { 0 };
	uint32_t code;

	if (span_equal(answer, SPAN("OK")))
		return REPLY(250, 2, 0, 0, "Ok");
	if (span_equal(answer, SPAN("REFUSE")))
		return REPLY(550, 5, 7, 1, "Refused");
	if (!span_to_u32(span_word(&answer), 599, &code)) {
		fprintf(stderr, "\"%.*s\" is no answer\n", (int)answer.len,
			(const char *)answer.at);
		exit(2);
	}
	r.code = (uint16_t)code;
	(void)reply_enhanced_take(&answer, r.enhanced);
	r.text = answer;
	return r;
}

/* ---- one run --------------------------------------------------------------------- */

void run_begin(struct run *r, const struct script *s, size_t step)
{
	r->script = s;
	r->next = 0;
	r->step = step;
	r->failed = false;
	r->out_len = r->body_len = 0;
}

struct span run_guard(struct span s)
{
	static uint8_t *end;
	const size_t room = 1u << 22;

	if (!end) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE);
		uint8_t *at = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (at == MAP_FAILED || mprotect(at + room, page, PROT_NONE) != 0)
			abort();
		end = at + room;
	}
	memcpy(end - s.len, s.at, s.len);
	return span_make(end - s.len, s.len);
}

struct span run_input(struct run *r, char kind, bool ahead)
{
	static uint8_t input[1u << 22];
	const struct script *s = r->script;
	size_t i, len = 0;

	for (i = r->next; i < s->count && s->lines[i].kind != '!'; i++) {
		if (s->lines[i].kind != kind && !ahead)
			break;
		if (s->lines[i].kind != kind)
			continue;
		if (len + s->lines[i].text.len > sizeof(input))
			abort();
		memcpy(input + len, s->lines[i].text.at, s->lines[i].text.len);
		len += s->lines[i].text.len;
	}
	if (!ahead)
		r->next = i;
	return span_make(input, len);
}

static void complain(struct run *r, const char *what, struct span text)
{
	const struct script_line *l = r->next < r->script->count ? &r->script->lines[r->next]
								 : NULL;

	if (!r->failed) {
		printf("%s:%u: in steps of %zu: %s \"%.*s\"\n", r->script->path, l ? l->number : 0,
			r->step, what, (int)text.len, (const char *)text.at);
		if (l)
			printf("\texpected %c: \"%.*s\"\n", l->kind, (int)l->text.len,
				(const char *)l->text.at);
	}
	r->failed = true;
}

static bool line_is(const struct script_line *l, char kind, struct span text)
{
	struct span begin = l->text;

	if (l->kind != kind)
		return false;
	if (kind != 'S')
		return span_equal(begin, text);
	begin.len -= 2; /* without its CRLF, which text must have all the same */
	return text.len >= begin.len + 2 && span_equal(span_sub(text, 0, begin.len), begin);
}

/* Lines of the other side are passed by in silence: they are fed elsewhere. */
static void pass_fed(struct run *r, char fed)
{
	while (r->next < r->script->count && r->script->lines[r->next].kind == fed)
		r->next++;
}

struct span run_happened(struct run *r, char kind, struct span text)
{
	if (r->failed)
		return SPAN_EMPTY;
	if (!r->script->client)
		pass_fed(r, 'C');
	if (r->next == r->script->count || !line_is(&r->script->lines[r->next], kind, text)) {
		complain(r, kind == '?' ? "asked" : "wrote", text);
		return SPAN_EMPTY;
	}
	return r->script->lines[r->next++].answer;
}

void run_wrote(struct run *r, char kind, struct span octets)
{
	struct span line;
	size_t at = 0, i;

	if (octets.len > sizeof(r->out) - r->out_len)
		abort();
	memcpy(r->out + r->out_len, octets.at, octets.len);
	r->out_len += octets.len;
	for (i = 0; i < r->out_len; i++) {
		if (r->out[i] != '\n')
			continue;
		line = span_make(r->out + at, i + 1 - at);
		if (line.len < 2 || line.at[line.len - 2] != '\r')
			complain(r, "a lone LF left:", line);
		run_happened(r, kind, line);
		at = i + 1;
	}
	memmove(r->out, r->out + at, r->out_len - at);
	r->out_len -= at;
}

struct span run_action(struct run *r, char fed)
{
	pass_fed(r, fed);
	if (r->failed || r->next == r->script->count || r->script->lines[r->next].kind != '!')
		return SPAN_EMPTY;
	return r->script->lines[r->next++].text;
}

void run_end(struct run *r, char fed)
{
	pass_fed(r, fed);
	if (r->out_len > 0)
		complain(r, "half a line left:", span_make(r->out, r->out_len));
	if (r->next < r->script->count)
		complain(r, "ended instead", SPAN_EMPTY);
}
