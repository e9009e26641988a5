/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pages - firmware's own state in two sectors: power cuts in every program and erase. */
#include "unit.h"

#include "harness/nor_make.h"
#include "pages/config_line.h"

#include <stdio.h>

#define CONFIG SPAN("config")
#define KEY SPAN("tls key")
#define FLOOR 1790000000u

/* Sector size, program unit, page. */
static const struct flash_geometry geometries[] = {
	{ 1024, 2, 1, 256 },
	{ 512, 2, 16, 128 },
	{ 256, 2, 8, 32 },
	{ 4096, 2, 256, 256 },
};

static struct nor nor;
static struct pages pages;
static char old_text[200], new_text[150], key_text[30];

static void fill(char *text, size_t size, char from)
{
	size_t i;

	for (i = 0; i + 1 < size; i++)
		text[i] = (char)(from + (int)(i % 26));
	text[size - 1] = '\0';
}

/* Texts that fit in the smallest sector. */
static void texts(const struct flash_geometry *g)
{
	size_t part = g->sector_size >= 1024 ? 1 : g->sector_size >= 512 ? 2 : 4;

	fill(old_text, sizeof(old_text) / part, 'a');
	fill(new_text, sizeof(new_text) / part, 'A');
	fill(key_text, sizeof(key_text), '0');
}

static enum status change(struct span name, const char *text, uint32_t time_s)
{
	struct span rest = span_of(text);
	enum status status;

	while ((status = pages_begin(&pages, name)) == ST_AGAIN)
		;
	for (; status == ST_OK && rest.len > 0; span_skip(&rest, 37))
		status = pages_write(&pages, span_head(rest, 37));
	if (status != ST_OK)
		return status;
	while ((status = pages_commit(&pages, time_s)) == ST_AGAIN)
		;
	return status;
}

static bool is(struct span name, const char *text)
{
	char got[256] = { 0 };
	size_t len = 0;
	int n;

	while ((n = pages_read(&pages, name, (uint32_t)len, got + len, 29)) > 0)
		len += (size_t)n;
	return n == 0 && strcmp(got, text) == 0;
}

static void blank_holds_nothing(void **state)
{
	uint8_t octet;

	(void)state;
	nor_make(&nor, 1024, 2, 1, 256);
	assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
	assert_int_equal(pages.current, 2);
	assert_int_equal(pages_read(&pages, CONFIG, 0, &octet, 1), ST_MISSING);
	assert_int_equal(nor.erases, 0);
	nor_free(&nor);
}

static void blobs_are_kept_and_changed(void **state)
{
	unsigned i;

	(void)state;
	texts(&geometries[0]);
	nor_make(&nor, 1024, 2, 1, 256);
	assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
	assert_int_equal(change(CONFIG, old_text, FLOOR), ST_OK);
	assert_int_equal(change(KEY, key_text, 0), ST_OK);
	for (i = 0; i < 20; i++) {
		assert_int_equal(change(CONFIG, i % 2 ? old_text : new_text, i), ST_OK);
		assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
		assert_true(is(CONFIG, i % 2 ? old_text : new_text));
		assert_true(is(KEY, key_text));
		assert_int_equal(pages.time_floor_s, FLOOR);
	}
	assert_int_equal(pages.sequence, 22);
	assert_int_equal(nor.erases, 22); /* every change costs one, no more */
	assert_int_equal(change(CONFIG, "", 0), ST_OK);
	assert_true(is(KEY, key_text));
	assert_int_equal(pages_read(&pages, CONFIG, 0, new_text, 1), ST_MISSING);
	nor_free(&nor);
}

static void too_much_changes_nothing(void **state)
{
	static char long_text[1200];

	(void)state;
	texts(&geometries[0]);
	fill(long_text, 420, 'a');
	nor_make(&nor, 1024, 2, 1, 256);
	assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
	assert_int_equal(change(KEY, key_text, 0), ST_OK);
	assert_int_equal(change(CONFIG, old_text, 0), ST_OK);
	fill(long_text, sizeof(long_text), 'a');
	assert_int_equal(change(CONFIG, long_text, 0), ST_FULL); /* by itself */
	fill(long_text, 430, 'a');
	assert_int_equal(change(SPAN("b"), long_text, 0), ST_FULL); /* beside the others */
	assert_int_equal(pages_begin(&pages, SPAN("a name of more than 32 octets is no name")),
		ST_BAD);
	assert_true(is(CONFIG, old_text));
	assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
	assert_true(is(CONFIG, old_text));
	assert_true(is(KEY, key_text));
	assert_int_equal(change(CONFIG, new_text, 0), ST_OK);
	nor_free(&nor);
}

static void sequence_numbers_wrap(void **state)
{
	(void)state;
	texts(&geometries[0]);
	nor_make(&nor, 1024, 2, 1, 256);
	assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
	pages.sequence = UINT32_MAX - 1u;
	assert_int_equal(change(CONFIG, old_text, 0), ST_OK);
	assert_int_equal(change(CONFIG, new_text, 0), ST_OK);
	assert_int_equal(pages.sequence, 0);
	assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
	assert_true(is(CONFIG, new_text));
	nor_free(&nor);
}

