/* SPDX-License-Identifier: BSD-2-Clause */
/* test_address - tests/vectors/address.txt, and what holds for any input. */
#include "vectors.h"

#include "base/rng.h"
#include "mail/address.h"

static bool parse(const char *kind, struct span in, struct address *a)
{
	struct span rest = in;
	bool ok;

	if (strcmp(kind, "mailbox") == 0)
		return address_parse(in, a);
	ok = strcmp(kind, "path") == 0 ? address_parse_path(&rest, false, true, a)
				       : address_parse_path(&rest, true, false, a);
	if (!ok)
		assert_true(rest.at == in.at && rest.len == in.len);
	return ok && rest.len == 0;
}

static bool part_is(struct span got, const char *text)
{
	return span_equal(got, strcmp(text, "-") == 0 ? SPAN_EMPTY : vectors_unescape(text));
}

static bool vector_holds(char *line)
{
	char *expected = strchr(line, ' ') + 1, *input = strchr(expected, ' ') + 1, *bar;
	struct address a;

	/* A quoted local part may hold blanks: it ends at its bar. */
	if (*expected == '"')
		input = strchr(strchr(expected, '|'), ' ') + 1;
	expected[-1] = input[-1] = 0;
	if (strcmp(expected, "!") == 0)
		return !parse(line, guarded_span(vectors_unescape(input)), &a);
	bar = strrchr(expected, '|');
	*bar = 0;
	return parse(line, guarded_span(vectors_unescape(input)), &a) &&
		part_is(a.local, expected) && part_is(a.domain, bar + 1);
}

static void vectors(void **state)
{
	FILE *file = fopen("tests/vectors/address.txt", "r");
	char line[1024], copy[1024];
	unsigned number = 0, count = 0, wrong = 0;

	(void)state;
	while (vectors_next(file, line, sizeof(line), &number)) {
		strcpy(copy, line);
		if (!vector_holds(line)) {
			print_error("address.txt:%u: %s\n", number, copy);
			wrong++;
		}
		count++;
	}
	fclose(file);
	assert_int_equal(wrong, 0);
	assert_true(count > 100);
}

/* Random strings over the octets that matter: what is accepted can be written and read again. */
static void roundtrip(void **state)
{
	static const char alphabet[] = "aab1@@@..\"\"\\- [(\xff";
	const uint8_t seed[16] = { 1 };
	struct rng rng;
	unsigned round, accepted = 0;

	(void)state;
	rng_seed(&rng, seed);
	for (round = 0; round < 200000; round++) {
		uint8_t text[9], array[16];
		struct address a, again;
		struct buf b;
		size_t n = rng_below(&rng, sizeof(text)), i;

		for (i = 0; i < n; i++)
			text[i] = (uint8_t)alphabet[rng_below(&rng, sizeof(alphabet) - 1)];
		if (!address_parse(guarded_span(span_make(text, n)), &a))
			continue;
		accepted++;
		buf_init(&b, array, sizeof(array));
		address_put(&b, &a);
		assert_true(span_equal(buf_span(&b), span_make(text, n)));
		assert_true(address_parse(buf_span(&b), &again));
		assert_true(address_equal(&a, &again));
	}
	assert_true(accepted > 100);
}

static void comparing(void **state)
{
	struct address a, b, c, none;
	struct span path = SPAN("<>");

	(void)state;
	assert_true(address_parse(SPAN("Ada@There.test"), &a));
	assert_true(address_parse(SPAN("Ada@tHERE.test"), &b));
	assert_true(address_parse(SPAN("ada@there.test"), &c));
	assert_true(address_equal(&a, &b));
	assert_false(address_equal(&a, &c));
	assert_true(address_parse_path(&path, true, false, &none));
	assert_true(address_is_null(&none));
	assert_false(address_is_null(&a));
}

/* What stands behind the path stays for the parameters. */
static void rest_stays(void **state)
{
	struct span s = SPAN("<ada@x.test> SIZE=1");
	struct address a;

	(void)state;
	assert_true(address_parse_path(&s, true, false, &a));
	assert_span(s, " SIZE=1");
}

static void domains(void **state)
{
	(void)state;
	assert_true(address_domain_ok(SPAN("mail.example.test")));
	assert_true(address_domain_ok(SPAN("xn--bcher-kva.test")));
	assert_true(address_domain_ok(SPAN("4.test")));
	assert_false(address_domain_ok(SPAN("")));
	assert_false(address_domain_ok(SPAN("[192.0.2.1]")));
	assert_false(address_domain_ok(SPAN("a b")));
	assert_false(address_domain_ok(SPAN("a\r\nb")));
	assert_false(address_domain_ok(SPAN("a\0b")));
	assert_false(address_domain_ok(SPAN("a\"b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(roundtrip),
		cmocka_unit_test(comparing),
		cmocka_unit_test(rest_stays),
		cmocka_unit_test(domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
