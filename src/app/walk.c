/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/walk.h"

void walk_begin(struct walk *w, uint32_t message)
{
	queue_reader_open(&w->reader, message, QUEUE_ENVELOPE);
	envelope_reader_init(&w->lines);
	w->at = 0;
	w->len = 0;
}

static enum status refill(struct queue *q, struct walk *w)
{
	int n = queue_read(q, &w->reader, w->piece, sizeof(w->piece));

	if (n < 0)
		return (enum status)n;
	if (n == 0)
		return ST_MISSING;
	w->at = 0;
	w->len = (uint8_t)n;
	return ST_OK;
}

enum status walk_next(struct queue *q, struct walk *w, struct envelope_item *out)
{
	enum status status = ST_OK;
	struct span in;

	while (status == ST_OK) {
		in = span_make(w->piece + w->at, w->len);
		status = envelope_read(&w->lines, &in, out);
		w->at = (uint8_t)(w->at + (w->len - in.len));
		w->len = (uint8_t)in.len;
		if (status != ST_AGAIN)
			return status;
		status = refill(q, w);
	}
	return status;
}

enum status walk_to(struct queue *q, struct walk *w, enum envelope_kind kind,
	struct envelope_item *out)
{
	enum status status;

	do
		status = walk_next(q, w, out);
	while (status == ST_OK && out->kind != kind);
	return status;
}
