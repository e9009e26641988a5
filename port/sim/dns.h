/* SPDX-License-Identifier: BSD-2-Clause */
/* dns - the only authority there is: what each domain's mail needs, told by UDP and TCP.
 *
 *   d<k>.test        a domain that mail goes to, of a kind below
 *   h<k>.test        a next hop
 *   n<k>.sim.test    a Pipit
 *
 * Two servers, each with moods of its own; faults.h... plan.h has what they may do wrong.
 */
#ifndef PIPIT_SIM_DNS_H
#define PIPIT_SIM_DNS_H

#include "base/span.h"
#include "pipit_config.h"

struct sim;

#define DNS_SERVERS_SIM 2u
#define DNS_REPLY_ROOM 600u
#define DNS_CALLS 8u

enum domain_kind {
	DOMAIN_MX,       /* one host */
	DOMAIN_MX2,      /* two, the first preferred */
	DOMAIN_IMPLICIT, /* none: the domain's own address */
	DOMAIN_CNAME,    /* of d0 */
	DOMAIN_NULL_MX,  /* takes no mail: bounces */
	DOMAIN_NO_NAME,  /* does not exist: bounces */
	DOMAIN_NO_HOST,  /* its MX host does not exist: waits until it expires */
	DOMAIN_LOOP,     /* routed from one Pipit to the next, for ever: bounces */
	DOMAIN_VIA,      /* routed to another Pipit, which knows the way */
	DOMAIN_KINDS,
};

struct domain {
	uint8_t kind; /* enum domain_kind */
	uint8_t hop[2];
	bool denied; /* a lie has said that there is no such name */
};

/* A question by TCP. */
struct dns_call {
	bool used;
	uint16_t stream;
	uint64_t end_ms; /* patience */
	uint16_t in_len, out_len, out_at;
	uint8_t in[300], out[2 + DNS_REPLY_ROOM];
};

struct dns {
	struct domain domain[CONFIG_SIM_DOMAINS];
	struct dns_call call[DNS_CALLS];
};

void dns_init(struct sim *w);

/* A datagram from a node's handle. */
void dns_ask(struct sim *w, unsigned node, unsigned handle, struct span query);

/* Takes the call on this stream; false: too many. */
bool dns_answers(struct sim *w, int stream);
void dns_call_due(struct sim *w, int stream);
void dns_call_gone(struct sim *w, int stream);

/* Mail to this domain may fail for good by what DNS says of it. */
bool dns_may_bounce(const struct sim *w, unsigned domain);

#endif
