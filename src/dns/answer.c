/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/answer.h"

#include "base/bytes.h"

#include <string.h>

#define MX_FIXED_LEN 2u /* preference, before the host */
#define SOA_LEN_MIN 22u /* two root names, five numbers */

static size_t address_len(uint16_t type)
{
	return type == DNS_A ? 4u : CONFIG_IPV6 && type == DNS_AAAA ? IP_BYTES_MAX : 0;
}

/* ---- a reply in short ---------------------------------------------------- */

/* ST_OK: a record to keep; ST_FOREIGN: one to leave out; ST_BAD: its length or name is a lie. */
static enum status check_record(const struct dns_reply *r, const struct dns_walk *w)
{
	uint8_t text[DNS_NAME_MAX];
	struct buf host;
	uint16_t end;
	enum status s;

	if (w->type != DNS_MX)
		return w->data_len == address_len(w->type) ? ST_OK : ST_BAD;
	if (w->data_len <= MX_FIXED_LEN)
		return ST_BAD;
	buf_init(&host, text, sizeof(text));
	s = dns_name_get(r, (uint16_t)(w->data_at + MX_FIXED_LEN), &host, &end);
	return s != ST_BAD && end != w->at ? ST_BAD : s;
}

/* Into its place by preference; the worst falls off the end. */
static void keep_record(struct dns_digest *d, const struct dns_reply *r, const struct dns_walk *w)
{
	uint16_t preference = w->type == DNS_MX ? load_be16(r->bytes.at + w->data_at) : 0;
	unsigned i = d->count;

	if (i == CONFIG_DNS_RECORDS) {
		if (preference >= d->record[i - 1].preference)
			return;
		i--;
	} else {
		d->count++;
	}
	for (; i > 0 && d->record[i - 1].preference > preference; i--)
		d->record[i] = d->record[i - 1];
	d->record[i].preference = preference;
	d->record[i].data_at = w->data_at;
}

static void lower_ttl(struct dns_digest *d, uint32_t ttl_s)
{
	if (ttl_s > INT32_MAX)
		ttl_s = 0; /* RFC 2181 8 */
	if (ttl_s < d->ttl_s)
		d->ttl_s = ttl_s;
}

/* What the answer section has for one name. */
struct finding {
	bool records;
	uint16_t target_at; /* of its CNAME; 0: none */
	uint32_t target_ttl_s;
};

static enum status look_for(struct dns_digest *d, const struct dns_reply *r, enum dns_type type,
	struct finding *f)
{
	struct dns_walk w;
	enum status s;

	*f = (struct finding){ 0 };
	dns_walk_begin(&w, r);
	while ((s = dns_walk_next(&w, r)) == ST_OK && w.section == DNS_ANSWER) {
		if (!w.in_class || (w.type != type && w.type != DNS_CNAME) ||
			!dns_name_same(r, w.name_at, d->name_at))
			continue;
		if (w.type == DNS_CNAME) {
			f->target_at = w.data_at;
			f->target_ttl_s = w.ttl_s;
			continue;
		}
		s = check_record(r, &w);
		if (s == ST_BAD)
			return ST_BAD;
		f->records = true;
		lower_ttl(d, w.ttl_s);
		if (s == ST_OK)
			keep_record(d, r, &w);
	}
	return s == ST_BAD ? ST_BAD : ST_OK;
}

/* What the rest of the reply says where there is no record (RFC 2308 2). */
struct nothing {
	bool soa, referral;
	uint32_t ttl_s;
};

static enum status look_for_soa(const struct dns_reply *r, struct nothing *n)
{
	struct dns_walk w;
	enum status s;

	*n = (struct nothing){ 0 };
	dns_walk_begin(&w, r);
	while ((s = dns_walk_next(&w, r)) == ST_OK) {
		if (w.section != DNS_AUTHORITY)
			continue;
		n->referral = n->referral || (w.type == DNS_TYPE_NS && !r->authoritative);
		if (w.type == DNS_TYPE_SOA && w.data_len >= SOA_LEN_MIN) {
			uint32_t minimum_s = load_be32(r->bytes.at + w.at - 4);

			n->soa = true;
			n->ttl_s = minimum_s < w.ttl_s ? minimum_s : w.ttl_s;
		}
	}
	return s == ST_MISSING ? ST_OK : ST_BAD;
}

static enum dns_digest_kind digest_nothing(struct dns_digest *d, const struct dns_reply *r)
{
	struct nothing n;

