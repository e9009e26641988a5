/* SPDX-License-Identifier: BSD-2-Clause */
/* client - machines that send mail: politely or not, pipelined or not, slowly, until they vanish.
 *
 * A client parses the replies twice: as the Pipit says them (client_overhears:
 * what it said counts, whether or not it arrives) for the ledger, and as they
 * arrive, to go on with its script.
 */
#ifndef PIPIT_SIM_CLIENT_H
#define PIPIT_SIM_CLIENT_H

#include "base/span.h"
#include "sim/content.h"
#include "sim/net.h"

#define EXPECT_MAX 40u
#define CLIENT_OUT (2u * (CONFIG_SIM_CONTENT + CONFIG_SIM_CONTENT / 2u))

enum said {
	SAID_CONNECT, /* the banner is its reply */
	SAID_HELLO,
	SAID_MAIL,
	SAID_RCPT,
	SAID_DATA,
	SAID_DOT,
	SAID_RSET,
	SAID_QUIT,
	SAID_RUDE, /* something without a meaning */
};

/* What was said and not answered yet. */
struct expected {
	uint8_t said; /* enum said */
	uint8_t rcpt;
	uint16_t message;
};

/* One reader of the replies. */
struct listener_ear {
	uint16_t next; /* in expected, counted from the start */
	bool deaf;     /* 421 was said, or nonsense */
	uint16_t len;
	uint8_t line[520];
};

struct client {
	bool may_relay, esmtp, pipelines, hello_done, half_closed;
	uint8_t node;
	uint8_t messages_left;
	uint8_t end_how; /* of an abort */
	int stream;      /* -1: none */
	uint32_t chunk;  /* octets at a time; 0: as many as go */
	uint32_t pace_ms;
	uint32_t abort_at; /* octets said until it ends without a word */
	uint32_t said_octets;
	uint64_t next_ms;    /* not before this */
	uint64_t patient_ms; /* gives up then */
	uint64_t waits_ms;   /* since then only the Pipit can be the reason; 0: something else is */
	unsigned message;
	bool in_message, quitting;
	uint16_t expected_count; /* since the start */
	struct expected expected[EXPECT_MAX];
	struct listener_ear mine, overheard;
	uint32_t out_len, out_at;
	uint8_t out[CLIENT_OUT];
};

void client_init(struct sim *w, unsigned index);
void client_due(struct sim *w, unsigned index);
void client_overhears(struct sim *w, unsigned index, unsigned stream, struct span said);

#endif
