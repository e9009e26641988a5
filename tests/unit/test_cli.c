/* SPDX-License-Identifier: BSD-2-Clause */
/* What the calls do with text: control rows, addresses, headers, options,
 * output for terminals and JSON. */
#include "unit.h"

#include "posix/cli/answer.h"
#include "posix/cli/compose.h"
#include "posix/cli/head.h"
#include "posix/cli/intake.h"
#include "posix/cli/options.h"
#include "posix/cli/rcpts.h"
#include "posix/cli/text.h"

#include <stdio.h>

/* ---- rows of the control line -------------------------------------------------------- */

static void test_answer_pairs(void **state)
{
	struct answer a = answer_parse(
		guarded("rcpt id=0000002a to=\"a b\\\"\\\\\\x0a\\x1B\" next= n=7"));
	uint8_t array[64];
	struct buf v;
	(void)state;

	buf_init(&v, array, sizeof(array));
	assert_span(a.kind, "rcpt");
	assert_true(answer_get(&a, "to", &v));
	assert_span(buf_span(&v), "a b\"\\\n\x1b");
	assert_true(answer_get(&a, "next", &v));
	assert_int_equal(v.len, 0);
	assert_int_equal(answer_get_u32(&a, "n", 0), 7);
	assert_int_equal(answer_get_u32(&a, "id2", 5), 5);
	assert_false(answer_get(&a, "t", &v));
}

/* A value cannot pretend to be a key, and a long one does not hide what follows. */
static void test_answer_hostile(void **state)
{
	struct answer a = answer_parse(guarded(
		"line text=\"x code=250\" pad=0123456789012345678901234567890123456789 code=451"));
	static const char *const broken[] = { "k a=\"x", "k a=\"\\q\"", "k a=\"\\x4\"",
		"k a=\"\\x4g\"", "k =1", "k a", "k a=\"x\"y=1" };
	uint8_t array[32];
	struct span key;
	struct buf v;
	bool bad;
	(void)state;

	assert_int_equal(answer_get_u32(&a, "code", 0), 451);
	buf_init(&v, array, sizeof(array));
	for (size_t i = 0; i < COUNT(broken); i++) {
		struct answer b = answer_parse(guarded(broken[i]));

		while (answer_next(&b, &key, &v, &bad))
			;
		assert_true(bad);
	}
}

/* ---- lines as programs write them ---------------------------------------------------- */

static void test_intake(void **state)
{
	static const struct {
		const char *in, *out;
		bool dots;
	} rows[] = {
		{ "a\nb\n", "a\r\nb\r\n", true },
		{ "a\r\nb\r\n", "a\r\nb\r\n", true },
		{ "a\r\r\nb", "a\r\nb\r\n", true },
		{ "a\rb\n", "a b\r\n", true },
		{ "a\r\r\rb\n", "a b\r\n", true },
		{ "a\n.\nb\n", "a\r\n", true },
		{ "a\n.\r\nb\n", "a\r\n", true },
		{ "a\n.", "a\r\n", true },
		{ "a\n.\nb\n", "a\r\n.\r\nb\r\n", false },
		{ "a\n..\n", "a\r\n..\r\n", true },
		{ ".\rQUIT\n", ". QUIT\r\n", true },
		{ "a\r.\r\nb\n", "a .\r\nb\r\n", true },
		{ "\n\n", "\r\n\r\n", true },
		{ "", "", true },
	};
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t piece = 1; piece < 4; piece++) {
			uint8_t array[64];
			struct intake n;
			struct buf out;
			struct span in = span_of(rows[i].in);

			intake_init(&n, rows[i].dots);
			buf_init(&out, array, sizeof(array));
			while (in.len > 0) {
				struct span part = guarded_span(span_sub(in, 0, piece));

				in = span_from(in, piece);
				intake_feed(&n, &part, &out);
			}
			intake_finish(&n, &out);
			assert_span(buf_span(&out), rows[i].out);
		}
}

/* ---- headers ------------------------------------------------------------------------- */

static struct head head;

static enum head_result read_head(const char *text, struct span *rest)
{
	*rest = span_of(text);
	head_init(&head);
	while (rest->len > 0) {
		struct span part = span_sub(*rest, 0, 3);
		size_t before = part.len;
		enum head_result r = head_feed(&head, &part);

		*rest = span_from(*rest, before - part.len);
		if (r != HEAD_MORE)
			return r;
	}
	head_finish(&head);
	return HEAD_DONE;
}

