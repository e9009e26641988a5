/* SPDX-License-Identifier: BSD-2-Clause */
/* The CFI driver against two scripted chips: the commands as the data sheets have them, a
 * program that only clears bits, an erase that takes a while and can be suspended. */
#include "unit.h"

#include "base/status.h"
#include "flash/cfi_nor.h"

enum { SECTOR = 1024, SECTORS = 4, WORDS = SECTOR * SECTORS / 4, BUFFER_WORDS = 16 };
enum mode { ARRAY, STATUS, QUERY, ERASE_SETUP, BUFFER_COUNT, BUFFER_DATA, BUFFER_CONFIRM };

static struct chips {
	uint32_t word[WORDS];
	enum mode mode;
	uint32_t busy; /* looks at the status until it is ready */
	uint32_t erase_looks, program_looks;
	bool erasing, suspended;
	uint32_t erase_sector;
	uint32_t left; /* words that the buffer still expects */
	uint32_t buffer_at[BUFFER_WORDS], buffer[BUFFER_WORDS], buffered;
	uint32_t failures; /* what the status says beside READY */
	uint32_t suspends, sector_code;
	bool absent, dead;
	bool foul; /* the driver did what no data sheet allows */
} c;

static void finish_erase(void)
{
	memset(c.word + c.erase_sector * (SECTOR / 4), 0xff, SECTOR);
	c.erasing = false;
}

static uint32_t status_word(void)
{
	if (c.dead)
		return 0;
	if (c.busy > 0) {
		c.busy--;
		return 0x00800000; /* one chip is ready before the other */
	}
	if (c.erasing && !c.suspended)
		finish_erase();
	return 0x00800080 | c.failures;
}

static uint32_t query_word(uint32_t index)
{
	static const char qry[] = "QRY";
	uint32_t value = 0;

	if (index >= 0x10 && index <= 0x12)
		value = (uint32_t)qry[index - 0x10];
	if (index == 0x2f)
		value = c.sector_code & 0xff;
	if (index == 0x30)
		value = c.sector_code >> 8;
	return value * 0x00010001u;
}

static uint32_t bus_read(void *ctx, uint32_t at)
{
	(void)ctx;
	c.foul |= at % 4 != 0;
	if (c.absent)
		return 0xffffffff;
	switch (c.mode) {
	case ARRAY:
		c.foul |= (c.erasing && !c.suspended) || at / 4 >= WORDS;
		return c.word[at / 4 % WORDS];
	case QUERY: return query_word(at / 4);
	case BUFFER_COUNT: return 0x00800080;
	default: return status_word();
	}
}

static void take_program(void)
{
	uint32_t i;

	for (i = 0; i < c.buffered; i++)
		c.word[c.buffer_at[i]] &= c.buffer[i];
	c.busy = c.program_looks;
	c.mode = STATUS;
}

static void take_confirm(void)
{
	if (c.mode == ERASE_SETUP) {
		c.erasing = true;
		c.busy = c.erase_looks;
	} else if (c.suspended) {
		c.suspended = false;
		c.busy = c.erase_looks;
	} else {
		c.foul = true;
	}
	c.mode = STATUS;
}

static void take_command(uint32_t at, uint32_t command)
{
	switch (command) {
	case 0xff: c.mode = ARRAY; break;
	case 0x50: c.failures = 0; break;
	case 0x70: c.mode = STATUS; break;
	case 0x98: c.mode = QUERY; break;
	case 0x20:
		c.foul |= c.erasing;
		c.erase_sector = at / SECTOR;
		c.mode = ERASE_SETUP;
		break;
	case 0xb0:
		c.foul |= !c.erasing;
		c.suspends++;
		c.suspended = true;
		c.busy = 1;
		c.mode = STATUS;
		break;
	case 0xd0: take_confirm(); break;
	case 0xe8:
		c.foul |= c.erasing && !c.suspended;
		c.buffered = 0;
		c.mode = BUFFER_COUNT;
		break;
	default: c.foul = true; break;
	}
}

static void bus_write(void *ctx, uint32_t at, uint32_t word)
{
	(void)ctx;
	if (c.mode == BUFFER_COUNT && (word & 0xffff) != 0xe8) {
		c.left = (word & 0xffff) + 1;
		c.foul |= c.left > BUFFER_WORDS;
		c.mode = BUFFER_DATA;
	} else if (c.mode == BUFFER_DATA) {
		c.buffer_at[c.buffered % BUFFER_WORDS] = at / 4;
		c.buffer[c.buffered++ % BUFFER_WORDS] = word;
		c.mode = --c.left == 0 ? BUFFER_CONFIRM : BUFFER_DATA;
	} else if (c.mode == BUFFER_CONFIRM) {
		c.foul |= word != 0x00d000d0;
		take_program();
	} else {
		c.foul |= word >> 16 != (word & 0xffff);
		take_command(at, word & 0xffff);
	}
}

static const struct cfi_bus bus = { bus_read, bus_write, NULL };
static struct cfi_nor nor;
static struct flash flash;