	if (look_for_soa(r, &n) != ST_OK)
		return DNS_DIGEST_BAD;
	if (r->rcode == DNS_NOERROR && !n.soa && d->cname_count > 0)
		return DNS_DIGEST_ALIAS;
	/* A server that only points elsewhere has not said that there is nothing;
	 * to believe so would bounce mail. */
	if (r->cut || (r->rcode == DNS_NOERROR && !n.soa && n.referral))
		return DNS_DIGEST_BAD;
	lower_ttl(d, n.ttl_s);
	if (d->ttl_s > DNS_NEGATIVE_TTL_MAX_S)
		d->ttl_s = DNS_NEGATIVE_TTL_MAX_S;
	return r->rcode == DNS_NXDOMAIN ? DNS_DIGEST_NO_NAME : DNS_DIGEST_NO_DATA;
}

static enum dns_digest_kind digest(struct dns_digest *d, const struct dns_reply *r,
	enum dns_type type)
{
	struct finding f;

	for (;;) {
		if (look_for(d, r, type, &f) != ST_OK)
			return DNS_DIGEST_BAD;
		if (f.records)
			return DNS_DIGEST_RECORDS;
		if (f.target_at == 0)
			return digest_nothing(d, r);
		if (d->cname_count == DNS_CNAMES_MAX)
			return DNS_DIGEST_LOOP;
		d->cname_count++;
		d->name_at = f.target_at;
		lower_ttl(d, f.target_ttl_s);
	}
}

void dns_reply_digest(const struct dns_reply *r, enum dns_type type, struct dns_digest *out)
{
	out->ttl_s = DNS_TTL_MAX_S;
	out->name_at = r->question_at;
	out->cname_count = 0;
	out->count = 0;
	out->kind = digest(out, r, type);
	if (out->ttl_s < DNS_TTL_MIN_S)
		out->ttl_s = DNS_TTL_MIN_S;
}

/* ---- to and from a cache entry ------------------------------------------- */

static void put_host(struct buf *b, const struct dns_reply *r, uint16_t preference, uint16_t at)
{
	uint8_t text[DNS_NAME_MAX];
	struct buf host;
	uint16_t end;

	buf_init(&host, text, sizeof(text));
	dns_name_get(r, at, &host, &end);
	buf_put_byte(b, (uint8_t)(preference >> 8));
	buf_put_byte(b, (uint8_t)(preference & 0xffu));
	buf_put_byte(b, (uint8_t)host.len);
	buf_put(b, buf_span(&host));
}

/* False: not all records fit; those that do are there. */
static bool put_records(struct dns_cache_entry *e, const struct dns_digest *d,
	const struct dns_reply *r, struct span name)
{
	struct buf b;
	unsigned i;

	buf_init(&b, e->data, sizeof(e->data));
	buf_put(&b, name);
	for (i = 0; i < d->count && !b.overflow; i++) {
		uint16_t at = d->record[i].data_at;

		e->len = (uint16_t)b.len;
		if (e->type == DNS_MX)
			put_host(&b, r, d->record[i].preference, (uint16_t)(at + MX_FIXED_LEN));
		else
			buf_put(&b, span_sub(r->bytes, at, address_len(e->type)));
	}
	if (!b.overflow)
		e->len = (uint16_t)b.len;
	return !b.overflow;
}

void dns_digest_store(const struct dns_digest *d, const struct dns_reply *r, struct span name,
	struct dns_cache_entry *e)
{
	if (put_records(e, d, r, name)) {
		e->name_len = (uint8_t)name.len;
		e->name_hash = span_hash_nocase(name);
		return;
	}
	e->len = 0;
	put_records(e, d, r, SPAN_EMPTY);
}

/* Takes one record off the front of *from. */
static void get_record(struct span *from, uint8_t type, struct dns_answer *out)
{
	struct dns_record *record = &out->record[out->count];
	size_t len = address_len(type);

	*record = (struct dns_record){ 0 };
	if (type == DNS_MX) {
		struct span host = span_sub(*from, MX_FIXED_LEN + 1, from->at[MX_FIXED_LEN]);

		len = MX_FIXED_LEN + 1 + host.len;
		if (host.len > sizeof(out->text) - out->text_len) {
			*from = SPAN_EMPTY;
			return;
		}
		record->preference = load_be16(from->at);
		record->name_at = out->text_len;
		record->name_len = (uint8_t)host.len;
		if (host.len > 0)
			memcpy(out->text + out->text_len, host.at, host.len);
		out->text_len = (uint16_t)(out->text_len + host.len);
	} else {
		record->ip.family = CONFIG_IPV6 && type == DNS_AAAA ? 6 : 4;
		memcpy(record->ip.bytes, from->at, len);
	}
	out->count++;
	span_skip(from, len);
}

void dns_entry_answer(const struct dns_cache_entry *e, uint32_t now_s, struct dns_answer *out)
{
	struct span records = dns_cache_records(e);

	out->ttl_s = e->expires_s > now_s ? e->expires_s - now_s : 0;
	out->count = 0;
	out->text_len = 0;
	while (records.len > 0 && out->count < CONFIG_DNS_RECORDS)
		get_record(&records, e->type, out);
}
