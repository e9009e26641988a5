/* SPDX-License-Identifier: BSD-2-Clause */
#include "route/schedule.h"

static void flush_row(struct schedule *s, struct schedule_row *row)
{
	if (row->id == 0 || row->running || schedule_row_due_ms(row) == INSTANT_NEVER)
		return;
	row->asked = 1;
	schedule_row_set_due(s, row, 0);
}

void schedule_flush(struct schedule *s, uint32_t id_or_0)
{
	uint32_t i;

	for (i = 0; i < CONFIG_ROUTE_HOPS; i++) {
		s->hop[i].failures = 0;
		s->hop[i].until_ms = 0;
	}
	if (id_or_0 != 0) {
		flush_row(s, &s->row[schedule_slot_of(s, id_or_0)]);
		return;
	}
	for (i = 0; i < SCHEDULE_SLOTS; i++)
		flush_row(s, &s->row[i]);
}

bool schedule_is_running(const struct schedule *s, uint32_t id)
{
	const struct schedule_row *row = &s->row[schedule_slot_of(s, id)];

	return row->id == id && row->running;
}

bool schedule_when(const struct schedule *s, uint32_t id, uint64_t *due_ms)
{
	const struct schedule_row *row = &s->row[schedule_slot_of(s, id)];

	if (row->id != id)
		return false;
	*due_ms = schedule_row_due_ms(row);
	return true;
}
