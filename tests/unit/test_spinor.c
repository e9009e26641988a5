/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial NOR driver against a scripted chip: write enable before each change, busy times,
 * erase suspend, and a program that wraps at its page and only clears bits. */
#include "unit.h"

#include "base/status.h"
#include "flash/spi_nor.h"

enum { SIZE = 65536, CHANGE_US = 200, ERASE_US = 60000 };

static struct chip {
	uint8_t memory[SIZE];
	uint8_t id[3];
	uint8_t head[4]; /* of the transaction under way */
	uint32_t count;  /* octets of it so far */
	bool selected, enabled, erasing, suspended, was_suspended;
	bool knows_suspend, stuck, protected;
	uint32_t busy_us;
	uint32_t erase_left_us;
	uint32_t erase_at, suspends;
	bool foul;
} c;

static bool busy(void)
{
	return c.stuck || c.busy_us > 0 || (c.erasing && !c.suspended);
}

static void pass_us(uint32_t us)
{
	c.busy_us = c.busy_us > us ? c.busy_us - us : 0;
	if (!c.erasing || c.suspended)
		return;
	c.erase_left_us = c.erase_left_us > us ? c.erase_left_us - us : 0;
	if (c.erase_left_us == 0) {
		memset(c.memory + c.erase_at, 0xff, SPI_NOR_SECTOR);
		c.erasing = false;
	}
}

static uint32_t address(void)
{
	return ((uint32_t)c.head[1] << 16 | (uint32_t)c.head[2] << 8 | c.head[3]) % SIZE;
}

static void suspend(void)
{
	if (!c.knows_suspend || !c.erasing)
		return;
	c.suspends++;
	c.suspended = true;
	c.busy_us = 20;
}

/* What a command does when the transaction ends. */
static void act(void)
{
	switch (c.head[0]) {
	case 0x06: c.enabled = !c.protected; break;
	case 0x75: suspend(); break;
	case 0x7a: c.suspended = false; break;
	case 0x02:
		c.enabled = false;
		c.busy_us = CHANGE_US;
		break;
	case 0x20:
		c.foul |= c.count != 4 || c.erasing;
		if (c.enabled) {
			c.erasing = true;
			c.erase_at = address() / SPI_NOR_SECTOR * SPI_NOR_SECTOR;
			c.erase_left_us = ERASE_US;
		}
		c.enabled = false;
		break;
	default: break;
	}
}

static void bus_select(void *ctx, bool on)
{
	(void)ctx;
	c.foul |= on == c.selected;
	c.selected = on;
	if (!on)
		act();
	c.count = 0;
}

static void program_octet(uint8_t octet)
{
	uint32_t page = address() / SPI_NOR_PAGE * SPI_NOR_PAGE;
	uint32_t at = page + (address() + c.count - 4) % SPI_NOR_PAGE;

	if (c.enabled)
		c.memory[at] &= octet;
}

static uint8_t answer(void)
{
	switch (c.head[0]) {
	case 0x05: return (uint8_t)(busy() ? 0x01 : 0) | (uint8_t)(c.enabled ? 0x02 : 0);
	case 0x9f: return c.count <= 3 ? c.id[c.count - 1] : 0;
	case 0x03: return c.count >= 4 ? c.memory[(address() + c.count - 4) % SIZE] : 0xff;
	default: return 0xff;
	}
}

/* A busy chip obeys these only. */
static bool obeys(uint8_t command)
{
	return !busy() || command == 0x05 || command == 0x75 || command == 0x7a;
}

static uint8_t clock_octet(uint8_t out)
{
	uint8_t in = 0xff;

	if (c.count == 0) {
		c.foul |= !obeys(out) && !c.stuck;
		c.head[0] = out;
	} else {
		in = answer();
		if (c.count < 4)
			c.head[c.count] = out;
		else if (c.head[0] == 0x02)
			program_octet(out);
	}
	c.count++;
	return in;
}

static void bus_exchange(void *ctx, const uint8_t *out, uint8_t *in, size_t len)
{
	size_t i;

	(void)ctx;
	c.foul |= !c.selected;
	for (i = 0; i < len; i++) {
		uint8_t octet = clock_octet(out ? out[i] : 0xff);

		if (in)
			in[i] = octet;
	}
}

static void bus_pause(void *ctx, uint32_t us)
{
	(void)ctx;
	pass_us(us);
}

static const struct spi_bus bus = { bus_select, bus_exchange, bus_pause, NULL };
static struct spi_nor nor;
static struct flash flash;

