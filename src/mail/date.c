/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/date.h"

struct civil {
	unsigned year, month, day, weekday, second; /* month, weekday from 0; weekday 0: Sunday */
};

/* Days are counted in years that begin in March, so that the leap day is the
 * last one and months follow one formula.  Exact for all of uint32_t. */
static struct civil civil_of(uint32_t wall_s)
{
	const unsigned days = wall_s / 86400u;
	const unsigned shifted = days + 719468u; /* since 0000-03-01 */
	const unsigned era = shifted / 146097u, in_era = shifted % 146097u;
	const unsigned year_of_era = (in_era - in_era / 1460u + in_era / 36524u -
					     in_era / 146096u) /
		365u;
	const unsigned in_year = in_era -
		(365u * year_of_era + year_of_era / 4u - year_of_era / 100u);
	const unsigned month = (5u * in_year + 2u) / 153u; /* 0: March */
	struct civil c;

	c.day = in_year - (153u * month + 2u) / 5u + 1u;
	c.month = (month + 2u) % 12u;
	c.year = era * 400u + year_of_era + (c.month < 2u);
	c.weekday = (days + 4u) % 7u; /* 1970-01-01 was a Thursday */
	c.second = wall_s % 86400u;
	return c;
}

static void time_put(struct buf *b, unsigned second)
{
	buf_put_padded(b, second / 3600u, 2);
	buf_put_byte(b, ':');
	buf_put_padded(b, second / 60u % 60u, 2);
	buf_put_byte(b, ':');
	buf_put_padded(b, second % 60u, 2);
}

void date_put(struct buf *b, uint32_t wall_s)
{
	static const char names[] = "SunMonTueWedThuFriSatJanFebMarAprMayJunJulAugSepOctNovDec";
	const struct civil c = civil_of(wall_s);

	buf_put(b, span_make(names + 3u * c.weekday, 3));
	buf_puts(b, ", ");
	buf_put_padded(b, c.day, 2);
	buf_put_byte(b, ' ');
	buf_put(b, span_make(names + 3u * (7u + c.month), 3));
	buf_put_byte(b, ' ');
	buf_put_padded(b, c.year, 4);
	buf_put_byte(b, ' ');
	time_put(b, c.second);
	buf_puts(b, " +0000");
}
