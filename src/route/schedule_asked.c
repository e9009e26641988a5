/* SPDX-License-Identifier: BSD-2-Clause */
#include "route/schedule.h"

static void flush_row(struct schedule *s, struct schedule_row *row)
{
	if (row->id == 0 || row->running)
		return;
	row->asked = true;
	row->due_s = 0;
	s->next_s = 0;
}

void schedule_flush(struct schedule *s, uint32_t id_or_0)
{
	uint32_t i;

	for (i = 0; i < CONFIG_ROUTE_HOPS; i++) {
		s->hop[i].wait_s = 0;
		s->hop[i].until_s = 0;
	}
	for (i = 0; i < CONFIG_QUEUE_MESSAGES; i++)
		if (id_or_0 == 0 || s->row[i].id == id_or_0)
			flush_row(s, &s->row[i]);
}

bool schedule_is_asked(struct schedule *s, uint32_t id)
{
	const struct schedule_row *row = schedule_row_of(s, id);

	return row != NULL && row->asked;
}

bool schedule_is_running(struct schedule *s, uint32_t id)
{
	const struct schedule_row *row = schedule_row_of(s, id);

	return row != NULL && row->running;
}

bool schedule_when(struct schedule *s, uint32_t id, uint32_t *due_s)
{
	const struct schedule_row *row = schedule_row_of(s, id);

	if (row == NULL)
		return false;
	*due_s = row->due_s;
	return true;
}
