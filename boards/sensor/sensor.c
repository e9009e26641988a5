/* SPDX-License-Identifier: BSD-2-Clause */
#include "sensor/sensor.h"

#include "base/buf.h"

#include <string.h>

#define EVERY_MS 3600000u
#define FIRST_MS 60000u

/* A product asks its hardware here. */
static uint32_t measure(struct sensor *s)
{
	return 20u + s->readings % 5u;
}

/* ---- Writing -------------------------------------------------------------------------------- */

static void put_line(struct buf *b, const char *name, struct span value)
{
	buf_puts(b, name);
	buf_put(b, value);
	buf_put_byte(b, '\n');
}

static void compose(struct sensor *s)
{
	struct buf b;

	s->readings++;
	buf_init(&b, s->text, sizeof(s->text));
	put_line(&b, "From: ", span_make(s->from, s->from_len));
	put_line(&b, "To: ", span_make(s->to, s->to_len));
	buf_puts(&b, "Subject: reading ");
	buf_put_u32(&b, s->readings);
	buf_puts(&b, "\n\nIt is ");
	buf_put_u32(&b, measure(s));
	buf_puts(&b, " degrees.\n");
	s->text_len = b.overflow ? 0 : b.len;
}

/* False when one is under way, or the address is too long. */
static bool write_to(struct sensor *s, struct span to)
{
	if (s->state != SENSOR_QUIET || to.len == 0 || to.len > sizeof(s->to))
		return false;
	memcpy(s->to, to.at, to.len);
	s->to_len = to.len;
	compose(s);
	s->state = SENSOR_BEGIN;
	return true;
}

static enum status submit(struct sensor *s)
{
	const struct span to = span_make(s->to, s->to_len);
	const struct pipit_envelope e = { .sender = span_make(s->from, s->from_len),
		.recipient = &to,
		.recipient_count = 1 };
	uint32_t message;

	switch (s->state) {
	case SENSOR_BEGIN: return pipit_submit_begin(s->mta, &e, &s->handle);
	case SENSOR_DATA:
		return pipit_submit_data(s->mta, s->handle, span_make(s->text, s->text_len));
	default: return pipit_submit_end(s->mta, s->handle, &message);
	}
}

/* One call of the submission; after a failure the reading is forgotten, another will come. */
static void go_on(struct sensor *s)
{
	enum status status = submit(s);

	if (status == ST_AGAIN)
		return;
	if (status != ST_OK) {
		s->state = SENSOR_QUIET;
	} else if (s->state != SENSOR_END) {
		s->state++;
	} else {
		s->sent++;
		s->state = SENSOR_QUIET;
	}
}

static void put_own(struct sensor *s, uint8_t *to, size_t room, size_t *len, const char *local)
{
	struct buf b;

	buf_init(&b, to, room);
	buf_puts(&b, local);
	buf_puts(&b, s->domain);
	*len = b.overflow ? 0 : b.len;
}

static void write_to_postmaster(struct sensor *s)
{
	uint8_t room[SENSOR_ADDRESS];
	size_t len;

	put_own(s, room, sizeof(room), &len, "postmaster@");
	write_to(s, span_make(room, len));
}

/* ---- Being asked ---------------------------------------------------------------------------- */

static enum pipit_verdict on_local(void *ctx, const struct pipit_envelope *e,
	struct pipit_reader *reader)
{
	struct sensor *s = ctx;
	uint8_t octets[64];
	int n;

	do
		n = pipit_read(reader, octets, sizeof(octets));
	while (n > 0);
	if (n == ST_AGAIN)
		return PIPIT_MORE;
	if (e->sender.len > 0 && !write_to(s, e->sender))
		return PIPIT_LATER;
	s->asked++;
	return PIPIT_DELIVERED;
}

struct pipit_hooks sensor_hooks(struct sensor *s)
{
	return (struct pipit_hooks){ .on_local = on_local, .ctx = s };
}

/* ---- The loop's part ------------------------------------------------------------------------ */

void sensor_start(struct sensor *s, struct pipit *mta, const char *domain)
{
	memset(s, 0, sizeof(*s));
	s->mta = mta;
	s->domain = domain;
	put_own(s, s->from, sizeof(s->from), &s->from_len, "sensor@");
}

void sensor_turn(struct sensor *s, struct instant now)
{
	if (!s->started) {
		s->started = true;
		s->next_ms = now.mono_ms + FIRST_MS;
	}
	if (s->state != SENSOR_QUIET) {
		go_on(s);
	} else if (instant_until_ms(now.mono_ms, s->next_ms) == 0) {
		s->next_ms = now.mono_ms + EVERY_MS;
		write_to_postmaster(s);
	}
}
