/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/dnswire.h"
#include "unit/unit.h"

#include "dns/answer.h"

static struct wire wire;

static const struct dns_question asked = { 0x1234, DNS_MX, SPAN_INIT("there.TEST") };

/* ---- names --------------------------------------------------------------- */

#define L10 "abcdefghij"
#define L63 L10 L10 L10 L10 L10 L10 "abc"
#define N253 L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "a"

static void host_names(void **state)
{
	static const struct {
		struct span name;
		bool ok;
	} rows[] = {
		{ SPAN_INIT("a"), true },
		{ SPAN_INIT("example.test"), true },
		{ SPAN_INIT("_dmarc.ex-ample.test"), true },
		{ SPAN_INIT("1.2.0.192.in-addr.arpa"), true },
		{ SPAN_INIT(L63 ".test"), true },
		{ SPAN_INIT(N253), true },
		{ SPAN_INIT(N253 "b"), false },
		{ SPAN_INIT(L63 "d.test"), false },
		{ SPAN_INIT(""), false },
		{ SPAN_INIT("."), false },
		{ SPAN_INIT(".test"), false },
		{ SPAN_INIT("test."), false },
		{ SPAN_INIT("a..test"), false },
		{ SPAN_INIT("a b.test"), false },
		{ SPAN_INIT("a\0b.test"), false },
		{ SPAN_INIT("a\rb.test"), false },
		{ SPAN_INIT("a\nb.test"), false },
		{ SPAN_INIT("a\"b.test"), false },
		{ SPAN_INIT("a'b.test"), false },
		{ SPAN_INIT("a@b.test"), false },
		{ SPAN_INIT("a\x1b[0m.test"), false },
		{ SPAN_INIT("a\\b.test"), false },
		{ SPAN_INIT("a/b.test"), false },
		{ SPAN_INIT("*.test"), false },
		{ SPAN_INIT("b\xfc"
			    "cher.test"),
			false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		if (dns_name_is_host(guarded_span(rows[i].name)) != rows[i].ok)
			fail_msg("row %zu: %.*s", i, (int)rows[i].name.len,
				(const char *)rows[i].name.at);
}

static void query_is_as_in_rfc_1035(void **state)
{
	static const uint8_t expected[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
					  "\x05there\x04TEST\x00\x00\x0f\x00\x01"
					  "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00";
	uint8_t array[DNS_QUERY_MAX];
	struct buf b;

	(void)state;
	buf_init(&b, array, sizeof(array));
	dns_query_put(&b, &asked, 1232);
	/* The literal's own NUL is the last octet of the record. */
	assert_true(span_equal(buf_span(&b), span_make(expected, sizeof(expected))));
	buf_clear(&b);
	dns_query_put(&b, &asked, 0);
	assert_int_equal(b.len, sizeof(expected) - 11);
	assert_int_equal(array[11], 0);
	buf_clear(&b);
	dns_query_put(&b, &(struct dns_question){ 1, DNS_A, SPAN(N253) }, 512);
	assert_false(b.overflow);
	assert_int_equal(b.len, DNS_QUERY_MAX);
}

/* ---- header and question ------------------------------------------------- */

static struct dns_reply opened(void)
{
	struct dns_reply r;

	assert_true(dns_reply_open(&r, guarded_span(wire_span(&wire)), false));
	return r;
}

static void reply_must_be_to_the_question(void **state)
{
	static const struct {
		const char *name;
		unsigned id, type, flags, questions;
		bool ok;
	} rows[] = {
		{ "there.TEST", 0x1234, 15, 0x8180, 1, true },
		{ "there.TEST", 0x1234, 15, 0x8100, 1, true }, /* without RA */
		{ "there.TEST", 0x1234, 15, 0x8182, 1, true },
		{ "there.TEST", 0x1235, 15, 0x8180, 1, false }, /* CVE-2008-1447: the id */
		{ "there.test", 0x1234, 15, 0x8180, 1, false }, /* the case */
		{ "THERE.test", 0x1234, 15, 0x8180, 1, false },
		{ "where.TEST", 0x1234, 15, 0x8180, 1, false },
		{ "there.TEST.x", 0x1234, 15, 0x8180, 1, false },
		{ "there", 0x1234, 15, 0x8180, 1, false },
		{ "", 0x1234, 15, 0x8180, 1, false },
		{ "there.TEST", 0x1234, 1, 0x8180, 1, false },
		{ "there.TEST", 0x1234, 15, 0x0180, 1, false }, /* a query */
		{ "there.TEST", 0x1234, 15, 0x8980, 1, false }, /* another opcode */
		{ "there.TEST", 0x1234, 15, 0x8180, 2, false },
		{ "there.TEST", 0x1234, 15, 0x8180, 65535, false },
		{ "there.TEST", 0x1234, 15, 0x8180, 0, false }, /* no question beside no error */
		{ "there.TEST", 0x1234, 15, 0x8183, 0, false },
		{ "there.TEST", 0x1234, 15, 0x8181, 0, true }, /* FORMERR may come without */
		{ "there.TEST", 0x1235, 15, 0x8181, 0, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct dns_reply r;
		bool ok;

		wire_header(&wire, rows[i].id, rows[i].flags, rows[i].questions, 0, 0, 0);
		wire_question(&wire, rows[i].name, rows[i].type);
		ok = dns_reply_open(&r, guarded_span(wire_span(&wire)), false) &&
			dns_reply_matches(&r, &asked);
		if (ok != rows[i].ok)
			fail_msg("row %zu", i);
	}
}

static void compressed_question_is_none(void **state)
{
	struct dns_reply r;

	(void)state;
	wire_header(&wire, 0x1234, 0x8180, 1, 0, 0, 0);
	wire_u8(&wire, 5);
	buf_puts(&wire.b, "there");
	wire_u16(&wire, QUESTION_NAME + 8);
	wire_u16(&wire, 15);
	wire_u16(&wire, 1);
	assert_false(dns_reply_open(&r, guarded_span(wire_span(&wire)), false) &&
		dns_reply_matches(&r, &asked));
}

/* ---- pointers (NAME:WRECK, AMNESIA:33) ----------------------------------- */

/* A reply with one CNAME whose target is these octets, at position TARGET_AT. */
#define TARGET_AT 40u

static void reply_with_target(struct span target)
{
	wire_header(&wire, 0x1234, 0x8180, 1, 1, 0, 0);
	wire_question(&wire, "there.TEST", 15);
	wire_u16(&wire, QUESTION_NAME);
	wire_fixed(&wire, 5, 60, (unsigned)target.len);
	assert_int_equal(wire.b.len, TARGET_AT);
	buf_put(&wire.b, target);
}

#define POINTER(at) "\xc0" at

static void name_wreck_pointers_and_labels(void **state)
{
	static const struct {
		const char *what;
		struct span target;
		enum status status;
		const char *text;
	} rows[] = {
		{ "plain", SPAN_INIT("\x02mx\x04test\0"), ST_OK, "mx.test" },
		{ "pointer to the question", SPAN_INIT("\x02mx" POINTER("\x0c")), ST_OK,
			"mx.there.test" },
		{ "pointer into the question", SPAN_INIT("\x02mx" POINTER("\x12")), ST_OK,
			"mx.test" },
		{ "root", SPAN_INIT("\0"), ST_OK, "" },
		{ "to itself", SPAN_INIT(POINTER("\x28")), ST_BAD, NULL },
		{ "to itself after a label", SPAN_INIT("\x02mx" POINTER("\x28")), ST_BAD, NULL },
		{ "forwards", SPAN_INIT(POINTER("\x2a") "\0"), ST_BAD, NULL },
		{ "to its own second half", SPAN_INIT(POINTER("\x29")), ST_BAD, NULL },
		{ "past the end", SPAN_INIT(POINTER("\xff")), ST_BAD, NULL },
		{ "far past the end", SPAN_INIT("\xff\xff"), ST_BAD, NULL },
		{ "into the header", SPAN_INIT(POINTER("\x04")), ST_BAD, NULL },
		{ "half a pointer", SPAN_INIT("\xc0"), ST_BAD, NULL },
		{ "nothing", SPAN_INIT(""), ST_BAD, NULL },
		{ "label past the end", SPAN_INIT("\x3fmx"), ST_BAD, NULL },
		{ "label up to the end, no root", SPAN_INIT("\x02mx"), ST_BAD, NULL },
		{ "label type 0x40",
			SPAN_INIT("\x41"
				  "a\0"),
			ST_BAD, NULL },
		{ "label type 0x80",
			SPAN_INIT("\x81"
				  "a\0"),
			ST_BAD, NULL },
		{ "label type 0x40 as a pointer", SPAN_INIT("\x40\x0c"), ST_BAD, NULL },
		{ "label type 0x80 as a pointer", SPAN_INIT("\x80\x0c"), ST_BAD, NULL },
		{ "NUL in a label", SPAN_INIT("\x04mx\0x\x04test\0"), ST_FOREIGN, NULL },
		{ "dot in a label", SPAN_INIT("\x05mx.ex\x04test\0"), ST_FOREIGN, NULL },
		{ "CR LF in a label", SPAN_INIT("\x06mx\r\nex\x04test\0"), ST_FOREIGN, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		uint8_t text[DNS_NAME_MAX];
		struct dns_reply r;
		struct buf b;
		uint16_t end = 0;
		enum status s;

		reply_with_target(rows[i].target);
		r = opened();
		buf_init(&b, text, sizeof(text));
		s = dns_name_get(&r, TARGET_AT, &b, &end);
		if (s != rows[i].status)
			fail_msg("%s: %d", rows[i].what, s);
		if (s == ST_BAD)
			continue;
		assert_int_equal(end, TARGET_AT + rows[i].target.len);
		if (s == ST_OK)
			assert_span(buf_span(&b), rows[i].text);
	}
}

/* CVE-2020-7461 and its kin: two pointers at each other, walked as a record's owner. */
static void name_wreck_mutual_pointers_end(void **state)
{
	struct dns_walk w;
	struct dns_reply r;

	(void)state;
	wire_header(&wire, 0x1234, 0x8180, 1, 2, 0, 0);
	wire_question(&wire, "there.TEST", 15);
	wire_u16(&wire, 0xc000u + 28 + 2);
	wire_u16(&wire, 0xc000u + 28);
	wire_fixed(&wire, 1, 60, 0);
	r = opened();
	dns_walk_begin(&w, &r);
	assert_int_equal(dns_walk_next(&w, &r), ST_BAD);
}

/* A ladder of pointers, each to the one before: no loop, but work for nothing. */
static void long_pointer_chains_end(void **state)
{
	unsigned rungs;

	(void)state;
	for (rungs = 1; rungs < 200; rungs++) {
		uint8_t text[DNS_NAME_MAX];
		struct dns_reply r;
		struct buf b;
		uint16_t end;
		unsigned i;

		wire_header(&wire, 0x1234, 0x8180, 1, 0, 0, 0);
		wire_question(&wire, "there.TEST", 15);
		wire_u16(&wire, QUESTION_NAME);
		for (i = 1; i < rungs; i++)
			wire_u16(&wire, (unsigned)(0xc000u + wire.b.len - 2));
		r = opened();
		buf_init(&b, text, sizeof(text));
		assert_int_equal(dns_name_get(&r, (uint16_t)(wire.b.len - 2), &b, &end),
			rungs <= DNS_POINTERS_MAX ? ST_OK : ST_BAD);
	}
}

static void names_over_255_octets_are_none(void **state)
{
	static const struct {
		const char *name;
		enum status status;
	} rows[] = { { N253, ST_OK }, { N253 "b", ST_BAD }, { N253 ".b", ST_BAD } };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		uint8_t text[DNS_NAME_MAX];
		struct dns_reply r;
		struct buf b;
		uint16_t end;

		wire_header(&wire, 0x1234, 0x8180, 1, 0, 0, 0);
		wire_question(&wire, "there.TEST", 15);
		wire_name(&wire, rows[i].name);
		r = opened();
		buf_init(&b, text, sizeof(text));
		assert_int_equal(dns_name_get(&r, 28, &b, &end), rows[i].status);
		if (rows[i].status == ST_OK)
			assert_span(buf_span(&b), rows[i].name);
	}
}

static void names_compare_without_case_through_pointers(void **state)
{
	struct dns_reply r;
	uint16_t plain, pointed, longer, other;

	(void)state;
	wire_header(&wire, 0x1234, 0x8180, 1, 0, 0, 0);
	wire_question(&wire, "there.TEST", 15);
	plain = (uint16_t)wire.b.len;
	wire_name(&wire, "THERE.test");
	pointed = (uint16_t)wire.b.len;
	wire_u8(&wire, 5);
	buf_puts(&wire.b, "tHErE");
	wire_u16(&wire, QUESTION_NAME + 6);
	longer = (uint16_t)wire.b.len;
	wire_name(&wire, "a.there.test");
	other = (uint16_t)wire.b.len;
	wire_name(&wire, "there.tes");
	r = opened();
	assert_true(dns_name_same(&r, 12, plain));
	assert_true(dns_name_same(&r, 12, pointed));
	assert_true(dns_name_same(&r, pointed, plain));
	assert_false(dns_name_same(&r, 12, longer));
	assert_false(dns_name_same(&r, longer, 12));
	assert_false(dns_name_same(&r, 12, other));
	assert_false(dns_name_same(&r, 12, (uint16_t)wire.b.len));
}

/* ---- counts and lengths -------------------------------------------------- */

/* CVE-2020-8277: 65535 announced, one there. */
static void cve_2020_8277_counts_beyond_the_data(void **state)
{
	struct dns_walk w;
	struct dns_reply r;

	(void)state;
	wire_header(&wire, 0x1234, 0x8180, 1, 65535, 65535, 65535);
	wire_question(&wire, "there.TEST", 15);
	wire_a(&wire, NULL, 60, 1);
	r = opened();
	dns_walk_begin(&w, &r);
	assert_int_equal(dns_walk_next(&w, &r), ST_OK);
	assert_int_equal(dns_walk_next(&w, &r), ST_BAD);
	r.cut = true;
	dns_walk_begin(&w, &r);
	assert_int_equal(dns_walk_next(&w, &r), ST_OK);
	assert_int_equal(dns_walk_next(&w, &r), ST_MISSING);
}

/* CVE-2020-25928, CVE-2020-11901: the data length says more than there is. */
static void cve_2020_25928_data_length_lies(void **state)
{
	static const unsigned lens[] = { 5, 6, 255, 256, 32768, 65535 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lens); i++) {
		struct dns_walk w;
		struct dns_reply r;

		wire_header(&wire, 0x1234, 0x8180, 1, 1, 0, 0);
		wire_question(&wire, "there.TEST", 15);
		wire_u16(&wire, QUESTION_NAME);
		wire_fixed(&wire, 1, 60, lens[i]);
		wire_u32(&wire, 0xc0000201u);
		r = opened();
		dns_walk_begin(&w, &r);
		assert_int_equal(dns_walk_next(&w, &r), ST_BAD);
	}
}

static void walks_all_sections(void **state)
{
	struct dns_walk w;
	struct dns_reply r;

	(void)state;
	wire_header(&wire, 0x1234, 0x8580, 1, 1, 1, 2);
	wire_question(&wire, "there.TEST", 15);
	wire_mx(&wire, NULL, 60, 10, "mx.test");
	wire_soa(&wire, 70, 80);
	wire_a(&wire, "mx.test", 90, 1);
	wire_a(&wire, "mx.test", 100, 2);
	r = opened();
	assert_true(r.authoritative);
	dns_walk_begin(&w, &r);
	assert_int_equal(dns_walk_next(&w, &r), ST_OK);
	assert_int_equal(w.section, DNS_ANSWER);
	assert_int_equal(w.type, DNS_MX);
	assert_int_equal(w.ttl_s, 60);
	assert_true(dns_name_same(&r, w.name_at, 12));
	assert_int_equal(dns_walk_next(&w, &r), ST_OK);
	assert_int_equal(w.section, DNS_AUTHORITY);
	assert_int_equal(w.type, DNS_TYPE_SOA);
	assert_int_equal(dns_walk_next(&w, &r), ST_OK);
	assert_int_equal(w.section, DNS_ADDITIONAL);
	assert_int_equal(dns_walk_next(&w, &r), ST_OK);
	assert_int_equal(w.ttl_s, 100);
	assert_int_equal(dns_walk_next(&w, &r), ST_MISSING);
	assert_int_equal(dns_walk_next(&w, &r), ST_MISSING);
}

/* ---- any octets ---------------------------------------------------------- */

/* Every cut of a good reply, at an unreadable page. */
static void every_cut_of_a_reply_is_harmless(void **state)
{
	struct dns_digest d;
	size_t n;

	(void)state;
	wire_header(&wire, 0x1234, 0x8180, 1, 3, 1, 1);
	wire_question(&wire, "there.TEST", 15);
	wire_cname(&wire, NULL, 60, "x.test");
	wire_mx(&wire, "x.test", 60, 10, "mx.test");
	wire_mx(&wire, "x.test", 60, 20, "");
	wire_soa(&wire, 60, 60);
	wire_a(&wire, "mx.test", 60, 1);
	for (n = 0; n < wire.b.len; n++) {
		struct dns_reply r;

		if (!dns_reply_open(&r, guarded_span(span_sub(wire_span(&wire), 0, n)), false))
			continue;
		dns_reply_digest(&r, DNS_MX, &d);
		assert_true(d.kind == DNS_DIGEST_BAD || d.kind == DNS_DIGEST_RECORDS);
	}
}

/* Deterministic noise: good replies with a few octets changed. */
static void changed_replies_are_harmless(void **state)
{
	static struct wire good;
	uint32_t seed = 1;
	int round;

	(void)state;
	wire_header(&good, 0x1234, 0x8180, 1, 5, 1, 1);
	wire_question(&good, "there.TEST", 15);
	wire_cname(&good, NULL, 60, "x.test");
	wire_mx(&good, "x.test", 60, 10, "mx.test");
	wire_mx(&good, "x.test", 60, 10, "mx2.test");
	wire_u16(&good, 0xc000u + 28 + 12);
	wire_fixed(&good, 15, 60, 4);
	wire_u16(&good, 5);
	wire_u16(&good, 0xc000u + 28 + 12);
	wire_cname(&good, "x.test", 60, "y.test");
	wire_soa(&good, 60, 60);
	wire_a(&good, "mx.test", 60, 1);
	for (round = 0; round < 60000; round++) {
		struct dns_cache_entry e = { .type = DNS_MX };
		struct dns_answer a;
		struct dns_digest d;
		struct dns_reply r;
		unsigned changes, i, j;

		memcpy(wire.bytes, good.bytes, good.b.len);
		seed = seed * 1664525u + 1013904223u;
		changes = 1 + (seed >> 24) % 4;
		for (i = 0; i < changes; i++) {
			seed = seed * 1664525u + 1013904223u;
			wire.bytes[12 + (seed >> 8) % (good.b.len - 12)] = (uint8_t)(seed >> 24);
		}
		if (!dns_reply_open(&r, guarded_span(span_make(wire.bytes, good.b.len)), round % 2))
			continue;
		dns_reply_digest(&r, DNS_MX, &d);
		if (d.kind != DNS_DIGEST_RECORDS)
			continue;
		dns_digest_store(&d, &r, SPAN("there.test"), &e);
		dns_entry_answer(&e, 0, &a);
		for (i = 0; i < a.count; i++) {
			struct span host = dns_record_name(&a, &a.record[i]);

			assert_true(host.len == 0 || dns_name_is_host(host));
			for (j = 0; j < i; j++)
				assert_true(a.record[j].preference <= a.record[i].preference);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_names),
		cmocka_unit_test(query_is_as_in_rfc_1035),
		cmocka_unit_test(reply_must_be_to_the_question),
		cmocka_unit_test(compressed_question_is_none),
		cmocka_unit_test(name_wreck_pointers_and_labels),
		cmocka_unit_test(name_wreck_mutual_pointers_end),
		cmocka_unit_test(long_pointer_chains_end),
		cmocka_unit_test(names_over_255_octets_are_none),
		cmocka_unit_test(names_compare_without_case_through_pointers),
		cmocka_unit_test(cve_2020_8277_counts_beyond_the_data),
		cmocka_unit_test(cve_2020_25928_data_length_lies),
		cmocka_unit_test(walks_all_sections),
		cmocka_unit_test(every_cut_of_a_reply_is_harmless),
		cmocka_unit_test(changed_replies_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
