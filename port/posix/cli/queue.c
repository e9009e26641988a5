/* SPDX-License-Identifier: BSD-2-Clause */
/* queue - `pipit queue`, mailq(1), newaliases(1): the operator and the running MTA;
 * offline work is queue_file.h. */
#include <stdio.h>
#include <string.h>

#include "posix/cli/answer.h"
#include "posix/cli/arguments.h"
#include "posix/cli/cli.h"
#include "posix/cli/listing.h"
#include "posix/cli/queue_file.h"
#include "posix/cli/settings.h"
#include "posix/cli/text.h"

#define USAGE \
	"queue [-c FILE] [--json]\n" \
	"       pipit queue [-c FILE] [--json] show ID\n" \
	"       pipit queue [-c FILE] retry|hold|release|remove ID|DOMAIN|all\n" \
	"       pipit queue [-c FILE] resize SIZE\n" \
	"       pipit queue [-c FILE] format"

static void make_request(struct buf *b, const char *verb, const char *what)
{
	buf_puts(b, verb);
	if (what) {
		buf_puts(b, " ");
		buf_puts(b, what);
	}
}

static int ask(struct control *c, const struct settings *s, const char *verb, const char *what)
{
	uint8_t array[CONTROL_REQUEST_MAX];
	struct buf request;
	int code = operator_line_open(c, s->control);

	if (code != EXIT_DONE)
		return code;
	buf_init(&request, array, sizeof array);
	make_request(&request, verb, what);
	operator_line_ask(c, buf_span(&request)); /* a failure shows as a lost answer */
	return EXIT_DONE;
}

static int list(const struct settings *s, bool json, const char *verb, const char *what)
{
	static struct control c;
	struct listing l = { .json = json };
	int code = ask(&c, s, verb, what);

	if (code != EXIT_DONE)
		return code;
	code = listing_print(&l, &c);
	operator_line_close(&c);
	return text_finish(code);
}

/* Prints the messages changed, as lines or as a JSON list. */
static int print_changed(struct control *c, bool json, uint32_t *count)
{
	uint8_t array[64];
	enum control_answer a;
	struct span line;
	struct buf id;

	buf_init(&id, array, sizeof array);
	while ((a = operator_line_next(c, &line)) == CONTROL_ROW) {
		struct answer row = answer_parse(line);

		if (!span_equal(row.kind, SPAN("changed")) || !answer_get(&row, "id", &id))
			continue;
		if (json) {
			fputs(*count > 0 ? "," : "", stdout);
			text_put_json(stdout, buf_span(&id));
		}
		++*count;
	}
	return operator_line_end(a, line);
}

static int change(const struct settings *s, bool json, const char *verb, const char *what)
{
	static struct control c;
	uint32_t count = 0;
	int code = ask(&c, s, verb, what);

	if (code != EXIT_DONE)
		return code;
	fputs(json ? "{\"changed\":[" : "", stdout);
	code = print_changed(&c, json, &count);
	operator_line_close(&c);
	if (json)
		fputs("]}\n", stdout);
	else if (code == EXIT_DONE)
		printf("%s: %u message%s\n", verb, (unsigned)count, count == 1 ? "" : "s");
	return text_finish(code);
}

static bool is_change(const char *verb)
{
	static const char *const verbs[] = { "retry", "hold", "release", "remove" };

	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verb, verbs[i]) == 0)
			return true;
	return false;
}

static int run(const struct arguments *a, struct settings *s)
{
	const char *verb = a->count > 0 ? a->word[0] : "queue";
	const char *what = a->count > 1 ? a->word[1] : NULL;
	bool word_ok = what && operator_line_word_ok(span_of(what));

	if (strcmp(verb, "queue") == 0 && !what)
		return list(s, a->json, verb, NULL);
	if (strcmp(verb, "show") == 0 && word_ok)
		return list(s, a->json, verb, what);
	if (is_change(verb) && word_ok)
		return change(s, a->json, verb, what);
	if (strcmp(verb, "format") == 0 && !what)
		return queue_file_format(s);
	if (strcmp(verb, "resize") == 0 && what)
		return queue_file_resize(s, span_of(what));
	return arguments_usage(USAGE);
}

int cli_queue(int argc, char **argv)
{
	static struct settings s;
	struct arguments a;
	int code = arguments_parse(&a, argc, argv);

	if (code != EXIT_DONE || a.metrics || a.count > 2)
		return arguments_usage(USAGE);
	code = settings_want(&s, a.config);
	return code == EXIT_DONE ? run(&a, &s) : code;
}

int cli_mailq(int argc, char **argv)
{
	static struct settings s;
	struct arguments a;
	int code = arguments_parse(&a, argc, argv);

	if (code != EXIT_DONE || a.metrics || a.count > 0)
		return arguments_usage("mailq [-c FILE] [--json]");
	code = settings_want(&s, a.config);
	return code == EXIT_DONE ? list(&s, a.json, "queue", NULL) : code;
}

int cli_newaliases(int argc, char **argv)
{
	static struct settings s;
	struct arguments a;
	int code = arguments_parse(&a, argc, argv);

	if (code != EXIT_DONE || a.json || a.metrics || a.count > 0)
		return arguments_usage("newaliases [-c FILE]");
	/* All errors are told now: at a reload they would only stand in the log. */
	code = settings_need(&s, a.config);
	return code == EXIT_DONE ? operator_line_simple(s.control, "reload") : code;
}
