/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dsn - reports and trace fields, with anything in them that a stranger may have said:
 * 7-bit lines that end in CRLF, parts of bounded length, no line and no boundary forged. */
#include "fuzz/fuzz.h"

#include "mail/date.h"
#include "mail/dsn.h"
#include "mail/trace.h"

#include <string.h>

static void check_lines(struct span s)
{
	struct span line;

	MUST(s.len > 0 && fuzz_crlf_only(s) && fuzz_printable(s));
	MUST(s.at[s.len - 1] == '\n');
	while (s.len > 0) {
		line = fuzz_line(&s);
		MUST(line.len <= BODY_LINE_MAX + 1);
	}
}

static unsigned lines_beginning(struct span s, struct span with)
{
	unsigned n = 0;
	struct span line;

	while (s.len > 0) {
		line = fuzz_line(&s);
		n += span_starts_nocase(line, with);
	}
	return n;
}

struct report {
	struct buf all;
	uint8_t octets[16u * DSN_PART_MAX];
};

static void part(struct report *r, const struct buf *b)
{
	MUST(!b->overflow && b->len < DSN_PART_MAX);
	buf_put(&r->all, buf_span(b));
}

static void rcpts(struct report *r, const struct dsn *d, const struct dsn_rcpt *rcpt, unsigned n,
	void (*put)(struct buf *b, const struct dsn *d, const struct dsn_rcpt *rcpt))
{
	uint8_t octets[DSN_PART_MAX];
	struct buf b;
	unsigned i;

	for (i = 0; i < n; i++) {
		buf_init(&b, octets, sizeof(octets));
		put(&b, d, &rcpt[i]);
		part(r, &b);
	}
}

static void one(struct report *r, const struct dsn *d,
	void (*put)(struct buf *b, const struct dsn *d))
{
	uint8_t octets[DSN_PART_MAX];
	struct buf b;

	buf_init(&b, octets, sizeof(octets));
	put(&b, d);
	part(r, &b);
}

static void compose(struct report *r, const struct dsn *d, const struct dsn_rcpt *rcpt, unsigned n)
{
	buf_init(&r->all, r->octets, sizeof(r->octets));
	one(r, d, dsn_put_head);
	rcpts(r, d, rcpt, n, dsn_put_human);
	one(r, d, dsn_put_status);
	rcpts(r, d, rcpt, n, dsn_put_rcpt);
	one(r, d, dsn_put_original);
	one(r, d, dsn_put_end);
	MUST(!r->all.overflow);
}

static void report(struct span in)
{
	static struct report first, second;
	struct dsn_rcpt rcpt[3];
	struct dsn d = { .kind = fuzz_u8(&in) & 1 ? DSN_DELAYED : DSN_FAILED };
	const unsigned n = 1 + fuzz_u8(&in) % 3;
	struct span all;
	unsigned i;

	d.message = fuzz_u32(&in);
	d.wall_s = fuzz_u32(&in);
	d.arrival_s = fuzz_u16(&in) * 65537u;
	d.expiry_s = fuzz_u16(&in) * 65537u;
	d.hostname = SPAN("gw.example.net");
	d.to = span_sub(fuzz_line(&in), 0, ADDRESS_MAX);
	d.origin = span_sub(fuzz_line(&in), 0, ADDRESS_MAX);
	for (i = 0; i < n; i++) {
		rcpt[i].reply.code = (uint16_t)(fuzz_u16(&in) % 600);
		memcpy(rcpt[i].reply.enhanced,
			(uint8_t[]){ fuzz_u8(&in), fuzz_u8(&in), fuzz_u8(&in) }, 3);
		rcpt[i].remote = fuzz_u8(&in) & 1;
		rcpt[i].final = span_sub(fuzz_line(&in), 0, ADDRESS_MAX);
		rcpt[i].original = span_sub(fuzz_line(&in), 0, ADDRESS_MAX);
		rcpt[i].reply.text = fuzz_line(&in);
	}
	compose(&first, &d, rcpt, n);
	compose(&second, &d, rcpt, n);
	all = buf_span(&first.all);
	MUST(span_equal(all, buf_span(&second.all)));
	check_lines(all);
	MUST(lines_beginning(all, SPAN("--")) == 4);
	MUST(lines_beginning(all, SPAN("Final-Recipient:")) == n);
	MUST(lines_beginning(all, SPAN("Status: ")) == n);
	MUST(lines_beginning(all, SPAN("To: ")) == 1);
}

static void trace(struct span in)
{
	uint8_t octets[2048];
	struct trace t = { .hostname = SPAN("gw.example.net"), .id = fuzz_u32(&in) };
	struct buf b;

	t.wall_s = fuzz_u32(&in);
	t.esmtp = fuzz_u8(&in) & 1;
	t.peer.family = (uint8_t[]){ 0, 4, 6, 4 }[fuzz_u8(&in) & 3];
	memcpy(t.peer.bytes, SPAN("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1").at, 16);
	t.helo = fuzz_line(&in);
	t.for_rcpt = span_sub(fuzz_line(&in), 0, ADDRESS_MAX);
	buf_init(&b, octets, sizeof(octets));
	trace_put_received(&b, &t);
	MUST(!b.overflow);
	check_lines(buf_span(&b));
	MUST(lines_beginning(buf_span(&b), SPAN("Received: ")) == 1);
	MUST(lines_beginning(buf_span(&b), SPAN("\t")) + 1 ==
		lines_beginning(buf_span(&b), SPAN_EMPTY));
	buf_clear(&b);
	trace_put_date(&b, t.wall_s);
	trace_put_message_id(&b, t.hostname, t.id, t.wall_s, fuzz_u32(&in));
	MUST(!b.overflow && lines_beginning(buf_span(&b), SPAN_EMPTY) == 2);
	check_lines(buf_span(&b));
	buf_init(&b, octets, DATE_TEXT_MAX);
	date_put(&b, t.wall_s);
	MUST(!b.overflow && b.len == 31);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	report(span_make(data, size));
	trace(span_make(data, size));
	return 0;
}
