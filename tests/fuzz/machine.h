/* SPDX-License-Identifier: BSD-2-Clause */
/* machine - a whole Pipit in the world of the harness, put back to where it was for each input.
 *
 * Time on the wall stands still, so that what is written does not depend on how many steps
 * the pieces took.
 */
#ifndef PIPIT_TESTS_FUZZ_MACHINE_H
#define PIPIT_TESTS_FUZZ_MACHINE_H

#include "fuzz/fuzz.h"
#include "harness/world.h"

extern struct world machine;
extern struct pipit pipit;

#define MACHINE_CONF \
	"hostname here.test\nlocal_domain here.test\ndeliver ada@here.test maildir /m/%u\n" \
	"deliver eve@here.test maildir /m/%u\nalias root ada eve\n" \
	"relay_from 127.0.0.0/8\nmasquerade here.test\n" \
	"device 192.0.2.40 legacy=yes from=cam@here.test\nmax_message_size 2K\n" \
	"smarthost 192.0.2.25:25 tls=none\nretry 60s\nexpire 1d\nwarn_delay 1h\n"

/* Starts, on blank flash. */
void machine_start(const char *conf);

/* The state that machine_restore brings back. */
void machine_keep(void);
void machine_restore(void);

/* In which pieces octets move from now on. */
void machine_pieces(uint32_t seed);

/* Steps until nothing wants to be done at once, then goes on for so many milliseconds. */
void machine_run(uint32_t ms);

/* Submits a message, as 127.0.0.1; accepted, or the process ends. */
void machine_submit(struct span mail, struct span rcpts, struct span body);

/* All that the queue holds, but what changes with attempts. */
void machine_note_queue(struct queue *q, struct fuzz_log *log);

/* No session, delivery, writer or connection is left. */
void machine_check_idle(void);

#endif
