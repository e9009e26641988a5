/* SPDX-License-Identifier: BSD-2-Clause */
/* resolve - `pipit resolve DOMAIN`: the hosts that mail would go to, in order. */
#include <stdio.h>

#include "posix/cli/answer.h"
#include "posix/cli/arguments.h"
#include "posix/cli/cli.h"
#include "posix/cli/control.h"
#include "posix/cli/settings.h"
#include "posix/cli/text.h"

#define VALUE_MAX 2048u

struct resolve {
	bool json;
	uint32_t hosts;
	uint8_t array[VALUE_MAX];
	struct buf value;
};

static struct span get(struct resolve *r, const struct answer *row, const char *key)
{
	buf_init(&r->value, r->array, sizeof r->array);
	answer_get(row, key, &r->value);
	return buf_span(&r->value);
}

static void json_text(struct resolve *r, const struct answer *row, const char *key, bool number)
{
	printf(",\"%s\":", key);
	if (number)
		text_put_json_number(stdout, get(r, row, key));
	else
		text_put_json(stdout, get(r, row, key));
}

/* "a,b" as ["a","b"] */
static void json_list(struct span list)
{
	const char *between = "";

	putchar('[');
	while (list.len > 0) {
		size_t n = span_find(list, ',');

		fputs(between, stdout);
		text_put_json(stdout, span_sub(list, 0, n));
		list = span_from(list, n + 1);
		between = ",";
	}
	putchar(']');
}

static void json_row(struct resolve *r, const struct answer *row)
{
	if (span_equal(row->kind, SPAN("route"))) {
		json_text(r, row, "way", false);
		return;
	}
	fputs(r->hosts++ == 0 ? ",\"hosts\":[{\"name\":" : ",{\"name\":", stdout);
	text_put_json(stdout, get(r, row, "name"));
	json_text(r, row, "preference", true);
	json_text(r, row, "port", true);
	json_text(r, row, "tls", false);
	fputs(",\"addresses\":", stdout);
	json_list(get(r, row, "addresses"));
	putchar('}');
}

static void put(struct resolve *r, const struct answer *row, const char *before, const char *key)
{
	fputs(before, stdout);
	text_put(stdout, get(r, row, key));
}

static void human_row(struct resolve *r, const struct answer *row)
{
	if (span_equal(row->kind, SPAN("route"))) {
		put(r, row, "way: ", "way");
	} else {
		put(r, row, "", "preference");
		put(r, row, " ", "name");
		put(r, row, " port ", "port");
		put(r, row, " tls ", "tls");
		put(r, row, " ", "addresses");
	}
	putchar('\n');
}

static int print(struct resolve *r, struct control *c, struct span domain)
{
	enum control_answer a;
	struct span line;

	if (r->json) {
		fputs("{\"domain\":", stdout);
		text_put_json(stdout, domain);
	}
	while ((a = operator_line_next(c, &line)) == CONTROL_ROW) {
		struct answer row = answer_parse(line);

		if (!span_equal(row.kind, SPAN("route")) && !span_equal(row.kind, SPAN("host")))
			continue;
		if (r->json)
			json_row(r, &row);
		else
			human_row(r, &row);
	}
	if (r->json) {
		fputs(r->hosts > 0 ? "]" : ",\"hosts\":[]", stdout);
		if (a == CONTROL_ERROR) {
			fputs(",\"error\":", stdout);
			text_put_json(stdout, line);
		}
		fputs("}\n", stdout);
	}
	return operator_line_end(a, line);
}

int cli_resolve(int argc, char **argv)
{
	static struct settings s;
	static struct control c;
	static struct resolve r;
	uint8_t array[CONTROL_REQUEST_MAX];
	struct arguments a;
	struct buf request;
	int code = arguments_parse(&a, argc, argv);

	if (code != EXIT_DONE || a.count != 1 || a.metrics ||
		!operator_line_word_ok(span_of(a.word[0])))
		return arguments_usage("resolve [-c FILE] [--json] DOMAIN");
	code = settings_want(&s, a.config);
	if (code == EXIT_DONE)
		code = operator_line_open(&c, s.control);
	if (code != EXIT_DONE)
		return code;
	buf_init(&request, array, sizeof array);
	buf_puts(&request, "resolve ");
	buf_puts(&request, a.word[0]);
	r.json = a.json;
	operator_line_ask(&c, buf_span(&request));
	code = print(&r, &c, span_of(a.word[0]));
	operator_line_close(&c);
	return text_finish(code);
}
