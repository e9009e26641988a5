/* SPDX-License-Identifier: BSD-2-Clause */
/* world - a machine made of arrays, for tests of a whole pipit: flash, connections, time.
 *
 * Connections to Pipit are opened by the test; connections that Pipit opens are answered by a
 * scripted next hop, `struct world_hop`.  Time moves only when the test says so.
 */
#ifndef TESTS_HARNESS_WORLD_H
#define TESTS_HARNESS_WORLD_H

#include "pipit.h"

#define WORLD_HANDLES 40
#define WORLD_STREAM 65536u
#define WORLD_SECTOR 4096u
#define WORLD_SECTORS 16u

struct world_stream {
	uint8_t at[WORLD_STREAM];
	size_t len;
};

enum world_kind { WORLD_FREE, WORLD_LISTENER, WORLD_CLIENT, WORLD_HOP, WORLD_DATAGRAM };

struct world_handle {
	enum world_kind kind;
	bool accepted, ended, refused;
	bool at_control; /* came to the control line */
	struct ip_endpoint peer;
	struct world_stream to_pipit, from_pipit;
	size_t hop_read; /* octets of from_pipit that the scripted hop has seen */
	bool hop_in_data;
	unsigned hop_rcpts; /* accepted in this transaction */
};

/* What the next hop answers; NULL: the usual 2xx. */
struct world_hop {
	bool refuse;         /* the connection */
	uint8_t refuse_last; /* those to an IPv4 address that ends so; 0: none */
	bool silent;         /* says nothing by itself, not even a banner */
	const char *banner, *mail, *rcpt, *data, *dot;
	unsigned rcpts_max; /* so many in a transaction, then 452; 0: any number */
	unsigned connects, messages;
	struct world_stream last; /* the last message, dots undone not */
};

struct world {
	struct pipit_world pipit;
	struct instant now;
	struct world_hop hop;
	bool mailbox_broken;
	size_t (*piece)(size_t len); /* of len octets one recv or send moves so many; NULL: all */
	bool flash_stuck;            /* erases never end */
	int sync; /* what flash says to a sync: 1, 0 while it takes its time, or an error */
	struct world_stream mailbox, log;
	uint8_t random_next;
	unsigned erases;
	struct world_handle handle[WORLD_HANDLES];
	uint8_t flash[WORLD_SECTOR * WORLD_SECTORS];
};

/* A world with erased flash, at some time of the monotonic clock, its wall clock known or not. */
void world_init(struct world *w, bool wall_known);

/* The same world after a power cut: flash stays, connections do not. */
void world_reboot(struct world *w, bool wall_known);

/* A client connects from this address; its handle. */
int world_connect(struct world *w, const char *address);
int world_connect_control(struct world *w);
void world_say_octets(struct world *w, int client, struct span octets);
void world_say(struct world *w, int client, const char *text);

/* One step of p, and what the next hops say to it.  Milliseconds until p wants the next. */
uint32_t world_step(struct world *w, struct pipit *p);

/* Steps p until nothing moves any more, then ms of virtual time in small steps. */
void world_run(struct world *w, struct pipit *p, uint32_t ms);

/* What Pipit has said to the client so far. */
bool world_heard(const struct world *w, int client, const char *text);
bool stream_has(const struct world_stream *s, const char *text);

#endif
