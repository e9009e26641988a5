/* SPDX-License-Identifier: BSD-2-Clause */
/* main - one binary, many calls: by the name it was started with, or by its first word. */
#include "posix/cli/cli.h"
#include "posix/run.h"

#include "pipit.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct call {
	const char *name;
	int (*run)(int argc, char **argv);
};

static const struct call calls[] = {
	{ "run", run },
	{ "check", cli_check },
	{ "send", cli_send },
	{ "sendmail", cli_sendmail },
	{ "queue", cli_queue },
	{ "mailq", cli_mailq },
	{ "newaliases", cli_newaliases },
	{ "status", cli_status },
	{ "resolve", cli_resolve },
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static const struct call *find_call(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].name, name) == 0)
			return &calls[i];
	}
	return NULL;
}

static int no_call(const char *name)
{
	if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
		puts("pipit " PIPIT_VERSION);
		return 0;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		cli_usage(false);
		return 0;
	}
	fprintf(stderr, "pipit: there is no call \"%s\" in this build\n", name);
	cli_usage(true);
	return EX_USAGE;
}

int main(int argc, char **argv)
{
	const struct call *call = argc > 0 ? find_call(base_name(argv[0])) : NULL;

	if (call != NULL)
		return call->run(argc, argv);
	if (argc < 2) {
		cli_usage(true);
		return EX_USAGE;
	}
	call = find_call(argv[1]);
	if (call == NULL)
		return no_call(argv[1]);
	return call->run(argc - 1, argv + 1);
}
