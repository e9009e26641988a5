/* SPDX-License-Identifier: BSD-2-Clause */
#include "posix/run.h"

#include "posix/cli/cli.h"
#include "posix/daemon.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* All of Pipit's memory. */
static struct pipit mta;

static int usage(void)
{
	fputs("usage: pipit run [-c FILE] [--syslog] [--user NAME]\n", stderr);
	return EX_USAGE;
}

/* The value of an option that needs one: "-cFILE", "--user=NAME" or the next word. */
static const char *option_value(const char *option, int *i, int argc, char **argv)
{
	const char *word = argv[*i];
	size_t len = strlen(option);

	if (strncmp(word, option, len) != 0)
		return NULL;
	if (word[len] == '=' && option[1] == '-')
		return word + len + 1;
	if (word[len] != '\0')
		return option[1] == '-' ? NULL : word + len;
	if (*i + 1 >= argc)
		return NULL;
	return argv[++*i];
}

static bool take_option(struct daemon *d, int *i, int argc, char **argv)
{
	const char *value = option_value("-c", i, argc, argv);

	if (value != NULL) {
		d->config.path = value;
		d->config.optional = false;
		return true;
	}
	value = option_value("--user", i, argc, argv);
	if (value != NULL) {
		d->user = value;
		d->user_named = true;
		return true;
	}
	d->syslog |= strcmp(argv[*i], "--syslog") == 0;
	return strcmp(argv[*i], "--syslog") == 0;
}

int run(int argc, char **argv)
{
	struct daemon d;
	int i, code;

	memset(&d, 0, sizeof(d));
	d.mta = &mta;
	d.user = SERVICE_USER;
	d.config.path = PIPIT_CONFIG_PATH;
	d.config.optional = true;
	for (i = 1; i < argc; i++) {
		if (!take_option(&d, &i, argc, argv))
			return usage();
	}
	code = daemon_start(&d);
	if (code != 0)
		return code;
	daemon_loop(&d);
	daemon_end(&d);
	return 0;
}
