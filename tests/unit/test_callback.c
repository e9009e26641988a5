/* SPDX-License-Identifier: BSD-2-Clause */
/* test_callback - `deliver PATTERN callback`: mail that the program around takes by on_local. */
#include "onepipit.h"

#define CALLBACK_CONF \
	"hostname here.test\nlocal_domain here.test\ndeliver cmd@here.test callback\n" \
	"deliver log@here.test callback\nsmarthost 192.0.2.25:25 tls=none\nretry 10s 20s 40s\n" \
	"expire 200s\nwarn_delay 0\npostmaster ops@there.test\n"

/* A program that takes mail. */
static struct {
	enum pipit_verdict verdict;
	size_t at_once;        /* octets read by one pipit_read */
	size_t stop_after;     /* and then no more; 0: all is read */
	unsigned begun, calls; /* messages begun, calls in all */
	unsigned mixed;        /* calls for another message before the one begun was over */
	uint32_t message;      /* being taken; 0: none */
	uint32_t last, size;
	char sender[64], recipient[64];
	struct world_stream text;
	bool answer; /* submit a message from inside */
	unsigned stage;
	pipit_handle handle;
	enum status answered;
} program;

static void keep(char *to, size_t room, struct span s)
{
	assert_true(s.len < room);
	memset(to, 0, room);
	if (s.len > 0)
		memcpy(to, s.at, s.len);
}

/* As far as it goes now: ST_AGAIN means that it is to be called again. */
static enum status submit_answer(const struct pipit_envelope *e)
{
	const struct pipit_envelope answer = { .sender = e->recipient[0],
		.recipient = &e->sender,
		.recipient_count = 1 };
	enum status status = ST_OK;
	uint32_t message;

	if (program.stage == 0)
		status = pipit_submit_begin(&p, &answer, &program.handle);
	program.stage += program.stage == 0 && status == ST_OK;
	if (program.stage == 1)
		status = pipit_submit_data(&p, program.handle, SPAN("Subject: done\n\nyes\n"));
	program.stage += program.stage == 1 && status == ST_OK;
	if (program.stage == 2)
		status = pipit_submit_end(&p, program.handle, &message);
	return status;
}

static enum pipit_verdict on_local(void *ctx, const struct pipit_envelope *e,
	struct pipit_reader *reader)
{
	uint8_t octets[512];
	int n = 0;

	assert_ptr_equal(ctx, &program);
	program.calls++;
	if (pipit_read_offset(reader) == 0) {
		program.begun++;
		program.mixed += program.message != 0;
		program.message = e->message;
		program.text.len = 0;
		program.size = e->size;
		assert_int_equal(e->recipient_count, 1);
		keep(program.sender, sizeof(program.sender), e->sender);
		keep(program.recipient, sizeof(program.recipient), e->recipient[0]);
	}
	program.mixed += program.message != e->message;
	program.last = e->message;
	while (program.stop_after == 0 || program.text.len < program.stop_after) {
		n = pipit_read(reader, octets, program.at_once);
		if (n <= 0)
			break;
		memcpy(program.text.at + program.text.len, octets, (size_t)n);
		program.text.len += (size_t)n;
		assert_int_equal(pipit_read_offset(reader), program.text.len);
	}
	if (n == ST_AGAIN)
		return PIPIT_MORE;
	if (program.answer)
		program.answered = submit_answer(e);
	if (program.answered == ST_AGAIN)
		return PIPIT_MORE;
	program.message = 0;
	return program.verdict;
}

static void boot_program(void)
{
	w.pipit.hooks = (struct pipit_hooks){ .on_local = on_local, .ctx = &program };
	program.message = 0;
	boot(true, CALLBACK_CONF);
}

static void start_program(void)
{
	memset(&program, 0, sizeof(program));
	program.verdict = PIPIT_DELIVERED;
	program.at_once = 512;
	world_init(&w, true);
	boot_program();
}

