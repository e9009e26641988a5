/* SPDX-License-Identifier: BSD-2-Clause */
/* status - `pipit status`: the MTA's gauges and counters, for people, programs and Prometheus.
 *
 * The rows are few and of our own making: they are kept, so that each output
 * can walk them in its own order.
 */
#include <stdio.h>
#include <string.h>

#include "posix/cli/answer.h"
#include "posix/cli/arguments.h"
#include "posix/cli/cli.h"
#include "posix/cli/control.h"
#include "posix/cli/settings.h"
#include "posix/cli/text.h"

#define ROWS_TEXT_MAX 65536u
#define VALUE_MAX 512u

struct rows {
	struct buf text; /* rows, LF behind each */
	uint8_t array[ROWS_TEXT_MAX];
};

static bool next_row(struct span *text, struct answer *row)
{
	size_t n = span_find(*text, '\n');

	if (text->len == 0)
		return false;
	*row = answer_parse(span_sub(*text, 0, n));
	*text = span_from(*text, n + 1);
	return true;
}

/* The next row of this kind with its name and what `key` says. */
static bool next_of(struct span *text, const char *kind, const char *key, struct buf *name,
	struct buf *value)
{
	struct answer row;

	while (next_row(text, &row))
		if (span_equal(row.kind, span_of(kind)) && answer_get(&row, "name", name) &&
			answer_get(&row, key, value))
			return true;
	return false;
}

static int fetch(struct rows *rows, const char *path)
{
	static struct control c;
	struct span line = SPAN_EMPTY;
	enum control_answer a = CONTROL_LOST;
	int code = operator_line_open(&c, path);

	buf_init(&rows->text, rows->array, sizeof rows->array);
	if (code != EXIT_DONE)
		return code;
	if (operator_line_ask(&c, SPAN("status")))
		while ((a = operator_line_next(&c, &line)) == CONTROL_ROW) {
			buf_put(&rows->text, line);
			buf_puts(&rows->text, "\n");
		}
	code = operator_line_end(a, line);
	operator_line_close(&c);
	if (code == EXIT_DONE && rows->text.overflow) {
		text_complain("the MTA's answer is too long");
		code = EXIT_UNAVAILABLE;
	}
	return code;
}

/* ---- for people ------------------------------------------------------------------------ */

static void put_info(struct span text)
{
	uint8_t array[VALUE_MAX];
	struct answer row;
	struct buf value;

	buf_init(&value, array, sizeof array);
	while (next_row(&text, &row)) {
		if (!span_equal(row.kind, SPAN("info")))
			continue;
		fputs("pipit ", stdout);
		answer_get(&row, "version", &value);
		text_put(stdout, buf_span(&value));
		fputs(" on ", stdout);
		answer_get(&row, "hostname", &value);
		text_put(stdout, buf_span(&value));
		putchar('\n');
	}
}

static void put_human_row(const struct answer *row)
{
	uint8_t name_text[VALUE_MAX], value_text[VALUE_MAX];
	struct buf name, value;

	buf_init(&name, name_text, sizeof name_text);
	buf_init(&value, value_text, sizeof value_text);
	if (!answer_get(row, "name", &name) || !answer_get(row, "value", &value))
		return;
	text_put(stdout, buf_span(&name));
	for (size_t i = name.len; i < 32; i++)
		putchar(' ');
	putchar(' ');
	text_put(stdout, buf_span(&value));
	if (answer_get(row, "max", &value)) {
		fputs(" of ", stdout);
		text_put(stdout, buf_span(&value));
	}
	putchar('\n');
}

static void put_human(struct span text)
{
	struct answer row;

	put_info(text);
	while (next_row(&text, &row))
		put_human_row(&row);
}

/* ---- JSON
 * ---------------------------------------------------------------------------------- */

static void put_json_info(struct span text)
{
	uint8_t array[VALUE_MAX];
	struct answer row;
	struct buf value;
	struct span key;
	bool broken;

	buf_init(&value, array, sizeof array);
	while (next_row(&text, &row)) {
		if (!span_equal(row.kind, SPAN("info")))
			continue;
		while (answer_next(&row, &key, &value, &broken)) {
			text_put_json(stdout, key);
			putchar(':');
			text_put_json(stdout, buf_span(&value));
			putchar(',');
		}
	}
}

