/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/unit.h"

#include "route/mx.h"

static struct dns_answer mx, a, aaaa;
static struct rng rng;

static int begin(void **state)
{
	static const uint8_t seed[16] = "the same seed...";

	(void)state;
	rng_seed(&rng, seed);
	memset(&mx, 0, sizeof(mx));
	memset(&a, 0, sizeof(a));
	memset(&aaaa, 0, sizeof(aaaa));
	return 0;
}

static void add(unsigned preference, const char *host)
{
	struct dns_record *r = &mx.record[mx.count++];

	r->preference = (uint16_t)preference;
	r->name_at = mx.text_len;
	r->name_len = (uint8_t)strlen(host);
	memcpy(mx.text + mx.text_len, host, strlen(host));
	mx.text_len = (uint16_t)(mx.text_len + strlen(host));
}

static bool is_us(void *ctx, struct span host)
{
	return span_equal_nocase(host, span_of(ctx));
}

static struct mx_list list;

static enum mx_verdict order(const char *own_name)
{
	char name[64];
	struct mx_own own = { is_us, name };

	strncpy(name, own_name, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memset(&list, 0x55, sizeof(list));
	return mx_order(&mx, &own, &rng, &list);
}

static const char *hosts(void)
{
	static char text[400];
	size_t n = 0;
	unsigned i;

	for (i = 0; i < list.count; i++) {
		struct span host = dns_record_name(&mx, &mx.record[list.order[i]]);

		memcpy(text + n, host.at, host.len);
		n += host.len;
		text[n++] = ' ';
	}
	text[n] = '\0';
	return text;
}

static void best_preference_first(void **state)
{
	(void)state;
	add(30, "c");
	add(10, "a");
	add(65535, "z");
	add(0, "first");
	add(20, "b");
	assert_int_equal(order("us"), MX_HOSTS);
	assert_string_equal(hosts(), "first a b c z ");
}

/* RFC 5321 5.1: equals in random order, each first as often as another. */
static void equals_are_shuffled(void **state)
{
	unsigned first[4] = { 0 }, i;

	(void)state;
	add(20, "worse");
	add(10, "0");
	add(10, "1");
	add(10, "2");
	for (i = 0; i < 3000; i++) {
		assert_int_equal(order("us"), MX_HOSTS);
		assert_int_equal(list.count, 4);
		assert_int_equal(list.order[3], 0);
		first[list.order[0]]++;
	}
	for (i = 1; i < 4; i++)
		assert_in_range(first[i], 850, 1150);
}

static void we_and_worse_are_dropped(void **state)
{
	(void)state;
	add(10, "a");
	add(20, "us.test");
	add(20, "equal");
	add(30, "worse");
	assert_int_equal(order("US.test"), MX_HOSTS);
	assert_string_equal(hosts(), "a ");
	/* Listed twice: the better place counts. */
	add(5, "us.test");
	assert_int_equal(order("us.test"), MX_LOOP);
	add(40, "us.test");
	assert_int_equal(order("us.test"), MX_LOOP);
}

static void best_is_ourselves(void **state)
{
	(void)state;
	add(10, "us.test");
	add(20, "b");
	assert_int_equal(order("us.test"), MX_LOOP);
	assert_int_equal(list.count, 0);
	assert_int_equal(order("them.test"), MX_HOSTS);
}

/* RFC 7505: only as the sole record. */
static void null_mx(void **state)
{
	(void)state;
	add(0, "");
	assert_int_equal(order("us"), MX_NULL);
	add(10, "a");
	assert_int_equal(order("us"), MX_HOSTS);
	assert_string_equal(hosts(), "a ");
	assert_int_equal(order(""), MX_HOSTS);
	assert_string_equal(hosts(), "a ");
}

static void two_null_mx_are_no_null_mx(void **state)
{
	(void)state;
	add(0, "");
	add(0, "");
	assert_int_equal(order("us"), MX_NONE);
}

/* All hosts had evil octets: the resolver left them out. */
static void empty_answer(void **state)
{
	(void)state;
	assert_int_equal(order("us"), MX_NONE);
}

static void full_answer(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < CONFIG_DNS_RECORDS; i++)
		add(CONFIG_DNS_RECORDS - i, "h");
	assert_int_equal(order("us"), MX_HOSTS);
	assert_int_equal(list.count, CONFIG_DNS_RECORDS);
	for (i = 0; i < CONFIG_DNS_RECORDS; i++)
		assert_int_equal(list.order[i], CONFIG_DNS_RECORDS - 1 - i);
}

