/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/message.h"

#include "base/bytes.h"
#include "base/check.h"

#define HEADER_LEN 12u
#define QUESTION_END_LEN 4u  /* type, class */
#define RECORD_FIXED_LEN 10u /* type, class, TTL, data length */
#define CLASS_IN 1u
#define LABEL_MAX 63u
#define WIRE_NAME_MAX 255u /* RFC 1035 2.3.4, with lengths and the root */

/* The second and third octets of a header. */
#define QR 0x80u
#define OPCODE 0x78u
#define AA 0x04u
#define TC 0x02u
#define RD 0x01u
#define RCODE 0x0fu

/* ---- names --------------------------------------------------------------- */

static bool is_host_octet(uint8_t c)
{
	return byte_is_alnum(c) || c == '-' || c == '_';
}

bool dns_name_is_host(struct span text)
{
	size_t label = 0, i;

	if (text.len == 0 || text.len > DNS_NAME_MAX)
		return false;
	for (i = 0; i < text.len; i++) {
		bool ok = text.at[i] == '.' ? label > 0
					    : is_host_octet(text.at[i]) && label < LABEL_MAX;

		if (!ok)
			return false;
		label = text.at[i] == '.' ? 0 : label + 1;
	}
	return label > 0;
}

static void put_be16(struct buf *b, uint16_t v)
{
	buf_put_byte(b, (uint8_t)(v >> 8));
	buf_put_byte(b, (uint8_t)(v & 0xffu));
}

static void put_name(struct buf *b, struct span text)
{
	while (text.len > 0) {
		struct span label = span_head(text, span_find(text, '.'));

		buf_put_byte(b, (uint8_t)label.len);
		buf_put(b, label);
		text = span_from(text, label.len + 1);
	}
	buf_put_byte(b, 0);
}

/* Stands before a label of a name, wherever the pointers led. */
struct cursor {
	size_t at;
	size_t floor; /* the next pointer must lead below: backwards only */
	size_t end;   /* where the name ends in its record; 0 while no pointer was followed */
	unsigned wire_len, pointers;
	struct span label;
};

static struct cursor cursor_at(uint16_t at)
{
	return (struct cursor){ .at = at, .floor = at };
}

/* The next label, empty for the root; false: it breaks the format. */
static bool cursor_next(struct cursor *c, struct span bytes)
{
	uint8_t len;

	for (;;) {
		size_t to;

		if (c->at >= bytes.len)
			return false;
		len = bytes.at[c->at];
		if (len <= LABEL_MAX)
			break;
		if (len < 0xc0u || bytes.len - c->at < 2u || c->pointers == DNS_POINTERS_MAX)
			return false;
		to = load_be16(bytes.at + c->at) & 0x3fffu;
		if (to >= c->floor || to < HEADER_LEN)
			return false;
		if (c->pointers++ == 0)
			c->end = c->at + 2;
		c->at = c->floor = to;
	}
	c->wire_len += len + 1u;
	if (c->wire_len > WIRE_NAME_MAX || len >= bytes.len - c->at)
		return false;
	c->label = span_make(bytes.at + c->at + 1, len);
	c->at += len + 1u;
	if (len == 0 && c->pointers == 0)
		c->end = c->at;
	return true;
}

/* Past the name at `at`; 0 when it breaks the format. */
static size_t name_end(struct span bytes, size_t at)
{
	struct cursor c;

	if (at >= bytes.len)
		return 0;
	c = cursor_at((uint16_t)at);
	do
		if (!cursor_next(&c, bytes))
			return 0;
	while (c.label.len > 0);
	return c.end;
}

bool dns_name_same(const struct dns_reply *r, uint16_t a_at, uint16_t b_at)
{
	struct cursor a = cursor_at(a_at), b = cursor_at(b_at);

	do {
		if (!cursor_next(&a, r->bytes) || !cursor_next(&b, r->bytes))
			return false;
		if (!span_equal_nocase(a.label, b.label))
			return false;
	} while (a.label.len > 0);
	return true;
}

/* A label of a host name; a dot would become a boundary that is none. */
static bool is_host_label(struct span label)
{
	size_t i;

	for (i = 0; i < label.len; i++)
		if (!is_host_octet(label.at[i]))
			return false;
	return true;
}

enum status dns_name_get(const struct dns_reply *r, uint16_t at, struct buf *text, uint16_t *end)
{
	struct cursor c = cursor_at(at);
	bool is_host = true;
	size_t i;

