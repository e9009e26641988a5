/* SPDX-License-Identifier: BSD-2-Clause */
/* Mailboxes of a node: slow, broken, refusing; what is delivered there is safe at once. */
#include "sim/sim.h"

#include "base/status.h"

#include <string.h>

#define SLOW_MS 3000u

static struct mailbox_slot *slot_of(struct node *n, int handle)
{
	struct mailbox_slot *m = handle >= 0 && handle < CONFIG_SIM_MAILBOXES
		? &n->w->mailbox[handle]
		: NULL;

	if (m == NULL || !m->used || m->node != n->index)
		sim_fail(n->w, "n%u uses mailbox %d, which is not open", n->index, handle);
	n->ops++;
	return m;
}

static int box_begin(void *ctx, const struct mailbox_target *target)
{
	struct node *n = ctx;
	struct mailbox_slot *m;
	int i;

	n->ops++;
	if (fault(n->w, FAULT_mailbox))
		return draw(n->w, 2) ? ST_AGAIN : ST_IO;
	for (i = 0; i < CONFIG_SIM_MAILBOXES && n->w->mailbox[i].used; i++)
		;
	if (i == CONFIG_SIM_MAILBOXES)
		return ST_AGAIN;
	m = &n->w->mailbox[i];
	memset(m, 0, offsetof(struct mailbox_slot, data));
	m->used = true;
	m->node = n->index;
	m->to = token_read(target->recipient);
	n->moved++;
	return i;
}

static int box_write(void *ctx, int handle, struct span bytes)
{
	struct node *n = ctx;
	struct mailbox_slot *m = slot_of(n, handle);

	if (fault(n->w, FAULT_mailbox))
		return draw(n->w, 4) ? ST_AGAIN : ST_IO;
	if (fault(n->w, FAULT_partial))
		bytes.len = 1u + draw(n->w, (uint32_t)bytes.len);
	if (bytes.len > sizeof(m->data) - m->len)
		sim_fail(n->w, "n%u writes more to a mailbox than any message has", n->index);
	memcpy(m->data + m->len, bytes.at, bytes.len);
	m->len += (uint32_t)bytes.len;
	n->moved++;
	return (int)bytes.len;
}

static int box_finish(void *ctx, int handle)
{
	struct node *n = ctx;
	struct mailbox_slot *m = slot_of(n, handle);

	if (fault(n->w, FAULT_mailbox))
		return ST_AGAIN;
	m->finished = true;
	n->moved++;
	set_timer(n->w, TIMER_MAILBOX + (unsigned)handle, n->w->now_ms + draw_log(n->w, SLOW_MS));
	return ST_OK;
}

/* The message as a next hop would have it, and whether it came from <>. */
static struct arrival arrival_of(struct mailbox_slot *m, bool abandoned)
{
	struct span data = span_make(m->data, m->len);
	bool from_null = span_starts_nocase(data, SPAN("Return-Path: <>\r\n"));
	size_t head = span_find(data, '\n') + 1;

	head += span_find(span_from(data, head), '\n') + 1;
	return (struct arrival){ m->node, &m->to, 1, from_null, true, abandoned,
		span_from(data, head) };
}

static void deliver(struct sim *w, struct mailbox_slot *m, bool abandoned)
{
	struct arrival a = arrival_of(m, abandoned);

	m->outcome = MAILBOX_DELIVERED;
	if (fault(w, FAULT_mailbox) && m->to.valid)
		m->outcome = (uint8_t)(MAILBOX_LATER + draw(w, 2));
	if (m->outcome == MAILBOX_DELIVERED)
		ledger_arrived(w, &a);
	else if (m->outcome == MAILBOX_REFUSED)
		ledger_never(w, m->to);
}

void mailbox_due(struct sim *w, unsigned at)
{
	struct mailbox_slot *m = &w->mailbox[at];

	if (!m->used || !m->finished || m->answered)
		return;
	deliver(w, m, false);
	m->answered = true;
}

static int box_result(void *ctx, int handle, struct mailbox_result *out)
{
	struct node *n = ctx;
	struct mailbox_slot *m = slot_of(n, handle);
	struct arrival a = arrival_of(m, false);

	if (!m->answered)
		return ST_AGAIN;
	out->outcome = (enum mailbox_outcome)m->outcome;
	memcpy(out->text, "mailbox says so", sizeof("mailbox says so"));
	if (m->outcome == MAILBOX_DELIVERED)
		ledger_told(n->w, &a);
	m->used = false;
	n->moved++;
	return ST_OK;
}

/* Nobody waits for it any more; when all was written it may be delivered all the same. */
static void forget(struct sim *w, struct mailbox_slot *m)
{
	if (m->finished && !m->answered && draw(w, 2))
		deliver(w, m, true);
	m->used = false;
}

static void box_abandon(void *ctx, int handle)
{
	struct node *n = ctx;

	forget(n->w, slot_of(n, handle));
	n->moved++;
}

static bool box_user_exists(void *ctx, struct span user)
{
	(void)ctx;
	return user.len > 0;
}

struct mailbox node_mailbox(struct node *n)
{
	return (struct mailbox){
		.begin = n->w->plan.local ? box_begin : NULL,
		.write = box_write,
		.finish = box_finish,
		.result = box_result,
		.abandon = box_abandon,
		.user_exists = box_user_exists,
		.ctx = n,
	};
}

void mailbox_forget(struct node *n)
{
	unsigned i;

	for (i = 0; i < CONFIG_SIM_MAILBOXES; i++)
		if (n->w->mailbox[i].used && n->w->mailbox[i].node == n->index)
			forget(n->w, &n->w->mailbox[i]);
}

bool mailbox_is_idle(const struct sim *w)
{
	unsigned i;

	for (i = 0; i < CONFIG_SIM_MAILBOXES; i++)
		if (w->mailbox[i].used)
			return false;
	return true;
}
