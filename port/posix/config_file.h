/* SPDX-License-Identifier: BSD-2-Clause */
/* config_file - the configuration's text, and where its relative paths start. */
#ifndef PIPIT_POSIX_CONFIG_FILE_H
#define PIPIT_POSIX_CONFIG_FILE_H

#include "base/span.h"
#include "pipit_config.h"

#include <limits.h>

struct config_file {
	const char *path;
	bool optional;           /* missing is as good as empty */
	char base_dir[PATH_MAX]; /* absolute: where relative paths of the text start */
	size_t len;
	char text[CONFIG_POSIX_CONFIG_FILE];
};

/* Reads f->path.  0, or a sysexits(3) code and a sentence in why. */
int config_file_read(struct config_file *f, char *why, size_t why_size);

struct span config_file_text(const struct config_file *f);

#endif
