/* SPDX-License-Identifier: BSD-2-Clause */
/* firmware - Pipit on a board without an operating system: its world, and one turn of the loop.
 *
 *	static struct firmware f;
 *
 *	firmware_start(&f, "gw", firmware_configuration(), hooks);
 *	for (;;) {
 *		firmware_turn(&f);
 *		what else the board has to do, a millisecond or two
 *	}
 *
 * The queue is on machine_flash under the rules of NOR (flash/nor_check.h: a breach is a
 * panic), the network is lwIP over ether.h, the console is the UART.  The address and the DNS
 * servers come by DHCP: until then, and without a network for ever, mail is taken and kept.
 * When the lease brings other DNS servers Pipit is closed and started anew over the same
 * queue: sessions end, nothing accepted is lost.
 *
 * The console obeys, beside the control line (app/control.h): `board status`, which tells
 * stack, flash wear, network and the longest step; `board config ...` (bare/settings.h);
 * `board reset`, `board off`; and with CONFIG_BARE_TRIALS `board panic`, `board overflow`
 * and `board hang`.
 */
#ifndef PIPIT_BARE_FIRMWARE_H
#define PIPIT_BARE_FIRMWARE_H

#include "bare/console.h"
#include "bare/settings.h"
#include "flash/nor_check.h"
#include "pipit.h"
#include "sockets/net.h"

#define FIRMWARE_NAME 64u /* octets of the longest `ntp_server` that is used */

struct firmware {
	struct pipit mta;
	struct pipit_world world;
	struct span config;
	struct sockets sockets;
	struct console console;
	struct settings settings;
	struct nor_check check;
	struct net ip; /* of the sockets */
	bool running;  /* the mta is: configuration and queue were right */
	uint32_t wait_ms;
	char time_server[FIRMWARE_NAME + 1u]; /* NUL-terminated copy of `ntp_server` */
	uint32_t clock_offset_s; /* wall time at the start of the machine's own clock */
	bool clock_known;
	/* In machine_ticks: the longest pipit_step, all of them, and everything but sleep. */
	uint32_t step_most, turn_began;
	uint64_t step_ticks, busy_ticks;
	uint32_t erases[CONFIG_QUEUE_SECTORS_MAX];
};

/* Starts the machine, the network and Pipit.  hostname (for DHCP) and config outlive it.  What is
 * wrong is told on the console: with a bad configuration the console alone runs. */
void firmware_start(struct firmware *f, const char *hostname, struct span config,
	struct pipit_hooks hooks);

/* What stands in the board's page for it (link.ld says where: text up to an octet of 0x00 or
 * 0xff), or else the board's pipit.conf, which is linked in.  Both stay where they are. */
struct span firmware_configuration(void);

/* One step of Pipit, and a sleep of at most CONFIG_BARE_WAIT_MS until something happens. */
void firmware_turn(struct firmware *f);

/* Now, as pipit_step wants it. */
struct instant firmware_now(const struct firmware *f);

#endif
