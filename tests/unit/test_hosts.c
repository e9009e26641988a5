/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole pipit that finds its next hops by a DNS which this file plays. */
#include "dnswire.h"
#include "onepipit.h"

#define BY_MX \
	"hostname here.test\nlocal_domain here.test\ndeliver *@here.test maildir /mail/%u\n" \
	"dns_server 203.0.113.53\nip_version 4\nretry 10s 20s 40s\nexpire 200s\n"

/* What DNS says: that there.test has two hosts for its mail, 192.0.2.1 and, should it not
 * answer, 192.0.2.2; that it has none, but an address; SERVFAIL. */
enum dns { DNS_HAS_MX, DNS_HAS_ADDRESS, DNS_FAILS };

static struct wire wire;

static void answer(struct world_handle *x, enum dns dns)
{
	const size_t end = x->from_pipit.len - 11u; /* EDNS0's record stands behind the question */
	const uint8_t *query = x->from_pipit.at;
	const unsigned type = load_be16(query + end - 4);
	const bool mx = dns == DNS_HAS_MX && type == 15, address = dns != DNS_FAILS && type == 1;

	wire_header(&wire, load_be16(query), dns == DNS_FAILS ? 0x8182 : 0x8180, 1,
		mx ? 2u : address, 0, 0);
	buf_put(&wire.b, span_make(query + 12, end - 12));
	if (mx) {
		wire_mx(&wire, NULL, 60, 10, "one.there.test");
		wire_mx(&wire, NULL, 60, 20, "two.there.test");
	}
	if (address)
		wire_a(&wire, NULL, 60, byte_lower(query[14]) == 'w' ? 2 : 1);
	memcpy(x->to_pipit.at, wire.bytes, wire.b.len);
	x->to_pipit.len = wire.b.len;
	x->from_pipit.len = 0;
}

static void run(unsigned ms, enum dns dns)
{
	unsigned at, i;

	for (at = 0; at < ms; at += 50) {
		world_run(&w, &p, 50);
		for (i = 0; i < WORLD_HANDLES; i++)
			if (w.handle[i].kind == WORLD_DATAGRAM && w.handle[i].from_pipit.len > 0)
				answer(&w.handle[i], dns);
	}
}

static void begin(void)
{
	world_init(&w, true);
	boot(true, BY_MX);
	(void)submit("ada@here.test", "b@there.test");
}

static void the_next_host_is_tried_at_once(void **state)
{
	(void)state;
	begin();
	w.hop.refuse_last = 1;
	run(3000, DNS_HAS_MX);
	assert_int_equal(w.hop.connects, 2);
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(queued(), 0);
}

/* RFC 5321 5.1: the domain is its own and only host. */
static void without_mx_the_domain_is_the_host(void **state)
{
	(void)state;
	begin();
	run(3000, DNS_HAS_ADDRESS);
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(queued(), 0);
}

static void dns_that_fails_is_no_refusal(void **state)
{
	(void)state;
	begin();
	run(30000, DNS_FAILS);
	assert_int_equal(queued(), 1);
	assert_int_equal(w.mailbox.len, 0);
	run(60000, DNS_HAS_MX);
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(queued(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_next_host_is_tried_at_once, show_log),
		cmocka_unit_test_teardown(without_mx_the_domain_is_the_host, show_log),
		cmocka_unit_test_teardown(dns_that_fails_is_no_refusal, show_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