static void a_message_is_given(void **state)
{
	(void)state;
	start_program();
	(void)submit("a@client.test", "cmd@here.test");
	world_run(&w, &p, 2000);
	assert_int_equal(program.begun, 1);
	assert_string_equal(program.sender, "a@client.test");
	assert_string_equal(program.recipient, "cmd@here.test");
	assert_int_equal(program.size, program.text.len);
	assert_true(stream_has(&program.text, "Received: from client.test"));
	assert_true(stream_has(&program.text, "Subject: hello\r\n\r\n.dot\r\n"));
	assert_int_equal(queued(), 0);
	assert_true(stream_has(&w.log, "host=local"));
}

#define LINES 20

static void submit_long(void)
{
	static char line[1024];
	int c, i;

	memset(line, 'x', sizeof(line) - 3);
	memcpy(line + sizeof(line) - 3, "\r\n", 3);
	c = world_connect(&w, "127.0.0.1");
	world_say(&w, c, "EHLO x\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<cmd@here.test>\r\nDATA\r\n");
	world_run(&w, &p, 50);
	for (i = 0; i < LINES; i++)
		world_say(&w, c, line);
	world_say(&w, c, "the end\r\n.\r\n");
}

static void a_long_one_comes_in_bounded_steps(void **state)
{
	(void)state;
	start_program();
	program.at_once = 7;
	submit_long();
	world_run(&w, &p, 3000);
	assert_int_equal(program.begun, 1);
	assert_true(program.text.len > LINES * 1023);
	assert_true(program.calls > program.text.len / (CONFIG_BODY_PIECE * 8u));
	assert_true(stream_has(&program.text, "x\r\nthe end\r\n"));
	assert_int_equal(queued(), 0);
}

static void later_is_by_the_schedule_and_from_the_beginning(void **state)
{
	(void)state;
	start_program();
	program.verdict = PIPIT_LATER;
	(void)submit("a@client.test", "cmd@here.test");
	world_run(&w, &p, 2000);
	assert_int_equal(program.begun, 1);
	assert_int_equal(queued(), 1);
	world_run(&w, &p, 5000);
	assert_int_equal(program.begun, 1);
	program.verdict = PIPIT_DELIVERED;
	world_run(&w, &p, 10000);
	assert_int_equal(program.begun, 2);
	assert_true(stream_has(&program.text, "Received: from client.test"));
	assert_true(stream_has(&program.text, ".dot\r\n"));
	assert_int_equal(queued(), 0);
}

static void refused_is_reported(void **state)
{
	(void)state;
	start_program();
	program.verdict = PIPIT_REFUSED;
	(void)submit("a@client.test", "cmd@here.test");
	world_run(&w, &p, 3000);
	assert_int_equal(program.begun, 1);
	assert_int_equal(w.hop.messages, 1);
	assert_true(stream_has(&w.hop.last, "Final-Recipient: rfc822; cmd@here.test"));
	assert_true(stream_has(&w.hop.last, "Status: 5.2.0"));
	assert_int_equal(queued(), 0);
}

static void reports_come_without_a_sender(void **state)
{
	(void)state;
	start_program();
	w.hop.rcpt = "550 5.1.1 nobody\r\n";
	(void)submit("log@here.test", "b@there.test");
	world_run(&w, &p, 3000);
	assert_string_equal(program.recipient, "log@here.test");
	assert_string_equal(program.sender, "");
	assert_true(stream_has(&program.text, "multipart/report"));
	assert_int_equal(queued(), 0);
}

/* While a message is in the program's hands the next one waits. */
static void one_at_a_time(void **state)
{
	(void)state;
	start_program();
	program.verdict = PIPIT_MORE;
	program.stop_after = 1;
	program.at_once = 1;
	(void)submit("a@client.test", "cmd@here.test");
	(void)submit("b@client.test", "log@here.test");
	world_run(&w, &p, 1000);
	assert_int_equal(program.begun, 1);
	assert_true(program.calls > 10);
	assert_int_equal(queued(), 2);
	program.verdict = PIPIT_DELIVERED;
	world_run(&w, &p, 1000);
	assert_int_equal(program.begun, 2);
	assert_int_equal(queued(), 0);
}