static int setup(void **state)
{
	(void)state;
	memset(&c, 0, sizeof(c));
	memset(c.word, 0xff, sizeof(c.word));
	c.sector_code = SECTOR / 512;
	c.program_looks = 3;
	c.erase_looks = 4;
	assert_int_equal(cfi_nor_start(&nor, &bus, SECTOR, SECTORS, &flash), ST_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_false(c.foul);
	return 0;
}

static void erase_to_the_end(uint32_t sector)
{
	int i;

	assert_int_equal(flash.ops->erase_begin(flash.ctx, sector), ST_OK);
	for (i = 0; i < 10; i++) {
		if (flash.ops->erase_done(flash.ctx) != 0)
			return;
	}
	fail_msg("the erase does not end");
}

static void octets_are_read_at_any_place(void **state)
{
	uint8_t text[64], got[64];
	uint32_t at, len;

	(void)state;
	for (at = 0; at < sizeof(text); at++)
		text[at] = (uint8_t)(at + 1);
	assert_int_equal(flash.ops->program(flash.ctx, 128, text, sizeof(text)), ST_OK);
	for (at = 0; at < 9; at++) {
		for (len = 1; len < 14; len++) {
			memset(got, 0, sizeof(got));
			assert_int_equal(flash.ops->read(flash.ctx, 128 + at, got, len), ST_OK);
			assert_memory_equal(got, text + at, len);
			assert_int_equal(got[len], 0);
		}
	}
}

static void an_erase_is_asked_about(void **state)
{
	uint8_t got[4];

	(void)state;
	assert_int_equal(flash.ops->program(flash.ctx, SECTOR, "AAAA", 4), ST_OK);
	assert_int_equal(flash.ops->program(flash.ctx, 0, "BBBB", 4), ST_OK);
	assert_int_equal(flash.ops->erase_begin(flash.ctx, 1), ST_OK);
	assert_int_equal(flash.ops->erase_done(flash.ctx), 0);
	while (flash.ops->erase_done(flash.ctx) == 0)
		;
	assert_int_equal(flash.ops->erase_done(flash.ctx), ST_IO);
	assert_int_equal(flash.ops->read(flash.ctx, 0, got, 4), ST_OK);
	assert_memory_equal(got, "BBBB", 4);
	assert_int_equal(flash.ops->read(flash.ctx, SECTOR, got, 4), ST_OK);
	assert_memory_equal(got, "\xff\xff\xff\xff", 4);
}

static void work_meanwhile_suspends_it(void **state)
{
	uint8_t got[4];

	(void)state;
	assert_int_equal(flash.ops->program(flash.ctx, SECTOR, "AAAA", 4), ST_OK);
	assert_int_equal(flash.ops->erase_begin(flash.ctx, 1), ST_OK);
	assert_int_equal(flash.ops->program(flash.ctx, 0, "CCCC", 4), ST_OK);
	assert_int_equal(c.suspends, 1);
	assert_int_equal(flash.ops->erase_done(flash.ctx), 0);
	assert_int_equal(flash.ops->read(flash.ctx, 0, got, 4), ST_OK);
	assert_memory_equal(got, "CCCC", 4);
	assert_int_equal(c.suspends, 2);
	while (flash.ops->erase_done(flash.ctx) == 0)
		;
	assert_int_equal(flash.ops->read(flash.ctx, SECTOR, got, 4), ST_OK);
	assert_memory_equal(got, "\xff\xff\xff\xff", 4);
}

/* The result is kept for erase_done when a read was the first to see it. */
static void an_end_seen_by_a_read_is_told(void **state)
{
	uint8_t got[4];

	(void)state;
	c.erase_looks = 0;
	assert_int_equal(flash.ops->erase_begin(flash.ctx, 3), ST_OK);
	assert_int_equal(flash.ops->read(flash.ctx, 0, got, 4), ST_OK);
	assert_int_equal(c.suspends, 0);
	assert_int_equal(flash.ops->erase_done(flash.ctx), 1);
}

static void failures_are_told(void **state)
{
	(void)state;
	assert_int_equal(flash.ops->erase_begin(flash.ctx, 0), ST_OK);
	c.busy = 0;
	c.failures = 0x00200000; /* the second chip could not erase */
	assert_int_equal(flash.ops->erase_done(flash.ctx), ST_IO);
	erase_to_the_end(0);
	c.dead = true;
	assert_int_equal(flash.ops->program(flash.ctx, 0, "AAAA", 4), ST_IO);
}

static void other_chips_are_not_taken(void **state)
{
	(void)state;
	c.sector_code = 2 * SECTOR / 512;
	assert_int_equal(cfi_nor_start(&nor, &bus, SECTOR, SECTORS, &flash), ST_FOREIGN);
	assert_int_equal(c.mode, ARRAY);
	c.absent = true;
	assert_int_equal(cfi_nor_start(&nor, &bus, SECTOR, SECTORS, &flash), ST_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(octets_are_read_at_any_place, setup, teardown),
		cmocka_unit_test_setup_teardown(an_erase_is_asked_about, setup, teardown),
		cmocka_unit_test_setup_teardown(work_meanwhile_suspends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(an_end_seen_by_a_read_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(failures_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(other_chips_are_not_taken, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
