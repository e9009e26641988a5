/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/submission.h"

#include "app/accept.h"

/* While flash works for us the loop looks again after this. */
#define FLASH_POLL_MS 5u

enum submission_state { FREE, OPEN, STORING, COMMITTED, KEPT, LOST };

static const uint8_t line_end[] = { '\r', '\n' };

/* The slot of a handle that was given out, or NULL. */
static struct submission *slot_of(struct submissions *all, int handle)
{
	if (handle < 0 || handle >= CONFIG_SUBMISSIONS || all->slot[handle].state == FREE)
		return NULL;
	return &all->slot[handle];
}

/* What a refusal in words of SMTP is to the program: it may wait, or must change something. */
static enum status status_of(const struct reply *r)
{
	if (r->code < 400)
		return ST_OK;
	if (r->code == 452 && r->enhanced[1] == 3)
		return ST_FULL;
	return r->code == 451 ? ST_IO : ST_BAD;
}

static void give_up(struct core *c, struct submission *s)
{
	storing_abort(c, &s->mail);
	s->state = FREE;
}

/* status, and the submission is over if that is for good. */
static enum status said(struct core *c, struct submission *s, enum status status)
{
	if (status != ST_OK && status != ST_AGAIN)
		give_up(c, s);
	return status;
}

static enum status refused(struct core *c, struct submission *s, const char *stage,
	const struct reply *r)
{
	report_refused(&c->report, s->id, stage, SPAN_EMPTY, r);
	return said(c, s, status_of(r));
}

/* ---- begin: the envelope --------------------------------------------------------- */

static enum status put_envelope(struct core *c, struct submission *s,
	const struct pipit_envelope *e)
{
	const struct conf *conf = core_conf(c);
	struct address a = { SPAN_EMPTY, SPAN_EMPTY };
	const struct reply *r = accept_mail(c, e->size);
	size_t i;

	if (r->code >= 400)
		return refused(c, s, "mail", r);
	if (e->recipient_count == 0 || (e->sender.len > 0 && !address_parse(e->sender, &a)))
		return said(c, s, ST_BAD);
	storing_begin(c, &s->mail, &a, conf_span(conf, conf->hostname));
	s->mail.size_hint = e->size;
	for (i = 0; i < e->recipient_count; i++) {
		if (!address_parse(e->recipient[i], &a))
			return said(c, s, ST_BAD);
		r = storing_rcpt(c, &s->mail, &a);
		if (r->code >= 400)
			return refused(c, s, "rcpt", r);
	}
	return ST_OK;
}

enum status submission_begin(struct core *c, struct submissions *all,
	const struct pipit_envelope *e, int *handle)
{
	static const struct ip ourselves;
	struct submission *s;

	for (*handle = 0; *handle < CONFIG_SUBMISSIONS; ++*handle) {
		s = &all->slot[*handle];
		if (s->state != FREE)
			continue;
		s->state = OPEN;
		s->end_left = 0;
		s->cr = s->line_open = s->waiting = s->alone = false;
		s->taken = 0;
		s->id = ++c->session_next;
		storing_init(&s->mail, &ourselves, true);
		return put_envelope(c, s, e);
	}
	return ST_AGAIN;
}

/* ---- data: into the queue -------------------------------------------------------- */

/* The writer is open and the envelope written. */
static enum status open_storage(struct core *c, struct submission *s)
{
	enum status status;

	if (s->state == OPEN) {
		status = storing_open(c, &s->mail);
		if (status == ST_AGAIN)
			return ST_AGAIN;
		if (status != ST_OK)
			return refused(c, s, "data", accept_storage_reply(status));
		s->state = STORING;
	}
	return storing_envelope(c, &s->mail) ? ST_OK : ST_AGAIN;
}

static bool is_line_end(uint8_t octet)
{
	return octet == '\r' || octet == '\n';
}

/* Octets up to a line end; or notes a line end, CRLF for any kind; or some of a CRLF noted
 * before.  false: flash is busy. */
static bool put_some(struct core *c, struct submission *s, struct span *rest)
{
	size_t run = 0, took;

	if (s->end_left > 0) {
		if (!storing_body(c, &s->mail,
			    span_make(line_end + sizeof(line_end) - s->end_left, s->end_left),
			    &took))
			return false;
		s->end_left = (uint8_t)(s->end_left - took);
		return true;
	}
	if (is_line_end(rest->at[0])) {
		s->end_left = rest->at[0] == '\n' && s->cr ? 0 : sizeof(line_end);
		s->cr = rest->at[0] == '\r';
		s->line_open = false;
		span_skip(rest, 1);
		return true;
	}
	while (run < rest->len && !is_line_end(rest->at[run]))
		run++;
	if (!storing_body(c, &s->mail, span_head(*rest, run), &took))
		return false;
	s->cr = false;
	s->line_open = true;
	span_skip(rest, took);
	return true;
}

