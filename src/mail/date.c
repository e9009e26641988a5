/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/date.h"

static bool is_leap(uint32_t year)
{
	return year % 4u == 0 && (year % 100u != 0 || year % 400u == 0);
}

static void two_put(struct buf *b, uint32_t n, uint8_t end)
{
	buf_put_padded(b, n, 2);
	buf_put_byte(b, end);
}

static void name_put(struct buf *b, uint32_t i)
{
	static const char names[] = "SunMonTueWedThuFriSatJanFebMarAprMayJunJulAugSepOctNovDec";

	buf_put(b, span_make(names + 3u * i, 3));
}

/* By counting years and months: at most 136 steps, in all of uint32_t. */
void date_put(struct buf *b, uint32_t wall_s)
{
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const uint32_t second = wall_s % 86400u;
	uint32_t days = wall_s / 86400u, year = 1970, month = 0, length;

	name_put(b, (days + 4u) % 7u); /* 1970-01-01 was a Thursday */
	buf_puts(b, ", ");
	while (days >= (length = 365u + is_leap(year))) {
		days -= length;
		year++;
	}
	while (days >= (length = lengths[month] + (uint32_t)(month == 1 && is_leap(year)))) {
		days -= length;
		month++;
	}
	two_put(b, days + 1u, ' ');
	name_put(b, 7u + month);
	buf_put_byte(b, ' ');
	buf_put_u32(b, year);
	buf_put_byte(b, ' ');
	two_put(b, second / 3600u, ':');
	two_put(b, second / 60u % 60u, ':');
	two_put(b, second % 60u, ' ');
	buf_puts(b, "+0000");
}
