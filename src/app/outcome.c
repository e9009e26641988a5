/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/outcome.h"

#include "app/replies.h"
#include "app/tell.h"

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
	expiry_s = core_end_s(c, m.arrival_s, m.expiry_s);
	return expiry_s != INSTANT_NEVER ? expiry_s <= c->now_s
					 : outcome_attempts_spent(c, attempts);
}

/* What the recipient's state becomes; a temporary failure that counts is another attempt. */
static uint8_t new_state(struct core *c, uint32_t message, unsigned code, enum outcome_how how,
	struct queue_outcome *o, uint32_t *wait_s)
{
	if (how == OUTCOME_EXPIRED || code / 100u == 5)
		return QUEUE_FAILED;
	if (code / 100u == 2)
		return QUEUE_DELIVERED;
	if (how == OUTCOME_AGAIN)
		return QUEUE_PENDING;
	if (o->attempts < ATTEMPTS_MAX)
		o->attempts++;
	o->next_try_s = outcome_next_try_s(c, o->attempts, wait_s);
	return is_given_up(c, message, o->attempts) ? QUEUE_FAILED : QUEUE_PENDING;
}

bool outcome_record(struct core *c, uint32_t message, uint16_t rcpt, struct span host,
	const struct queue_reply *kept, enum outcome_how how)
{
	struct report_outcome told = { .rcpt = rcpt, .host = host };
	struct queue_outcome o = { .rcpt = rcpt, .reply = kept };
	struct queue_reply last;
	struct queue_rcpt r;
	struct reply reply;
	uint32_t ticket;

	if (!queue_rcpt_get(&c->queue, message, rcpt, &r) || r.state != QUEUE_PENDING)
		return true;
	if (how == OUTCOME_EXPIRED && queue_reply_get(&c->queue, message, rcpt, &last) == ST_OK &&
		last.code != 0)
		o.reply = &last;
	reply = outcome_reply(o.reply);
	o.attempts = r.attempts;
	o.state = new_state(c, message, reply.code, how, &o, &told.next_s);
	/* On flash, then in the log.  ST_MISSING: removed by the operator meanwhile; ST_IO: the
	 * queue has stopped, the attempt will be repeated after a restart. */
	if (queue_record(&c->queue, message, &o, &ticket) == ST_AGAIN)
		return false;
	told.state = o.state;
	told.reply = &reply;
	report_outcome(&c->report, message, &told);
	tell_outcome(c, message, &told);
	return true;
}