/* ---- addresses ----------------------------------------------------------- */

static void fill(unsigned four, unsigned six)
{
	begin(NULL);
	for (a.count = 0; a.count < four; a.count++)
		a.record[a.count].ip = (struct ip){ 4, { 192, 0, 2, (uint8_t)(a.count + 1) } };
	for (aaaa.count = 0; aaaa.count < six; aaaa.count++)
		aaaa.record[aaaa.count].ip = (struct ip){ 6,
			{ 0x20, 1, (uint8_t)(aaaa.count + 1) } };
}

static void families_by_ip_version(void **state)
{
	static const struct {
		enum mx_ip_version version;
		unsigned four, six, max;
		const char *families;
	} rows[] = {
		{ MX_IP_ANY, 2, 2, 8, "4646" },
		{ MX_IP_ANY, 3, 1, 8, "4644" },
		{ MX_IP_ANY, 1, 3, 8, "4666" },
		{ MX_IP_ANY, 0, 2, 8, "66" },
		{ MX_IP_ANY, 2, 0, 8, "44" },
		{ MX_IP_ANY, 4, 4, 2, "46" },
		{ MX_IP_ANY, 4, 4, 1, "4" },
		{ MX_IP_ANY, 0, 0, 8, "" },
		{ MX_IP_4, 2, 2, 8, "44" },
		{ MX_IP_4, 0, 2, 8, "" },
		{ MX_IP_6, 2, 2, 8, "66" },
		{ MX_IP_6, 2, 0, 8, "" },
		{ MX_IP_PREFER_4, 2, 2, 8, "4466" },
		{ MX_IP_PREFER_4, 4, 4, 4, "4446" },
		{ MX_IP_PREFER_4, 4, 0, 4, "4444" },
		{ MX_IP_PREFER_4, 4, 4, 1, "4" },
		{ MX_IP_PREFER_4, 0, 3, 2, "66" },
		{ MX_IP_PREFER_6, 2, 2, 8, "6644" },
		{ MX_IP_PREFER_6, 4, 4, 3, "664" },
		{ MX_IP_PREFER_6, 2, 0, 3, "44" },
		{ MX_IP_PREFER_6, 2, 2, 0, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct ip out[9];
		char families[9];
		size_t n, j, k;

		fill(rows[i].four, rows[i].six);
		memset(out, 0, sizeof(out));
		n = mx_addresses(&a, &aaaa, rows[i].version, &rng, out, rows[i].max);
		assert_int_equal(n, strlen(rows[i].families));
		assert_int_equal(out[n].family, 0);
		for (j = 0; j < n; j++) {
			families[j] = (char)('0' + out[j].family);
			for (k = 0; k < j; k++)
				assert_false(ip_equal(&out[j], &out[k]));
		}
		families[n] = '\0';
		if (strcmp(families, rows[i].families) != 0)
			fail_msg("row %zu: %s", i, families);
	}
}

static void answers_may_be_missing(void **state)
{
	struct ip out[4];

	(void)state;
	fill(2, 2);
	assert_int_equal(mx_addresses(NULL, NULL, MX_IP_ANY, &rng, out, 4), 0);
	assert_int_equal(mx_addresses(&a, NULL, MX_IP_PREFER_6, &rng, out, 4), 2);
	assert_int_equal(mx_addresses(NULL, &aaaa, MX_IP_PREFER_4, &rng, out, 4), 2);
	assert_int_equal(out[0].family, 6);
}

static void begins_at_a_random_address(void **state)
{
	unsigned first[4] = { 0 }, i;

	(void)state;
	fill(4, 0);
	for (i = 0; i < 4000; i++) {
		struct ip out;

		assert_int_equal(mx_addresses(&a, NULL, MX_IP_ANY, &rng, &out, 1), 1);
		first[out.bytes[3] - 1]++;
	}
	for (i = 0; i < 4; i++)
		assert_in_range(first[i], 850, 1150);
}

#define T(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(best_preference_first),
		T(equals_are_shuffled),
		T(we_and_worse_are_dropped),
		T(best_is_ourselves),
		T(null_mx),
		T(two_null_mx_are_no_null_mx),
		T(empty_answer),
		T(full_answer),
		T(families_by_ip_version),
		T(answers_may_be_missing),
		T(begins_at_a_random_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