static void test_head_ends(void **state)
{
	static const struct {
		const char *in, *fields, *body, *rest;
	} rows[] = {
		{ "A: 1\r\nB: 2\r\n\r\nbody\r\n", "A: 1\r\nB: 2\r\n", "", "body\r\n" },
		{ "A: 1\r\n f\r\n\tg\r\n\r\n", "A: 1\r\n f\r\n\tg\r\n", "", "" },
		{ "A: 1\r\nno field\r\nrest\r\n", "A: 1\r\n", "no field\r\n", "rest\r\n" },
		{ "just text\r\nA: 1\r\n", "", "just text\r\n", "A: 1\r\n" },
		{ " indented\r\n", "", " indented\r\n", "" },
		{ "From root Tue Nov 24\r\nA: 1\r\n\r\nx", "A: 1\r\n", "", "x" },
		{ "A : 1\r\n\r\n", "A : 1\r\n", "", "" },
		{ "\r\nbody", "", "", "body" },
		{ "A: 1\r\n", "A: 1\r\n", "", "" },
		{ "", "", "", "" },
	};
	struct span rest;
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(read_head(rows[i].in, &rest), HEAD_DONE);
		assert_span(head_fields(&head), rows[i].fields);
		assert_span(head_body(&head), rows[i].body);
		assert_span(rest, rows[i].rest);
	}
}

static void test_head_drop(void **state)
{
	struct span rest;
	struct head_field f;
	(void)state;

	read_head("Bcc: x@y\r\n z@y\r\nTo: a@b\r\nbCC : q\r\nX-Bcc: 1\r\n\r\n", &rest);
	head_drop(&head, "Bcc");
	assert_span(head_fields(&head), "To: a@b\r\nX-Bcc: 1\r\n");
	assert_true(head_find(&head, "to", &f));
	assert_span(f.value, " a@b");
	assert_false(head_find(&head, "Bcc", &f));
}

static void test_head_too_long(void **state)
{
	static char text[HEAD_MAX + 100];
	struct span in;
	(void)state;

	memset(text, 'x', sizeof(text));
	in = span_make(text, sizeof(text));
	head_init(&head);
	assert_int_equal(head_feed(&head, &in), HEAD_DONE); /* no field: all body */
	assert_int_equal(head_body(&head).len + in.len, sizeof(text));
	text[1] = ':';
	in = span_make(text, sizeof(text));
	head_init(&head);
	assert_int_equal(head_feed(&head, &in), HEAD_TOO_LONG);
}

/* ---- recipients ---------------------------------------------------------------------- */

static struct rcpts rcpts;

/* The recipients with commas, or "BAD". */
static const char *read_list(const char *list)
{
	static char text[512];
	uint32_t cursor = 0;
	struct span bad, one;
	size_t len = 0;

	rcpts_init(&rcpts);
	if (!rcpts_add_list(&rcpts, guarded(list), SPAN("host.test"), &bad))
		return "BAD";
	text[0] = '\0';
	while (rcpts_next(&rcpts, &cursor, &one))
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", len ? "," : "",
			(int)one.len, one.at);
	return text;
}

