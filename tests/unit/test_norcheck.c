/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of NOR: nor_check refuses each breach, and passes everything else on. */
#include "unit.h"

#include "base/status.h"
#include "flash/nor_check.h"
#include "flash/nor_ram.h"

enum { SECTOR = 256, SECTORS = 4, UNIT = 4, PAGE = 64 };

struct bench {
	uint8_t memory[SECTOR * SECTORS];
	uint32_t erases[SECTORS];
	struct nor_ram ram;
	struct nor_check check;
	struct flash flash;
	const char *rule; /* the last one broken */
	uint32_t at;
	bool slow; /* erases are not done yet */
};

static struct bench b;
static struct flash_ops slow_ops;

static void on_broken(void *ctx, const char *rule, uint32_t at)
{
	struct bench *x = ctx;

	x->rule = rule;
	x->at = at;
}

static int slow_erase_done(void *ctx)
{
	(void)ctx;
	return b.slow ? 0 : 1;
}

static int setup(void **state)
{
	const struct flash_geometry g = { SECTOR, SECTORS, UNIT, PAGE };
	struct flash under;

	(void)state;
	memset(&b, 0, sizeof(b));
	memset(b.memory, 0xff, sizeof(b.memory));
	under = nor_ram_start(&b.ram, &g, b.memory);
	slow_ops = *under.ops;
	slow_ops.erase_done = slow_erase_done;
	under.ops = &slow_ops;
	b.flash = nor_check_start(&b.check, &under, b.erases, on_broken, &b);
	return 0;
}

static int program(uint32_t at, const char *octets, size_t len)
{
	b.rule = NULL;
	return b.flash.ops->program(b.flash.ctx, at, octets, len);
}

static int erase_begin(uint32_t sector)
{
	b.rule = NULL;
	return b.flash.ops->erase_begin(b.flash.ctx, sector);
}

static void what_is_allowed_passes(void **state)
{
	uint8_t got[8];

	(void)state;
	assert_int_equal(program(8, "ABCDEFGH", 8), ST_OK);
	assert_int_equal(b.flash.ops->read(b.flash.ctx, 8, got, 8), ST_OK);
	assert_memory_equal(got, "ABCDEFGH", 8);
	assert_int_equal(b.flash.ops->sync_begin(b.flash.ctx), ST_OK);
	assert_int_equal(b.flash.ops->sync_done(b.flash.ctx), 1);
	assert_int_equal(b.flash.geometry.page_size, PAGE);
	assert_null(b.rule);
}

static void a_unit_is_programmed_once(void **state)
{
	(void)state;
	assert_int_equal(program(0, "AAAA", 4), ST_OK);
	assert_int_equal(program(0, "\xff\xff\xff\xff", 4), ST_IO);
	assert_non_null(b.rule);
	assert_int_equal(program(0, "\0\0\0\0", 4), ST_IO); /* only clears bits, and is wrong too */
	assert_non_null(b.rule);
	assert_memory_equal(b.memory, "AAAA", 4);
	assert_int_equal(program(4, "BBBB", 4), ST_OK);
	assert_null(b.rule);
}

/* Also behind the first piece that is compared. */
static void all_units_of_a_program_are_looked_at(void **state)
{
	char page[PAGE];

	(void)state;
	memset(page, 'x', sizeof(page));
	b.memory[PAGE - 1] = 0x7f;
	assert_int_equal(program(0, page, PAGE), ST_IO);
	assert_non_null(b.rule);
	assert_int_equal(b.memory[0], 0xff);
}

static void programs_have_a_shape(void **state)
{
	(void)state;
	assert_int_equal(program(2, "AAAA", 4), ST_IO);
	assert_non_null(b.rule);
	assert_int_equal(program(0, "AAA", 3), ST_IO);
	assert_non_null(b.rule);
	assert_int_equal(program(0, "", 0), ST_IO);
	assert_non_null(b.rule);
	assert_int_equal(program(PAGE - 4, "AAAABBBB", 8), ST_IO);
	assert_non_null(b.rule);
	assert_int_equal(program(SECTOR * SECTORS, "AAAA", 4), ST_IO);
	assert_non_null(b.rule);
	assert_int_equal(program(UINT32_MAX - 3, "AAAA", 4), ST_IO);
	assert_non_null(b.rule);
	assert_int_equal(program(SECTOR * SECTORS - 4, "AAAA", 4), ST_OK);
	assert_null(b.rule);
}

static void a_sector_being_erased_is_left_alone(void **state)
{
	uint8_t got[4];

	(void)state;
	b.slow = true;
	assert_int_equal(erase_begin(1), ST_OK);
	assert_int_equal(program(SECTOR, "AAAA", 4), ST_IO);
	assert_non_null(b.rule);
	assert_int_equal(b.at, SECTOR);
	assert_int_equal(b.flash.ops->read(b.flash.ctx, 2 * SECTOR - 1, got, 1), ST_IO);
	assert_int_equal(b.flash.ops->read(b.flash.ctx, SECTOR - 2, got, 4), ST_IO);
	assert_int_equal(b.flash.ops->read(b.flash.ctx, 2 * SECTOR, got, 4), ST_OK);
	assert_int_equal(program(0, "AAAA", 4), ST_OK);
	assert_int_equal(erase_begin(2), ST_IO);
	assert_non_null(b.rule);
	assert_int_equal(b.flash.ops->erase_done(b.flash.ctx), 0);
	b.slow = false;
	assert_int_equal(b.flash.ops->erase_done(b.flash.ctx), 1);
	assert_int_equal(program(SECTOR, "AAAA", 4), ST_OK);
	assert_int_equal(b.flash.ops->erase_done(b.flash.ctx), ST_IO);
}

static void erases_are_counted(void **state)
{
	uint32_t most, fewest;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(erase_begin(2), ST_OK);
		assert_int_equal(b.flash.ops->erase_done(b.flash.ctx), 1);
	}
	assert_int_equal(erase_begin(SECTORS), ST_IO);
	assert_non_null(b.rule);
	assert_int_equal(b.erases[2], 3);
	assert_false(nor_check_erasing(&b.check));
	nor_check_wear(&b.check, &most, &fewest);
	assert_int_equal(most, 3);
	assert_int_equal(fewest, 0);
}

/* Below the layer: memory that obeys NOR's physics, whoever asks. */
static void memory_only_loses_bits(void **state)
{
	const struct flash *ram = &b.check.under;

	(void)state;
	assert_int_equal(ram->ops->program(ram->ctx, 0, "\xf0\xff\x0f", 3), ST_OK);
	assert_int_equal(ram->ops->program(ram->ctx, 0, "\x3c\x55\xff", 3), ST_OK);
	assert_memory_equal(b.memory, "\x30\x55\x0f\xff", 4);
	assert_int_equal(ram->ops->erase_begin(ram->ctx, 0), ST_OK);
	assert_memory_equal(b.memory, "\xff\xff\xff\xff", 4);
	assert_int_equal(ram->ops->program(ram->ctx, SECTOR * SECTORS - 1, "ab", 2), ST_IO);
	assert_int_equal(ram->ops->erase_begin(ram->ctx, SECTORS), ST_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_allowed_passes, setup),
		cmocka_unit_test_setup(a_unit_is_programmed_once, setup),
		cmocka_unit_test_setup(all_units_of_a_program_are_looked_at, setup),
		cmocka_unit_test_setup(programs_have_a_shape, setup),
		cmocka_unit_test_setup(a_sector_being_erased_is_left_alone, setup),
		cmocka_unit_test_setup(erases_are_counted, setup),
		cmocka_unit_test_setup(memory_only_loses_bits, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
