/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/bounce.h"

#include "app/outcome.h"
#include "route/route.h"

#include <string.h>

/* In the attempts of a failure job: the sender could not be told, postmaster is. */
#define TO_POSTMASTER 0x80u

/* How much of an original's header a report repeats. */
#define ORIGINAL_MAX 32768u

unsigned bounce_attempts(const struct queue_job_status *job)
{
	return job->attempts & ~TO_POSTMASTER;
}

uint32_t bounce_delay_due_s(const struct core *c, const struct queue_message *m)
{
	uint32_t warn_s = core_conf(c)->warn_delay_s;

	if (warn_s == 0 || m->arrival_s == 0)
		return INSTANT_NEVER;
	return core_when_s(c, m->arrival_s + warn_s);
}

/* ---- who is told --------------------------------------------------------------- */

static bool first_of(void *ctx, struct span address)
{
	struct buf *to = ctx;

	if (to->len == 0)
		buf_put(to, address);
	return true;
}

/* An address of ours may be an alias; the first it stands for is told. */
static void expand(struct core *c, struct span text, struct buf *to)
{
	struct route_sink sink = { first_of, to };
	struct address a;

	if (!address_parse(text, &a) || route_expand(core_conf(c), &a, &sink) != ST_OK ||
		to->len == 0) {
		buf_clear(to);
		buf_put(to, text);
	}
}

static bool put_recipient(struct core *c, uint32_t message, enum queue_job job,
	const struct queue_job_status *status, struct buf *to)
{
	const struct conf *conf = core_conf(c);
	struct envelope_item item;
	struct walk w;

	buf_clear(to);
	walk_begin(&w, message);
	if (walk_to(&c->queue, &w, ENVELOPE_SENDER, &item) != ST_OK)
		item.text = SPAN_EMPTY;
	if (item.text.len > 0 && (status->attempts & TO_POSTMASTER) == 0)
		expand(c, item.text, to);
	else if (job == QUEUE_JOB_FAILURE && conf_has(conf->postmaster))
		expand(c, conf_span(conf, conf->postmaster), to);
	return to->len > 0;
}

static bool give_up(struct core *c, uint32_t message, enum queue_job job)
{
	enum status status = queue_job_end(&c->queue, message, job);

	if (status == ST_OK && job == QUEUE_JOB_FAILURE)
		report_report(&c->report, message, true, false);
	return status != ST_AGAIN;
}

/* Recipients that the report is about, or will be once it is started. */
static bool about_anybody(const struct queue_message *m, enum queue_job job)
{
	return job == QUEUE_JOB_FAILURE ? m->failed + m->reporting > 0 : m->pending > 0;
}

bool bounce_begin(struct core *c, uint32_t message, enum queue_job job, struct buf *to)
{
	struct queue_job_status status;
	struct queue_message m;

	if (!queue_job_get(&c->queue, message, job, &status) || !queue_get(&c->queue, message, &m))
		return false;
	if (!about_anybody(&m, job)) {
		(void)queue_job_end(&c->queue, message, job);
		return false;
	}
	/* A power cut may have kept the start of a report and lost the failure before it. */
	if (job == QUEUE_JOB_FAILURE && m.reporting == 0)
		status = (struct queue_job_status){ .state = QUEUE_JOB_IDLE };
	if (status.state == QUEUE_JOB_IDLE &&
		queue_job_start(&c->queue, message, job, core_wall_s(c)) != ST_OK)
		return false;
	if (put_recipient(c, message, job, &status, to))
		return true;
	(void)give_up(c, message, job);
	return false;
}

static bool is_spent(const struct core *c, const struct queue_job_status *job)
{
	uint32_t end_s = INSTANT_NEVER;

	if (job->started_s > 0)
		end_s = core_end_s(c, job->started_s, job->started_s + core_conf(c)->expire_s);
	return end_s != INSTANT_NEVER ? end_s <= c->now_s
				      : outcome_attempts_spent(c, bounce_attempts(job) + 1u);
}

