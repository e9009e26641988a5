/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz/machine.h"

#include <string.h>

struct world machine;
struct pipit pipit;

#define CONTROL_HANDLE (WORLD_HANDLES - 1)
#define STEPS_MAX 3000u

static struct {
	struct pipit pipit;
	struct instant now;
	uint8_t random_next;
	uint8_t flash[sizeof(machine.flash)];
	enum world_kind kind[WORLD_HANDLES];
} kept;

static struct fuzz_pieces pieces;
static bool moved; /* octets, on any connection */

static size_t piece(size_t len)
{
	moved = true;
	return fuzz_piece(&pieces, len);
}

void machine_start(const char *conf)
{
	struct pipit_problem where = { 0 };

	world_init(&machine, true);
	machine.handle[CONTROL_HANDLE].kind = WORLD_LISTENER;
	machine.pipit.control = CONTROL_HANDLE;
	machine.piece = piece;
	if (pipit_init(&pipit, &machine.pipit, span_of(conf), &where) != ST_OK)
		fuzz_failed(__FILE__, (int)where.line, where.text);
	machine_run(100);
}

void machine_keep(void)
{
	unsigned i;

	kept.pipit = pipit;
	kept.now = machine.now;
	kept.random_next = machine.random_next;
	memcpy(kept.flash, machine.flash, sizeof(kept.flash));
	for (i = 0; i < WORLD_HANDLES; i++)
		kept.kind[i] = machine.handle[i].kind;
}

/* What a machine remembers points into the same struct: a copy to the same place is whole. */
void machine_restore(void)
{
	unsigned i;

	pipit = kept.pipit;
	machine.now = kept.now;
	machine.random_next = kept.random_next;
	memcpy(machine.flash, kept.flash, sizeof(kept.flash));
	memset(&machine.hop, 0, offsetof(struct world_hop, last));
	machine.hop.last.len = machine.mailbox.len = machine.log.len = 0;
	for (i = 0; i < WORLD_HANDLES; i++) {
		machine.handle[i].kind = kept.kind[i];
		machine.handle[i].ended = false;
		machine.handle[i].to_pipit.len = machine.handle[i].from_pipit.len = 0;
	}
}

void machine_pieces(uint32_t seed)
{
	pieces = fuzz_pieces(seed);
}

void machine_run(uint32_t ms)
{
	const uint32_t end_ms = machine.now.mono_ms + ms;
	unsigned steps = 0;
	uint32_t wait_ms, left_ms;

	do {
		moved = false;
		wait_ms = world_step(&machine, &pipit);
		if (moved) /* a socket would say that it is ready for more */
			wait_ms = 0;
		MUST(++steps < STEPS_MAX * (1 + ms / 1000)); /* or it is busy with nothing */
		left_ms = instant_until_ms(machine.now.mono_ms, end_ms);
		wait_ms = wait_ms < 1000 ? wait_ms : 1000;
		machine.now.mono_ms += wait_ms < left_ms ? wait_ms : left_ms;
	} while (wait_ms == 0 || left_ms > 0);
}

static void say(int client, const char *before, struct span text, const char *after)
{
	world_say(&machine, client, before);
	world_say_octets(&machine, client, text);
	world_say(&machine, client, after);
}

void machine_submit(struct span mail, struct span rcpts, struct span body)
{
	const int c = world_connect(&machine, "127.0.0.1");

	say(c, "EHLO me\r\nMAIL FROM:<", mail, ">\r\n");
	while (rcpts.len > 0)
		say(c, "RCPT TO:<", span_word(&rcpts), ">\r\n");
	say(c, "DATA\r\n", body, "\r\n.\r\nQUIT\r\n");
	machine_run(100);
	MUST(world_heard(&machine, c, " queued as "));
	machine.handle[c].kind = WORLD_FREE;
}

/* The lines of an envelope that name a recipient. */
static unsigned rcpt_lines(struct span s)
{
	struct span line;
	unsigned n = 0;

	while (s.len > 0) {
		line = fuzz_line(&s);
		n += line.len > 0 && line.at[0] == 'R';
	}
	return n;
}

static void note_stream(struct queue *q, struct fuzz_log *log, uint32_t id,
	enum queue_stream stream)
{
	struct queue_reader r;
	uint8_t octets[300];
	int n;

	queue_reader_open(&r, id, stream);
	while ((n = queue_read(q, &r, octets, sizeof(octets))) > 0)
		buf_put(&log->b, span_make(octets, (size_t)n));
	MUST(n == 0);
	fuzz_note_number(log, "\nend of stream", (uint32_t)stream);
}

/* In the order of their ids. */
void machine_note_queue(struct queue *q, struct fuzz_log *log)
{
	struct queue_message m, next;
	uint32_t cursor, id = 0;
	size_t begin;

	for (;;) {
		next.id = 0;
		for (cursor = 0; queue_next(q, &cursor, &m);)
			if (m.id > id && (next.id == 0 || m.id < next.id))
				next = m;
		if (next.id == 0)
			return;
		id = next.id;
		fuzz_note_number(log, "message", id);
		fuzz_note_number(log, "rcpts", next.rcpt_count);
		fuzz_note_number(log, "eight_bit", next.eight_bit);
		begin = log->b.len;
		note_stream(q, log, id, QUEUE_ENVELOPE);
		MUST(rcpt_lines(span_from(buf_span(&log->b), begin)) == next.rcpt_count);
		note_stream(q, log, id, QUEUE_PREFIX);
		note_stream(q, log, id, QUEUE_BODY);
	}
}

void machine_check_idle(void)
{
	unsigned i;

	for (i = 0; i < CONFIG_SERVER_SESSIONS; i++)
		MUST(pipit.inbound[i].state == INBOUND_FREE);
	for (i = 0; i < CONFIG_CONTROL_SESSIONS; i++)
		MUST(!pipit.control.session[i].open);
	for (i = 0; i < CONFIG_QUEUE_WRITERS; i++)
		MUST(pipit.core.queue.writers[i].id == 0);
	for (i = 0; i < WORLD_HANDLES; i++)
		MUST(machine.handle[i].kind != WORLD_CLIENT || machine.handle[i].ended);
	MUST(outbound_idle(&pipit.sending));
	for (i = 0; i < WORLD_HANDLES; i++)
		MUST(machine.handle[i].kind != WORLD_HOP &&
			machine.handle[i].kind != WORLD_DATAGRAM);
}