static void test_rcpts_lists(void **state)
{
	static const struct {
		const char *list, *want;
	} rows[] = {
		{ "a@b.test", "a@b.test" },
		{ "root", "root@host.test" },
		{ " a@b.test , c@d.test,,", "a@b.test,c@d.test" },
		{ "a@b.test, a@b.test", "a@b.test" },
		{ "Joe Q. Public <a@b.test>, \"Last, First\" <c@d.test>", "a@b.test,c@d.test" },
		{ "a@b.test (Joe, (nested) \\) Public), c@d.test", "a@b.test,c@d.test" },
		{ "team: a@b.test, Joe <c@d.test>; , e@f.test", "a@b.test,c@d.test,e@f.test" },
		{ "undisclosed-recipients:;", "" },
		{ "\r\n\ta@b.test,\r\n c@d.test", "a@b.test,c@d.test" },
		{ "<@x.test,@y.test:a@b.test>", "a@b.test" },
		{ "a @ b . test", "a@b.test" },
		{ "a@(where)b.test", "a@b.test" },
		{ "\"a b\"@c.test", "\"a b\"@c.test" },
		{ "\xff\xc3\xa4 <a@b.test>", "a@b.test" },
		{ "a@b.test; c@d.test", "a@b.test,c@d.test" },
		{ "", "" },
		/* CVE-2025-13033: what stands in quotes is no address of its own. */
		{ "\"a@evil.test x\"@internal.test", "\"a@evil.test x\"@internal.test" },
		/* CVE-2023-27043 */
		{ "alice@ok.test)bob@evil.test", "BAD" },
		{ "alice@ok.test(<bob@evil.test>", "BAD" },
		/* CVE-2002-1337 */
		{ "<><><><><><>", "BAD" },
		{ "<><><><>()()()()", "BAD" },
		{ "(((((((((((((((((((", "BAD" },
		/* CVE-2016-10033, CVE-2020-7769 */
		{ "-oQ/tmp@x.test", "BAD" },
		{ "Joe <-X/tmp/x@x.test>", "BAD" },
		{ "-bi", "BAD" },
		/* CVE-2003-0161 */
		{ "a\xff@b.test", "BAD" },
		{ "a b@c.test", "BAD" },
		{ "<a b@c.test>", "BAD" },
		{ "a@b.test c@d.test", "BAD" },
		{ "a@b.test\r\nRCPT TO:<c@d.test>", "BAD" },
		{ "<a@b.test", "BAD" },
		{ "<a@b.test> x", "BAD" },
		{ "<a@b.test> <c@d.test>", "BAD" },
		{ "<<a@b.test>>", "BAD" },
		{ "a@b@c.test", "BAD" },
		{ "\"a", "BAD" },
		{ "a@", "BAD" },
		{ "@b.test", "BAD" },
		{ ": a@b.test;", "BAD" },
		{ "g: h: a@b.test;", "BAD" },
		{ "g: a@b.test", "BAD" },
		{ "a>b@c.test", "BAD" },
		{ "$(id)@`x`", "BAD" },
	};
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(read_list(rows[i].list), rows[i].want);
}

static void test_rcpts_full(void **state)
{
	char address[64];
	uint32_t n = 0;
	(void)state;

	rcpts_init(&rcpts);
	while (snprintf(address, sizeof(address), "somebody-%06u@example.test", (unsigned)n) > 0 &&
		rcpts_add(&rcpts, span_of(address)))
		n++;
	assert_in_range(n, 2000, 4000);
	assert_int_equal(rcpts.count, n);
	assert_true(rcpts.len <= RCPTS_TEXT_MAX);
}

static void test_rcpts_one(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "a@b.test", "a@b.test" },
		{ "<a@b.test>", "a@b.test" },
		{ "root", "root@host.test" },
		{ "", "" },
		{ "<>", "" },
		{ "-oX@b.test", NULL },
		{ "a b", NULL },
		{ "attacker\"", NULL },
		{ "a@b.test>\r\nRCPT TO:<c@d.test", NULL },
		{ "<a@b.test", NULL },
	};
	uint8_t array[ADDRESS_MAX + 2u];
	struct buf b;
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_init(&b, array, sizeof(array));
		assert_int_equal(rcpts_one(guarded(rows[i].in), SPAN("host.test"), true, &b),
			rows[i].want != NULL);
		if (rows[i].want)
			assert_span(buf_span(&b), rows[i].want);
	}
	assert_false(rcpts_one(SPAN("<>"), SPAN("host.test"), false, &b));
}

/* ---- fields that are missing --------------------------------------------------------- */

static void test_compose(void **state)
{
	static const struct {
		const char *head, *want;
	} rows[] = {
		{ "",
			"Date: Tue, 24 Nov 2026 20:42:56 +0000\r\n"
			"Message-ID: <6b05f6d0.0000000a.0000000b@h.test>\r\n"
			"From: \"A \\\"B\\\"  C\" <a@h.test>\r\nTo: undisclosed-recipients:;\r\n" },
		{ "date: x\r\nMESSAGE-ID: <x>\r\nFrom: x\r\nCc: y\r\n", "" },
		{ "Date: x\r\nMessage-Id: x\r\nFrom: x\r\n", "To: undisclosed-recipients:;\r\n" },
	};
	struct compose c = {
		.sender = SPAN("a@h.test"),
		.name = SPAN("A \"B\"\r\nC"),
		.hostname = SPAN("h.test"),
		.wall_s = 1795552976u,
		.random = 11,
		.number = 10,
	};
	uint8_t array[1024];
	struct span rest;
	struct buf b;
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_init(&b, array, sizeof(array));
		read_head(rows[i].head, &rest);
		compose_missing(&b, &head, &c);
		assert_span(buf_span(&b), rows[i].want);
	}
}