bool bounce_end(struct core *c, uint32_t message, enum queue_job job, unsigned code)
{
	struct queue_job_status status;
	unsigned attempts;
	uint32_t wait_s, next_s;
	enum status done;

	if (!queue_job_get(&c->queue, message, job, &status) || status.state != QUEUE_JOB_ACTIVE)
		return true;
	if (code / 100u == 2) {
		done = queue_job_end(&c->queue, message, job);
		if (done == ST_OK)
			report_report(&c->report, message, job == QUEUE_JOB_FAILURE, true);
		return done != ST_AGAIN;
	}
	if (code / 100u != 5 && !is_spent(c, &status)) {
		attempts = bounce_attempts(&status) + 1u;
		if (attempts >= TO_POSTMASTER)
			attempts = TO_POSTMASTER - 1u;
		next_s = outcome_next_try_s(c, attempts, &wait_s);
		attempts |= status.attempts & TO_POSTMASTER;
		return queue_job_retry(&c->queue, message, job, (uint8_t)attempts, next_s) !=
			ST_AGAIN;
	}
	if (job == QUEUE_JOB_FAILURE && (status.attempts & TO_POSTMASTER) == 0 &&
		conf_has(core_conf(c)->postmaster))
		return queue_job_retry(&c->queue, message, job, TO_POSTMASTER, core_wall_s(c)) !=
			ST_AGAIN;
	return give_up(c, message, job);
}

/* ---- the report as octets ------------------------------------------------------ */

enum part {
	PART_HEAD,
	PART_HUMAN, /* one for each recipient */
	PART_STATUS,
	PART_RCPT, /* one for each recipient */
	PART_ORIGINAL,
	PART_HEADER,
	PART_END,
	PART_OVER
};

/* Those that are one for the whole report, and composed. */
static void (*const put_part[])(struct buf *, const struct dsn *) = {
	[PART_HEAD] = dsn_put_head,
	[PART_STATUS] = dsn_put_status,
	[PART_ORIGINAL] = dsn_put_original,
	[PART_END] = dsn_put_end,
};

void bounce_open(struct bounce *b, uint32_t message, enum queue_job job)
{
	b->part = PART_HEAD;
	b->job = (uint8_t)job;
	b->message = message;
	b->offset = 0;
	b->rcpt = 0;
	b->line_start = true;
	b->prefix_done = false;
	b->header_left = ORIGINAL_MAX;
	queue_reader_open(&b->original, message, QUEUE_PREFIX);
}

/* What a report says, read afresh for each of its parts. */
struct about {
	struct dsn dsn;
	struct dsn_rcpt rcpt;
	struct queue_reply kept;
	struct envelope_item item;
	struct walk walk;
	uint8_t to[ADDRESS_MAX];
	uint8_t origin[ADDRESS_MAX];
	uint8_t original[ADDRESS_MAX];
};

static void look_up(struct core *c, const struct bounce *b, struct about *about)
{
	const struct conf *conf = core_conf(c);
	struct queue_job_status job = { 0 };
	struct queue_message m = { 0 };
	struct dsn *dsn = &about->dsn;
	struct buf text;

	(void)queue_get(&c->queue, b->message, &m);
	(void)queue_job_get(&c->queue, b->message, (enum queue_job)b->job, &job);
	dsn->kind = b->job == QUEUE_JOB_FAILURE ? DSN_FAILED : DSN_DELAYED;
	dsn->message = b->message;
	dsn->wall_s = job.started_s;
	dsn->arrival_s = m.arrival_s;
	dsn->expiry_s = m.expiry_s;
	dsn->hostname = conf_span(conf, conf->hostname);
	buf_init(&text, about->to, sizeof(about->to));
	(void)put_recipient(c, b->message, (enum queue_job)b->job, &job, &text);
	dsn->to = buf_span(&text);
	buf_init(&text, about->origin, sizeof(about->origin));
	walk_begin(&about->walk, b->message);
	if (walk_to(&c->queue, &about->walk, ENVELOPE_ORIGIN, &about->item) == ST_OK)
		buf_put(&text, about->item.text);
	dsn->origin = buf_span(&text);
}

