/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/date.h"

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

/* In years that begin in March the odd day is the last, and months are 153 days in every
 * five.  Days count from March 1968; 2100 is the only year of uint32_t without its odd day. */
void date_put(struct buf *b, uint32_t wall_s)
{
	const uint32_t second = wall_s % 86400u;
	uint32_t days = wall_s / 86400u, year, month;

	name_put(b, (days + 4u) % 7u); /* 1970-01-01 was a Thursday */
	buf_puts(b, ", ");
	days += 671u;
	days += days >= 48212u;
	year = (4u * days + 3u) / 1461u;
	days -= 1461u * year / 4u;
	month = (5u * days + 2u) / 153u;
	days -= (153u * month + 2u) / 5u;
	month += 2u;
	if (month >= 12u) {
		month -= 12u;
		year++;
	}
	two_put(b, days + 1u, ' ');
	name_put(b, 7u + month);
	buf_put_byte(b, ' ');
	two_put(b, 1968u + year, ' ');
	two_put(b, second / 3600u, ':');
	two_put(b, second / 60u % 60u, ':');
	two_put(b, second % 60u, ' ');
	buf_puts(b, "+0000");
}