/* A line end in a subject must not become a field of its own. */
static void test_compose_text(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "plain", "plain" },
		{ "x\r\nBcc: a@b.test", "x  Bcc: a@b.test" },
		{ "\xc3\xa4 b", "=?UTF-8?Q?=C3=A4=20b?=" },
		{ "\xc3\xa4\r\nBcc: x", "=?UTF-8?Q?=C3=A4=20=20Bcc=3A=20x?=" },
		{ "\xff", "=?UTF-8?Q?=FF?=" },
	};
	uint8_t array[512];
	struct buf b;
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_init(&b, array, sizeof(array));
		compose_text(&b, guarded(rows[i].in));
		assert_span(buf_span(&b), rows[i].want);
	}
	/* Long text is several words, none over 75 octets, no character in two. */
	buf_init(&b, array, sizeof(array));
	compose_text(&b,
		SPAN("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
		     "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"));
	assert_non_null(memmem(array, b.len, "?=\r\n =?UTF-8?Q?=E2=82=AC", 23));
}

/* ---- options ------------------------------------------------------------------------- */

static int parse(struct options *o, bool subject_ok, int argc, const char *const *words)
{
	char *argv[16];

	for (int i = 0; i < argc; i++)
		argv[i] = (char *)(uintptr_t)words[i];
	return options_parse(o, argc, argv, subject_ok);
}

#define PARSE(o, subject_ok, ...) \
	parse((o), (subject_ok), (int)COUNT(((const char *[]){ __VA_ARGS__ })), \
		(const char *const[]){ __VA_ARGS__ })

static void test_options_usual(void **state)
{
	struct options o;
	(void)state;

	/* Debian's cron, cronie, PHP, mutt, git */
	assert_int_equal(PARSE(&o, false, "sendmail", "-i", "-FCronDaemon", "-B8BITMIME", "-oem",
				 "root"),
		0);
	assert_false(o.dots);
	assert_true(o.eight_bit);
	assert_string_equal(o.name, "CronDaemon");
	assert_int_equal(o.first, 5);
	assert_int_equal(PARSE(&o, false, "sendmail", "-FCronDaemon", "-i", "-odi", "-oem", "-oi",
				 "-t", "-f", "root"),
		0);
	assert_true(o.from_header);
	assert_string_equal(o.from, "root");
	assert_int_equal(o.first, 9);
	assert_int_equal(PARSE(&o, false, "sendmail", "-t", "-i", "-fme@x.test"), 0);
	assert_string_equal(o.from, "me@x.test");
	assert_int_equal(PARSE(&o, false, "sendmail", "-oem", "-oi", "-f", "me", "--", "-x@y.test"),
		0);
	assert_int_equal(o.first, 6);
	assert_int_equal(PARSE(&o, false, "sendmail", "-ti"), 0);
	assert_true(o.from_header && !o.dots);
	assert_int_equal(PARSE(&o, false, "sendmail", "-N", "success,failure", "-R", "hdrs", "-V",
				 "x", "-O", "A=b", "u"),
		0);
	assert_int_equal(o.first, 9);
	assert_int_equal(PARSE(&o, true, "send", "-s", "hello", "-c", "f.conf", "u"), 0);
	assert_string_equal(o.subject, "hello");
	assert_string_equal(o.config, "f.conf");
}

static void test_options_modes(void **state)
{
	struct options o;
	(void)state;

	assert_int_equal(PARSE(&o, false, "sendmail", "-bp"), 0);
	assert_int_equal(o.mode, OPTIONS_MAILQ);
	assert_int_equal(PARSE(&o, false, "sendmail", "-bs"), 0);
	assert_int_equal(o.mode, OPTIONS_SMTP);
	assert_int_equal(PARSE(&o, false, "sendmail", "-bi"), 0);
	assert_int_equal(o.mode, OPTIONS_ALIASES);
	assert_int_equal(PARSE(&o, false, "sendmail", "-q"), 0);
	assert_int_equal(o.mode, OPTIONS_FLUSH);
	assert_int_equal(PARSE(&o, false, "sendmail", "-bm", "u"), 0);
	assert_int_equal(o.mode, OPTIONS_SEND);
}

