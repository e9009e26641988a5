/* SPDX-License-Identifier: BSD-2-Clause */
/* test_date - against the C library, over all of the range. */
#include "unit.h"

#include "mail/date.h"

#include <time.h>

static void check(uint32_t wall_s)
{
	uint8_t array[DATE_TEXT_MAX];
	char expected[64];
	time_t t = (time_t)wall_s;
	struct tm tm;
	struct buf b;

	assert_non_null(gmtime_r(&t, &tm));
	buf_init(&b, array, sizeof(array));
	date_put(&b, wall_s);
	assert_false(b.overflow);
	strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	assert_span(buf_span(&b), expected);
}

static void known(void **state)
{
	uint8_t array[DATE_TEXT_MAX];
	struct buf b;

	(void)state;
	buf_init(&b, array, sizeof(array));
	date_put(&b, 1795552976u);
	assert_span(buf_span(&b), "Tue, 24 Nov 2026 20:42:56 +0000");
}

static void every_day(void **state)
{
	uint32_t day;

	(void)state;
	for (day = 0; day < UINT32_MAX / 86400u; day++)
		check(day * 86400u + day % 86400u);
	check(0);
	check(UINT32_MAX);
	check(951782399u);  /* 2000-02-28 23:59:59 */
	check(4107542399u); /* 2100-02-28 23:59:59: no leap day follows */
	check(4107542400u);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(known), cmocka_unit_test(every_day) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
