/* SPDX-License-Identifier: BSD-2-Clause */
/* test_reply - tests/vectors/reply.txt whole and in pieces, and what we write ourselves. */
#include "vectors.h"

#include "mail/reply.h"

/* As the vectors write it: "550 5.1.1|text", "broken" or "more". */
static struct span outcome(struct span in, size_t piece, struct buf *b)
{
	enum reply_result result = REPLY_MORE;
	struct reply_parser p;
	struct reply r;

	reply_parser_init(&p);
	buf_clear(b);
	while (in.len > 0 && (result == REPLY_MORE || result == REPLY_LINE)) {
		struct span part = guarded_span(span_sub(in, 0, piece)), rest = part;

		result = reply_parse(&p, &rest);
		in = span_from(in, part.len - rest.len);
		assert_true(result == REPLY_LINE || result != REPLY_MORE || rest.len == 0);
	}
	if (result == REPLY_LINE)
		result = REPLY_MORE;
	if (result != REPLY_COMPLETE) {
		buf_puts(b, result == REPLY_BROKEN ? "broken" : "more");
		return buf_span(b);
	}
	r = reply_parser_reply(&p);
	buf_put_u32(b, r.code);
	buf_put_byte(b, ' ');
	if (r.enhanced[0] > 0)
		reply_enhanced_put(b, r.enhanced);
	else
		buf_put_byte(b, '-');
	buf_put_byte(b, '|');
	buf_put(b, r.text);
	return buf_span(b);
}

static bool vector_holds(struct span expected, struct span in)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 7, 11, 64, 1000, SIZE_MAX };
	uint8_t array[256];
	struct buf b;
	size_t i;

	buf_init(&b, array, sizeof(array));
	for (i = 0; i < COUNT(pieces); i++)
		if (!span_equal(outcome(in, pieces[i], &b), expected)) {
			print_error("in pieces of %zu: %.*s\n", pieces[i], (int)b.len,
				(char *)b.at);
			return false;
		}
	return true;
}

static void vectors(void **state)
{
	FILE *file = fopen("tests/vectors/reply.txt", "r");
	char line[1024], copy[1024];
	unsigned number = 0, wrong = 0, count = 0;

	(void)state;
	while (vectors_next(file, line, sizeof(line), &number)) {
		char *end = strchr(line, '|'), *input = strchr(line, ' ');

		strcpy(copy, line);
		/* Texts hold blanks and end in ". " before the input. */
		if (end) {
			end = strstr(end, ". ");
			input = end + 1;
			*end = 0;
		} else if (input) {
			*input = 0;
		}
		if (!vector_holds(vectors_unescape(line),
			    input ? vectors_unescape(input + 1) : SPAN_EMPTY)) {
			print_error("reply.txt:%u: %s\n", number, copy);
			wrong++;
		}
		count++;
	}
	fclose(file);
	assert_int_equal(wrong, 0);
	assert_true(count > 60);
}

/* CVE-2020-8794 long-reply: thousands of lines end somewhere. */
static void thousands_of_lines(void **state)
{
	struct reply_parser p;
	unsigned n = 0;
	struct span in;

	(void)state;
	reply_parser_init(&p);
	do {
		in = guarded("250-x\r\n");
		n++;
	} while (n < 100000 && reply_parse(&p, &in) == REPLY_LINE);
	assert_int_equal(n, REPLY_READ_LINES_MAX + 1);
	in = guarded("250 x\r\n");
	assert_int_equal(reply_parse(&p, &in), REPLY_BROKEN);
	assert_int_equal(p.text_len, REPLY_TEXT_MAX);
}

/* One parser reads one reply after the other, and stops behind each. */
static void one_after_the_other(void **state)
{
	struct reply_parser p;
	struct span in = SPAN("250-first 1.2.3\r\n250 2.0.0 second\r\n550 third\r\n");

	(void)state;
	reply_parser_init(&p);
	assert_int_equal(reply_parse(&p, &in), REPLY_LINE);
	assert_span(reply_parser_line(&p), "first 1.2.3");
	assert_int_equal(reply_parse(&p, &in), REPLY_COMPLETE);
	assert_span(reply_parser_line(&p), "2.0.0 second");
	assert_int_equal(reply_parser_reply(&p).code, 250);
	assert_int_equal(reply_parse(&p, &in), REPLY_COMPLETE);
	assert_int_equal(in.len, 0);
	assert_int_equal(reply_parser_reply(&p).code, 550);
	assert_int_equal(reply_parser_reply(&p).enhanced[0], 0);
	assert_span(reply_parser_reply(&p).text, "third");
	assert_int_equal(p.lines, 1);
	assert_int_equal(reply_parse(&p, &in), REPLY_MORE);
	assert_int_equal(reply_parser_reply(&p).code, 550);
}

static void keywords(void **state)
{
	struct reply_parser p;
	struct span in = SPAN("250-ENHANCEDSTATUSCODES\r\n250-SIZE 4294967295\r\n");

	(void)state;
	reply_parser_init(&p);
	reply_parse(&p, &in);
	assert_span(reply_parser_line(&p), "ENHANCEDSTATUSCODES");
	reply_parse(&p, &in);
	assert_span(reply_parser_line(&p), "SIZE 4294967295");
}

static void composing(void **state)
{
	uint8_t array[REPLY_LINE_MAX], text[1000];
	struct reply r = REPLY(250, 2, 1, 0, "Ok");
	struct buf b;

	(void)state;
	buf_init(&b, array, sizeof(array));
	reply_put(&b, &r);
	assert_span(buf_span(&b), "250 2.1.0 Ok\r\n");
	buf_clear(&b);
	r = REPLY(221, 0, 0, 0, "");
	reply_put(&b, &r);
	assert_span(buf_span(&b), "221\r\n");
	buf_clear(&b);
	r = REPLY(550, 5, 7, 1, "a\r\n250 \x1b\xff");
	reply_put(&b, &r);
	assert_span(buf_span(&b), "550 5.7.1 a??250 ??\r\n");
	buf_clear(&b);
	memset(text, 'x', sizeof(text));
	r.text = span_make(text, sizeof(text));
	reply_put(&b, &r);
	assert_false(b.overflow);
	assert_int_equal(b.len, strlen("550 5.7.1 \r\n") + REPLY_TEXT_PUT_MAX);
}

static void enhanced(void **state)
{
	struct span s = SPAN("5.7.26 why");
	uint8_t e[3];

	(void)state;
	assert_true(reply_enhanced_take(&s, e));
	assert_span(s, "why");
	assert_true(e[0] == 5 && e[1] == 7 && e[2] == 26);
	s = SPAN("4.0.0");
	assert_true(reply_enhanced_take(&s, e));
	assert_int_equal(s.len, 0);
	s = SPAN("4.0.");
	assert_false(reply_enhanced_take(&s, e));
	assert_span(s, "4.0.");
	s = SPAN("");
	assert_false(reply_enhanced_take(&s, e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(thousands_of_lines),
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(keywords),
		cmocka_unit_test(composing),
		cmocka_unit_test(enhanced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
