/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/accept.h"

#include "app/replies.h"
#include "mail/envelope.h"

const struct reply *accept_storage_reply(enum status status)
{
	if (status == ST_FULL)
		return say(SAY_QUEUE_FULL);
	if (status == ST_BAD)
		return say(SAY_TOO_BIG);
	return say(SAY_STORAGE_FAILED);
}

const struct reply *accept_mail(struct core *c, uint32_t size)
{
	enum status status;

	if (size > core_conf(c)->max_message_size)
		return accept_storage_reply(ST_BAD);
	status = queue_admit(&c->queue, size, 1);
	if (status != ST_OK && status != ST_AGAIN)
		return accept_storage_reply(status);
	return say(SAY_SENDER_OK);
}

/* Takes the next line off an envelope text. */
static struct span next_line(struct span *rest)
{
	struct span line = span_sub(*rest, 0, span_find(*rest, '\n'));

	span_skip(rest, line.len + 1);
	return line;
}

/* The text of the first line of this kind in an envelope text. */
static struct span line_of(const struct buf *envelope, uint8_t kind)
{
	struct span line, rest = buf_span(envelope);

	while (rest.len > 0) {
		line = next_line(&rest);
		if (line.at[0] == kind)
			return span_from(line, 1);
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

	return address_parse(a, &x) && address_parse(b, &y) ? address_equal(&x, &y)
							    : span_equal(a, b);
}

static bool is_there(const struct buf *envelope, struct span address)
{
	struct span line, rest = buf_span(envelope);

	while (rest.len > 0) {
		line = next_line(&rest);
		if (line.at[0] == ENVELOPE_RCPT && line.len - 1 == address.len &&
			same_address(span_from(line, 1), address))
			return true;
	}
	return false;
}

/* One RCPT being expanded. */
struct expansion {
	struct accept_rcpt *a;
	struct span given;
	const struct reply *refusal; /* NULL: none */
};

static const struct reply *decide(struct core *c, struct span address)
{
	struct address to;
	struct route route;

	if (!address_parse(address, &to))
		to = (struct address){ address, SPAN_EMPTY }; /* a name without domain */
	route = route_decide(core_conf(c), &to);
	if (route.way == ROUTE_NO_DOMAIN)
		return say(SAY_NO_DOMAIN);
	if (route.way == ROUTE_NO_USER)
		return say(SAY_NO_USER);
	if (CONFIG_LOCAL_DELIVERY && route.way == ROUTE_LOCAL && route.check_system_user &&
		(c->world->mailbox.user_exists == NULL ||
			!c->world->mailbox.user_exists(c->world->mailbox.ctx, to.local)))
		return say(SAY_NO_USER);
	return NULL;
}

static bool add(void *ctx, struct span address)
{
	struct expansion *x = ctx;
	struct accept_rcpt *a = x->a;

	x->refusal = decide(a->core, address);
	if (x->refusal != NULL)
		return false;
	if (is_there(a->envelope, address))
		return true;
	if (!span_equal(address, x->given))
		envelope_put(a->envelope, ENVELOPE_ORIGINAL, x->given);
	envelope_put(a->envelope, ENVELOPE_RCPT, address);
	a->rcpt_count++;
	if (a->envelope->overflow || a->rcpt_count > core_conf(a->core)->max_recipients)
		x->refusal = say(SAY_RCPTS_FULL);
	return x->refusal == NULL;
}

const struct reply *accept_rcpt(struct accept_rcpt *a, const struct address *to)
{
	struct core *c = a->core;
	struct buf given;
	uint8_t text[ADDRESS_MAX];
	struct expansion x = { .a = a };
	struct route_sink sink = { add, &x };
	size_t mark = a->envelope->len;
	uint16_t count = a->rcpt_count;
	enum status status;

	if (to->domain.len > 0 && !a->local_client &&
		!route_domain_is_local(core_conf(c), to->domain))
		return say(SAY_RELAY_DENIED);
	buf_init(&given, text, sizeof(text));
	address_put(&given, to);
	x.given = buf_span(&given);
	status = route_expand(core_conf(c), to, &sink);
	if (status == ST_BAD)
		x.refusal = say(SAY_ALIAS_LOOP);
	else if (status != ST_OK && x.refusal == NULL)
		x.refusal = say(SAY_RCPTS_FULL);
	if (x.refusal == NULL)
		return say(SAY_RCPT_OK);
	a->envelope->len = mark;
	a->envelope->overflow = false;
	a->rcpt_count = count;
	return x.refusal;
}
