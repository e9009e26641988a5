/* SPDX-License-Identifier: BSD-2-Clause */
/* usage - what the calls are, on one screen; the manual pages have the rest. */
#include <stdio.h>

#include "posix/cli/cli.h"
#include "pipit.h"

static const char text[] =
	"pipit run [-c FILE]               the server, in the foreground\n"
	"pipit check [-c FILE]             reads the configuration, tells all that is wrong\n"
	"pipit send [-f FROM] [-s SUBJECT] RCPT...\n"
	"                                  sends standard input; takes sendmail's options\n"
	"pipit queue [--json]              what waits, and why\n"
	"pipit queue show|retry|hold|release|remove ID|DOMAIN|all\n"
	"pipit queue resize SIZE           while the server is stopped\n"
	"pipit queue format                while the server is stopped; empties it\n"
	"pipit status [--json|--metrics]   counters and fill\n"
	"pipit resolve DOMAIN [--json]     where mail for a domain would go\n"
	"\n"
	"As sendmail, mailq or newaliases it is these commands.\n"
	"-c FILE goes with every call; without it the configuration is\n";

void cli_usage(bool on_error)
{
	FILE *to = on_error ? stderr : stdout;

	fputs("pipit " PIPIT_VERSION ": a mail server\n\n", to);
	fputs(text, to);
	fputs(PIPIT_CONFIG_PATH ".\n", to);
}
