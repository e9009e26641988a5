/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_outgoing - a next hop that says anything to a whole Pipit with messages for it: what is
 * sent are whole lines, a message counts as delivered only after its end was sent and a 2xx
 * came, nobody who was not told is forgotten, and the flash says the same after a cut.
 *
 * A NUL ends a turn: what follows is said when Pipit has nothing more to do. */
#include "fuzz/machine.h"

#include <string.h>

#define TURNS_MAX 60u
#define MESSAGES 3u

static void submit_all(void)
{
	machine_start(MACHINE_CONF);
	machine.hop.refuse = true;
	machine_submit(SPAN("ada@lan.test"), SPAN("bob@there.test carol@there.test"),
		SPAN("Subject: one\r\n\r\n..dot\r\n"));
	machine_submit(SPAN(""), SPAN("dave@there.test"), SPAN("Subject: two\r\n\r\n\xc3\xa9"));
	machine_submit(SPAN("ada@here.test"),
		SPAN("e@there.test f@there.test g@there.test h@there.test i@there.test"),
		SPAN("three\r\n"));
	machine_run(1000);
	machine.hop.refuse = false;
	machine_keep();
}

/* All that Pipit has sent on one connection. */
static void check_sent(struct span sent)
{
	struct span lines = span_sub(sent, 0, span_find_last(sent, '\n') + 1);
	struct span line;

	if (span_find(sent, '\n') == sent.len)
		lines = SPAN_EMPTY;
	MUST(fuzz_crlf_only(lines));
	while (lines.len > 0) {
		line = fuzz_line(&lines);
		MUST(line.len <= BODY_LINE_MAX + 1);
		/* The end, or a dot that was doubled: no command begins with one. */
		MUST(line.len == 0 || line.at[0] != '.' || line.at[1] == '.' || line.len == 2);
	}
}

struct outcome {
	unsigned ends;      /* final dots sent, on all connections */
	unsigned positives; /* 2xx that came */
	unsigned negatives; /* 5xx */
};

/* Whether it was delivered to anybody. */
static bool check_rcpts(const struct queue_message *m, const struct outcome *o)
{
	struct queue_rcpt r;
	uint16_t i, pending = 0;
	bool delivered = false;

	for (i = 0; i < m->rcpt_count; i++) {
		MUST(queue_rcpt_get(&pipit.core.queue, m->id, i, &r));
		pending += r.state == QUEUE_PENDING;
		delivered |= r.state == QUEUE_DELIVERED;
		MUST(r.state == QUEUE_PENDING || o->positives + o->negatives > 0);
	}
	MUST(pending == m->pending);
	return delivered;
}

static void check_queue(const struct outcome *o)
{
	struct queue_message m;
	struct queue_stats stats;
	uint32_t cursor = 0;
	uint32_t due_s;
	unsigned n = 0, ended = 0;

	while (queue_next(&pipit.core.queue, &cursor, &m)) {
		n++;
		MUST(!m.damaged && (m.pending > 0 || m.failed > 0 || m.reporting > 0));
		ended += check_rcpts(&m, o);
		MUST(schedule_when(&pipit.core.schedule, m.id, &due_s));
		MUST(due_s != INSTANT_NEVER);
	}
	queue_stats(&pipit.core.queue, &stats);
	MUST(n == stats.messages && n <= MESSAGES);
	/* Each message that is gone, or was delivered to some, was sent to its end; but for the
	 * one without sender, which may be refused, or need 8BITMIME in vain, and the one whose
	 * sender is here and was told. */
	ended += MESSAGES - n;
	MUST(ended <= o->ends + (o->positives + o->negatives > 0) + (machine.mailbox.len > 0));
}

static void check_durable(void)
{
	static struct queue q;
	static struct fuzz_log now, again;
	struct queue_mount_report report;

	fuzz_log_begin(&now);
	machine_note_queue(&pipit.core.queue, &now);
	MUST(queue_mount(&q, &machine.pipit.flash, &report) == ST_OK && report.rotten == 0);
	fuzz_log_begin(&again);
	machine_note_queue(&q, &again);
	fuzz_log_same(&now, &again);
}

static int connection(void)
{
	int h;

	for (h = 0; h < WORLD_HANDLES; h++)
		if (machine.handle[h].kind == WORLD_HOP)
			return h;
	return -1;
}

/* What was sent since the last time. */
static void note_sent(struct outcome *o)
{
	static unsigned before[WORLD_HANDLES];
	struct span sent;
	unsigned n;
	int h;

	for (h = 0; h < WORLD_HANDLES; h++) {
		sent = span_make(machine.handle[h].from_pipit.at, machine.handle[h].from_pipit.len);
		check_sent(sent);
		n = fuzz_count(sent, SPAN("\r\n.\r\n"));
		o->ends += n > before[h] ? n - before[h] : 0;
		before[h] = n;
	}
}

static bool has_digit(struct span s, uint8_t c)
{
	return span_find(s, c) < s.len;
}

/* The next turn, to the connection that is open. */
static void turn(struct span *in, struct outcome *o)
{
	const struct span said = fuzz_take(in, span_find(*in, 0));
	const int h = connection();

	(void)fuzz_u8(in);
	if (h < 0) {
		machine_run(70000);
		return;
	}
	o->positives += has_digit(said, '2');
	o->negatives += has_digit(said, '5');
	world_say_octets(&machine, h, said);
	if (said.len == 0)
		machine.handle[h].ended = true;
	machine_run(30);
	note_sent(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	struct outcome o = { 0 };
	struct span in = span_make(data, size);
	unsigned i;
	int h;

	if (!started)
		submit_all();
	started = true;
	machine_restore();
	machine_pieces(fuzz_u8(&in));
	machine.hop.silent = true;
	machine_run(70000);
	note_sent(&o);
	for (i = 0; i < TURNS_MAX && in.len > 0; i++)
		turn(&in, &o);
	for (h = 0; h < WORLD_HANDLES; h++)
		machine.handle[h].ended = machine.handle[h].kind == WORLD_HOP;
	machine.hop.refuse = true;
	machine_run(2000);
	note_sent(&o);
	check_queue(&o);
	machine_check_idle();
	check_durable();
	return 0;
}