/* "title":{"name":number,...} */
static void put_json_group(struct span text, const char *title, const char *kind, const char *key)
{
	uint8_t name_text[VALUE_MAX], value_text[VALUE_MAX];
	struct buf name, value;
	const char *between = "";

	buf_init(&name, name_text, sizeof name_text);
	buf_init(&value, value_text, sizeof value_text);
	printf("\"%s\":{", title);
	while (next_of(&text, kind, key, &name, &value)) {
		fputs(between, stdout);
		text_put_json(stdout, buf_span(&name));
		putchar(':');
		text_put_json_number(stdout, buf_span(&value));
		between = ",";
	}
	putchar('}');
}

static void put_json(struct span text)
{
	putchar('{');
	put_json_info(text);
	put_json_group(text, "values", "value", "value");
	putchar(',');
	put_json_group(text, "limits", "value", "max");
	putchar(',');
	put_json_group(text, "counters", "counter", "value");
	fputs("}\n", stdout);
}

/* ---- Prometheus text format
 * ------------------------------------------------------------------ */

static void put_metric_name(struct span name, const char *suffix)
{
	fputs("pipit_", stdout);
	for (size_t i = 0; i < name.len; i++)
		putchar(byte_is_alpha(name.at[i]) || byte_is_digit(name.at[i]) ? name.at[i] : '_');
	fputs(suffix, stdout);
}

static bool is_number(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!byte_is_digit(s.at[i]) && s.at[i] != '.' && s.at[i] != '-')
			return false;
	return s.len > 0;
}

static void put_metric_group(struct span text, const char *kind, const char *key,
	const char *suffix)
{
	uint8_t name_text[VALUE_MAX], value_text[VALUE_MAX];
	struct buf name, value;

	buf_init(&name, name_text, sizeof name_text);
	buf_init(&value, value_text, sizeof value_text);
	while (next_of(&text, kind, key, &name, &value)) {
		if (!is_number(buf_span(&value)))
			continue;
		fputs("# TYPE ", stdout);
		put_metric_name(buf_span(&name), suffix);
		fputs(kind[0] == 'c' ? " counter\n" : " gauge\n", stdout);
		put_metric_name(buf_span(&name), suffix);
		putchar(' ');
		text_put(stdout, buf_span(&value));
		putchar('\n');
	}
}

/* Label values know three escapes; what else is not printable is left out of a version and
 * a host name. */
static void put_label(const struct answer *row, const char *name)
{
	uint8_t array[VALUE_MAX];
	struct buf value;

	buf_init(&value, array, sizeof array);
	answer_get(row, name, &value);
	printf("%s=\"", name);
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] > 0x1f && value.at[i] < 0x7f && value.at[i] != '"' &&
			value.at[i] != '\\')
			putchar(value.at[i]);
	putchar('"');
}

static void put_metrics(struct span text)
{
	struct span rest = text;
	struct answer row;

	while (next_row(&rest, &row)) {
		if (!span_equal(row.kind, SPAN("info")))
			continue;
		fputs("# TYPE pipit_info gauge\npipit_info{", stdout);
		put_label(&row, "version");
		putchar(',');
		put_label(&row, "hostname");
		fputs("} 1\n", stdout);
	}
	put_metric_group(text, "value", "value", "");
	put_metric_group(text, "value", "max", "_max");
	put_metric_group(text, "counter", "value", "_total");
}

int cli_status(int argc, char **argv)
{
	static struct settings s;
	static struct rows rows;
	struct arguments a;
	int code = arguments_parse(&a, argc, argv);

	if (code != EXIT_DONE || a.count > 0 || (a.json && a.metrics))
		return arguments_usage("status [-c FILE] [--json|--metrics]");
	code = settings_want(&s, a.config);
	if (code == EXIT_DONE)
		code = fetch(&rows, s.control);
	if (code != EXIT_DONE)
		return code;
	if (a.metrics)
		put_metrics(buf_span(&rows.text));
	else if (a.json)
		put_json(buf_span(&rows.text));
	else
		put_human(buf_span(&rows.text));
	return text_finish(EXIT_DONE);
}
