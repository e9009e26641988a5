/* SPDX-License-Identifier: BSD-2-Clause */
/* config_check - `pipit check`: everything that is wrong with the configuration, at once. */
#include <stdio.h>

#include "posix/cli/arguments.h"
#include "posix/cli/cli.h"
#include "posix/cli/exits.h"
#include "posix/cli/queue_file.h"
#include "posix/cli/settings.h"
#include "posix/cli/text.h"

int cli_check(int argc, char **argv)
{
	static struct settings s;
	struct arguments a;
	int code = arguments_parse(&a, argc, argv);

	if (code != EXIT_DONE || a.count > 0 || a.json || a.metrics)
		return arguments_usage("check [-c FILE]");
	code = settings_need(&s, a.config);
	if (code != EXIT_DONE)
		return code;
	queue_file_check(&s);
	printf("%s: ok\n", s.path);
	return text_finish(EXIT_DONE);
}
