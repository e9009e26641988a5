/* SPDX-License-Identifier: BSD-2-Clause */
/* message - DNS messages on the wire (RFC 1035 4.1): a question out, a reply walked in place.
 *
 * Pure.  A reply is never copied: names are positions in it, read when wanted.
 * Every length, count and pointer in it may be a lie, so each is held against
 * what is really there.  Compression pointers go backwards only, each
 * further than the one before, at most DNS_POINTERS_MAX per name: no loop can be
 * written.
 *
 * Names as text have dots between labels and none at the end.  Only what a host
 * name can have passes (letters, digits, "-", "_"): an octet that means something
 * to a log, a shell or an SMTP command, or a dot inside a label, makes it no name.
 */
#ifndef PIPIT_DNS_MESSAGE_H
#define PIPIT_DNS_MESSAGE_H

#include "base/buf.h"
#include "base/status.h"
#include "pipit_limits.h"

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_MX = 15, DNS_AAAA = 28 };

/* What the codec alone needs to know. */
enum { DNS_TYPE_NS = 2, DNS_TYPE_SOA = 6, DNS_TYPE_OPT = 41 };

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5
};

struct dns_question {
	uint16_t id;
	uint16_t type;
	struct span name; /* in the letters' case that the reply must repeat */
};

/* Whether text is a name as above; a trailing dot is not. */
bool dns_name_is_host(struct span text);

/* The query; with an OPT record (RFC 6891) that offers edns_size, if not 0.
 * name must be a host name.  At most DNS_QUERY_MAX octets. */
void dns_query_put(struct buf *b, const struct dns_question *q, uint16_t edns_size);

struct dns_reply {
	struct span bytes;
	bool cut; /* more was sent than bytes has: an end inside a record ends the walk */
	bool truncated, authoritative;
	uint8_t rcode;
	uint16_t question_at; /* 0: the reply repeats no question */
	uint16_t records_at;
	uint16_t answer_count, authority_count, additional_count;
};

/* Reads header and question; false: not a reply that one could receive.
 * The question section holds one question or, beside an error, none. */
bool dns_reply_open(struct dns_reply *r, struct span bytes, bool cut);

/* Whether it answers q: id, type, and name in the same case. */
bool dns_reply_matches(const struct dns_reply *r, const struct dns_question *q);

/* ---- records ------------------------------------------------------------- */

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_END };

/* One record while walking them in order; positions count from the start of the reply. */
struct dns_walk {
	enum dns_section section;
	uint16_t at;   /* where the next one begins */
	uint16_t left; /* how many the section still has */
	uint16_t name_at, type, data_at, data_len;
	uint32_t ttl_s; /* of an OPT record: extended code, version, flags */
	bool in_class;  /* class IN */
};

void dns_walk_begin(struct dns_walk *w, const struct dns_reply *r);

/* ST_OK: a record; ST_MISSING: there are no more; ST_BAD: it runs past the end. */
enum status dns_walk_next(struct dns_walk *w, const struct dns_reply *r);

/* Whether two names in the reply are the same, whatever their case. */
bool dns_name_same(const struct dns_reply *r, uint16_t a_at, uint16_t b_at);

/* The name at `at`, as text, and in *end where it ends in the reply.  ST_BAD: it
 * breaks the format; ST_FOREIGN: well-formed, but no host name (text is unspecified). The
 * root is an empty text. */
enum status dns_name_get(const struct dns_reply *r, uint16_t at, struct buf *text, uint16_t *end);

#endif
