/* SPDX-License-Identifier: BSD-2-Clause */
/* aliases - the aliases file of a configuration, from a blob to the parser. */
#ifndef PIPIT_APP_ALIASES_H
#define PIPIT_APP_ALIASES_H

#include "app/core.h"

#if CONFIG_ALIASES_FILE

static inline bool aliases_wanted(const struct core *c, const struct conf *conf)
{
	return conf_has(conf->aliases_file) && c->world->blob.read != NULL;
}

/* Hands the file to the parser, a line at a time; a line that starts with a blank goes on
 * with the one before.  Its errors go to *errors; a negative status: it cannot be read. */
enum status aliases_read(struct core *c, struct conf *conf, struct conf_errors *errors);

#else

static inline bool aliases_wanted(const struct core *c, const struct conf *conf)
{
	(void)c;
	(void)conf;
	return false;
}

static inline enum status aliases_read(struct core *c, struct conf *conf,
	struct conf_errors *errors)
{
	(void)c;
	(void)conf;
	(void)errors;
	return ST_OK;
}

#endif

#endif
