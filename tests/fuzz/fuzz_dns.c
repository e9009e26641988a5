/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dns - replies on the wire: walking ends, names are host names, records of an answer are
 * records of the reply, best preferences first; a query reads as what was asked. */
#include "fuzz/fuzz.h"

#include "base/bytes.h"
#include "dns/answer.h"

#include <string.h>

static void check_name(const struct dns_reply *r, uint16_t at)
{
	uint8_t octets[DNS_NAME_MAX];
	struct buf text;
	uint16_t end = 0;
	enum status st;

	buf_init(&text, octets, sizeof(octets));
	st = dns_name_get(r, at, &text, &end);
	MUST(st == ST_OK || st == ST_BAD || st == ST_FOREIGN);
	if (st == ST_BAD)
		return;
	MUST(end > at && end <= r->bytes.len && dns_name_same(r, at, at));
	if (st == ST_OK)
		MUST(text.len == 0 || dns_name_is_host(buf_span(&text)));
}

static void walk(const struct dns_reply *r)
{
	struct dns_walk w;
	enum status st;
	uint16_t before = r->records_at;
	unsigned n = 0;

	dns_walk_begin(&w, r);
	while ((st = dns_walk_next(&w, r)) == ST_OK) {
		MUST(w.at > before && w.data_at + w.data_len == w.at && w.at <= r->bytes.len);
		MUST(w.name_at == before && w.section < DNS_END);
		before = w.at;
		check_name(r, w.name_at);
		if (w.data_len > 2)
			check_name(r, (uint16_t)(w.data_at + 2));
		n++;
	}
	MUST(st == ST_MISSING || (st == ST_BAD && !r->cut));
	MUST(st != ST_MISSING || r->cut ||
		n == 0u + r->answer_count + r->authority_count + r->additional_count);
}

static size_t address_len(enum dns_type type)
{
	return type == DNS_A ? 4 : type == DNS_AAAA ? 16 : 0;
}

static void check_answer(const struct dns_answer *a, const struct dns_reply *r, enum dns_type type)
{
	unsigned i;
	struct span s;

	MUST(a->count <= CONFIG_DNS_RECORDS && a->text_len <= CONFIG_DNS_ANSWER_TEXT);
	for (i = 0; i < a->count; i++) {
		const struct dns_record *record = &a->record[i];

		if (type == DNS_MX) {
			s = dns_record_name(a, record);
			MUST(record->name_at + record->name_len <= a->text_len);
			MUST(s.len == 0 || dns_name_is_host(s));
			MUST(i == 0 || record->preference >= a->record[i - 1].preference);
		} else {
			s = span_make(record->ip.bytes, address_len(type));
			MUST(record->ip.family == (type == DNS_A ? 4 : 6));
			MUST(fuzz_find(r->bytes, s) < r->bytes.len);
		}
	}
}

static void digest(const struct dns_reply *r, enum dns_type type)
{
	static struct dns_cache_entry e;
	static struct dns_answer a;
	struct dns_digest d;

	dns_reply_digest(r, type, &d);
	MUST(d.ttl_s >= DNS_TTL_MIN_S && d.ttl_s <= DNS_TTL_MAX_S);
	MUST(d.count <= CONFIG_DNS_RECORDS && d.cname_count <= DNS_CNAMES_MAX);
	MUST(d.kind == DNS_DIGEST_RECORDS || d.kind == DNS_DIGEST_BAD || d.count == 0);
	if (d.kind == DNS_DIGEST_BAD || d.kind == DNS_DIGEST_LOOP)
		return;
	memset(&e, 0, sizeof(e));
	e.type = (uint8_t)type;
	e.expires_s = 100 + d.ttl_s;
	dns_digest_store(&d, r, SPAN("there.test"), &e);
	MUST(e.len <= sizeof(e.data) && e.name_len <= e.len);
	memset(&a, 0xa5, sizeof(a));
	dns_entry_answer(&e, 100, &a);
	MUST(a.ttl_s == d.ttl_s && a.count <= d.count);
	check_answer(&a, r, type);
}

static void reply(struct span bytes, enum dns_type type, bool cut)
{
	struct dns_reply r;

	bytes = fuzz_exact(bytes);
	if (!dns_reply_open(&r, bytes, cut))
		return;
	MUST(r.question_at != 0 || r.rcode != DNS_NOERROR);
	if (r.question_at != 0)
		check_name(&r, r.question_at);
	walk(&r);
	if (r.question_at != 0 && (r.rcode == DNS_NOERROR || r.rcode == DNS_NXDOMAIN))
		digest(&r, type);
}

/* Our own query, turned into a reply by one bit. */
static void query(struct span name, uint16_t id, enum dns_type type)
{
	const struct dns_question q = { id, (uint16_t)type, name };
	struct dns_question other = q;
	uint8_t octets[DNS_QUERY_MAX], text[DNS_NAME_MAX];
	struct dns_reply r;
	struct buf b, back;
	uint16_t end;

	if (!dns_name_is_host(name))
		return;
	buf_init(&b, octets, sizeof(octets));
	dns_query_put(&b, &q, id & 1 ? 1232 : 0);
	MUST(!b.overflow && !dns_reply_open(&r, buf_span(&b), false));
	octets[2] |= 0x80;
	MUST(dns_reply_open(&r, buf_span(&b), false) && dns_reply_matches(&r, &q));
	walk(&r);
	buf_init(&back, text, sizeof(text));
	MUST(dns_name_get(&r, r.question_at, &back, &end) == ST_OK);
	MUST(span_equal_nocase(buf_span(&back), name));
	other.id ^= 1;
	MUST(!dns_reply_matches(&r, &other));
	other.id ^= 1;
	other.type ^= 3;
	MUST(!dns_reply_matches(&r, &other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_MX, DNS_AAAA, DNS_MX };
	struct span in = span_make(data, size);
	const uint8_t options = fuzz_u8(&in);

	reply(in, types[options & 3], options & 4);
	query(span_sub(in, 2, options >> 3 ? options >> 3 : in.len), fuzz_u16(&in),
		types[options & 3]);
	return 0;
}