static bool is_reported(struct core *c, const struct bounce *b, uint16_t rcpt)
{
	struct queue_rcpt r;

	return queue_rcpt_get(&c->queue, b->message, rcpt, &r) &&
		r.state == (b->job == QUEUE_JOB_FAILURE ? QUEUE_REPORTING : QUEUE_PENDING);
}

/* The part for the next recipient, from b->rcpt on, that belongs to the report. */
static void put_rcpt_part(struct core *c, struct bounce *b, struct about *about, struct buf *out)
{
	struct dsn_rcpt *r = &about->rcpt;
	struct envelope_item *item = &about->item;
	struct buf original;

	buf_init(&original, about->original, sizeof(about->original));
	walk_begin(&about->walk, b->message);
	while (walk_next(&c->queue, &about->walk, item) == ST_OK) {
		if (item->kind == ENVELOPE_ORIGINAL)
			buf_put(&original, item->text);
		if (item->kind != ENVELOPE_RCPT)
			continue;
		if (item->rcpt >= b->rcpt && is_reported(c, b, item->rcpt)) {
			b->rcpt = item->rcpt;
			about->kept = (struct queue_reply){ 0 };
			(void)queue_reply_get(&c->queue, b->message, item->rcpt, &about->kept);
			r->final = item->text;
			r->original = buf_span(&original);
			r->reply = outcome_reply(&about->kept);
			r->remote = outcome_is_remote(&about->kept);
			(b->part == PART_HUMAN ? dsn_put_human : dsn_put_rcpt)(out, &about->dsn, r);
			return;
		}
		buf_clear(&original);
	}
}

static void next_part(struct bounce *b)
{
	b->part++;
	b->rcpt = 0;
}

static int read_composed(struct core *c, struct bounce *b, uint8_t *out, size_t cap)
{
	struct about about;
	struct buf part;
	struct span left;

	buf_init(&part, c->scratch, sizeof(c->scratch));
	look_up(c, b, &about);
	if (put_part[b->part] != NULL)
		put_part[b->part](&part, &about.dsn);
	else
		put_rcpt_part(c, b, &about, &part);
	/* All have been delivered since it was begun: it ends before its final dot. */
	if (b->part == PART_RCPT && part.len == 0 && b->rcpt == 0)
		return ST_MISSING;
	left = span_sub(buf_span(&part), b->offset, cap);
	if (left.len > 0)
		memcpy(out, left.at, left.len);
	b->offset = (uint16_t)(b->offset + left.len);
	if (b->offset < part.len)
		return (int)left.len;
	b->offset = 0;
	if (put_part[b->part] == NULL && part.len > 0)
		b->rcpt++;
	else
		next_part(b);
	return (int)left.len;
}

/* The original's header, ASCII: up to its empty line. */
static int read_original(struct core *c, struct bounce *b, uint8_t *out, size_t cap)
{
	int n = queue_read(&c->queue, &b->original, out,
		cap < b->header_left ? cap : b->header_left);
	int i;

	if (n <= 0 && !b->prefix_done) {
		b->prefix_done = true;
		queue_reader_open(&b->original, b->message, QUEUE_BODY);
		return 0;
	}
	for (i = 0; i < n; i++) {
		if (b->line_start && out[i] == '\r')
			break;
		/* No field begins with '-', but a boundary does. */
		if (out[i] > 126 || out[i] == 0 || (b->line_start && out[i] == '-'))
			out[i] = '?';
		b->line_start = out[i] == '\n';
	}
	b->header_left = (uint16_t)(b->header_left - (i > 0 ? i : 0));
	if (n <= 0 || i < n || b->header_left == 0)
		next_part(b);
	return i;
}

int bounce_read(struct core *c, struct bounce *b, uint8_t *out, size_t cap)
{
	int n = 0;

	while (n == 0 && b->part != PART_OVER)
		n = b->part == PART_HEADER ? read_original(c, b, out, cap)
					   : read_composed(c, b, out, cap);
	return n;
}
