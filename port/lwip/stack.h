/* SPDX-License-Identifier: BSD-2-Clause */
/* stack - lwIP as part of our own loop.
 *
 *	stack_start(&machine, mac, "gw");
 *	for (;;) {
 *		wait_ms = pipit_step(...);
 *		sockets_wait(&s, wait_ms, NULL, 0);    pumps the stack
 *	}
 *
 * There is one stack in a program, as lwIP's memory is global.  Frames go in and out by the
 * functions of struct stack_machine; nothing is called from an interrupt.  What is out of
 * memory recovers by itself: frames are dropped, and TCP sends again.
 */
#ifndef PIPIT_LWIP_STACK_H
#define PIPIT_LWIP_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

/* What the stack asks of the machine. */
struct stack_machine {
	void *ctx;
	/* Milliseconds since any moment; wraps. */
	uint32_t (*now_ms)(void *ctx);
	/* Unpredictable: TCP's first sequence numbers, ports, ids of DHCP. */
	uint32_t (*random)(void *ctx);
	/* A received frame of at most size octets, without its CRC; 0: none.  NULL: no
	 * Ethernet, loopback only. */
	uint16_t (*receive)(void *ctx, uint8_t *frame, uint16_t size);
	/* False: no room in the controller now; the frame is dropped. */
	bool (*send)(void *ctx, const uint8_t *frame, uint16_t len);
	/* Whether the cable is plugged in. */
	bool (*link)(void *ctx);
	/* Waits for a frame, at most so long; may return at once. */
	void (*idle)(void *ctx, uint32_t ms);
	/* SNTP has the time: seconds since 1970.  NULL: nobody wants it. */
	void (*time)(void *ctx, uint64_t seconds, uint32_t microseconds);
};

enum stack_state {
	STACK_NO_LINK,  /* no cable */
	STACK_NO_LEASE, /* DHCP has not answered yet, or never will */
	STACK_READY     /* there is an address */
};

/* machine and hostname (NUL-terminated, for DHCP) outlive the stack. */
void stack_start(const struct stack_machine *machine, const uint8_t mac[6], const char *hostname);

/* An address of our own instead of DHCP: before the first pump.  In octets as on the wire. */
void stack_address(const uint8_t ip[4], const uint8_t mask[4], const uint8_t gateway[4]);

/* Does what is to be done, then idles until a frame, a timer of the stack or the end of ms,
 * and does once more what is to be done.  0: does not idle.  A bounded amount each time. */
void stack_pump(uint32_t ms);

/* The machine's clock. */
uint32_t stack_now_ms(void);

/* The same, without a wrap: counted in the stack's lifetime. */
uint64_t stack_mono_ms(void);

enum stack_state stack_state(void);

/* Our IPv4 address, family 0 without one. */
void stack_own(struct ip *ip);

/* DNS servers of the lease; at most max are written.  Their count. */
unsigned stack_dns_servers(struct ip_endpoint *to, unsigned max);

/* Asks this time server, a name or an address (outlives the stack); NULL: that of the lease, which
 * is asked without a call too, when the machine wants the time.  An answer counts when it comes
 * from the server and repeats the random number of the question.  Without CONFIG_LWIP_SNTP:
 * nothing. */
void stack_time_server(const char *server);

/* How full one of lwIP's pools is; used and most so far in elements, or octets of the heap, which
 * is number 0.  failed: requests that found it empty. */
struct stack_fill {
	uint32_t used, most, room, failed;
};

/* Number i from 0 on; false: there is no such. */
bool stack_fill(unsigned i, struct stack_fill *fill);

#endif