static enum status put(struct core *c, struct submission *s, struct span *rest)
{
	while (s->mail.failed == NULL && (rest->len > 0 || s->end_left > 0))
		if (!put_some(c, s, rest))
			return ST_AGAIN;
	return s->mail.failed == NULL ? ST_OK : refused(c, s, "message", s->mail.failed);
}

enum status submission_data(struct core *c, struct submissions *all, int handle, struct span bytes)
{
	struct submission *s = slot_of(all, handle);
	struct span rest;
	enum status status;

	if (s == NULL || s->state > STORING)
		return ST_BAD;
	status = open_storage(c, s);
	if (status != ST_OK)
		return status;
	rest = span_from(bytes, s->taken);
	status = put(c, s, &rest);
	s->waiting = status == ST_AGAIN;
	s->taken = s->waiting ? bytes.len - rest.len : 0;
	return status;
}

/* ---- end: durable, and scheduled -------------------------------------------------- */

/* The commit is on flash or never will be: this is the moment of the promise. */
static void settle(struct core *c, struct submission *s)
{
	int durable = queue_durable(&c->queue, s->mail.ticket);

	if (s->state != COMMITTED || durable == 0)
		return;
	s->state = durable > 0 ? KEPT : LOST;
	if (s->state == KEPT) {
		schedule_put(&c->schedule, s->mail.message, c->now_s, QUEUE_NORMAL);
		report_accepted(&c->report, s->id, s->mail.message, s->mail.size,
			s->mail.rcpt_count, accept_sender(&s->mail.envelope));
	}
	if (s->alone)
		s->state = FREE;
}

static enum status commit(struct core *c, struct submission *s)
{
	static const struct trace ourselves = { .own = true };
	struct span rest = SPAN_EMPTY;
	enum status status = open_storage(c, s);

	if (status != ST_OK)
		return status;
	if (s->line_open) {
		s->end_left = sizeof(line_end);
		s->line_open = false;
	}
	status = put(c, s, &rest);
	if (status != ST_OK)
		return status;
	if (!storing_finish(c, &s->mail, &ourselves))
		return ST_AGAIN;
	if (s->mail.failed != NULL)
		return refused(c, s, "message", s->mail.failed);
	status = storing_commit(c, &s->mail);
	if (status == ST_OK)
		s->state = COMMITTED;
	else if (status != ST_AGAIN)
		return refused(c, s, "message", accept_storage_reply(status));
	return status;
}

enum status submission_end(struct core *c, struct submissions *all, int handle, uint32_t *message)
{
	struct submission *s = slot_of(all, handle);
	enum status status;

	if (s == NULL || s->waiting)
		return ST_BAD;
	if (s->state <= STORING) {
		status = commit(c, s);
		if (status != ST_OK)
			return status;
	}
	settle(c, s);
	if (s->state == COMMITTED)
		return ST_AGAIN;
	*message = s->mail.message;
	status = s->state == KEPT ? ST_OK : ST_IO;
	s->state = FREE;
	return status;
}

void submission_abort(struct core *c, struct submissions *all, int handle)
{
	struct submission *s = slot_of(all, handle);

	if (s == NULL)
		return;
	s->alone = s->state == COMMITTED;
	if (!s->alone)
		give_up(c, s);
}

/* ---- the slots -------------------------------------------------------------------- */

uint32_t submission_step(struct core *c, struct submissions *all)
{
	uint32_t wait_ms = UINT32_MAX;
	size_t i;

	for (i = 0; i < CONFIG_SUBMISSIONS; i++) {
		settle(c, &all->slot[i]);
		if (all->slot[i].state == COMMITTED)
			wait_ms = FLASH_POLL_MS;
	}
	return wait_ms;
}

bool submission_idle(const struct submissions *all)
{
	size_t i;

	for (i = 0; i < CONFIG_SUBMISSIONS; i++)
		if (all->slot[i].state == COMMITTED)
			return false;
	return true;
}

void submission_close(struct core *c, struct submissions *all)
{
	size_t i;

	for (i = 0; i < CONFIG_SUBMISSIONS; i++)
		if (all->slot[i].state != FREE)
			give_up(c, &all->slot[i]);
}
