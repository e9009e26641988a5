/* SPDX-License-Identifier: BSD-2-Clause */
/* hosts - from a route to the addresses to connect to, one after the other.
 *
 *   MX hosts in order (or the domain itself, or the route's host, or the
 *   smarthosts in turn) -> each host's A and AAAA -> each address
 *
 * hosts_step until it is not HOSTS_WAIT; after HOSTS_READY connect to
 * `address[address_at]`; when that fails, hosts_next and step again.
 */
#ifndef PIPIT_APP_HOSTS_H
#define PIPIT_APP_HOSTS_H

#include "app/core.h"
#include "route/mx.h"
#include "route/route.h"

enum hosts_result { HOSTS_WAIT, HOSTS_READY, HOSTS_END };

struct hosts {
	uint8_t phase;
	uint8_t conf_generation;
	struct route route;
	bool dns_failed; /* some host's addresses could not be asked for */
	uint8_t host_at; /* in `list`, or counted from the first smarthost */
	uint8_t host_len;
	uint8_t tls; /* enum conf_tls */
	uint8_t address_count, address_at;
	uint16_t port;
	int question[2];         /* A, AAAA (the first also for MX); < 0: none */
	const struct reply *why; /* after HOSTS_END */
	struct mx_list list;
	struct dns_answer mx;
	struct ip address[CONFIG_HOST_ADDRESSES];
	uint8_t host[DOMAIN_MAX];
};

/* domain: of the forward-path; must stay valid until hosts_step returns the first
 * time, and be the same at each call. */
void hosts_begin(struct core *c, struct hosts *h, const struct route *route);
enum hosts_result hosts_step(struct core *c, struct hosts *h, struct span domain);
void hosts_next(struct hosts *h);
void hosts_cancel(struct core *c, struct hosts *h);

static inline struct span hosts_name(const struct hosts *h)
{
	return span_make(h->host, h->host_len);
}
struct ip_endpoint hosts_endpoint(const struct hosts *h);

#endif
