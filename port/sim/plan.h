/* SPDX-License-Identifier: BSD-2-Clause */
/* plan - what one seed has in store: the fault model, and how much of it this run gets.
 *
 * The fault model is the table below: what the world may do to Pipit, and
 * where it is done.  Each row's rate is drawn from the seed: about a
 * third of the runs are calm, a third mild, a third wild, and in each some rows are off.  After
 * the storm comes the calm, in which nothing fails and everything must drain.
 *
 * What is not modelled: memory or processor faults, a clock mono_ms that jumps,
 * flash that lies in a silent way outside `rot`, TCP that delivers wrong octets.
 */
#ifndef PIPIT_SIM_PLAN_H
#define PIPIT_SIM_PLAN_H

#include "base/rng.h"
#include "pipit_config.h"
#include "sys/flash.h"

#include <stdbool.h>
#include <stdint.h>

struct sim;

/* X(name, most, unit): `most` is the largest rate, in 1/1000 of the chances, or
 * for those marked "an hour" in events an hour.                                            */
/* clang-format off */
#define FAULTS(X)                                                                              \
	/* net.c: a connection being made */                                                   \
	X(refuse, 200)       /* is refused */                                                  \
	X(blackhole, 100)    /* is never answered */                                           \
	X(handles, 50)       /* or no handle is left: connect, accept, datagram */             \
	/* net.c: a connection that is there */                                                \
	X(reset, 300)        /* is reset at an octet; what was on its way is lost */           \
	X(silence, 60)       /* is half open: nothing arrives any more, nobody is told */      \
	X(stall, 30)         /* a send closes the window, for a moment or minutes */           \
	X(partial, 700)      /* a send or receive moves less than it could, down to 1 octet */ \
	X(delay, 80)         /* octets come late, up to a minute */                            \
	/* dns.c: an answer */                                                                 \
	X(dns_loss, 400)     /* is lost */                                                     \
	X(dns_late, 200)     /* comes after its question was given up */                       \
	X(dns_servfail, 300) /* is SERVFAIL, REFUSED or FORMERR */                             \
	X(dns_cut, 300)      /* is truncated, to be asked by TCP */                            \
	X(dns_forged, 200)   /* has forgeries before it: wrong id, name, type, or noise */     \
	X(dns_denied, 20)    /* denies a name that exists: mail to it may bounce */            \
	/* node.c and nor.c: flash */                                                          \
	X(program, 3)        /* a program fails, with a report */                              \
	X(erase, 3)          /* an erase fails, with a report */                               \
	X(sync, 10)          /* a sync fails: the queue stops until a restart */               \
	X(flash_slow, 300)   /* erases and syncs take their time, up to half a second */       \
	X(rot, 60)           /* an hour: a bit flips, mostly where something is written */     \
	/* node.c: the machine */                                                              \
	X(promise_cut, 100)  /* the power goes soon after a 250 was said or heard */             \
	X(power, 30)         /* an hour: the power goes, inside a flash operation or between   \
	                        steps; what is torn or not synced is kept in any part */       \
	X(restart, 3)        /* an hour: it is stopped, waited for, and started again */       \
	X(reload, 3)         /* an hour: it takes a new configuration */                       \
	X(clock_jump, 2)     /* an hour: the wall clock moves, either way, up to years */      \
	X(clock_unknown, 500)/* a boot: no wall clock, for some time or for ever */            \
	X(late, 30)          /* a step comes late, up to some seconds */                       \
	X(mailbox, 150)      /* a mailbox says later, refuses, breaks, or is slow */           \
	/* hop.c: a next hop */                                                                \
	X(hop_down, 3)       /* an hour: it is down, busy (4xx) or closing (421) for a while */\
	X(hop_later, 150)    /* says 4xx, to any command or the dot */                         \
	X(hop_never, 60)     /* says 5xx, to any command or the dot */                         \
	X(hop_closing, 40)   /* says 421 and closes */                                         \
	X(hop_lost, 40)      /* loses the connection instead of answering */                   \
	X(hop_lost_dot, 200) /* the same after the dot, having stored the message or not */    \
	X(hop_mute, 20)      /* never answers again */                                         \
	X(hop_junk, 20)      /* answers nonsense */                                            \
	X(hop_slow, 60)      /* takes up to minutes */                                         \
	/* client.c: a sender */                                                               \
	X(client_abort, 200) /* resets, vanishes or half-closes at any octet */                \
	X(client_slow, 150)  /* sends a few octets at a time */                                \
	X(client_bare, 60)   /* puts a bare CR or LF into the body: must be refused */         \
	X(client_big, 60)    /* sends more than is admitted: must be refused */                \
	X(client_rude, 60)   /* commands that make no sense, or out of order */
/* clang-format on */

#define FAULT_ENUM(name, most) FAULT_##name,
enum fault { FAULTS(FAULT_ENUM) FAULT_COUNT };

/* X(name): what is counted, beside the faults. */
#define FIGURES(X) \
	X(seeds) \
	X(virtual_ms) \
	X(steps) \
	X(offered) \
	X(accepted) \
	X(refused) \
	X(recipients) \
	X(delivered) \
	X(bounced) \
	X(dropped) \
	X(delayed) \
	X(duplicates) \
	X(cuts) \
	X(boots) X(connections) X(dns_queries) X(rotten) X(rotten_silently) X(octets) X(flash_ops)

#define FIGURE_ENUM(name) FIGURE_##name,
enum figure { FIGURES(FIGURE_ENUM) FIGURE_COUNT };

struct figures {
	uint64_t n[FIGURE_COUNT];
	uint64_t fault[FAULT_COUNT];
	uint64_t step_ops_max; /* most calls of the world in one step */
};

/* From the command line: what a failing run is reduced with. */
struct limits {
	bool off[FAULT_COUNT];
	uint32_t nodes, clients, messages, hours; /* 0: as the seed says */
};

struct plan {
	uint16_t rate[FAULT_COUNT];
	uint8_t nodes, clients, hops;
	uint16_t messages;
	uint64_t storm_ms, drain_ms;
	uint32_t wall_s; /* true time at the start */
	struct flash_geometry flash;
	bool file; /* the flash is a file: late syncs, erases that do nothing */
	bool unstable;
	uint32_t retry_s[5], expire_s, warn_s, size_max;
	uint32_t latency_ms; /* of the network, at most */
	uint32_t pause_ms;   /* between a client's sessions, mean */
	bool local, smarthost, postmaster, loops;
};

void plan_draw(struct sim *w, const struct limits *limits);
void plan_tell(const struct sim *w);

/* Whether this chance becomes a fault; counts it. */
bool fault(struct sim *w, enum fault f);

/* The time until the next event of a fault counted by the hour; TIME_NEVER: none comes. */
uint64_t fault_next_ms(struct sim *w, enum fault f);
void fault_count(struct sim *w, enum fault f);
const char *fault_name(enum fault f);
void figures_print(const struct figures *f);

#endif
