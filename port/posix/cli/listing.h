/* SPDX-License-Identifier: BSD-2-Clause */
/* listing - the rows of `queue` and `show`, for people and as JSON. */
#ifndef PIPIT_CLI_LISTING_H
#define PIPIT_CLI_LISTING_H

#include "posix/cli/control.h"

enum listing_section {
	LISTING_NONE,
	LISTING_MESSAGE,
	LISTING_RCPTS,
	LISTING_REPORTS,
	LISTING_LINES
};

struct listing {
	bool json;
	enum listing_section section; /* JSON: the array that is open */
	bool reports;                 /* JSON: this message has had some */
	uint32_t messages;
	uint64_t octets;
};

/* Reads the answer to its end and prints it: an exit code. */
int listing_print(struct listing *l, struct control *c);

#endif
