/* SPDX-License-Identifier: BSD-2-Clause */
/* The resolver with servers and strangers that lie. */
#include "unit/dnsworld.h"

/* ---- forgeries ----------------------------------------------------------- */

static char *flip_case(const char *name)
{
	static char flipped[256];
	size_t i;

	for (i = 0; name[i] != '\0'; i++)
		flipped[i] = byte_is_alpha((uint8_t)name[i]) ? (char)(name[i] ^ 0x20) : name[i];
	flipped[i] = '\0';
	return flipped;
}

/* CVE-2008-1447: fifty forgeries before the good reply, none of them believed. */
static void spoof_then_good(const struct seen *q)
{
	int i;

	for (i = 1; i <= 40; i++)
		forge(q, (unsigned)(q->id + i) & 0xffffu, q->name, q->type);
	forge(q, q->id, flip_case(q->name), q->type);
	forge(q, q->id, "other.test", q->type);
	forge(q, q->id, q->name, 28);
	send_bytes(q, SPAN(""));
	send_bytes(q, SPAN("junk"));
	wire_header(&world.wire, q->id, 0x8180, 65535, 65535, 65535, 65535);
	send_reply(q);
	wire_header(&world.wire, q->id, 0x0100, 1, 0, 0, 0);
	wire_question(&world.wire, q->name, q->type);
	send_reply(q);
	good_a(q);
}

static void cve_2008_1447_forgeries_are_counted_and_ignored(void **state)
{
	uint32_t begin;

	(void)state;
	world_init(1);
	begin = world.now.mono_ms;
	world.script[0] = spoof_then_good;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	assert_int_equal(answer.record[0].ip.bytes[3], 1);
	assert_int_equal(world.asked[0], 1);
	assert_int_equal(resolver_stats(&world.r)->mismatched, 47);
	assert_int_equal(world.now.mono_ms, begin);
}

static void flood(const struct seen *q)
{
	int i;

	for (i = 1; i < INBOX; i++)
		forge(q, (unsigned)(q->id + i) & 0xffffu, q->name, q->type);
}

static void flood_takes_bounded_work_and_the_attempt_still_ends(void **state)
{
	int q, i;

	(void)state;
	world_init(1);
	world.script[0] = flood;
	q = resolver_ask(&world.r, SPAN("there.test"), DNS_A);
	for (i = 1; i < 6; i++) {
		assert_int_equal(step(), 0);
		assert_in_range(resolver_stats(&world.r)->mismatched, (i - 1) * 8, i * 8);
	}
	/* However much more comes, the time-out stands. */
	world.now.mono_ms += CONFIG_DNS_ATTEMPT_MS;
	step();
	assert_int_equal(resolver_stats(&world.r)->timeouts, 1);
	assert_int_equal(wait_for(q), DNS_FAILED);
}

/* CVE-2021-31228, CVE-2022-30295: a fresh id and a fresh port for each attempt, and no pattern. */
static void ids_handles_and_case_are_fresh_each_time(void **state)
{
	int i, j, mixed = 0;

	(void)state;
	world_init(2);
	for (i = 0; i < 8; i++) {
		char name[] = "a-name-with-letters-0.test";

		name[20] = (char)('0' + i);
		assert_int_equal(ask(name, DNS_A), DNS_FAILED);
	}
	assert_int_equal(world.opened, 8 * 2 * CONFIG_DNS_ROUNDS);
	for (i = 1; i < world.id_count; i++) {
		for (j = 0; j < i; j++)
			mixed += world.ids[i] == world.ids[j];
		assert_int_not_equal(world.ids[i], (uint16_t)(world.ids[i - 1] + 1));
	}
	assert_in_range(mixed, 0, 1);
}

static int upper_count, lower_count;

static void count_case(const struct seen *q)
{
	size_t i;

	for (i = 0; q->name[i] != '\0'; i++) {
		upper_count += q->name[i] >= 'A' && q->name[i] <= 'Z';
		lower_count += q->name[i] >= 'a' && q->name[i] <= 'z';
	}
	good_a(q);
}

