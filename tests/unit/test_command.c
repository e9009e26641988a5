/* SPDX-License-Identifier: BSD-2-Clause */
/* test_command - the arguments of MAIL and RCPT. */
#include "unit.h"

#include "smtp/command.h"

/* The reply's first words, or NULL when it is good; then local, domain, size. */
static const struct {
	const char *arg, *wrong, *local, *domain;
	uint32_t size;
} mails[] = {
	{ "FROM:<ada@x.test>", NULL, "ada", "x.test", 0 },
	{ "from:<ada@x.test>", NULL, "ada", "x.test", 0 },
	{ "FROM: <ada@x.test>", NULL, "ada", "x.test", 0 },
	{ "FROM:\t <ada@x.test> ", NULL, "ada", "x.test", 0 },
	{ "FROM:<>", NULL, "", "", 0 },
	{ "FROM:<> SIZE=1", NULL, "", "", 1 },
	{ "FROM:<ada@x.test> SIZE=1000", NULL, "ada", "x.test", 1000 },
	{ "FROM:<ada@x.test> size=0", NULL, "ada", "x.test", 0 },
	{ "FROM:<ada@x.test> SIZE=4294967295", NULL, "ada", "x.test", UINT32_MAX },
	/* CVE-2005-1513: a size is never counted modulo anything. */
	{ "FROM:<ada@x.test> SIZE=4294967297", NULL, "ada", "x.test", UINT32_MAX },
	{ "FROM:<ada@x.test> SIZE=99999999999999999999", NULL, "ada", "x.test", UINT32_MAX },
	{ "FROM:<ada@x.test> BODY=8BITMIME SIZE=5", NULL, "ada", "x.test", 5 },
	{ "FROM:<ada@x.test> BODY=7bit", NULL, "ada", "x.test", 0 },
	{ "FROM:<ada@x.test> AUTH=<>", NULL, "ada", "x.test", 0 },
	{ "FROM:<ada@x.test> AUTH=<> SIZE=7 BODY=7BIT", NULL, "ada", "x.test", 7 },
	/* CVE-2020-28021: it goes nowhere. */
	{ "FROM:<ada@x.test> AUTH=a+0AInjected", NULL, "ada", "x.test", 0 },
	{ "FROM:<ada@x.test>   SIZE=1   BODY=7BIT", NULL, "ada", "x.test", 1 },
	{ "", "501 5.5.4", 0, 0, 0 },
	{ "TO:<ada@x.test>", "501 5.5.4", 0, 0, 0 },
	{ "FROM", "501 5.5.4", 0, 0, 0 },
	{ "FROM <ada@x.test>", "501 5.5.4", 0, 0, 0 },
	{ "FROM:", "501 5.1.7", 0, 0, 0 },
	{ "FROM:ada@x.test", "501 5.1.7", 0, 0, 0 },
	{ "FROM:<ada>", "501 5.1.7", 0, 0, 0 },
	{ "FROM:<ada@x.test", "501 5.1.7", 0, 0, 0 },
	{ "FROM:<ada@x.test>SIZE=1", "501 5.1.7", 0, 0, 0 },
	{ "FROM:<ada@x.test>>", "501 5.1.7", 0, 0, 0 },
	{ "FROM:<ada@x.test> SIZE", "501 5.5.4", 0, 0, 0 },
	{ "FROM:<ada@x.test> SIZE=", "501 5.5.4", 0, 0, 0 },
	{ "FROM:<ada@x.test> SIZE=-1", "501 5.5.4", 0, 0, 0 },
	{ "FROM:<ada@x.test> SIZE=1k", "501 5.5.4", 0, 0, 0 },
	{ "FROM:<ada@x.test> BODY=BINARYMIME", "501 5.5.4", 0, 0, 0 },
	{ "FROM:<ada@x.test> BODY", "501 5.5.4", 0, 0, 0 },
	{ "FROM:<ada@x.test> AUTH", "555 5.5.4", 0, 0, 0 },
	{ "FROM:<ada@x.test> SMTPUTF8", "555 5.5.4", 0, 0, 0 },
	{ "FROM:<ada@x.test> RET=HDRS", "555 5.5.4", 0, 0, 0 },
	{ "FROM:<ada@x.test> =", "555 5.5.4", 0, 0, 0 },
	{ "FROM:<ada@x.test> x", "555 5.5.4", 0, 0, 0 },
};

static bool wrong_is(const char *wrong, const char *expected)
{
	if (!wrong || !expected)
		return wrong == expected;
	return strncmp(wrong, expected, strlen(expected)) == 0;
}

static void mail(void **state)
{
	struct command_mail m;
	const char *wrong;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(mails); i++) {
		wrong = command_mail(guarded(mails[i].arg), false, &m);
		if (!wrong_is(wrong, mails[i].wrong))
			fail_msg("%s: %s", mails[i].arg, wrong ? wrong : "accepted");
		if (wrong)
			continue;
		assert_span(m.path.local, mails[i].local);
		assert_span(m.path.domain, mails[i].domain);
		assert_int_equal(m.size, mails[i].size);
	}
}

static const char *const rcpts[][4] = {
	{ "TO:<ada@x.test>", NULL, "ada", "x.test" },
	{ "to: <ada@x.test> ", NULL, "ada", "x.test" },
	{ "TO:<postmaster>", NULL, "postmaster", "" },
	{ "TO:<@a.test,@b.test:ada@x.test>", NULL, "ada", "x.test" },
	{ "TO:<>", "501 5.1.3", 0, 0 },
	{ "TO:ada@x.test", "501 5.1.3", 0, 0 },
	{ "TO:<ada@x.test>x", "501 5.1.3", 0, 0 },
	{ "FROM:<ada@x.test>", "501 5.5.4", 0, 0 },
	{ "", "501 5.5.4", 0, 0 },
	/* CVE-2020-28026: no ORCPT, so nothing to cut it at. */
	{ "TO:<ada@x.test> ORCPT=rfc822;ada@x.test", "555 5.5.4", 0, 0 },
	{ "TO:<ada@x.test> NOTIFY=NEVER", "555 5.5.4", 0, 0 },
	{ "TO:<ada@x.test> x", "555 5.5.4", 0, 0 },
};

static void rcpt(void **state)
{
	struct address a;
	const char *wrong;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rcpts); i++) {
		wrong = command_rcpt(guarded(rcpts[i][0]), false, &a);
		if (!wrong_is(wrong, rcpts[i][1]))
			fail_msg("%s: %s", rcpts[i][0], wrong ? wrong : "accepted");
		if (wrong)
			continue;
		assert_span(a.local, rcpts[i][2]);
		assert_span(a.domain, rcpts[i][3]);
	}
}

/* Old devices: without <>, without a domain. */
static void lenient(void **state)
{
	struct command_mail m;
	struct address a;

	(void)state;
	assert_null(command_mail(guarded("FROM: ada@x.test SIZE=3"), true, &m));
	assert_span(m.path.domain, "x.test");
	assert_int_equal(m.size, 3);
	assert_null(command_mail(guarded("FROM:<camera>"), true, &m));
	assert_span(m.path.local, "camera");
	assert_int_equal(m.path.domain.len, 0);
	assert_null(command_mail(guarded("FROM:<>"), true, &m));
	assert_null(command_rcpt(guarded("TO:ada@x.test"), true, &a));
	assert_non_null(command_mail(guarded("FROM:a b@x.test"), true, &m));
	assert_non_null(command_mail(guarded("FROM:"), true, &m));
	assert_non_null(command_rcpt(guarded("TO:;sh;"), true, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail),
		cmocka_unit_test(rcpt),
		cmocka_unit_test(lenient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
