/* SPDX-License-Identifier: BSD-2-Clause */
/* arguments - the options that the operator's calls share: -c FILE, --json, --metrics. */
#ifndef PIPIT_CLI_ARGUMENTS_H
#define PIPIT_CLI_ARGUMENTS_H

#include <stdbool.h>

#define ARGUMENTS_WORDS 4

struct arguments {
	const char *config; /* NULL: the default */
	bool json, metrics;
	int count;
	const char *word[ARGUMENTS_WORDS]; /* what is no option, anywhere on the line */
};

/* EXIT_DONE, or EXIT_USAGE after telling what is wrong. */
int arguments_parse(struct arguments *a, int argc, char **argv);

/* "usage: pipit ..." on standard error: EXIT_USAGE. */
int arguments_usage(const char *text);

#endif
