/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_schedule - the scheduler beside a list that is searched from end to end: the same rows,
 * nobody runs twice, the most urgent goes first, nobody is forgotten, and hops keep their
 * number of deliveries and their back-off. */
#include "fuzz/fuzz.h"

#include "route/schedule.h"

#include <string.h>

#define IDS 20u
#define HOPS 6u

struct row {
	bool there, running;
	uint32_t due_s;
	uint8_t priority;
	uint32_t hop;
};

static struct model {
	struct schedule s;
	uint32_t now_s;
	struct row row[IDS + 1]; /* by id, from 1 */
	unsigned active[HOPS + 1];
} m;

static void set(uint32_t id, uint32_t due_s, uint8_t priority, uint32_t hop)
{
	m.row[id] = (struct row){ true, false, due_s, priority, hop };
}

/* The list's answer for a row that waits for no hop. */
static bool goes_before(uint32_t a, uint32_t b)
{
	if (m.row[a].priority != m.row[b].priority)
		return m.row[a].priority < m.row[b].priority;
	if (m.row[a].due_s != m.row[b].due_s)
		return m.row[a].due_s < m.row[b].due_s;
	return a < b;
}

static bool is_due(uint32_t id)
{
	return m.row[id].there && !m.row[id].running && m.row[id].due_s <= m.now_s;
}

static void check_due(uint32_t hop_held)
{
	uint32_t id = 0, i, free_rows = 0;
	const bool found = schedule_due(&m.s, m.now_s, hop_held, &id);

	for (i = 1; i <= IDS; i++)
		free_rows += is_due(i) && m.row[i].hop == 0;
	MUST(found || free_rows == 0);
	if (!found)
		return;
	MUST(id >= 1 && id <= IDS && is_due(id));
	MUST(hop_held == 0 || m.row[id].hop == 0 || m.row[id].hop == hop_held);
	for (i = 1; i <= IDS; i++)
		MUST(i == id || !is_due(i) || m.row[i].hop != 0 || !goes_before(i, id));
	m.row[id].running = true;
	MUST(schedule_is_running(&m.s, id));
}

/* Never later than the first that could run. */
static void check_wait(void)
{
	const uint32_t wait_ms = schedule_wait_ms(&m.s, m.now_s);
	uint32_t i;

	for (i = 1; i <= IDS; i++)
		if (m.row[i].there && !m.row[i].running && m.row[i].hop == 0 &&
			m.row[i].due_s != INSTANT_NEVER)
			MUST(wait_ms / 1000 <=
				(m.row[i].due_s > m.now_s ? m.row[i].due_s - m.now_s : 0));
}

static void check_rows(void)
{
	uint32_t due_s;
	uint32_t i;

	for (i = 1; i <= IDS; i++) {
		MUST(schedule_when(&m.s, i, &due_s) == m.row[i].there);
		MUST(!m.row[i].there || due_s == m.row[i].due_s);
		MUST(schedule_is_running(&m.s, i) == (m.row[i].there && m.row[i].running));
	}
}

static void flush(uint32_t id_or_0)
{
	uint32_t i;

	schedule_flush(&m.s, id_or_0);
	for (i = 1; i <= IDS; i++) {
		struct row *r = &m.row[i];

		if ((id_or_0 != 0 && id_or_0 != i) || !r->there || r->running)
			continue;
		r->due_s = 0;
		MUST(schedule_is_asked(&m.s, i));
	}
}

static void hop_begin(uint32_t hop)
{
	uint32_t until_s = 0;

	if (schedule_hop_begin(&m.s, hop, m.now_s, &until_s))
		m.active[hop]++;
	else if (until_s != 0)
		MUST(until_s > m.now_s && until_s <= m.now_s + CONFIG_HOP_BACK_OFF_MAX);
	MUST(m.active[hop] <= CONFIG_HOP_CONCURRENCY);
}

static void hop_end(uint32_t hop, bool reached)
{
	if (m.active[hop] == 0)
		return;
	m.active[hop]--;
	schedule_hop_end(&m.s, hop, reached, m.now_s);
}

static void act(struct span *in)
{
	const uint8_t op = fuzz_u8(in);
	const uint32_t id = 1 + fuzz_u8(in) % IDS, hop = 1 + (op >> 3) % HOPS;
	const uint16_t when = fuzz_u16(in);
	const uint32_t due_s = when == 0xffff ? INSTANT_NEVER : m.now_s + when;

	switch (op & 7) {
	case 0:
		schedule_put(&m.s, id, due_s, when & 3);
		set(id, due_s, when & 3, 0);
		break;
	case 1:
		if (!m.row[id].there)
			break;
		schedule_put_off(&m.s, id, due_s, hop);
		set(id, due_s, m.row[id].priority, hop);
		break;
	case 2:
		schedule_remove(&m.s, id);
		m.row[id].there = false;
		break;
	case 3: check_due(op & 0x80 ? hop : 0); break;
	case 4: flush(op & 0x80 ? 0 : id); break;
	case 5: hop_begin(hop); break;
	case 6: hop_end(hop, op & 0x80); break;
	default: m.now_s += when; break;
	}
}

/* At the end all that is due runs, one after the other. */
static void drain(void)
{
	uint32_t i, id;

	for (i = 1; i <= HOPS; i++)
		while (m.active[i] > 0)
			hop_end(i, true);
	schedule_flush(&m.s, 0);
	for (i = 1; i <= IDS; i++)
		if (m.row[i].there && !m.row[i].running)
			m.row[i].due_s = 0;
	for (i = 0; i <= IDS && schedule_due(&m.s, m.now_s, 0, &id); i++) {
		MUST(is_due(id));
		schedule_remove(&m.s, id);
		m.row[id].there = false;
	}
	for (i = 1; i <= IDS; i++)
		MUST(!is_due(i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size < 2000 ? size : 2000);
	static const uint32_t retry_s[] = { 60, 300, 3600 };
	struct rng rng = { { 1, 2, 3, 4u + fuzz_u8(&in) } };
	uint32_t attempts = fuzz_u8(&in), wait_s, step_s;

	wait_s = schedule_wait_s(retry_s, 3, attempts, &rng);
	step_s = retry_s[attempts < 2 ? 0 : attempts < 3 ? 1 : 2];
	MUST(wait_s >= step_s - step_s / 8 && wait_s <= step_s + step_s / 8);
	memset(&m, 0, sizeof(m));
	m.now_s = 1000;
	schedule_init(&m.s);
	while (in.len > 0) {
		act(&in);
		check_wait();
		check_rows();
	}
	drain();
	return 0;
}