/* PHPMailer's: the configuration stays ours, and nothing is written anywhere. */
static void test_options_injected(void **state)
{
	struct options o;
	(void)state;

	assert_int_equal(PARSE(&o, false, "sendmail", "-t", "-i", "-fattacker\"", "-oQ/tmp/",
				 "-X/var/www/x.php", "-C/etc/passwd", "some\"@email.test"),
		0);
	assert_null(o.config);
	assert_int_equal(o.first, 7);
	assert_int_equal(PARSE(&o, false, "sendmail", "root", "-f", "x"), 0);
	assert_int_equal(o.first, 1); /* what follows is refused as an address */
	assert_null(o.from);
}

static void test_options_refused(void **state)
{
	struct options o;
	(void)state;

	assert_int_equal(PARSE(&o, false, "sendmail", "-bd", "-q30m"), 64);
	assert_int_equal(PARSE(&o, false, "sendmail", "-bt"), 64);
	assert_int_equal(PARSE(&o, false, "sendmail", "-z"), 64);
	assert_int_equal(PARSE(&o, false, "sendmail", "-f"), 64);
	assert_int_equal(PARSE(&o, false, "sendmail", "-s", "x"), 64);
}

/* ---- output -------------------------------------------------------------------------- */

static const char *printed(void (*put)(FILE *to, struct span s), struct span s)
{
	static char text[256];
	FILE *f = fmemopen(text, sizeof(text), "w");

	put(f, s);
	fclose(f);
	return text;
}

static void test_text(void **state)
{
	static const struct {
		void (*put)(FILE *, struct span);
		const char *in, *want;
	} rows[] = {
		{ text_put, "a\x1b[2J\r\n\x7f\xc3\xa4", "a\\x1B[2J\\x0D\\x0A\\x7F\\xC3\\xA4" },
		{ text_put_json, "a\"\\\x1b\n", "\"a\\\"\\\\\\u001b\\u000a\"" },
		{ text_put_json, "\xc3\xa4\xf0\x9f\x98\x80", "\"\xc3\xa4\xf0\x9f\x98\x80\"" },
		{ text_put_json, "\xff\xc0\xaf\xed\xa0\x80\xf5",
			"\"\\u00ff\\u00c0\\u00af\\u00ed\\u00a0\\u0080\\u00f5\"" },
		{ text_put_json, "\xe2\x82", "\"\\u00e2\\u0082\"" },
		{ text_put_json_number, "12", "12" },
		{ text_put_json_number, "-3", "-3" },
		{ text_put_json_number, "0", "0" },
		{ text_put_json_number, "", "null" },
		{ text_put_json_number, "007", "\"007\"" },
		{ text_put_json_number, "-", "\"-\"" },
		{ text_put_json_number, "1e5", "\"1e5\"" },
		{ text_put_json_number, "123456789012345678", "\"123456789012345678\"" },
	};
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(printed(rows[i].put, guarded(rows[i].in)), rows[i].want);
}

static void test_text_units(void **state)
{
	static const struct {
		uint32_t n;
		const char *size, *duration;
	} rows[] = {
		{ 0, "0", "0s" },
		{ 59, "59", "59s" },
		{ 60, "60", "1m" },
		{ 1023, "1023", "17m3s" },
		{ 4096, "4.0K", "1h8m" },
		{ 90000, "87K", "1d1h" },
		{ 10u << 20, "10M", "121d8h" },
		{ UINT32_MAX, "3.9G", "49710d6h" },
	};
	char text[64];
	FILE *f;
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		f = fmemopen(text, sizeof(text), "w");
		text_put_size(f, rows[i].n);
		putc('|', f);
		text_put_duration(f, rows[i].n);
		fclose(f);
		assert_memory_equal(text, rows[i].size, strlen(rows[i].size));
		assert_string_equal(strchr(text, '|') + 1, rows[i].duration);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_pairs),
		cmocka_unit_test(test_answer_hostile),
		cmocka_unit_test(test_intake),
		cmocka_unit_test(test_head_ends),
		cmocka_unit_test(test_head_drop),
		cmocka_unit_test(test_head_too_long),
		cmocka_unit_test(test_rcpts_lists),
		cmocka_unit_test(test_rcpts_full),
		cmocka_unit_test(test_rcpts_one),
		cmocka_unit_test(test_compose),
		cmocka_unit_test(test_compose_text),
		cmocka_unit_test(test_options_usual),
		cmocka_unit_test(test_options_modes),
		cmocka_unit_test(test_options_injected),
		cmocka_unit_test(test_options_refused),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
