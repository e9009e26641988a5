/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration of a node, as a person would write it. */
#include "sim/sim.h"

#include "base/check.h"

static void put(struct buf *b, const char *text, uint32_t number, const char *more)
{
	buf_puts(b, text);
	buf_put_u32(b, number);
	buf_puts(b, more);
}

static void put_schedule(struct buf *b, const struct plan *p)
{
	unsigned i;

	buf_puts(b, "retry");
	for (i = 0; i < 5; i++)
		put(b, " ", p->retry_s[i], "s");
	put(b, "\nexpire ", p->expire_s, "s\n");
	if (CONFIG_DELAY_REPORTS)
		put(b, "warn_delay ", p->warn_s, "s\n");
	put(b, "max_message_size ", p->size_max, "\n");
}

/* DOMAIN_VIA is sent on by the first Pipit, DOMAIN_LOOP by every one. */
static void put_routes(struct buf *b, const struct sim *w, unsigned index)
{
	unsigned i;

	for (i = 0; i < CONFIG_SIM_DOMAINS; i++) {
		uint8_t kind = w->dns.domain[i].kind;

		if (kind != DOMAIN_LOOP && (kind != DOMAIN_VIA || index + 1u == w->plan.nodes))
			continue;
		put(b, "route d", i, ".test 10.0.0.");
		put(b, "", 1u + (index + 1u) % w->plan.nodes, ":25 tls=none\n");
	}
	if (w->plan.smarthost)
		buf_puts(b, "smarthost 192.0.2.1:25 tls=none\nsmarthost h1.test tls=none\n");
}

void node_configure(struct node *n, bool changed)
{
	struct buf b;

	buf_init(&b, n->conf, sizeof(n->conf));
	put(&b, "hostname n", n->index, ".sim.test\n");
	put(&b, "listen 10.0.0.", 1u + n->index, ":25\n");
	buf_puts(&b, "relay_from 10.0.0.0/8\ndns_server 203.0.113.53 203.0.113.54\n");
	if (CONFIG_MAILBOXES && n->w->plan.local)
		put(&b, "local_domain n", n->index, ".sim.test\n");
	if (CONFIG_MAILBOXES && n->w->plan.local)
		put(&b, "deliver *@n", n->index, ".sim.test maildir /m/%u\n");
	if (n->w->plan.postmaster)
		buf_puts(&b, "postmaster postmaster@d1.test\n");
	if (changed)
		buf_puts(&b, "log debug\n");
	put_schedule(&b, &n->w->plan);
	put_routes(&b, n->w, n->index);
	CHECK(!b.overflow);
	n->conf_len = b.len;
}
