/* SPDX-License-Identifier: BSD-2-Clause */
/* system - what the machine knows: its name, its DNS servers, the time, how many descriptors. */
#ifndef PIPIT_POSIX_SYSTEM_H
#define PIPIT_POSIX_SYSTEM_H

#include "base/instant.h"
#include "base/ip.h"

#include <stddef.h>

#define SYSTEM_NAME_ROOM 256u

/* The host's name: with its domain when gethostname, /etc/hosts or /etc/mailname know it. Asks no
 * network. */
void system_hostname(char name[SYSTEM_NAME_ROOM]);

/* The name servers of /etc/resolv.conf, or 127.0.0.1 as resolv.conf(5) says. The count. */
uint8_t system_dns_servers(struct ip_endpoint *servers, uint8_t max);

struct instant system_now(void);

/* Raises the limit of open descriptors to what Pipit could use, as far as it may. */
void system_raise_descriptors(unsigned wanted);

#endif