static void it_need_not_be_read(void **state)
{
	(void)state;
	start_program();
	program.stop_after = 20;
	program.at_once = 20;
	(void)submit("a@client.test", "cmd@here.test");
	world_run(&w, &p, 1000);
	assert_int_equal(program.text.len, 20);
	assert_int_equal(queued(), 0);
}

/* Between the verdict and its record on flash there is a moment; it is offered again, not lost. */
static void a_power_cut_in_between_offers_it_again(void **state)
{
	uint32_t message;

	(void)state;
	start_program();
	program.verdict = PIPIT_MORE;
	program.stop_after = 30;
	program.at_once = 30;
	(void)submit("a@client.test", "cmd@here.test");
	world_run(&w, &p, 500);
	message = program.last;
	program.stop_after = 0;
	program.verdict = PIPIT_DELIVERED;
	boot_program();
	world_run(&w, &p, 1000);
	assert_int_equal(program.last, message);
	assert_int_equal(program.begun, 2);
	assert_true(stream_has(&program.text, "Received: from client.test"));
	assert_int_equal(queued(), 0);
}

static void an_answer_may_be_submitted_from_inside(void **state)
{
	(void)state;
	start_program();
	program.answer = true;
	(void)submit("a@client.test", "cmd@here.test");
	world_run(&w, &p, 2000);
	assert_int_equal(program.answered, ST_OK);
	assert_int_equal(program.begun, 1);
	assert_int_equal(w.hop.messages, 1);
	assert_true(stream_has(&w.hop.last, "Subject: done\r\n\r\nyes\r\n"));
	assert_true(stream_has(&w.hop.last, "for <a@client.test>"));
	assert_int_equal(queued(), 0);
}

/* Rot that only shows in the last piece: the program has read the others, but it is not
 * delivered. */
static void what_rots_while_it_is_read_is_not_delivered(void **state)
{
	size_t i;

	(void)state;
	start_program();
	program.verdict = PIPIT_MORE;
	program.stop_after = 1;
	program.at_once = 1;
	submit_long();
	world_run(&w, &p, 500);
	assert_true(program.size > CONFIG_BODY_PIECE);
	for (i = 0; i + 7 < sizeof(w.flash); i++)
		if (memcmp(w.flash + i, "the end", 7) == 0)
			w.flash[i] = 'd';
	program.at_once = 512;
	program.stop_after = 0;
	program.verdict = PIPIT_DELIVERED;
	world_run(&w, &p, 1000);
	assert_int_equal(p.core.report.counter[REPORT_delivered], 0);
	assert_int_equal(p.core.report.counter[REPORT_failed], 1);
	assert_false(stream_has(&program.text, "dhe end"));
}

static void without_the_hook_the_line_is_refused(void **state)
{
	struct pipit_problem where;

	(void)state;
	world_init(&w, true);
	w.pipit.hooks = (struct pipit_hooks){ .on_local = NULL };
	assert_int_equal(pipit_init(&p, &w.pipit, SPAN(CALLBACK_CONF), &where), ST_BAD);
	assert_int_equal(where.line, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_message_is_given, show_log),
		cmocka_unit_test_teardown(a_long_one_comes_in_bounded_steps, show_log),
		cmocka_unit_test_teardown(later_is_by_the_schedule_and_from_the_beginning,
			show_log),
		cmocka_unit_test_teardown(refused_is_reported, show_log),
		cmocka_unit_test_teardown(reports_come_without_a_sender, show_log),
		cmocka_unit_test_teardown(one_at_a_time, show_log),
		cmocka_unit_test_teardown(it_need_not_be_read, show_log),
		cmocka_unit_test_teardown(a_power_cut_in_between_offers_it_again, show_log),
		cmocka_unit_test_teardown(an_answer_may_be_submitted_from_inside, show_log),
		cmocka_unit_test_teardown(what_rots_while_it_is_read_is_not_delivered, show_log),
		cmocka_unit_test_teardown(without_the_hook_the_line_is_refused, show_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
