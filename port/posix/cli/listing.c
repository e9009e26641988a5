/* SPDX-License-Identifier: BSD-2-Clause */
/* listing - see listing.h */
#include "posix/cli/listing.h"

#include <stdio.h>

#include "posix/cli/answer.h"
#include "posix/cli/text.h"

#define VALUE_MAX 4096u /* a header line of `show` */

static const struct {
	const char *kind;
	const char *array; /* its name in JSON */
	enum listing_section section;
} kinds[] = {
	{ "message", "", LISTING_MESSAGE },
	{ "rcpt", "recipients", LISTING_RCPTS },
	{ "report", "reports", LISTING_REPORTS },
	{ "line", "header", LISTING_LINES },
};

/* ---- JSON ------------------------------------------------------------------------ */

static bool is_number_key(struct span key)
{
	static const char *const keys[] = {
		"size",
		"arrival",
		"age",
		"rcpts",
		"pending",
		"n",
		"attempts",
		"next",
		"code",
	};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (span_equal(key, span_of(keys[i])))
			return true;
	return false;
}

static void json_value(struct span key, struct span value)
{
	if (span_equal(key, SPAN("eight_bit")))
		fputs(span_equal(value, SPAN("1")) ? "true" : "false", stdout);
	else if (is_number_key(key))
		text_put_json_number(stdout, value);
	else
		text_put_json(stdout, value);
}

/* The row's pairs as members; the id only for the message itself. */
static void json_members(struct answer row, bool with_id)
{
	uint8_t array[VALUE_MAX];
	const char *between = "";
	struct buf value;
	struct span key;
	bool broken;

	buf_init(&value, array, sizeof array);
	while (answer_next(&row, &key, &value, &broken)) {
		if (!with_id && span_equal(key, SPAN("id")))
			continue;
		fputs(between, stdout);
		text_put_json(stdout, key);
		putchar(':');
		json_value(key, buf_span(&value));
		between = ",";
	}
}

static void json_close_array(struct listing *l)
{
	if (l->section > LISTING_MESSAGE)
		putchar(']');
	l->section = LISTING_MESSAGE;
}

static void json_close_message(struct listing *l)
{
	if (l->section == LISTING_NONE)
		return;
	json_close_array(l);
	fputs(l->reports ? "}" : ",\"reports\":[]}", stdout);
}

static void json_message(struct listing *l, struct answer row)
{
	json_close_message(l);
	fputs(l->messages > 1 ? ",\n{" : "{", stdout);
	json_members(row, true);
	l->section = LISTING_MESSAGE;
	l->reports = false;
}

static void json_part(struct listing *l, struct answer row, size_t kind)
{
	uint8_t array[VALUE_MAX];
	struct buf value;

	if (l->section == LISTING_NONE)
		return;
	if (l->section == kinds[kind].section) {
		putchar(',');
	} else {
		json_close_array(l);
		printf(",\"%s\":[", kinds[kind].array);
		l->section = kinds[kind].section;
		l->reports = l->reports || l->section == LISTING_REPORTS;
	}
	if (l->section == LISTING_LINES) {
		buf_init(&value, array, sizeof array);
		answer_get(&row, "text", &value);
		text_put_json(stdout, buf_span(&value));
		return;
	}
	putchar('{');
	json_members(row, false);
	putchar('}');
}

/* ---- for people -------------------------------------------------------------------- */

/* The value behind `before`; `empty` for an empty one, NULL: then nothing.  Octets of the value. */
static int put(const struct answer *row, const char *key, const char *before, const char *empty)
{
	uint8_t array[VALUE_MAX];
	struct buf value;

	buf_init(&value, array, sizeof array);
	answer_get(row, key, &value);
	if (value.len == 0 && !empty)
		return 0;
	if (value.len == 0)
		buf_puts(&value, empty);
	fputs(before, stdout);
	text_put(stdout, buf_span(&value));
	return (int)value.len;
}

static void put_next(const struct answer *row)
{
	uint32_t attempts = answer_get_u32(row, "attempts", 0);

	fputs(", next try in ", stdout);
	text_put_duration(stdout, answer_get_u32(row, "next", 0));
	if (attempts > 0)
		printf(" (tried %u %s)", (unsigned)attempts, attempts == 1 ? "time" : "times");
}

static bool has_value(const struct answer *row, const char *key, struct span wanted)
{
	uint8_t array[VALUE_MAX];
	struct buf value;

	buf_init(&value, array, sizeof array);
	return answer_get(row, key, &value) && span_equal(buf_span(&value), wanted);
}

static void pad(int written, int width)
{
	while (written++ < width)
		putchar(' ');
}

static void human_message(struct listing *l, const struct answer *row)
{
	if (l->messages == 1)
		fputs("ID        SIZE  AGE     STATE    SENDER\n", stdout);
	pad(put(row, "id", "", "?"), 10);
	pad(text_put_size(stdout, answer_get_u32(row, "size", 0)), 6);
	pad(text_put_duration(stdout, answer_get_u32(row, "age", 0)), 8);
	pad(put(row, "state", "", "?"), 9);
	put(row, "sender", "", "<>");
	putchar('\n');
}

static void human_rcpt(const struct answer *row)
{
	put(row, "to", "          ", "?");
	put(row, "state", ": ", "?");
	if (has_value(row, "state", SPAN("pending")))
		put_next(row);
	if (answer_get_u32(row, "code", 0) > 0) {
		put(row, "code", "\n            ", NULL);
		put(row, "enhanced", " ", NULL);
		put(row, "text", " ", NULL);
	}
	putchar('\n');
}

static void human_row(struct listing *l, const struct answer *row, enum listing_section section)
{
	switch (section) {
	case LISTING_MESSAGE: human_message(l, row); break;
	case LISTING_RCPTS: human_rcpt(row); break;
	case LISTING_REPORTS:
		put(row, "kind", "          report to the sender, ", "?");
		put_next(row);
		putchar('\n');
		break;
	default:
		put(row, "text", "    ", "");
		putchar('\n');
		break;
	}
}

/* ---- both ------------------------------------------------------------------------------ */

static void print_row(struct listing *l, struct span line)
{
	struct answer row = answer_parse(line);
	size_t kind = 0;

	while (kind < 4 && !span_equal(row.kind, span_of(kinds[kind].kind)))
		kind++;
	if (kind == 4)
		return;
	if (kind == 0) {
		l->messages++;
		l->octets += answer_get_u32(&row, "size", 0);
	}
	if (!l->json)
		human_row(l, &row, kinds[kind].section);
	else if (kind == 0)
		json_message(l, row);
	else
		json_part(l, row, kind);
}

/* The last line is the one that monitoring programs know from other mailq commands. */
static void print_end(struct listing *l)
{
	if (l->json) {
		json_close_message(l);
		fputs("]\n", stdout);
		return;
	}
	if (l->messages == 0)
		fputs("Mail queue is empty\n", stdout);
	else
		printf("-- %llu Kbytes in %u Request%s.\n",
			(unsigned long long)((l->octets + 1023) / 1024), (unsigned)l->messages,
			l->messages == 1 ? "" : "s");
}

int listing_print(struct listing *l, struct control *c)
{
	enum control_answer a;
	struct span line;

	if (l->json)
		putchar('[');
	while ((a = operator_line_next(c, &line)) == CONTROL_ROW)
		print_row(l, line);
	/* A list that broke off is still valid JSON, but never looks like an empty queue. */
	if (l->json || a == CONTROL_OK)
		print_end(l);
	return operator_line_end(a, line);
}
