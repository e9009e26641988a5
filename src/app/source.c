/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/source.h"

#include "base/crc32c.h"

bool source_open(struct core *c, struct source *s, const struct task *t, uint32_t verified)
{
	struct queue_message m;

	if (!queue_get(&c->queue, t->message, &m))
		return false;
	s->is_report = task_is_report(t);
	s->in_body = false;
	s->size = s->is_report ? 0 : m.prefix_len + m.body_len;
	s->left = s->size;
	s->crc = 0;
	s->verified = verified;
	s->eight_bit = !s->is_report && m.eight_bit;
	if (s->is_report)
		bounce_open(&s->from.report, t->message, task_job((enum task_kind)t->kind));
	else
		queue_reader_open(&s->from.message, t->message, QUEUE_PREFIX);
	return true;
}

static int source_read(struct core *c, struct source *s, uint8_t *out, size_t cap)
{
	int n;

	if (s->is_report)
		return bounce_read(c, &s->from.report, out, cap);
	n = queue_read(&c->queue, &s->from.message, out, cap);
	if (n == 0 && !s->in_body) {
		s->in_body = true;
		queue_reader_open(&s->from.message, s->from.message.id, QUEUE_BODY);
		n = queue_read(&c->queue, &s->from.message, out, cap);
	}
	return n;
}

int source_fill(struct core *c, struct source *s, struct piece *p)
{
	int n;

	if (p->len > 0)
		return ST_OK;
	n = source_read(c, s, p->octets, sizeof(p->octets));
	if (n < 0)
		return n;
	p->at = 0;
	p->len = (uint16_t)n;
	if (s->is_report)
		return ST_OK;
	/* Flash may rot between verifying and sending. */
	s->crc = crc32c(s->crc, source_piece(p));
	s->left -= (uint32_t)n;
	if (s->left > 0 || s->crc == s->verified)
		return ST_OK;
	p->len = 0;
	return ST_CORRUPT;
}

bool source_is_last(const struct source *s, const struct piece *p)
{
	return p->len == 0 || (s->size > 0 && s->left == 0);
}

void source_took(struct piece *p, size_t n)
{
	p->at = (uint16_t)(p->at + n);
	p->len = (uint16_t)(p->len - n);
}
