/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_incoming - a client's whole connection to a whole Pipit: the same replies and the same
 * messages in whatever pieces TCP brings them; what was answered 250 is in the queue, after
 * a power cut too, and nothing else is; a stranger reaches nobody but us. */
#include "fuzz/machine.h"

#include <string.h>

static const char *const peers[] = { "127.0.0.1", "198.51.100.7", "192.0.2.40", "198.51.100.7" };

struct visit {
	struct fuzz_log said, stored;
	unsigned accepted, messages;
};

static void check_said(struct span said)
{
	struct span line;

	MUST(fuzz_crlf_only(said) && fuzz_printable(said));
	while (said.len > 0) {
		line = fuzz_line(&said);
		MUST(line.len >= 4 && line.len < REPLY_LINE_MAX && byte_is_digit(line.at[0]));
	}
}

/* What a stranger may reach: names of ours. */
static void check_envelopes(struct span stored)
{
	struct span line;

	while (stored.len > 0) {
		line = fuzz_line(&stored);
		if (span_equal(line, SPAN("end of stream 0")))
			while (stored.len > 0 &&
				!span_equal(fuzz_line(&stored), SPAN("end of stream 2")))
				;
		if (line.len > 0 && line.at[0] == 'R')
			MUST(line.len > 10 &&
				span_equal_nocase(span_from(line, line.len - 10),
					SPAN("@here.test")));
	}
}

/* The end of a Message-ID of ours is random, and when others draw random numbers depends on
 * the pieces. */
static void note_queue(struct queue *q, struct fuzz_log *log)
{
	static const char stands_before[] = "Message-ID: <00000000.00000000.";
	struct span rest;
	size_t at;

	fuzz_log_begin(log);
	machine_note_queue(q, log);
	for (rest = buf_span(&log->b); (at = fuzz_find(rest, SPAN("Message-ID: <"))) < rest.len;) {
		rest = span_from(rest, at + 1);
		at = sizeof(stands_before) - 2;
		if (span_starts_nocase(span_from(rest, at + 8), SPAN("@here.test>")))
			memset(log->octets + log->b.len - rest.len + at, '0', 8);
	}
}

/* The power goes; what a second queue finds on the flash. */
static void check_durable(const struct visit *v)
{
	static struct queue q;
	static struct fuzz_log again;
	struct queue_mount_report report;

	MUST(queue_mount(&q, &machine.pipit.flash, &report) == ST_OK);
	MUST(report.messages == v->messages && report.rotten == 0);
	note_queue(&q, &again);
	fuzz_log_same(&v->stored, &again);
}

static void visit(struct visit *v, struct span in, uint8_t options, uint32_t pieces)
{
	struct queue_stats stats;
	struct span said;
	int c;

	machine_restore();
	machine_pieces(pieces);
	machine.hop.refuse = true;
	machine.mailbox_broken = true;
	c = world_connect(&machine, peers[options & 3]);
	world_say_octets(&machine, c, in);
	machine_run(20);
	machine.handle[c].ended |= !(options & 4);
	machine_run(2000);
	if (options & 4) /* it says no more, and is told 421 in the end */
		machine_run(1000u * (CONFIG_SMTP_DATA_TIMEOUT_S + 60u));
	said = span_make(machine.handle[c].from_pipit.at, machine.handle[c].from_pipit.len);
	check_said(said);
	fuzz_log_begin(&v->said);
	fuzz_note(&v->said, "said", said);
	note_queue(&pipit.core.queue, &v->stored);
	queue_stats(&pipit.core.queue, &stats);
	v->messages = stats.messages;
	v->accepted = fuzz_count(said, SPAN(" queued as "));
	MUST(v->accepted == v->messages);
	if (options & 1)
		check_envelopes(buf_span(&v->stored.b));
	machine_check_idle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct visit whole, parts;
	static bool started;
	struct span in = span_make(data, size);
	const uint8_t options = fuzz_u8(&in), pieces = fuzz_u8(&in);

	if (!started) {
		machine_start(MACHINE_CONF);
		machine_keep();
		started = true;
	}
	visit(&whole, in, options, 0);
	visit(&parts, in, options, pieces + 1u);
	fuzz_log_same(&whole.said, &parts.said);
	fuzz_log_same(&whole.stored, &parts.stored);
	check_durable(&parts);
	return 0;
}
