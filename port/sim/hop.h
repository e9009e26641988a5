/* SPDX-License-Identifier: BSD-2-Clause */
/* hop - next hops: SMTP servers that take nothing wrong and do anything they please.
 *
 * Strict: lines end in CRLF, commands come in order, nothing is sent before its
 * reply where PIPELINING was not offered, no parameter is used that was not
 * offered, no 8-bit octet where 8BITMIME was not.  Breaking that ends the run.
 */
#ifndef PIPIT_SIM_HOP_H
#define PIPIT_SIM_HOP_H

#include "base/span.h"
#include "sim/content.h"
#include "sim/net.h"

#define SESSION_RCPTS 8u
#define SESSION_OUT 1024u
#define SESSION_LATER 8u

enum mood { MOOD_FINE, MOOD_DOWN, MOOD_LATER, MOOD_CLOSING, MOODS };

struct hop {
	uint8_t mood; /* enum mood */
	bool esmtp, pipelining, eight_bit;
	uint32_t size_max; /* 0: none said */
};

enum session_state { SESSION_HELLO, SESSION_READY, SESSION_MAIL, SESSION_DATA };

/* A 4xx, which counts when what is said next shows that it was heard. */
struct session_later {
	struct token to;
	uint64_t at_ms;
};

struct session {
	bool used;
	uint8_t hop, node;
	uint16_t stream;
	uint32_t boot; /* of the node, when it called */
	uint8_t state; /* enum session_state */
	bool mute, ending, hello_esmtp, from_null, said_8bit;
	uint8_t dots;      /* how far CR LF . CR LF has come */
	uint64_t reply_ms; /* not said before */
	uint64_t end_ms;   /* patience */
	struct token from;
	struct token rcpt[SESSION_RCPTS];
	unsigned rcpt_count, rcpt_seen;
	/* The last message stored, until its node has read the reply. */
	bool stored;
	uint32_t stored_upto;
	struct token stored_to[SESSION_RCPTS];
	unsigned stored_count;
	bool stored_null;
	uint32_t stored_len;
	struct session_later later[SESSION_LATER];
	unsigned later_count;
	uint32_t line_len, out_len, out_at, data_len;
	uint8_t line[1200];
	uint8_t out[SESSION_OUT];
	uint8_t data[CONTENT_ROOM];
};

void hop_init(struct sim *w, unsigned index);
void hop_mood_due(struct sim *w, unsigned index);
void hop_calm(struct sim *w, unsigned index);

/* Takes the call on this stream; false: it is down, or has no room. */
bool hop_answers(struct sim *w, int stream);

/* The timer of a stream's server, hop or DNS. */
void session_due(struct sim *w, int stream);
void session_gone(struct sim *w, int stream);

/* A node has read something of this stream. */
void session_heard(struct sim *w, int stream);

#endif
