/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages and what clients were told of them; what arrives is in arrivals.c. */
#include "sim/sim.h"

#include <stdio.h>
#include <string.h>

#define BACK_OFF_MS 30000u

/* Pipit counts whole seconds, from the one that a message comes in. */
#define SECOND_MS 1000u

/* Names of one next hop that may be called one after the other: h<k>, and each domain that
 * has it for an implicit MX; each by two kinds of address. */
#define CALLS_MAX (2u * (CONFIG_CLIENT_SESSIONS + CONFIG_SIM_DOMAINS) + 4u)

void ledger_init(struct sim *w)
{
	memset(&w->ledger, 0, sizeof(w->ledger));
}

/* ---- Messages ------------------------------------------------------------------- */

static uint8_t draw_shape(struct sim *w)
{
	uint32_t shape = draw(w, 8) == 0 ? draw(w, 64) & 63u : draw(w, 64) & draw(w, 64) & 63u;

	if (draw(w, 20) != 0)
		shape &= ~(uint32_t)(SHAPE_EMPTY | SHAPE_LONG);
	if (shape & SHAPE_EMPTY)
		shape = SHAPE_EMPTY;
	if (shape & SHAPE_HEADLESS)
		shape &= ~(uint32_t)SHAPE_DATED;
	if (!(shape & SHAPE_EMPTY) && fault(w, FAULT_client_bare))
		shape |= SHAPE_BARE;
	if (!(shape & SHAPE_EMPTY) && fault(w, FAULT_client_big))
		shape |= SHAPE_BIG;
	return (uint8_t)shape;
}

static void draw_rcpts(struct sim *w, struct message *m)
{
	unsigned i;

	m->rcpts = (uint8_t)(1u + (draw(w, 2) ? draw(w, RCPTS_MAX) : 0u));
	for (i = 0; i < m->rcpts; i++) {
		m->rcpt[i].domain = (uint8_t)draw(w, CONFIG_SIM_DOMAINS);
		/* A stranger now and then tries to relay. */
		if (w->plan.local && draw(w, 4) < (m->local_client ? 1u : 3u))
			m->rcpt[i].domain = DOMAIN_LOCAL;
	}
}

struct message *ledger_message(struct sim *w, unsigned node, bool local_client, unsigned *number)
{
	struct message *m;

	if (w->ledger.messages == CONFIG_SIM_MESSAGES || w->ledger.messages == w->plan.messages)
		return NULL;
	*number = w->ledger.messages++;
	m = &w->ledger.message[*number];
	memset(m, 0, sizeof(*m));
	m->node = (uint8_t)node;
	m->local_client = local_client;
	m->shape = draw_shape(w);
	m->null_sender = draw(w, 10) == 0;
	m->sender_local = w->plan.local && draw(w, 2) == 0;
	m->size = (uint32_t)draw_log(w, w->plan.size_max - w->plan.size_max / 4u);
	if (m->shape & SHAPE_BIG)
		m->size = w->plan.size_max + 1u + draw(w, w->plan.size_max / 8u);
	draw_rcpts(w, m);
	return m;
}

void message_sender(const struct sim *w, unsigned number, struct buf *b)
{
	const struct message *m = &w->ledger.message[number];

	if (m->null_sender)
		return;
	buf_puts(b, "t");
	buf_put_u32(b, number);
	buf_puts(b, "@");
	if (m->sender_local) {
		buf_puts(b, "n");
		buf_put_u32(b, m->node);
		buf_puts(b, ".sim.test");
	} else {
		buf_puts(b, "d0.test");
	}
}

void message_rcpt(const struct sim *w, unsigned number, unsigned rcpt, struct buf *b)
{
	const struct message *m = &w->ledger.message[number];

	buf_puts(b, "t");
	buf_put_u32(b, number);
	buf_puts(b, "r");
	buf_put_u32(b, rcpt);
	if (m->rcpt[rcpt].domain == DOMAIN_LOCAL) {
		buf_puts(b, "@n");
		buf_put_u32(b, m->node);
		buf_puts(b, ".sim.test");
	} else {
		buf_puts(b, "@d");
		buf_put_u32(b, m->rcpt[rcpt].domain);
		buf_puts(b, ".test");
	}
}