	for (;;) {
		if (!cursor_next(&c, r->bytes))
			return ST_BAD;
		if (c.label.len == 0)
			break;
		is_host = is_host && is_host_label(c.label);
		if (text->len > 0)
			buf_put_byte(text, '.');
		/* A name compressed into our question would show its random letters. */
		for (i = 0; i < c.label.len; i++)
			buf_put_byte(text, byte_lower(c.label.at[i]));
	}
	*end = (uint16_t)c.end;
	return is_host && !text->overflow ? ST_OK : ST_FOREIGN;
}

/* ---- query and reply ----------------------------------------------------- */

void dns_query_put(struct buf *b, const struct dns_question *q, uint16_t edns_size)
{
	CHECK(dns_name_is_host(q->name));
	put_be16(b, q->id);
	put_be16(b, RD << 8);
	put_be16(b, 1);
	put_be16(b, 0);
	put_be16(b, 0);
	put_be16(b, edns_size > 0);
	put_name(b, q->name);
	put_be16(b, q->type);
	put_be16(b, CLASS_IN);
	if (edns_size == 0)
		return;
	buf_put_byte(b, 0);
	put_be16(b, DNS_TYPE_OPT);
	put_be16(b, edns_size);
	put_be16(b, 0); /* extended code, version 0 */
	put_be16(b, 0); /* flags: no DNSSEC */
	put_be16(b, 0);
}

bool dns_reply_open(struct dns_reply *r, struct span bytes, bool cut)
{
	const uint8_t *at = bytes.at;
	uint16_t questions;
	size_t end;

	if (bytes.len < HEADER_LEN || bytes.len > UINT16_MAX || (at[2] & (QR | OPCODE)) != QR)
		return false;
	questions = load_be16(at + 4);
	*r = (struct dns_reply){
		.bytes = bytes,
		.cut = cut,
		.truncated = (at[2] & TC) != 0,
		.authoritative = (at[2] & AA) != 0,
		.rcode = at[3] & RCODE,
		.records_at = HEADER_LEN,
		.answer_count = load_be16(at + 6),
		.authority_count = load_be16(at + 8),
		.additional_count = load_be16(at + 10),
	};
	if (questions == 0)
		return r->rcode != DNS_NOERROR && r->rcode != DNS_NXDOMAIN;
	end = name_end(bytes, HEADER_LEN);
	if (questions > 1 || end == 0 || bytes.len - end < QUESTION_END_LEN)
		return false;
	r->question_at = HEADER_LEN;
	r->records_at = (uint16_t)(end + QUESTION_END_LEN);
	return true;
}

bool dns_reply_matches(const struct dns_reply *r, const struct dns_question *q)
{
	uint8_t wire[WIRE_NAME_MAX + QUESTION_END_LEN];
	struct buf expected;

	if (load_be16(r->bytes.at) != q->id)
		return false;
	/* A server that cannot read the question may send the header alone. */
	if (r->question_at == 0)
		return true;
	buf_init(&expected, wire, sizeof(wire));
	put_name(&expected, q->name);
	put_be16(&expected, q->type);
	put_be16(&expected, CLASS_IN);
	return span_equal(buf_span(&expected),
		span_sub(r->bytes, r->question_at, (size_t)(r->records_at - r->question_at)));
}

/* ---- records ------------------------------------------------------------- */

void dns_walk_begin(struct dns_walk *w, const struct dns_reply *r)
{
	*w = (struct dns_walk){ .section = DNS_ANSWER,
		.at = r->records_at,
		.left = r->answer_count };
}

static void next_section(struct dns_walk *w, const struct dns_reply *r)
{
	w->section++;
	w->left = w->section == DNS_AUTHORITY  ? r->authority_count
		: w->section == DNS_ADDITIONAL ? r->additional_count
					       : 0;
}

enum status dns_walk_next(struct dns_walk *w, const struct dns_reply *r)
{
	const uint8_t *fixed;
	size_t end;

	while (w->left == 0 && w->section != DNS_END)
		next_section(w, r);
	if (w->section == DNS_END)
		return ST_MISSING;
	end = name_end(r->bytes, w->at);
	if (end == 0 || r->bytes.len - end < RECORD_FIXED_LEN)
		return r->cut ? ST_MISSING : ST_BAD;
	fixed = r->bytes.at + end;
	w->name_at = w->at;
	w->type = load_be16(fixed);
	w->in_class = load_be16(fixed + 2) == CLASS_IN;
	w->ttl_s = load_be32(fixed + 4);
	w->data_len = load_be16(fixed + 8);
	w->data_at = (uint16_t)(end + RECORD_FIXED_LEN);
	if (w->data_len > r->bytes.len - w->data_at)
		return r->cut ? ST_MISSING : ST_BAD;
	w->at = (uint16_t)(w->data_at + w->data_len);
	w->left--;
	return ST_OK;
}
