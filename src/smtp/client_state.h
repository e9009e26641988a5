/* SPDX-License-Identifier: BSD-2-Clause */
/* client_state - what a client session remembers; for client.c alone to touch. */
#ifndef PIPIT_SMTP_CLIENT_STATE_H
#define PIPIT_SMTP_CLIENT_STATE_H

#include "mail/reply.h"
#include "pipit_limits.h"
#include "smtp/dot.h"

struct smtpc {
	uint8_t state; /* where in the walk */
	uint8_t event; /* RCPT_RESULT, RESULT or CLOSED standing before the state's own question */
	uint8_t stage; /* of that event */
	uint8_t failure; /* of that event */
	uint8_t ring_first, ring_count;
	bool pipelining, size_known, eight_bit_mime; /* what the peer offered */
	bool said;                          /* something of what the ring waits for has left */
	bool helo;                          /* EHLO was refused */
	bool rset_due;                      /* a transaction was left open at the peer's side */
	bool closing;                       /* CLOSED follows the open event */
	bool filling;                       /* unsent is held back while more is put in */
	bool dot_sent;                      /* the final dot is out, its reply did not come */
	uint8_t close_stage, close_failure; /* of the CLOSED that follows */
	uint16_t rcpts_replied, rcpts_accepted;
	uint16_t out_at;      /* sent already, of EHLO, which is kept until its reply */
	uint16_t out_held;    /* octets at the end of unsent that wait for RSET's reply */
	uint16_t sent_octets; /* below a kilobyte: for progress */
	uint32_t size_max;    /* the peer's SIZE; 0: none */
	uint32_t progress;
	const struct reply
		*ours;     /* the event's reply when we made it ourselves; else the parser's */
	struct buf unsent; /* commands and body */
	struct dot_encoder dot;
	struct reply_parser parser;
	uint8_t ring[CONFIG_SMTP_CLIENT_RING]; /* enum smtpc_stage of each reply to come */
	uint8_t out[CONFIG_SMTP_CLIENT_BUF];   /* what unsent fills */
};

#endif
