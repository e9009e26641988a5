/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_control - an operator's program that says anything: every request gets rows of bounded
 * length and one last line, rows can be shown on any terminal, and messages go only when
 * they are removed. */
#include "fuzz/machine.h"

#include <string.h>

#define REQUESTS_MAX 30u
#define MESSAGES 3u

static void start(void)
{
	machine_start(MACHINE_CONF "dns_server 192.0.2.53\n");
	machine.hop.refuse = true;
	machine.mailbox_broken = true;
	machine_submit(SPAN("ada@lan.test"), SPAN("bob@there.test ada@here.test"),
		SPAN("Subject: one \x1b[2J\r\nTo: \xff\r\n\r\nbody"));
	machine_submit(SPAN(""), SPAN("\"a\\\"b\"@there.test"), SPAN("no header"));
	machine_submit(SPAN("ada@here.test"), SPAN("eve@here.test"), SPAN(": x\r\n\r\n"));
	machine_run(1000);
	machine_keep();
}

struct heard {
	unsigned rows, last;
};

static void check_answers(struct span s, struct heard *x)
{
	struct span line;

	MUST(fuzz_printable(s) && span_find(s, '\r') == s.len);
	MUST(s.len == 0 || s.at[s.len - 1] == '\n');
	while (s.len > 0) {
		line = fuzz_line(&s);
		MUST(line.len > 0 && line.len <= CONTROL_ROW_MAX);
		if (span_equal(line, SPAN("ok")) || span_starts_nocase(line, SPAN("ok ")) ||
			span_starts_nocase(line, SPAN("error ")))
			x->last++;
		x->rows++;
	}
}

static unsigned requests_in(struct span in)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < in.len; i++)
		n += in.at[i] == '\n';
	return n;
}

/* As many as the loop has time for. */
static struct span cut(struct span in)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < in.len && n < REQUESTS_MAX; i++)
		n += in.at[i] == '\n';
	return span_sub(in, 0, i);
}

static bool removes(struct span in)
{
	for (; in.len > 0; in = span_from(in, 1))
		if (span_starts_nocase(in, SPAN("remove")))
			return true;
	return false;
}

static void ask(struct span in, uint32_t pieces, struct heard *x)
{
	struct queue_stats stats;
	int c;

	machine_restore();
	machine_pieces(pieces);
	machine.hop.refuse = true;
	machine.mailbox_broken = true;
	c = world_connect_control(&machine);
	world_say_octets(&machine, c, in);
	machine.handle[c].ended = true;
	machine_run(1000u * REQUESTS_MAX * (CONFIG_DNS_TOTAL_MS / 1000u + 1u) + 5000u);
	memset(x, 0, sizeof(*x));
	check_answers(span_make(machine.handle[c].from_pipit.at, machine.handle[c].from_pipit.len),
		x);
	MUST(x->last == requests_in(in));
	queue_stats(&pipit.core.queue, &stats);
	MUST(stats.messages <= MESSAGES);
	if (!removes(in))
		MUST(stats.messages == MESSAGES);
	machine_check_idle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	struct heard whole, parts;
	struct span in = span_make(data, size);
	const uint8_t pieces = fuzz_u8(&in);

	if (!started)
		start();
	started = true;
	in = cut(in);
	ask(in, 0, &whole);
	ask(in, pieces + 1u, &parts);
	MUST(whole.last == parts.last);
	return 0;
}