static void case_is_mixed_evenly(void **state)
{
	unsigned i;

	(void)state;
	world_init(1);
	world.script[0] = count_case;
	for (i = 0; i < 40; i++) {
		char name[] = "abcdefghijklmnopqrst.xaa";

		name[22] = (char)('a' + i / 26);
		name[23] = (char)('a' + i % 26);
		assert_int_equal(ask(name, DNS_A), DNS_FOUND);
	}
	assert_in_range(upper_count, lower_count / 2, lower_count * 2);
}

static void lower_cases(const struct seen *q)
{
	struct seen lowered = *q;
	size_t i;

	for (i = 0; q->name[i] != '\0'; i++)
		lowered.name[i] = (char)byte_lower((uint8_t)q->name[i]);
	good_a(&lowered);
}

/* A server that does not repeat the case is heard in the last round. */
static void server_that_lowers_case(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = lower_cases;
	assert_int_equal(ask("There.TEST", DNS_A), DNS_FOUND);
	assert_int_equal(world.asked[0], CONFIG_DNS_ROUNDS);
	assert_in_range(resolver_stats(&world.r)->mismatched, 1, CONFIG_DNS_ROUNDS);
}

/* ---- lies within a reply ------------------------------------------------- */

static struct span lie;
static unsigned lie_type, lie_len;

static void liar(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_u16(&world.wire, QUESTION_NAME);
	wire_fixed(&world.wire, lie_type, 300, lie_len);
	buf_put(&world.wire.b, lie);
	send_reply(q);
}

static void cve_2020_11901_data_lengths_lie(void **state)
{
	static const struct {
		enum dns_type type;
		unsigned len;
		struct span data;
	} rows[] = {
		{ DNS_A, 3, SPAN_INIT("\1\2\3") },
		{ DNS_A, 5, SPAN_INIT("\1\2\3\4\5") },
		{ DNS_A, 0, SPAN_INIT("") },
		{ DNS_A, 4, SPAN_INIT("\1\2\3") },
		{ DNS_A, 65535, SPAN_INIT("\1\2\3\4") },
		{ DNS_AAAA, 4, SPAN_INIT("\1\2\3\4") },
		{ DNS_AAAA, 17, SPAN_INIT("0123456789abcdefg") },
		{ DNS_MX, 0, SPAN_INIT("") },
		{ DNS_MX, 1, SPAN_INIT("\0") },
		{ DNS_MX, 2, SPAN_INIT("\0\12") },
		{ DNS_MX, 4, SPAN_INIT("\0\12\2mx\4test\0") },    /* shorter than the name */
		{ DNS_MX, 12, SPAN_INIT("\0\12\2mx\4test\0\0") }, /* longer */
		{ DNS_MX, 4, SPAN_INIT("\0\12\xc0\x2a") },        /* loop */
		{ DNS_MX, 4, SPAN_INIT("\0\12\xff\xff") },        /* past the end */
		{ DNS_MX, 6, SPAN_INIT("\0\12\x3fmx\0") },        /* label past the end */
		{ DNS_CNAME, 2, SPAN_INIT("\xc0\x28") },
		{ DNS_CNAME, 0, SPAN_INIT("") },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		enum dns_type type = rows[i].type == DNS_CNAME ? DNS_A : rows[i].type;

		world_init(2);
		world.script[0] = liar;
		world.script[1] = rows[i].type == DNS_A ? good_a : liar;
		lie_type = rows[i].type;
		lie_len = rows[i].len;
		lie = rows[i].data;
		if (ask("there.test", type) != (rows[i].type == DNS_A ? DNS_FOUND : DNS_FAILED))
			fail_msg("row %zu", i);
	}
}

static void bad_hosts(const struct seen *q)
{
	static const struct {
		struct span label;
	} labels[] = {
		{ SPAN_INIT("mx\0evil") },
		{ SPAN_INIT("mx\r\nRCPT TO") },
		{ SPAN_INIT("mx\nevil") },
		{ SPAN_INIT("a b") },
		{ SPAN_INIT("\"quoted\"") },
		{ SPAN_INIT("\x1b[31mred") },
		{ SPAN_INIT("$(id)") },
		{ SPAN_INIT("a.b") },
		{ SPAN_INIT("\xff\xfe") },
	};
	size_t i;

	begin_reply(q, 0x8180, COUNT(labels) + 1, 0);
	for (i = 0; i < COUNT(labels); i++) {
		wire_u16(&world.wire, QUESTION_NAME);
		wire_fixed(&world.wire, 15, 300, 2 + 1 + (unsigned)labels[i].label.len + 1);
		wire_u16(&world.wire, 5);
		wire_u8(&world.wire, (unsigned)labels[i].label.len);
		buf_put(&world.wire.b, labels[i].label);
		wire_u8(&world.wire, 0);
	}
	wire_mx(&world.wire, NULL, 300, 10, "good.test");
	send_reply(q);
}

