/* SPDX-License-Identifier: BSD-2-Clause */
/* test_submit - mail that the program around submits: pipit_submit_* and on_outcome, over a whole
 * pipit with its real queue. */
#include "onepipit.h"

#define TEXT "From: sensor@here.test\nSubject: hot\n\n.42 degrees\r\nno line end"

static const struct span there = SPAN_INIT("ops@there.test");

static struct pipit_envelope to_ops(void)
{
	return (struct pipit_envelope){ .sender = SPAN("sensor@here.test"),
		.recipient = &there,
		.recipient_count = 1 };
}

/* Again until it is not "not now", with a step between. */
#define PATIENTLY(call) \
	do { \
		unsigned patience = 200; \
		while ((status = (call)) == ST_AGAIN && patience-- > 0) \
			world_run(&w, &p, 20); \
	} while (0)

static enum status submit_text(const struct pipit_envelope *e, const char *text, uint32_t *message)
{
	enum status status;
	pipit_handle h;

	PATIENTLY(pipit_submit_begin(&p, e, &h));
	if (status == ST_OK)
		PATIENTLY(pipit_submit_data(&p, h, guarded(text)));
	if (status == ST_OK)
		PATIENTLY(pipit_submit_end(&p, h, message));
	return status;
}

static void it_goes_the_way_of_all_mail(void **state)
{
	struct pipit_envelope e = to_ops();
	uint32_t message = 0;

	(void)state;
	start(true);
	assert_int_equal(submit_text(&e, TEXT, &message), ST_OK);
	assert_true(message > 0);
	assert_int_equal(queued(), 1);
	world_run(&w, &p, 2000);
	assert_int_equal(w.hop.messages, 1);
	assert_true(stream_has(&w.hop.last, "Received: by here.test (Pipit) id "));
	assert_true(stream_has(&w.hop.last, "for <ops@there.test>"));
	assert_true(stream_has(&w.hop.last, "\r\nDate: "));
	assert_true(stream_has(&w.hop.last, "\r\nMessage-ID: <"));
	assert_true(stream_has(&w.hop.last,
		"Subject: hot\r\n\r\n..42 degrees\r\nno line end\r\n.\r\n"));
	assert_int_equal(queued(), 0);
}

/* Any cut of the text into pieces, and kinds of line ends cut in the middle. */
static void pieces_do_not_matter(void **state)
{
	static const char text[] =
		"Date: now\r\nMessage-ID: <x@y>\nSubject: x\r\r\n\r\nab\n\ncd\r\n";
	struct pipit_envelope e = to_ops();
	enum status status;
	pipit_handle h;
	uint32_t message;
	size_t size, at;

	(void)state;
	for (size = 1; size < sizeof(text); size++) {
		start(true);
		assert_int_equal(pipit_submit_begin(&p, &e, &h), ST_OK);
		for (at = 0; at < sizeof(text) - 1; at += size)
			PATIENTLY(pipit_submit_data(&p, h,
				guarded_span(span_sub(span_of(text), at, size))));
		PATIENTLY(pipit_submit_end(&p, h, &message));
		assert_int_equal(status, ST_OK);
		world_run(&w, &p, 2000);
		assert_true(stream_has(&w.hop.last,
			"\r\nDate: now\r\nMessage-ID: <x@y>\r\nSubject: x\r\n\r\n\r\nab\r\n\r\n"
			"cd\r\n.\r\n"));
	}
}

/* The promise, kept over a power cut at the moment it is given. */
static void what_was_promised_survives_a_power_cut(void **state)
{
	struct pipit_envelope e = to_ops();
	uint32_t message;

	(void)state;
	start(true);
	assert_int_equal(submit_text(&e, TEXT, &message), ST_OK);
	boot(true, CONF);
	world_run(&w, &p, 2000);
	assert_int_equal(w.hop.messages, 1);
	assert_true(stream_has(&w.hop.last, "..42 degrees\r\n"));
	assert_int_equal(queued(), 0);
}

