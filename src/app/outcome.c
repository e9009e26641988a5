/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/outcome.h"

#include "app/replies.h"

#include <string.h>

#define ATTEMPTS_MAX 255u /* as flash counts them */

/* In a kept reply's code: a next hop said it, not we. */
#define REMOTE 0x8000u

void outcome_keep(struct queue_reply *kept, const struct reply *r, bool remote)
{
	struct buf b;

	kept->code = (uint16_t)(r->code | (remote ? REMOTE : 0u));
	memcpy(kept->enhanced, r->enhanced, sizeof(kept->enhanced));
	buf_init(&b, kept->text, sizeof(kept->text));
	buf_put_max(&b, r->text, sizeof(kept->text));
	kept->text_len = (uint8_t)b.len;
}

struct reply outcome_reply(const struct queue_reply *kept)
{
	return (struct reply){ .code = (uint16_t)(kept->code & ~REMOTE),
		.enhanced = { kept->enhanced[0], kept->enhanced[1], kept->enhanced[2] },
		.text = span_make(kept->text, kept->text_len) };
}

bool outcome_is_remote(const struct queue_reply *kept)
{
	return (kept->code & REMOTE) != 0;
}

static uint32_t longest_wait_s(const struct conf *conf)
{
	uint32_t last_s = conf->retry_s[conf->retry_count - 1u];

	return last_s + last_s / 4u + 2u; /* with its jitter */
}

/* What is left until next_try_s; 0 also for a time further away than any wait:
 * the clock ran ahead and was set back. */
static uint32_t left_s(const struct core *c, uint32_t next_try_s)
{
	uint32_t wait_s;

	if (next_try_s <= c->now.wall_s)
		return 0;
	wait_s = next_try_s - c->now.wall_s;
	return wait_s < longest_wait_s(core_conf(c)) ? wait_s : 0;
}

uint32_t outcome_wait_s(struct core *c, unsigned attempts, uint32_t next_try_s, bool turn)
{
	const struct conf *conf = core_conf(c);

	if (c->now.wall_known && next_try_s > 0)
		return left_s(c, next_try_s);
	if (attempts == 0 || turn)
		return 0;
	return schedule_wait_s(conf->retry_s, conf->retry_count, attempts, &c->rng);
}

bool outcome_attempts_spent(const struct core *c, unsigned attempts)
{
	const struct conf *conf = core_conf(c);
	uint32_t spent_s = 0;
	unsigned i;

	for (i = 0; i < attempts && spent_s < conf->expire_s; i++)
		spent_s += conf->retry_s[i < conf->retry_count ? i : conf->retry_count - 1u];
	return spent_s >= conf->expire_s || attempts >= ATTEMPTS_MAX;
}

uint32_t outcome_next_try_s(struct core *c, unsigned attempts, uint32_t *wait_s)
{
	const struct conf *conf = core_conf(c);

	*wait_s = schedule_wait_s(conf->retry_s, conf->retry_count, attempts, &c->rng);
	return c->now.wall_known ? c->now.wall_s + *wait_s : 0;
}

static bool is_given_up(const struct core *c, uint32_t message, unsigned attempts)
{
	struct queue_message m;
	uint32_t expiry_s;

	if (!queue_get(&c->queue, message, &m))
		return false;
	expiry_s = core_when_s(c, m.expiry_s);
	return expiry_s != INSTANT_NEVER ? expiry_s <= c->now_s
					 : outcome_attempts_spent(c, attempts);
}

static bool record(struct core *c, uint32_t message, const struct queue_outcome *o)
{
	uint32_t ticket;

	/* ST_MISSING: removed by the operator meanwhile; ST_IO: the queue has
	 * stopped, the attempt will be repeated after a restart. */
	return queue_record(&c->queue, message, o, &ticket) != ST_AGAIN;
}

/* On flash, then in the log. */
static bool settle(struct core *c, uint32_t message, const struct queue_outcome *o,
	struct report_outcome *told)
{
	if (!record(c, message, o))
		return false;
	told->state = o->state;
	told->rcpt = o->rcpt;
	report_outcome(&c->report, message, told);
	return true;
}

bool outcome_record(struct core *c, uint32_t message, uint16_t rcpt, struct span host,
	const struct queue_reply *kept, bool again)
{
	struct reply reply = outcome_reply(kept);
	struct queue_outcome o = { .rcpt = rcpt, .state = QUEUE_PENDING, .reply = kept };
	struct report_outcome told = { .host = host, .reply = &reply };
	struct queue_rcpt r;

	if (!queue_rcpt_get(&c->queue, message, rcpt, &r) || r.state != QUEUE_PENDING)
		return true;
	o.attempts = r.attempts;
	if (reply.code / 100u == 2) {
		o.state = QUEUE_DELIVERED;
	} else if (reply.code / 100u == 5) {
		o.state = QUEUE_FAILED;
	} else if (!again) {
		if (o.attempts < ATTEMPTS_MAX)
			o.attempts++;
		o.next_try_s = outcome_next_try_s(c, o.attempts, &told.next_s);
		if (is_given_up(c, message, o.attempts))
			o.state = QUEUE_FAILED;
	}
	return settle(c, message, &o, &told);
}

bool outcome_record_expired(struct core *c, uint32_t message, uint16_t rcpt)
{
	struct queue_reply kept;
	struct queue_outcome o = { .rcpt = rcpt, .state = QUEUE_FAILED, .reply = &kept };
	struct report_outcome told = { .host = SPAN_EMPTY };
	struct reply reply;
	struct queue_rcpt r;

	if (!queue_rcpt_get(&c->queue, message, rcpt, &r) || r.state != QUEUE_PENDING)
		return true;
	o.attempts = r.attempts;
	if (queue_reply_get(&c->queue, message, rcpt, &kept) != ST_OK || kept.code == 0)
		outcome_keep(&kept, say(SAY_EXPIRED), false);
	reply = outcome_reply(&kept);
	told.reply = &reply;
	return settle(c, message, &o, &told);
}