/* ---- What clients were told ----------------------------------------------------- */

void ledger_rcpt_accepted(struct sim *w, unsigned number, unsigned rcpt)
{
	struct message *m = &w->ledger.message[number];
	struct rcpt *r = &m->rcpt[rcpt];

	if (!m->local_client && r->domain != DOMAIN_LOCAL)
		sim_fail(w, "an open relay: a stranger may send t%ur%u away", number, rcpt);
	r->accepted = true;
	r->n = m->rcpts_accepted++;
}

void ledger_offered(struct sim *w, unsigned number)
{
	struct message *m = &w->ledger.message[number];

	if (m->state == MESSAGE_MADE) {
		m->state = MESSAGE_OFFERED;
		m->offered_ms = w->now_ms;
	}
	count(w, FIGURE_offered, 1);
}

void ledger_accepted(struct sim *w, unsigned number, uint32_t id)
{
	struct message *m = &w->ledger.message[number];

	if (m->shape & SHAPE_BARE)
		sim_fail(w, "t%u holds a bare CR or LF and was accepted", number);
	if (m->shape & SHAPE_BIG)
		sim_fail(w, "t%u is larger than what is admitted and was accepted", number);
	if (m->rcpts_accepted == 0)
		sim_fail(w, "t%u was accepted for nobody", number);
	m->state = MESSAGE_ACCEPTED;
	m->id = id;
	m->accepted_ms = w->now_ms;
	count(w, FIGURE_accepted, 1);
	count(w, FIGURE_recipients, m->rcpts_accepted);
	node_promised(w, m->node);
}

void ledger_refused(struct sim *w, unsigned number, unsigned code)
{
	struct message *m = &w->ledger.message[number];

	/* The record was made, then the device failed: it may yet be there. */
	m->maybe = m->state == MESSAGE_OFFERED && code == 451;
	m->state = MESSAGE_REFUSED;
	count(w, FIGURE_refused, 1);
}

/* Its time is counted from its dot, not from its 250, which may wait for the client's window. */
bool ledger_is_old(const struct sim *w, const struct message *m, uint64_t at_ms)
{
	return at_ms + SECOND_MS >= m->offered_ms + w->plan.expire_s * 1000u;
}

/* ---- How next hops are treated -------------------------------------------------- */

static struct call *call_of(struct sim *w, unsigned node, const struct ip_endpoint *to)
{
	struct party p = net_who(w, &to->ip);

	return p.kind == PARTY_HOP ? &w->ledger.call[node][p.who] : NULL;
}

void ledger_call(struct sim *w, unsigned node, const struct ip_endpoint *to)
{
	struct call *c = call_of(w, node, to);

	if (c == NULL || c->failures == 0)
		return;
	if (w->now_ms - c->first_ms > BACK_OFF_MS - 1000u)
		c->failures = 0;
	else if (c->failures > CALLS_MAX)
		sim_fail(w, "n%u hammers a next hop that cannot be connected: %u calls in %llu ms",
			node, c->failures, (unsigned long long)(w->now_ms - c->first_ms));
}

void ledger_called(struct sim *w, unsigned node, const struct ip_endpoint *to, bool ok)
{
	struct call *c = call_of(w, node, to);

	if (c == NULL)
		return;
	if (c->failures++ == 0)
		c->first_ms = w->now_ms;
	if (ok)
		c->failures = 0;
}

/* ---- The end -------------------------------------------------------------------- */

static void show_kept(const char *what, const struct kept *k)
{
	if (k->times > 0)
		printf(" %s %u times%s, by n%u (boot %u, id %08x)", what, k->times,
			k->told ? " and told" : "", k->node, k->boot, k->id);
}