static void nothing_is_promised_before_the_device_has_it(void **state)
{
	struct pipit_envelope e = to_ops();
	enum status status;
	pipit_handle h;
	uint32_t message = 0;

	(void)state;
	start(true);
	PATIENTLY(pipit_submit_begin(&p, &e, &h));
	PATIENTLY(pipit_submit_data(&p, h, guarded(TEXT)));
	world_run(&w, &p, 1000);
	w.sync = 0;
	PATIENTLY(pipit_submit_end(&p, h, &message));
	assert_int_equal(status, ST_AGAIN);
	assert_int_equal(w.hop.connects, 0);
	assert_int_equal(message, 0);
	w.sync = 1;
	PATIENTLY(pipit_submit_end(&p, h, &message));
	assert_int_equal(status, ST_OK);
	world_run(&w, &p, 2000);
	assert_int_equal(w.hop.messages, 1);
}

static void a_device_that_fails_keeps_no_promise(void **state)
{
	struct pipit_envelope e = to_ops();
	enum status status;
	pipit_handle h;
	uint32_t message = 0;

	(void)state;
	start(true);
	w.sync = 0;
	PATIENTLY(pipit_submit_begin(&p, &e, &h));
	PATIENTLY(pipit_submit_data(&p, h, guarded(TEXT)));
	PATIENTLY(pipit_submit_end(&p, h, &message));
	assert_int_equal(status, ST_AGAIN);
	w.sync = ST_IO;
	PATIENTLY(pipit_submit_end(&p, h, &message));
	assert_int_equal(status, ST_IO);
	assert_int_equal(w.hop.messages, 0);
	assert_int_equal(pipit_submit_end(&p, h, &message), ST_BAD); /* the handle is gone */
	assert_int_equal(pipit_submit_begin(&p, &e, &h), ST_IO);
}

/* The program forgets a submission that is committed: it is sent, and the handle comes back. */
static void aborted_late_it_is_sent_and_gone(void **state)
{
	struct pipit_envelope e = to_ops();
	enum status status;
	pipit_handle h;
	uint32_t message;

	(void)state;
	start(true);
	w.sync = 0;
	PATIENTLY(pipit_submit_begin(&p, &e, &h));
	PATIENTLY(pipit_submit_data(&p, h, guarded(TEXT)));
	PATIENTLY(pipit_submit_end(&p, h, &message));
	assert_int_equal(status, ST_AGAIN);
	pipit_submit_abort(&p, h);
	assert_false(submission_idle(&p.submissions)); /* a stop waits for it */
	w.sync = 1;
	world_run(&w, &p, 2000);
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(p.submissions.slot[h].state, 0);
}

static void aborted_early_it_leaves_nothing(void **state)
{
	struct pipit_envelope e = to_ops();
	struct queue_stats stats;
	enum status status;
	pipit_handle h;

	(void)state;
	start(true);
	PATIENTLY(pipit_submit_begin(&p, &e, &h));
	PATIENTLY(pipit_submit_data(&p, h, guarded(TEXT)));
	pipit_submit_abort(&p, h);
	world_run(&w, &p, 1000);
	queue_stats(&p.core.queue, &stats);
	assert_int_equal(stats.live_bytes, 0);
	assert_int_equal(w.hop.connects, 0);
}

static void handles_are_bounded(void **state)
{
	struct pipit_envelope e = to_ops();
	pipit_handle h[CONFIG_SUBMISSIONS], more;
	int i;

	(void)state;
	start(true);
	for (i = 0; i < CONFIG_SUBMISSIONS; i++)
		assert_int_equal(pipit_submit_begin(&p, &e, &h[i]), ST_OK);
	assert_int_equal(pipit_submit_begin(&p, &e, &more), ST_AGAIN);
	pipit_submit_abort(&p, h[0]);
	assert_int_equal(pipit_submit_begin(&p, &e, &more), ST_OK);
	assert_int_equal(more, h[0]);
	assert_int_equal(pipit_submit_data(&p, -1, SPAN("x")), ST_BAD);
	assert_int_equal(pipit_submit_data(&p, CONFIG_SUBMISSIONS, SPAN("x")), ST_BAD);
	pipit_submit_abort(&p, 99);
}

static enum status try_envelope(const char *from, const char *to, uint32_t size)
{
	const struct span rcpt = span_of(to);
	const struct pipit_envelope e = { .sender = span_of(from),
		.recipient = &rcpt,
		.recipient_count = 1,
		.size = size };
	enum status status;
	pipit_handle h;

