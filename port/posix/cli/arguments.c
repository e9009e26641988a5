/* SPDX-License-Identifier: BSD-2-Clause */
/* arguments - see arguments.h */
#include "posix/cli/arguments.h"

#include <stdio.h>
#include <string.h>

#include "posix/cli/exits.h"
#include "posix/cli/text.h"

int arguments_usage(const char *text)
{
	fprintf(text_errors(), "usage: pipit %s\n", text);
	return EXIT_USAGE;
}

static int bad(const char *what, const char *word)
{
	text_complain_span(what, span_of(word));
	return EXIT_USAGE;
}

static int on_option(struct arguments *a, const char *word, int *next, int argc, char **argv)
{
	if (strcmp(word, "--json") == 0) {
		a->json = true;
		return EXIT_DONE;
	}
	if (strcmp(word, "--metrics") == 0) {
		a->metrics = true;
		return EXIT_DONE;
	}
	if (strncmp(word, "-c", 2) != 0)
		return bad("no such option", word);
	if (word[2] != '\0') {
		a->config = word + 2;
		return EXIT_DONE;
	}
	if (*next == argc)
		return bad("a file name is missing behind", word);
	a->config = argv[(*next)++];
	return EXIT_DONE;
}

int arguments_parse(struct arguments *a, int argc, char **argv)
{
	bool options = true;
	int next = 1;

	*a = (struct arguments){ 0 };
	while (next < argc) {
		const char *word = argv[next++];
		int code = EXIT_DONE;

		if (options && strcmp(word, "--") == 0)
			options = false;
		else if (options && word[0] == '-' && word[1] != '\0')
			code = on_option(a, word, &next, argc, argv);
		else if (a->count == ARGUMENTS_WORDS)
			code = bad("too many words", word);
		else
			a->word[a->count++] = word;
		if (code != EXIT_DONE)
			return code;
	}
	return EXIT_DONE;
}