void ledger_show(const struct sim *w, unsigned number)
{
	static const char *const states[] = { "made", "offered", "accepted", "refused" };
	const struct message *m = &w->ledger.message[number];
	unsigned i;

	printf("t%u: %s, to n%u at %llu ms as %08x, shape %02x, size %u, sender %s\n", number,
		states[m->state], m->node, (unsigned long long)m->accepted_ms, m->id, m->shape,
		m->size,
		m->null_sender            ? "<>"
			: m->sender_local ? "local"
					  : "remote");
	for (i = 0; i < m->rcpts; i++) {
		const struct rcpt *r = &m->rcpt[i];

		printf("  r%u (n %u): domain %u%s%s, %u times later,", i, r->n, r->domain,
			r->accepted ? "" : ", not accepted", r->failed ? ", 5xx" : "", r->laters);
		show_kept("delivered", &r->delivery);
		show_kept("bounced", &r->report);
		show_kept("delayed", &r->delay);
		printf("\n");
	}
}

void ledger_dropped(struct sim *w, unsigned node, uint32_t id)
{
	if (w->ledger.drops < DROPS_MAX)
		w->ledger.drop[w->ledger.drops++] = (struct drop){ (uint8_t)node, id, w->now_ms };
}

/* With several Pipits any of them may have dropped it, by a number of its own. */
static const struct drop *drop_of(const struct sim *w, const struct message *m)
{
	unsigned i;

	for (i = 0; i < w->ledger.drops; i++) {
		const struct drop *d = &w->ledger.drop[i];

		if ((d->node == m->node && d->id == m->id) ||
			(w->plan.nodes > 1 && d->at_ms >= m->accepted_ms))
			return d;
	}
	return NULL;
}

/* Its sender cannot be told, by DNS, by a refusal, or because it has taken too long. */
static bool may_be_dropped(const struct sim *w, const struct message *m)
{
	const struct drop *d = drop_of(w, m);

	/* The power may go between its record and its line in the log. */
	if (d == NULL && !m->cut_reporting)
		return false;
	if (w->plan.nodes > 1 || w->node[m->node].clock_doubt ||
		ledger_is_old(w, m, d != NULL ? d->at_ms : w->now_ms))
		return true;
	return (m->null_sender || m->report_refused || w->ledger.any_denied ||
		       w->dns.domain[0].denied) &&
		(!w->plan.postmaster || w->ledger.any_denied || w->dns.domain[1].denied);
}

/* A node's log or counters have told of damage; which message it was is not always known. */
static bool any_told_rot(const struct sim *w)
{
	unsigned i;

	for (i = 0; i < w->plan.nodes; i++)
		if (w->node[i].told_rot)
			return true;
	return false;
}

static void close_rcpt(struct sim *w, unsigned number, unsigned rcpt)
{
	struct message *m = &w->ledger.message[number];
	struct rcpt *r = &m->rcpt[rcpt];

	count(w, FIGURE_delivered, r->delivery.times > 0);
	count(w, FIGURE_bounced, r->report.times > 0);
	if (m->state != MESSAGE_ACCEPTED || r->delivery.times + r->report.times > 0)
		return;
	/* It named the sender, not the recipients that were in the lost report. */
	if (m->loss_told) {
		count(w, FIGURE_bounced, 1);
		return;
	}
	if (may_be_dropped(w, m)) {
		count(w, FIGURE_dropped, 1);
		return;
	}
	if (any_told_rot(w)) {
		count(w, FIGURE_rotten, 1);
		return;
	}
	if (ledger_is_rotten(w)) {
		count(w, FIGURE_rotten_silently, 1);
		return;
	}
	ledger_show(w, number);
	sim_fail(w, "t%ur%u is lost: it was answered 250 and neither delivered nor bounced", number,
		rcpt);
}

void ledger_close(struct sim *w)
{
	unsigned i, k;

	for (i = 0; i < w->ledger.messages; i++)
		for (k = 0; k < w->ledger.message[i].rcpts; k++)
			if (w->ledger.message[i].rcpt[k].accepted)
				close_rcpt(w, i, k);
}
