/* SPDX-License-Identifier: BSD-2-Clause */
/* options - the command line of sendmail(1), as fifty years of callers write it.
 *
 * Pure but for complaints.  Options end at "--" or at the first word that is
 * none; what follows are recipients, never options.  Options that say how
 * a sendmail should run are taken and ignored: in particular no option
 * names a file that is written (-X, -oQ) or an other configuration (-C), since
 * web programs have been made to pass them.
 */
#ifndef PIPIT_CLI_OPTIONS_H
#define PIPIT_CLI_OPTIONS_H

#include <stdbool.h>

enum options_mode { OPTIONS_SEND, OPTIONS_SMTP, OPTIONS_MAILQ, OPTIONS_FLUSH, OPTIONS_ALIASES };

struct options {
	enum options_mode mode;
	const char *config;  /* -c */
	const char *from;    /* -f, -r */
	const char *name;    /* -F */
	const char *subject; /* -s: for `send` */
	bool from_header;    /* -t */
	bool dots;           /* a single dot ends the message: not with -i, -oi */
	bool eight_bit;      /* -B8BITMIME */
	bool verbose;        /* -v */
	int first;           /* index in argv of the first recipient */
};

/* subject_ok: `send`, which knows -s.  EXIT_DONE or EXIT_USAGE after telling why. */
int options_parse(struct options *o, int argc, char **argv, bool subject_ok);

#endif