static void rot_falls_back_to_the_other(void **state)
{
	uint32_t i;

	(void)state;
	texts(&geometries[0]);
	nor_make(&nor, 1024, 2, 1, 256);
	assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
	assert_int_equal(change(CONFIG, old_text, 0), ST_OK);
	assert_int_equal(change(CONFIG, new_text, 0), ST_OK);
	for (i = 1024; i < 2048; i++) {
		uint8_t was = nor.mem[i];

		nor.mem[i] ^= 4;
		assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
		assert_true(is(CONFIG, new_text) || is(CONFIG, old_text));
		if (i >= 1024 + 256 && i < 1024 + 256 + 150)
			assert_true(is(CONFIG, old_text));
		if (pages.current == 1 && pages.sequence == 2) {
			nor.mem[i] = was;
			continue;
		}
		if (pages.sequence != 1) /* written once more: begin afresh */
			assert_int_equal(change(CONFIG, old_text, 0), ST_OK);
		while (pages.current != 0)
			assert_int_equal(change(CONFIG, old_text, 0), ST_OK);
		assert_int_equal(change(CONFIG, new_text, 0), ST_OK);
	}
	nor_free(&nor);
}

/* ---- power cuts ------------------------------------------------------------------------- */

static bool promised; /* a commit said ST_OK before the cut */

/* true: the power went in it. */
static bool cut_change(uint64_t at)
{
	if (setjmp(nor.off) != 0)
		return true;
	nor.ops = 0;
	nor.cut_at = at;
	promised = false;
	promised = change(CONFIG, new_text, FLOOR + 1u) == ST_OK;
	nor.cut_at = 0;
	return false;
}

/* The power may go in the recovery too. */
static bool cut_open(uint64_t at)
{
	if (setjmp(nor.off) != 0)
		return true;
	nor.ops = 0;
	nor.cut_at = at;
	assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
	nor.cut_at = 0;
	return false;
}

static bool check_state(void)
{
	bool is_new = is(CONFIG, new_text);

	assert_true(is_new || is(CONFIG, old_text));
	assert_true(is(KEY, key_text));
	assert_int_equal(pages.time_floor_s, is_new ? FLOOR + 1u : FLOOR);
	return is_new;
}

static void survive(uint64_t again_at)
{
	bool was_new;
	unsigned i;

	nor_boot(&nor);
	if (again_at > 0 && cut_open(again_at))
		nor_boot(&nor);
	(void)cut_open(0);
	was_new = check_state();
	assert_true(was_new || !promised);
	for (i = 0; i < 6; i++) { /* what was seen once stays, whatever the bits do */
		nor_boot(&nor);
		(void)cut_open(0);
		assert_int_equal(check_state(), was_new);
	}
	assert_int_equal(change(CONFIG, was_new ? old_text : new_text, 0), ST_OK);
	nor_boot(&nor);
	(void)cut_open(0);
	assert_int_equal(is(CONFIG, new_text), !was_new);
}

static unsigned cuts;

static void cut_everywhere(const struct flash_geometry *g, enum nor_tear tear, bool unstable,
	bool lazy)
{
	static struct nor base;
	uint64_t at, again_at;
	bool cut;

	texts(g);
	nor_make(&base, g->sector_size, 2, g->program_unit, g->page_size);
	nor_make(&nor, g->sector_size, 2, g->program_unit, g->page_size);
	assert_int_equal(pages_open(&pages, &base.flash), ST_OK);
	assert_int_equal(change(KEY, key_text, 0), ST_OK);
	assert_int_equal(change(CONFIG, old_text, FLOOR), ST_OK);
	nor.lazy = lazy;
	for (again_at = 0; again_at < 12; again_at++) {
		cut = true;
		for (at = 1; cut && at < 1000; at++) {
			nor_copy(&nor, &base);
			nor_boot(&nor);
			nor.tear = tear;
			nor.unstable = unstable;
			nor_seed(&nor, (uint32_t)(at * 31u + again_at));
			(void)cut_open(0);
			cut = cut_change(at);
			cuts += cut;
			survive(again_at);
		}
		assert_false(cut);
	}
	nor_free(&nor);
	nor_free(&base);
}

static void a_cut_leaves_the_old_or_the_new(void **state)
{
	unsigned g, tear;

	(void)state;
	cuts = 0;
	for (g = 0; g < COUNT(geometries); g++)
		for (tear = 0; tear < NOR_TEARS; tear++) {
			cut_everywhere(&geometries[g], (enum nor_tear)tear, false, false);
			cut_everywhere(&geometries[g], (enum nor_tear)tear, true, false);
		}
	print_message("%u power cuts\n", cuts);
	assert_true(cuts > 1000);
}

/* A head whose last octet was programmed halfway may read as good at one boot and not at the
 * next; the second head was not begun. */
