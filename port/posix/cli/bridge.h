/* SPDX-License-Identifier: BSD-2-Clause */
/* bridge - sendmail -bs: SMTP on standard input and output, spoken by the running MTA. */
#ifndef PIPIT_CLI_BRIDGE_H
#define PIPIT_CLI_BRIDGE_H

#include "base/ip.h"

/* Until the MTA ends the session.  An exit code; with no MTA a 421 is said first. */
int bridge_run(const struct ip_endpoint *to);

#endif