static void only_bad_hosts(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_record(&world.wire, NULL, 15, 300, SPAN("\0\5\3a\nb\0"));
	send_reply(q);
}

/* CVE-2021-43523, CVE-2021-3672: such a host reaches no log and no SMTP command. */
static void cve_2021_43523_hosts_with_evil_octets(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = bad_hosts;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND);
	assert_int_equal(answer.count, 1);
	assert_span(host(0), "good.test");
	/* Alone they are not "no MX": the domain's A must not be tried. */
	world.script[0] = only_bad_hosts;
	assert_int_equal(ask("other.test", DNS_MX), DNS_FOUND);
	assert_int_equal(answer.count, 0);
}

static void null_mx(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_mx(&world.wire, NULL, 300, 0, "");
	send_reply(q);
}

static void null_mx_is_an_empty_name(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = null_mx;
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.record[0].name_len, 0);
	assert_int_equal(ask("there.test", DNS_MX), DNS_FOUND); /* from the cache */
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.record[0].name_len, 0);
}

/* Records of other names, types and classes prove nothing. */
static void stray_records(const struct seen *q)
{
	begin_reply(q, 0x8180, 5, 0);
	wire_a(&world.wire, "evil.test", 300, 66);
	wire_a(&world.wire, "there.test.evil", 300, 66);
	wire_mx(&world.wire, NULL, 300, 1, "evil.test");
	wire_u16(&world.wire, QUESTION_NAME);
	wire_u16(&world.wire, 1);
	wire_u16(&world.wire, 3); /* class CHAOS */
	wire_u32(&world.wire, 300);
	wire_u16(&world.wire, 4);
	wire_u32(&world.wire, 0xc0000242u);
	wire_a(&world.wire, "THERE.test", 300, 1);
	send_reply(q);
}

static void records_of_other_names_are_ignored(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = stray_records;
	assert_int_equal(ask("there.test", DNS_A), DNS_FOUND);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.record[0].ip.bytes[3], 1);
	/* And do not get into the cache. */
	world.script[0] = servfail;
	assert_int_equal(ask("evil.test", DNS_A), DNS_FAILED);
}

/* ---- CNAMEs -------------------------------------------------------------- */

static void chain_in_one(const struct seen *q)
{
	/* Out of order, as some servers send it. */
	begin_reply(q, 0x8180, 4, 0);
	wire_a(&world.wire, "c.test", 500, 1);
	wire_cname(&world.wire, "b.test", 200, "C.test");
	wire_cname(&world.wire, NULL, 300, "B.test");
	wire_a(&world.wire, "b.example", 500, 66);
	send_reply(q);
}

static void cname_chain_in_one_answer(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = chain_in_one;
	assert_int_equal(ask("a.test", DNS_A), DNS_FOUND);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.record[0].ip.bytes[3], 1);
	assert_int_equal(answer.ttl_s, 200);
	assert_int_equal(ask("a.test", DNS_A), DNS_FOUND);
	assert_int_equal(world.asked[0], 1);
}

static int chain_length;

/* n0.test -> n1.test -> ... -> n<chain_length>.test, a reply each. */
static void chain_across(const struct seen *q)
{
	int at = q->name[1] - '0';
	char target[] = "n0.test";

	target[1] = (char)('0' + at + 1);
	if (at == chain_length) {
		good_a(q);
		return;
	}
	begin_reply(q, 0x8180, 1, 0);
	wire_cname(&world.wire, NULL, 300, target);
	send_reply(q);
}

static void cname_chain_across_queries(void **state)
{
	(void)state;
	for (chain_length = 1; chain_length <= 9; chain_length++) {
		world_init(1);
		world.script[0] = chain_across;
		assert_int_equal(ask("n0.test", DNS_A),
			chain_length <= (int)DNS_CNAMES_MAX ? DNS_FOUND : DNS_FAILED);
		if (chain_length > 2)
			continue;
		/* Where they lead is known from now on; the links are asked for again. */
		assert_int_equal(ask("N0.test", DNS_A), DNS_FOUND);
		assert_int_equal(world.asked[0], 2 * chain_length + 1);
	}
}

