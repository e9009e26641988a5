/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/parse.h"

/* The octets that may follow a lead octet, where they are not 80 to bf: no
 * overlong forms, no surrogates (RFC 3629 4), no C1 controls, which terminals obey. */
static const uint8_t second[][3] = {
	{ 0xc2, 0xa0, 0xbf },
	{ 0xe0, 0xa0, 0xbf },
	{ 0xed, 0x80, 0x9f },
	{ 0xf0, 0x90, 0xbf },
	{ 0xf4, 0x80, 0x8f },
};

bool conf_text_ok(struct span s)
{
	uint8_t low = 0x80, high = 0xbf;
	unsigned more = 0;
	size_t i, k;

	for (i = 0; i < s.len; i++) {
		uint8_t c = s.at[i];

		if (more > 0) {
			if (c < low || c > high)
				return false;
			more--;
		} else if (c < 0x80) {
			if ((c < ' ' && c != '\t') || c == 0x7f)
				return false;
			continue;
		} else {
			if (c < 0xc2 || c > 0xf4)
				return false;
			more = 1u + (c >= 0xe0) + (c >= 0xf0);
		}
		low = 0x80;
		high = 0xbf;
		for (k = 0; k < sizeof(second) / sizeof(second[0]); k++) {
			if (c == second[k][0]) {
				low = second[k][1];
				high = second[k][2];
			}
		}
	}
	return more == 0;
}
