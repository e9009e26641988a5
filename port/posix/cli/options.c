/* SPDX-License-Identifier: BSD-2-Clause */
/* options - see options.h */
#include "posix/cli/options.h"

#include <string.h>
#include <strings.h>

#include "posix/cli/exits.h"
#include "posix/cli/text.h"

static const char flags[] = "EGTUimntvxI";
static const char valued[] = "ABCDFLNOPRVXbcefhopr"; /* attached, or the next word */
static const char attached[] = "dq";                 /* attached only, may be empty */

static int bad(const char *what, const char *word)
{
	text_complain_span(what, (struct span){ (const uint8_t *)word, strlen(word) });
	return EXIT_USAGE;
}

static int on_mode(struct options *o, const char *value)
{
	switch (value[0]) {
	case 'm': o->mode = OPTIONS_SEND; return EXIT_DONE;
	case 's': o->mode = OPTIONS_SMTP; return EXIT_DONE;
	case 'p': o->mode = OPTIONS_MAILQ; return EXIT_DONE;
	case 'i':
	case 'I': o->mode = OPTIONS_ALIASES; return EXIT_DONE;
	case 'd':
	case 'D': return bad("the daemon is started with `pipit run`, not -b", value);
	default: return bad("no such mode: -b", value);
	}
}

static int on_value(struct options *o, char letter, const char *value)
{
	switch (letter) {
	case 'b': return on_mode(o, value);
	case 'c': o->config = value; return EXIT_DONE;
	case 'f':
	case 'r': o->from = value; return EXIT_DONE;
	case 'F': o->name = value; return EXIT_DONE;
	case 's': o->subject = value; return EXIT_DONE;
	case 'B': o->eight_bit = strcasecmp(value, "8BITMIME") == 0; return EXIT_DONE;
	case 'o':
		if (value[0] == 'i')
			o->dots = false;
		return EXIT_DONE;
	default: return EXIT_DONE;
	}
}

static void on_flag(struct options *o, char letter)
{
	if (letter == 'i')
		o->dots = false;
	if (letter == 't')
		o->from_header = true;
	if (letter == 'v')
		o->verbose = true;
	if (letter == 'I')
		o->mode = OPTIONS_ALIASES;
}

static bool takes_value(char letter, bool subject_ok)
{
	return strchr(valued, letter) || (subject_ok && letter == 's');
}

/* One word of option letters; *next is the word behind it and moves when it is a value. */
static int on_word(struct options *o, const char *word, int *next, int argc, char **argv,
	bool subject_ok)
{
	for (const char *at = word + 1; *at != '\0'; at++) {
		if (strchr(flags, *at)) {
			on_flag(o, *at);
			continue;
		}
		if (strchr(attached, *at)) {
			if (*at == 'q')
				o->mode = OPTIONS_FLUSH;
			return EXIT_DONE;
		}
		if (!takes_value(*at, subject_ok))
			return bad("no such option", word);
		if (at[1] != '\0')
			return on_value(o, *at, at + 1);
		if (*next >= argc)
			return bad("a value is missing behind", word);
		return on_value(o, *at, argv[(*next)++]);
	}
	return EXIT_DONE;
}

int options_parse(struct options *o, int argc, char **argv, bool subject_ok)
{
	int next = 1;

	*o = (struct options){ .mode = OPTIONS_SEND, .dots = true };
	while (next < argc && argv[next][0] == '-' && argv[next][1] != '\0') {
		const char *word = argv[next++];
		int code;

		if (strcmp(word, "--") == 0)
			break;
		code = on_word(o, word, &next, argc, argv, subject_ok);
		if (code != EXIT_DONE)
			return code;
	}
	o->first = next;
	return EXIT_DONE;
}
