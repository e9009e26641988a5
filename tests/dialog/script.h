/* SPDX-License-Identifier: BSD-2-Clause */
/* script - one dialogue file: lines with a kind, and the match of what happened with them.
 *
 *   # comment
 *   @: setting       client | legacy | size N | refuse REPLY
 *   C: text          the client's line; CRLF is added.  "C~:" adds none
 *   S: text          the server's line, likewise
 *   ?: question -> answer
 *   !: action        closed | timeout | stop REPLY; when everything before it has happened
 *
 * Escapes as in tests/unit/vectors.h.  Whoever is under test, its lines are
 * expected and the other's are fed.  An expected line of the server is a beginning:
 * "S: 550 5.1.1" holds for every text.
 */
#ifndef PIPIT_TESTS_SCRIPT_H
#define PIPIT_TESTS_SCRIPT_H

#include "base/span.h"
#include "mail/reply.h"

#define SCRIPT_LINES_MAX 1200

struct script_line {
	char kind; /* '@' 'C' 'S' '?' '!' */
	unsigned number;
	struct span text; /* unescaped, with CRLF where it has one; answer left out */
	struct span answer;
};

struct script {
	const char *path;
	size_t count;
	struct script_line lines[SCRIPT_LINES_MAX];
	bool client; /* the client is under test */
	bool legacy;
	uint32_t size_max;
	bool refused;
	struct reply refusal;
};

/* Ends the process when the file is no dialogue.  Texts are valid until the next one is read. */
void script_read(struct script *s, const char *path);

/* "OK", "REFUSE" or a reply: "450 4.2.1 text". */
struct reply script_reply(struct span answer);

/* One run through a script. */
struct run {
	const struct script *script;
	size_t next; /* line that is to happen next */
	size_t step; /* octets fed, taken and sent at a time */
	bool failed;
	uint8_t out[1u << 16]; /* of the machine, not yet a line */
	size_t out_len;
	uint8_t body[1u << 17];
	size_t body_len;
};

void run_begin(struct run *r, const struct script *s, size_t step);

/* What is fed at the cursor, and passes it: all lines of this kind up to the next
 * "!:" line (ahead) or up to the next line of another kind.  Empty: nothing. */
struct span run_input(struct run *r, char kind, bool ahead);

/* "text" happened: must be the next expected line.  Returns its answer. */
struct span run_happened(struct run *r, char kind, struct span text);

/* Octets the machine wrote, line by line. */
void run_wrote(struct run *r, char kind, struct span octets);

/* A "!:" line is next: its text, and it is passed; else empty. */
struct span run_action(struct run *r, char fed);

void run_end(struct run *r, char fed);

/* A copy of s that ends at an unreadable page. */
struct span run_guard(struct span s);

void run_server(struct run *r);
void run_client(struct run *r);

#endif