	status = pipit_submit_begin(&p, &e, &h);
	if (status == ST_OK)
		pipit_submit_abort(&p, h);
	return status;
}

static void envelopes_are_looked_at(void **state)
{
	struct pipit_envelope nobody = to_ops();
	pipit_handle h;

	(void)state;
	start(true);
	assert_int_equal(try_envelope("", "a@there.test", 0), ST_OK);
	assert_int_equal(try_envelope("x", "a@there.test", 0), ST_BAD);
	assert_int_equal(try_envelope("a@b\nRnobody@x", "a@there.test", 0), ST_BAD);
	assert_int_equal(try_envelope("", "a", 0), ST_BAD);
	assert_int_equal(try_envelope("", "", 0), ST_BAD);
	assert_int_equal(try_envelope("", "<a@there.test>", 0), ST_BAD);
	assert_int_equal(try_envelope("", "a@there.test\r\nRb@x", 0), ST_BAD);
	assert_int_equal(try_envelope("", "a@there.test", 100u << 20), ST_BAD);
	nobody.recipient_count = 0;
	assert_int_equal(pipit_submit_begin(&p, &nobody, &h), ST_BAD);
	assert_int_equal(try_envelope("", "a@there.test", 0), ST_OK); /* no handle was lost */
	assert_int_equal(try_envelope("", "b@there.test", 0), ST_OK);
}

static void aliases_and_masquerade_hold(void **state)
{
	const struct span root = SPAN("root@here.test");
	struct pipit_envelope e = to_ops();
	uint32_t message;

	(void)state;
	world_init(&w, true);
	boot(true, CONF "alias root ops@there.test\nmasquerade example.net\n");
	e.recipient = &root;
	assert_int_equal(submit_text(&e, TEXT, &message), ST_OK);
	world_run(&w, &p, 2000);
	assert_int_equal(w.hop.messages, 1);
	assert_true(stream_has(&w.hop.last, "From: sensor@example.net\r\n"));
	assert_true(stream_has(&w.log, "sender=sensor@example.net") ||
		stream_has(&w.log, "from=sensor@example.net"));
}

static void a_full_queue_says_so_and_loses_nothing(void **state)
{
	struct pipit_envelope e = to_ops();
	enum status status = ST_OK;
	uint32_t message, kept = 0;

	(void)state;
	start(true);
	w.hop.refuse = true;
	while (status == ST_OK && kept < 10000) {
		status = submit_text(&e, TEXT, &message);
		kept += status == ST_OK;
	}
	assert_int_equal(status, ST_FULL);
	assert_int_equal(queued(), kept);
	w.hop.refuse = false;
	boot(true, CONF);
	world_run(&w, &p, 200000);
	assert_int_equal(w.hop.messages, kept);
	assert_int_equal(submit_text(&e, TEXT, &message), ST_OK);
}

static void a_body_beyond_the_limit_ends_it(void **state)
{
	static char line[1024];
	struct pipit_envelope e = to_ops();
	enum status status;
	pipit_handle h;
	unsigned i;

	(void)state;
	world_init(&w, true);
	boot(true, CONF "max_message_size 4K\n");
	memset(line, 'x', sizeof(line) - 1);
	PATIENTLY(pipit_submit_begin(&p, &e, &h));
	for (i = 0; i < 6 && status == ST_OK; i++)
		PATIENTLY(pipit_submit_data(&p, h, span_of(line)));
	assert_int_equal(status, ST_BAD);
	assert_int_equal(pipit_submit_data(&p, h, SPAN("x")), ST_BAD);
	assert_int_equal(queued(), 0);
}

