/* SPDX-License-Identifier: BSD-2-Clause */
/* message - see message.h */
#include "posix/cli/message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void message_init(struct message *m, int fd, bool dots)
{
	memset(m, 0, sizeof *m);
	m->fd = fd;
	intake_init(&m->intake, dots);
}

/* More from the descriptor into unread; false with errno. */
static bool refill(struct message *m)
{
	ssize_t n;

	if (m->unread.len > 0 || m->ended || m->intake.ended)
		return true;
	do
		n = read(m->fd, m->array, sizeof m->array);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	m->ended = n == 0;
	m->unread = span_make(m->array, (size_t)n);
	return true;
}

/* Octets from the descriptor through the filter into b: false with errno.  b stays empty
 * at the end. */
static bool filter(struct message *m, struct buf *b)
{
	while (b->len == 0 && !m->intake.ended) {
		if (!refill(m))
			return false;
		if (m->ended)
			intake_finish(&m->intake, b);
		else
			intake_feed(&m->intake, &m->unread, b);
	}
	return true;
}

enum head_result message_read_head(struct message *m, struct head *h)
{
	/* Small pieces: what is read beyond the header must fit in front of the body. */
	static uint8_t array[512];
	struct buf b;
	struct span in;
	enum head_result r = HEAD_MORE;

	head_init(h);
	while (r == HEAD_MORE) {
		buf_init(&b, array, sizeof array);
		if (!filter(m, &b))
			return HEAD_MORE;
		in = buf_span(&b);
		if (in.len == 0) {
			head_finish(h);
			return HEAD_DONE;
		}
		r = head_feed(h, &in);
	}
	m->piece[MESSAGE_PIECES - 1] = in;
	return r;
}

int message_read(struct message *m, uint8_t *to, size_t cap)
{
	struct buf b;

	while (m->at < MESSAGE_PIECES) {
		struct span rest = span_sub(span_from(m->piece[m->at], m->offset), 0, cap);

		if (rest.len > 0) {
			memcpy(to, rest.at, rest.len);
			m->offset += rest.len;
			return (int)rest.len;
		}
		m->at++;
		m->offset = 0;
	}
	m->touched = true;
	buf_init(&b, to, cap);
	return filter(m, &b) ? (int)b.len : -1;
}

bool message_rewind(struct message *m)
{
	m->at = m->offset = 0;
	return !m->touched;
}

static bool has_eight_bit(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] > 0x7f)
			return true;
	return false;
}

bool message_eight_bit(struct message *m)
{
	for (size_t i = 0; i < MESSAGE_PIECES; i++)
		if (has_eight_bit(m->piece[i]))
			return true;
	return refill(m) && has_eight_bit(m->unread);
}
