/* SPDX-License-Identifier: BSD-2-Clause */
/* net - the simulated network: TCP streams and DNS datagrams, and all that goes wrong with them.
 *
 * A stream has two ends, 0 connected and 1 was called, and a pipe from each to
 * the other: a window of octets, on their way in segments or arrived and not
 * yet read.  Pipits reach it through struct net (net_ops.c), the
 * simulated peers through the calls here.  Results are as in sys/net.h.
 */
#ifndef PIPIT_SIM_NET_H
#define PIPIT_SIM_NET_H

#include "base/ip.h"
#include "pipit_config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;

#define PIPE_ROOM 4096u
#define SEGMENTS 12u
#define PACKET_ROOM 600u
#define NONE 0xffffu

enum party_kind { PARTY_NONE, PARTY_NODE, PARTY_CLIENT, PARTY_HOP, PARTY_DNS };

struct party {
	uint8_t kind; /* enum party_kind */
	uint8_t who;  /* which of them */
	bool open;    /* it has not closed its end, and its machine has not died */
	bool reset;   /* it knows that the connection is lost */
};

struct segment {
	uint32_t upto; /* octets written when it ends */
	uint64_t at_ms;
};

struct pipe {
	uint32_t written, arrived, read; /* octets since the start */
	uint32_t window;                 /* most that may be written and not read */
	uint32_t reset_at;               /* the octet at which the connection breaks */
	uint32_t latency_ms;
	uint64_t shut_until_ms; /* the window is closed */
	uint64_t last_ms;       /* nothing arrives before what was sent before it */
	bool fin;               /* no more will be written */
	bool fin_arrived;
	uint8_t first, count;
	struct segment segment[SEGMENTS];
	uint8_t ring[PIPE_ROOM];
};

enum stream_state { STREAM_FREE, STREAM_CALLING, STREAM_REFUSED, STREAM_WAITING, STREAM_OPEN };

struct stream {
	uint8_t state;    /* enum stream_state */
	bool silent;      /* half open: nothing arrives any more */
	uint16_t session; /* of the server at end 1, or NONE */
	uint64_t answer_ms, die_ms;
	struct party party[2];
	struct ip_endpoint at[2];
	struct pipe pipe[2]; /* [e]: from end e to the other */
};

/* An answer on its way to the datagram handle that asked. */
struct packet {
	bool used, arrived;
	uint8_t node;
	uint16_t handle;
	uint32_t life; /* of the handle */
	uint16_t len;
	uint8_t bytes[PACKET_ROOM];
};

struct net_state {
	struct stream stream[CONFIG_SIM_STREAMS];
	struct packet packet[CONFIG_SIM_PACKETS];
};

void net_init(struct sim *w);

/* Who answers at an address; PARTY_NONE: nobody. */
struct party net_who(const struct sim *w, const struct ip *ip);
struct ip net_ip(enum party_kind kind, unsigned who);
struct ip net_client_ip(bool may_relay, unsigned who);

/* A stream, or ST_FULL. */
int stream_connect(struct sim *w, struct party from, const struct ip *own,
	const struct ip_endpoint *to);
int stream_connected(const struct sim *w, int s);

/* The longest waiting connection to this Pipit's port, or ST_AGAIN. */
int stream_accept(struct sim *w, unsigned node, uint16_t port);

int stream_send(struct sim *w, int s, unsigned end, const void *from, size_t len);
int stream_recv(struct sim *w, int s, unsigned end, void *to, size_t len);
unsigned stream_ready(const struct sim *w, int s, unsigned end); /* NET_READ | NET_WRITE */

void stream_finish(struct sim *w, int s, unsigned end); /* no more from this end */
void stream_close(struct sim *w, int s, unsigned end);  /* and it reads no more */
void stream_break(struct sim *w, int s);                /* reset: both ends know at once */
void stream_due(struct sim *w, int s);                  /* its timer fired */

/* The storm is over: windows open, delays end. */
void net_calm(struct sim *w);

/* The machine is gone, with all of its ends. */
void net_power_cut(struct sim *w, unsigned node);

/* A datagram for a node's handle, in so many milliseconds. */
void packet_send(struct sim *w, unsigned node, uint16_t handle, uint32_t life, const void *bytes,
	size_t len, uint64_t in_ms);
void packet_due(struct sim *w, unsigned at);

#endif
