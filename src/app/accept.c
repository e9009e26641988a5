/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/accept.h"

#include "mail/envelope.h"

struct reply accept_storage_reply(enum status status)
{
	if (status == ST_FULL)
		return REPLY(452, 4, 3, 1, "queue is full, try again later");
	if (status == ST_BAD)
		return REPLY(552, 5, 3, 4, "message too big");
	return REPLY(451, 4, 3, 0, "storage failed, try again later");
}

struct reply accept_mail(struct core *c, uint32_t size)
{
	enum status status;

	if (size > core_conf(c)->max_message_size)
		return accept_storage_reply(ST_BAD);
	status = queue_admit(&c->queue, size, 1);
	if (status != ST_OK && status != ST_AGAIN)
		return accept_storage_reply(status);
	return REPLY(250, 2, 1, 0, "sender ok");
}

/* The text of the n-th line of this kind in an envelope text. */
static struct span line_of(const struct buf *envelope, uint8_t kind)
{
	struct span rest = buf_span(envelope);

	while (rest.len > 0) {
		size_t end = span_find(rest, '\n');

		if (rest.at[0] == kind)
			return span_sub(rest, 1, end - 1);
		rest = span_from(rest, end + 1);
	}
	return SPAN_EMPTY;
}

struct span accept_sender(const struct buf *envelope)
{
	return line_of(envelope, ENVELOPE_SENDER);
}

struct span accept_single_rcpt(const struct buf *envelope, uint16_t rcpt_count)
{
	return rcpt_count == 1 ? line_of(envelope, ENVELOPE_RCPT) : SPAN_EMPTY;
}

static bool same_address(struct span a, struct span b)
{
	struct address x, y;

	return address_parse(a, &x) && address_parse(b, &y) ? address_equal(&x, &y) : span_equal(a, b);
}

static bool is_there(const struct buf *envelope, struct span address)
{
	struct span rest = buf_span(envelope);

	while (rest.len > 0) {
		size_t end = span_find(rest, '\n');

		if (rest.at[0] == ENVELOPE_RCPT && end - 1 == address.len
			&& same_address(span_sub(rest, 1, end - 1), address))
			return true;
		rest = span_from(rest, end + 1);
	}
	return false;
}

/* One RCPT being expanded. */
struct expansion {
	struct accept_rcpt *a;
	struct span given;
	struct reply refusal;   /* code 0: none */
};

static struct reply decide(struct core *c, struct span address)
{
	struct address to;
	struct route route;

	if (!address_parse(address, &to))
		to = (struct address){ address, SPAN_EMPTY };   /* a name without domain */
	route = route_decide(core_conf(c), &to);
	if (route.way == ROUTE_NO_DOMAIN)
		return REPLY(550, 5, 1, 3, "address without domain");
	if (route.way == ROUTE_NO_USER)
		return REPLY(550, 5, 1, 1, "no such user here");
	if (route.way == ROUTE_LOCAL && route.check_system_user
		&& (c->world->mailbox.user_exists == NULL
			|| !c->world->mailbox.user_exists(c->world->mailbox.ctx, to.local)))
		return REPLY(550, 5, 1, 1, "no such user here");
	return (struct reply){ 0 };
}

static bool add(void *ctx, struct span address)
{
	struct expansion *x = ctx;
	struct accept_rcpt *a = x->a;

	x->refusal = decide(a->core, address);
	if (x->refusal.code != 0)
		return false;
	if (is_there(a->envelope, address))
		return true;
	if (!span_equal(address, x->given))
		envelope_put(a->envelope, ENVELOPE_ORIGINAL, x->given);
	envelope_put(a->envelope, ENVELOPE_RCPT, address);
	a->rcpt_count++;
	if (a->envelope->overflow || a->rcpt_count > core_conf(a->core)->max_recipients)
		x->refusal = REPLY(452, 4, 5, 3, "too many recipients");
	return x->refusal.code == 0;
}

struct reply accept_rcpt(struct accept_rcpt *a, const struct address *to)
{
	struct core *c = a->core;
	struct buf given;
	uint8_t text[ADDRESS_MAX];
	struct expansion x = { .a = a };
	struct route_sink sink = { add, &x };
	size_t mark = a->envelope->len;
	uint16_t count = a->rcpt_count;
	enum status status;

	if (to->domain.len > 0 && !a->local_client && !route_domain_is_local(core_conf(c), to->domain))
		return REPLY(550, 5, 7, 1, "relaying denied");
	buf_init(&given, text, sizeof(text));
	address_put(&given, to);
	x.given = buf_span(&given);
	status = route_expand(core_conf(c), to, &sink);
	if (status == ST_BAD)
		x.refusal = REPLY(550, 5, 4, 6, "alias loop");
	else if (status != ST_OK && x.refusal.code == 0)
		x.refusal = REPLY(451, 4, 3, 0, "alias expansion failed");
	if (x.refusal.code == 0)
		return REPLY(250, 2, 1, 5, "recipient ok");
	a->envelope->len = mark;
	a->envelope->overflow = false;
	a->rcpt_count = count;
	return x.refusal;
}
