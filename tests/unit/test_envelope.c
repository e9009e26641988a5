/* SPDX-License-Identifier: BSD-2-Clause */
/* test_envelope - written, read in pieces of every size, and what is no envelope. */
#include "unit.h"

#include "mail/envelope.h"

static const char whole[] =
	"Sada@x.test\nHcamera [192.0.2.1]\nRbob@y.test\nOstaff@x.test\nReve@z.test\n";

static void writing(void **state)
{
	uint8_t array[256];
	struct buf b;

	(void)state;
	buf_init(&b, array, sizeof(array));
	envelope_put(&b, ENVELOPE_SENDER, SPAN("ada@x.test"));
	envelope_put(&b, ENVELOPE_ORIGIN, SPAN("camera [192.0.2.1]"));
	envelope_put(&b, ENVELOPE_RCPT, SPAN("bob@y.test"));
	envelope_put(&b, ENVELOPE_ORIGINAL, SPAN("staff@x.test"));
	envelope_put(&b, ENVELOPE_RCPT, SPAN("eve@z.test"));
	assert_span(buf_span(&b), whole);
}

/* CVE-2020-28021, CVE-2020-28026: no text makes a line of its own. */
static void spool_injection(void **state)
{
	uint8_t array[512], longer[1000];
	struct envelope_reader r;
	struct envelope_item item;
	struct span in;
	struct buf b;

	(void)state;
	buf_init(&b, array, sizeof(array));
	envelope_put(&b, ENVELOPE_ORIGIN, SPAN("x\nRevil@x.test\r\n\0"));
	assert_span(buf_span(&b), "Hx?Revil@x.test???\n");
	buf_clear(&b);
	memset(longer, 'x', sizeof(longer));
	envelope_put(&b, ENVELOPE_ORIGIN, span_make(longer, sizeof(longer)));
	assert_false(b.overflow);
	in = buf_span(&b);
	envelope_reader_init(&r);
	assert_int_equal(envelope_read(&r, &in, &item), ST_OK);
	assert_int_equal(item.text.len, ADDRESS_MAX);
}

static void reading(void **state)
{
	static const char *const texts[] = { "ada@x.test", "camera [192.0.2.1]", "bob@y.test",
		"staff@x.test", "eve@z.test" };
	static const char kinds[] = "SHROR";
	static const int numbers[] = { -1, -1, 0, -1, 1 };
	const size_t len = sizeof(whole) - 1;
	size_t piece, at, n;

	(void)state;
	for (piece = 1; piece <= len; piece++) {
		struct envelope_reader r;
		struct envelope_item item;

		envelope_reader_init(&r);
		n = 0;
		for (at = 0; at < len;) {
			struct span part = guarded_span(span_sub(span_make(whole, len), at, piece));
			struct span rest = part;
			enum status status = envelope_read(&r, &rest, &item);

			at += part.len - rest.len;
			if (status == ST_AGAIN)
				continue;
			assert_int_equal(status, ST_OK);
			assert_int_equal(item.kind, kinds[n]);
			assert_span(item.text, texts[n]);
			if (numbers[n] >= 0)
				assert_int_equal(item.rcpt, numbers[n]);
			n++;
		}
		assert_int_equal(n, 5);
	}
}

static enum status read_all(struct span in)
{
	struct envelope_reader r;
	struct envelope_item item;
	enum status status = ST_AGAIN;

	envelope_reader_init(&r);
	while (in.len > 0 && (status == ST_OK || status == ST_AGAIN))
		status = envelope_read(&r, &in, &item);
	return status;
}

static void corrupt(void **state)
{
	uint8_t longer[2000];

	(void)state;
	assert_int_equal(read_all(guarded("S\n")), ST_OK);
	assert_int_equal(read_all(guarded("Sada")), ST_AGAIN);
	assert_int_equal(read_all(guarded("\n")), ST_CORRUPT);
	assert_int_equal(read_all(guarded("Xada@x.test\n")), ST_CORRUPT);
	assert_int_equal(read_all(guarded("Sada\r\n")), ST_CORRUPT);
	assert_int_equal(read_all(guarded("Sada\xff\n")), ST_CORRUPT);
	assert_int_equal(read_all(guarded_span(SPAN("Sada\0\n"))), ST_CORRUPT);
	memset(longer, 'S', sizeof(longer));
	assert_int_equal(read_all(guarded_span(span_make(longer, sizeof(longer)))), ST_CORRUPT);
	longer[ENVELOPE_LINE_MAX] = '\n';
	assert_int_equal(read_all(guarded_span(span_make(longer, ENVELOPE_LINE_MAX + 1))), ST_OK);
	longer[ENVELOPE_LINE_MAX] = 'S';
	longer[ENVELOPE_LINE_MAX + 1] = '\n';
	assert_int_equal(read_all(guarded_span(span_make(longer, ENVELOPE_LINE_MAX + 2))),
		ST_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writing),
		cmocka_unit_test(spool_injection),
		cmocka_unit_test(reading),
		cmocka_unit_test(corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