static int setup(void **state)
{
	(void)state;
	memset(&c, 0, sizeof(c));
	memset(c.memory, 0xff, sizeof(c.memory));
	memcpy(c.id, "\xef\x40\x10", 3);
	c.knows_suspend = true;
	assert_int_equal(spi_nor_start(&nor, &bus, true, &flash), ST_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_false(c.foul);
	assert_false(c.selected);
	return 0;
}

static void the_chip_says_its_size(void **state)
{
	(void)state;
	assert_int_equal(flash.geometry.sector_size, 4096);
	assert_int_equal(flash.geometry.sector_count, 16);
	assert_int_equal(flash.geometry.program_unit, 1);
	assert_int_equal(flash.geometry.page_size, 256);
}

static void octets_come_back(void **state)
{
	uint8_t page[SPI_NOR_PAGE], got[SPI_NOR_PAGE];

	(void)state;
	memset(page, 'p', sizeof(page));
	page[255] = 'e';
	assert_int_equal(flash.ops->program(flash.ctx, 0x1200, page, sizeof(page)), ST_OK);
	assert_int_equal(flash.ops->read(flash.ctx, 0x1200, got, sizeof(got)), ST_OK);
	assert_memory_equal(got, page, sizeof(page));
	assert_int_equal(c.busy_us, 0);
	assert_int_equal(flash.ops->read(flash.ctx, 0x12ff, got, 2), ST_OK);
	assert_memory_equal(got, "e\xff", 2);
}

static void an_erase_takes_its_time(void **state)
{
	int looks = 0;

	(void)state;
	c.memory[4096] = 0;
	c.memory[8192] = 0;
	assert_int_equal(flash.ops->erase_begin(flash.ctx, 1), ST_OK);
	while (flash.ops->erase_done(flash.ctx) == 0 && looks < 100) {
		pass_us(1000);
		looks++;
	}
	assert_int_equal(looks, ERASE_US / 1000);
	assert_int_equal(c.memory[4096], 0xff);
	assert_int_equal(c.memory[8192], 0);
	assert_int_equal(flash.ops->erase_done(flash.ctx), ST_IO);
}

static void work_meanwhile_suspends_it(void **state)
{
	uint8_t got[4];

	(void)state;
	assert_int_equal(flash.ops->erase_begin(flash.ctx, 1), ST_OK);
	assert_int_equal(flash.ops->program(flash.ctx, 0, "AAAA", 4), ST_OK);
	assert_int_equal(flash.ops->read(flash.ctx, 0, got, 4), ST_OK);
	assert_memory_equal(got, "AAAA", 4);
	assert_int_equal(c.suspends, 2);
	assert_int_equal(flash.ops->erase_done(flash.ctx), 0);
	pass_us(ERASE_US);
	assert_int_equal(flash.ops->erase_done(flash.ctx), 1);
}

static void a_chip_without_suspend_is_waited_for(void **state)
{
	(void)state;
	c.knows_suspend = false;
	assert_int_equal(spi_nor_start(&nor, &bus, false, &flash), ST_OK);
	assert_int_equal(flash.ops->erase_begin(flash.ctx, 1), ST_OK);
	assert_int_equal(flash.ops->program(flash.ctx, 0, "AAAA", 4), ST_OK);
	assert_memory_equal(c.memory, "AAAA", 4);
	assert_int_equal(flash.ops->erase_done(flash.ctx), 1);
}

static void a_chip_that_refuses_is_noticed(void **state)
{
	(void)state;
	c.protected = true;
	assert_int_equal(flash.ops->program(flash.ctx, 0, "AAAA", 4), ST_IO);
	assert_int_equal(flash.ops->erase_begin(flash.ctx, 0), ST_IO);
	assert_int_equal(c.memory[0], 0xff);
	c.protected = false;
	c.stuck = true;
	assert_int_equal(flash.ops->program(flash.ctx, 0, "AAAA", 4), ST_IO);
}

static void other_chips_are_not_taken(void **state)
{
	(void)state;
	c.id[2] = 25; /* 32 MiB: addresses of 4 octets */
	assert_int_equal(spi_nor_start(&nor, &bus, true, &flash), ST_FOREIGN);
	memset(c.id, 0xff, 3);
	assert_int_equal(spi_nor_start(&nor, &bus, true, &flash), ST_MISSING);
	memset(c.id, 0, 3);
	assert_int_equal(spi_nor_start(&nor, &bus, true, &flash), ST_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_chip_says_its_size, setup, teardown),
		cmocka_unit_test_setup_teardown(octets_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(an_erase_takes_its_time, setup, teardown),
		cmocka_unit_test_setup_teardown(work_meanwhile_suspends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_chip_without_suspend_is_waited_for, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_chip_that_refuses_is_noticed, setup, teardown),
		cmocka_unit_test_setup_teardown(other_chips_are_not_taken, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