static void chain_in_the_last_round(const struct seen *q)
{
	if (!q->edns)
		chain_across(q);
}

/* However slow each link is, the question has one deadline. */
static void cnames_do_not_extend_the_deadline(void **state)
{
	uint32_t begin;

	(void)state;
	chain_length = 7;
	world_init(1);
	begin = world.now.mono_ms;
	world.script[0] = chain_in_the_last_round;
	assert_int_equal(ask("n0.test", DNS_A), DNS_FAILED);
	assert_int_equal(world.now.mono_ms - begin, CONFIG_DNS_TOTAL_MS);
}

static void cname_loop_across(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_cname(&world.wire, NULL, 300,
		byte_lower((uint8_t)q->name[0]) == 'a' ? "b.test" : "a.test");
	send_reply(q);
}

static void cname_loop_inside(const struct seen *q)
{
	begin_reply(q, 0x8180, 2, 0);
	wire_cname(&world.wire, NULL, 300, "x.test");
	wire_cname(&world.wire, "x.test", 300, q->name);
	send_reply(q);
}

static void cname_to_itself(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_u16(&world.wire, QUESTION_NAME);
	wire_fixed(&world.wire, 5, 300, 2);
	wire_u16(&world.wire, QUESTION_NAME);
	send_reply(q);
}

static void cname_loops_are_failures(void **state)
{
	static script *const scripts[] = { cname_loop_across, cname_loop_inside, cname_to_itself };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(scripts); i++) {
		world_init(1);
		world.script[0] = scripts[i];
		assert_int_equal(ask("a.test", DNS_A), DNS_FAILED);
		assert_in_range(world.asked[0], 1, DNS_CNAMES_MAX + 1);
		/* Once more, with what the cache has learnt of it. */
		assert_int_equal(ask("a.test", DNS_A), DNS_FAILED);
		assert_int_equal(ask("b.test", DNS_MX), DNS_FAILED);
	}
}

static void cname_to_evil(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_record(&world.wire, NULL, 5, 300, SPAN("\4a\r\nb\4test\0"));
	send_reply(q);
}

static void cname_to_root(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_cname(&world.wire, NULL, 300, "");
	send_reply(q);
}

static void cname_to_no_name_is_a_failure(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = cname_to_evil;
	assert_int_equal(ask("a.test", DNS_A), DNS_FAILED);
	world.script[0] = cname_to_root;
	assert_int_equal(ask("a.test", DNS_A), DNS_FAILED);
}

static void cname_then_nxdomain(const struct seen *q)
{
	begin_reply(q, 0x8183, 1, 1);
	wire_cname(&world.wire, NULL, 300, "gone.test");
	wire_soa(&world.wire, 300, 60);
	send_reply(q);
}

static void cname_then_no_data(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 1);
	wire_cname(&world.wire, NULL, 300, "gone.test");
	wire_soa(&world.wire, 300, 60);
	send_reply(q);
}

static void cname_to_nothing(void **state)
{
	(void)state;
	world_init(1);
	world.script[0] = cname_then_nxdomain;
	assert_int_equal(ask("a.test", DNS_MX), DNS_NO_NAME);
	assert_int_equal(ask("a.test", DNS_MX), DNS_NO_NAME);
	assert_int_equal(world.asked[0], 1);
	world.script[0] = cname_then_no_data;
	assert_int_equal(ask("b.test", DNS_MX), DNS_NO_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(cve_2008_1447_forgeries_are_counted_and_ignored),
		T(flood_takes_bounded_work_and_the_attempt_still_ends),
		T(ids_handles_and_case_are_fresh_each_time),
		T(case_is_mixed_evenly),
		T(server_that_lowers_case),
		T(cve_2020_11901_data_lengths_lie),
		T(cve_2021_43523_hosts_with_evil_octets),
		T(null_mx_is_an_empty_name),
		T(records_of_other_names_are_ignored),
		T(cname_chain_in_one_answer),
		T(cname_chain_across_queries),
		T(cnames_do_not_extend_the_deadline),
		T(cname_loops_are_failures),
		T(cname_to_no_name_is_a_failure),
		T(cname_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
