/* SPDX-License-Identifier: BSD-2-Clause */
/* answer - what a question yields: read out of a reply, kept in a cache entry, handed to the asker.
 *
 * Pure.  Reading follows the CNAMEs within the reply, from the question's name, in any
 * order of records; what belongs to other names is ignored.
 */
#ifndef PIPIT_DNS_ANSWER_H
#define PIPIT_DNS_ANSWER_H

#include "base/ip.h"
#include "dns/cache.h"
#include "dns/message.h"

/* How a question ended.  DNS_FAILED is an outage (timeouts, SERVFAIL, nonsense
 * from every server): the caller defers, never bounces.  DNS_FOUND means that there
 * are records of the type asked; an MX host that is no host name is left out, so an
 * MX answer may be found and empty: that is not "no MX". */
enum dns_result {
	DNS_PENDING,
	DNS_FOUND,
	DNS_NO_DATA, /* the name exists, no such record */
	DNS_NO_NAME, /* NXDOMAIN */
	DNS_FAILED,
};

struct dns_record {
	struct ip ip;        /* A, AAAA */
	uint16_t preference; /* MX */
	uint16_t name_at;    /* MX: host, in text; a lone "." (null MX) has name_len 0 */
	uint8_t name_len;
};

/* The records of one question: at most CONFIG_DNS_RECORDS, names in one text.
 * More than fit are dropped, worst preference first. */
struct dns_answer {
	uint32_t ttl_s;
	uint8_t count;
	uint16_t text_len;
	struct dns_record record[CONFIG_DNS_RECORDS];
	uint8_t text[CONFIG_DNS_ANSWER_TEXT];
};

static inline struct span dns_record_name(const struct dns_answer *a, const struct dns_record *r)
{
	return span_make(a->text + r->name_at, r->name_len);
}

/* ---- for the resolver ---------------------------------------------------- */

enum dns_digest_kind {
	DNS_DIGEST_BAD, /* breaks the format, or a referral: this server is of no use */
	DNS_DIGEST_RECORDS,
	DNS_DIGEST_NO_DATA,
	DNS_DIGEST_NO_NAME,
	DNS_DIGEST_ALIAS, /* the CNAMEs end at a name of which the reply says nothing */
	DNS_DIGEST_LOOP,  /* more than DNS_CNAMES_MAX of them */
};

/* A reply in short: where its records are, the best preferences first. */
struct dns_digest {
	enum dns_digest_kind kind;
	uint32_t ttl_s;   /* within the bounds of pipit_limits.h */
	uint16_t name_at; /* the last name of the chain */
	uint8_t cname_count;
	uint8_t count;
	struct {
		uint16_t preference, data_at;
	} record[CONFIG_DNS_RECORDS];
};

/* The reply's code is NOERROR or NXDOMAIN and it repeats the question. */
void dns_reply_digest(const struct dns_reply *r, enum dns_type type, struct dns_digest *out);

/* Puts name and records into an empty entry, as many as fit (cache.h). */
void dns_digest_store(const struct dns_digest *d, const struct dns_reply *r, struct span name,
	struct dns_cache_entry *e);

/* The records of an entry. */
void dns_entry_answer(const struct dns_cache_entry *e, uint32_t now_s, struct dns_answer *out);

#endif