/* Flash that is busy: what was taken is not written twice. */
static void it_goes_on_where_it_stopped(void **state)
{
	static char text[20000];
	struct pipit_envelope e = to_ops();
	enum status status = ST_OK;
	pipit_handle h;
	uint32_t message;
	unsigned agains = 0;
	size_t i;

	(void)state;
	start(true);
	for (i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)(i % 61 == 60 ? '\n' : 'a' + (int)(i % 26));
	memcpy(text, "Subject: x\n\n", 12);
	assert_int_equal(pipit_submit_begin(&p, &e, &h), ST_OK);
	w.flash_stuck = true;
	while ((status = pipit_submit_data(&p, h, span_of(text))) == ST_AGAIN) {
		assert_int_equal(pipit_submit_end(&p, h, &message), ST_BAD); /* not yet */
		w.flash_stuck = agains++ % 3 != 2;
		world_run(&w, &p, 5);
		assert_true(agains < 1000);
	}
	w.flash_stuck = false;
	assert_int_equal(status, ST_OK);
	assert_true(agains > 0);
	PATIENTLY(pipit_submit_end(&p, h, &message));
	assert_int_equal(status, ST_OK);
	world_run(&w, &p, 5000);
	assert_int_equal(w.hop.messages, 1);
	for (i = 0; i + 1 < sizeof(text);) { /* each line of it, in its order */
		static size_t at;
		size_t n = strcspn(text + i, "\n");

		at = i == 0 ? 0 : at;
		while (at + n <= w.hop.last.len && memcmp(w.hop.last.at + at, text + i, n) != 0)
			at++;
		assert_true(at + n <= w.hop.last.len);
		at += n;
		i += n + 1;
	}
	assert_true(w.hop.last.len < sizeof(text) + sizeof(text) / 61 + 1000);
}

/* ---- on_outcome -------------------------------------------------------------------- */

static struct {
	unsigned calls[3];
	uint32_t message;
	char last[200];
} told;

static void on_outcome(void *ctx, uint32_t message, struct span recipient,
	enum pipit_outcome outcome, struct span reply)
{
	assert_ptr_equal(ctx, &told);
	told.calls[outcome]++;
	told.message = message;
	(void)snprintf(told.last, sizeof(told.last), "%.*s: %.*s", (int)recipient.len,
		(const char *)recipient.at, (int)reply.len, (const char *)reply.at);
}

static void outcomes_are_told(void **state)
{
	struct pipit_envelope e = to_ops();
	uint32_t message;

	(void)state;
	memset(&told, 0, sizeof(told));
	start(true);
	w.pipit.hooks = (struct pipit_hooks){ .on_outcome = on_outcome, .ctx = &told };
	w.hop.mail = "451 4.3.0 later\r\n";
	assert_int_equal(submit_text(&e, TEXT, &message), ST_OK);
	world_run(&w, &p, 1000);
	assert_int_equal(told.calls[PIPIT_DEFERRED], 1);
	assert_int_equal(told.message, message);
	assert_string_equal(told.last, "ops@there.test: 451 4.3.0 later");
	w.hop.mail = NULL;
	world_run(&w, &p, 20000);
	assert_int_equal(told.calls[PIPIT_SENT], 1);
	assert_int_equal(told.calls[PIPIT_FAILED], 0);
	assert_string_equal(told.last, "ops@there.test: 250 2.0.0 ok");
	w.hop.rcpt = "550 5.1.1 nobody\r\n";
	assert_int_equal(submit_text(&e, TEXT, &message), ST_OK);
	world_run(&w, &p, 1000);
	assert_int_equal(told.calls[PIPIT_FAILED], 1);
	assert_int_equal(told.message, message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(it_goes_the_way_of_all_mail, show_log),
		cmocka_unit_test_teardown(pieces_do_not_matter, show_log),
		cmocka_unit_test_teardown(what_was_promised_survives_a_power_cut, show_log),
		cmocka_unit_test_teardown(nothing_is_promised_before_the_device_has_it, show_log),
		cmocka_unit_test_teardown(a_device_that_fails_keeps_no_promise, show_log),
		cmocka_unit_test_teardown(aborted_late_it_is_sent_and_gone, show_log),
		cmocka_unit_test_teardown(aborted_early_it_leaves_nothing, show_log),
		cmocka_unit_test_teardown(handles_are_bounded, show_log),
		cmocka_unit_test_teardown(envelopes_are_looked_at, show_log),
		cmocka_unit_test_teardown(aliases_and_masquerade_hold, show_log),
		cmocka_unit_test_teardown(a_full_queue_says_so_and_loses_nothing, show_log),
		cmocka_unit_test_teardown(a_body_beyond_the_limit_ends_it, show_log),
		cmocka_unit_test_teardown(it_goes_on_where_it_stopped, show_log),
		cmocka_unit_test_teardown(outcomes_are_told, show_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