static void half_programmed_bits_take_nothing_back(void **state)
{
	static struct nor base;
	const struct flash_geometry *g = &geometries[2];
	uint32_t seed, head, seen_new = 0;

	(void)state;
	texts(g);
	nor_make(&base, g->sector_size, 2, g->program_unit, g->page_size);
	nor_make(&nor, g->sector_size, 2, g->program_unit, g->page_size);
	assert_int_equal(pages_open(&pages, &base.flash), ST_OK);
	assert_int_equal(change(KEY, key_text, 0), ST_OK);
	assert_int_equal(change(CONFIG, old_text, FLOOR), ST_OK);
	assert_int_equal(change(CONFIG, new_text, FLOOR + 1u), ST_OK);
	head = pages.current * g->sector_size;
	memset(base.mem + head + g->sector_size - g->page_size, 0xff, g->page_size);
	base.shaky[head + 23] = (uint8_t)~base.mem[head + 23];
	assert_int_not_equal(base.shaky[head + 23], 0);
	promised = false;
	for (seed = 0; seed < 500; seed++) {
		nor_copy(&nor, &base);
		nor.unstable = true;
		nor_seed(&nor, seed);
		survive(0);
		seen_new += pages.sequence > 4;
	}
	assert_true(seen_new > 0);
	nor_free(&nor);
	nor_free(&base);
}

static void a_failing_chip_changes_nothing(void **state)
{
	(void)state;
	texts(&geometries[0]);
	nor_make(&nor, 1024, 2, 1, 256);
	assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
	assert_int_equal(change(CONFIG, old_text, 0), ST_OK);
	nor.fail_sector = -1;
	nor.fail_programs = 1;
	assert_int_equal(change(CONFIG, new_text, 0), ST_IO);
	nor.fail_erases = 1;
	assert_int_equal(change(CONFIG, new_text, 0), ST_IO);
	assert_true(is(CONFIG, old_text));
	assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
	assert_true(is(CONFIG, old_text));
	assert_int_equal(change(CONFIG, new_text, 0), ST_OK);
	assert_true(is(CONFIG, new_text));
	nor_free(&nor);
}

/* ---- config_line --------------------------------------------------------------------------- */

static struct config_line line;
static uint8_t answer_text[600], room_text[64];

static const char *ask(const char *request)
{
	struct buf out;

	buf_init(&out, answer_text, sizeof(answer_text) - 1);
	assert_true(config_line_begin(&line, span_of(request)));
	while (config_line_answer(&line, FLOOR, &out) == ST_AGAIN)
		;
	answer_text[out.len] = '\0';
	return (const char *)answer_text;
}

static void the_configuration_is_set_by_lines(void **state)
{
	char text[64];

	(void)state;
	nor_make(&nor, 1024, 2, 1, 256);
	assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
	config_line_init(&line, &pages, room_text, sizeof(room_text));
	assert_int_equal(config_line_load(&pages, text, sizeof(text)), 0);
	assert_string_equal(ask("config"), "ok\n");
	assert_string_equal(ask("config add hostname gw.test"), "ok\n");
	assert_string_equal(ask("CONFIG ADD log debug"), "ok\n");
	assert_string_equal(ask("config"), "ok\n"); /* not yet saved */
	assert_string_equal(ask("config save"), "ok\n");
	assert_string_equal(ask("config"), "hostname gw.test\nlog debug\nok\n");
	assert_int_equal(pages_open(&pages, &nor.flash), ST_OK);
	assert_int_equal(pages.time_floor_s, FLOOR);
	assert_int_equal(config_line_load(&pages, text, sizeof(text)), 27);
	assert_memory_equal(text, "hostname gw.test\nlog debug\n", 27);
	assert_int_equal(config_line_load(&pages, text, 27), 0); /* no room for its end */
	assert_string_equal(ask("config add a line that is longer than what is left of the room"),
		"error no room for this line\n");
	assert_string_equal(ask("config clear"), "ok\n");
	assert_string_equal(ask("config add log info"), "ok\n");
	assert_string_equal(ask("config save"), "ok\n");
	assert_string_equal(ask("config"), "log info\nok\n");
	assert_string_equal(ask("config forget"), "ok\n");
	assert_int_equal(config_line_load(&pages, text, sizeof(text)), 0);
	assert_true(strncmp(ask("config save it"), "error expected", 14) == 0);
	assert_false(config_line_begin(&line, SPAN("configure")));
	assert_false(config_line_begin(&line, SPAN("")));
	nor_free(&nor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blank_holds_nothing),
		cmocka_unit_test(blobs_are_kept_and_changed),
		cmocka_unit_test(too_much_changes_nothing),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(rot_falls_back_to_the_other),
		cmocka_unit_test(a_cut_leaves_the_old_or_the_new),
		cmocka_unit_test(half_programmed_bits_take_nothing_back),
		cmocka_unit_test(a_failing_chip_changes_nothing),
		cmocka_unit_test(the_configuration_is_set_by_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
