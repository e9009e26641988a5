/* SPDX-License-Identifier: BSD-2-Clause */
/* firmware - the smallest program around a pipit: no network, flash that is memory.
 *
 * It submits a message for its own address, power-cycles itself after the promise, and takes
 * the message by its callback.  Exit 0 when that went as pipit.h says. */
#include "pages/pages.h"
#include "pipit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 4096u
#define SECTORS 16u

static struct pipit mta;
static uint8_t memory[SECTOR * SECTORS], page_memory[2 * SECTOR];
static char taken[1024];
static size_t taken_len;

/* ---- a failed CHECK of Pipit's --------------------------------------------------- */

_Noreturn void check_failed(const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: check failed\n", file, line);
	abort();
}

_Noreturn void check_failed_line(int line)
{
	check_failed("pipit", line);
}

/* ---- flash: memory --------------------------------------------------------------- */

static int flash_read(void *ctx, uint32_t at, void *to, size_t len)
{
	memcpy(to, (uint8_t *)ctx + at, len);
	return ST_OK;
}

static int flash_program(void *ctx, uint32_t at, const void *from, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		((uint8_t *)ctx)[at + i] &= ((const uint8_t *)from)[i];
	return ST_OK;
}

static int flash_erase(void *ctx, uint32_t sector)
{
	memset((uint8_t *)ctx + sector * SECTOR, 0xff, SECTOR);
	return ST_OK;
}

static int flash_begin(void *ctx)
{
	(void)ctx;
	return ST_OK;
}

static int flash_done(void *ctx)
{
	(void)ctx;
	return 1;
}

static const struct flash_ops flash_ops = {
	.read = flash_read,
	.program = flash_program,
	.erase_begin = flash_erase,
	.erase_done = flash_done,
	.sync_begin = flash_begin,
	.sync_done = flash_done,
};

/* ---- the rest of the world: next to nothing ---------------------------------------- */

static int net_listen(void *ctx, const struct ip_endpoint *local)
{
	(void)ctx;
	(void)local;
	return 0;
}

static int net_accept(void *ctx, int listener, struct ip_endpoint *peer, struct ip_endpoint *local)
{
	(void)ctx;
	(void)listener;
	(void)peer;
	(void)local;
	return ST_AGAIN;
}

static int net_connect(void *ctx, const struct ip_endpoint *to)
{
	(void)ctx;
	(void)to;
	return ST_IO;
}

static void net_close(void *ctx, int handle)
{
	(void)ctx;
	(void)handle;
}

static void net_watch(void *ctx, int handle, unsigned events)
{
	(void)ctx;
	(void)handle;
	(void)events;
}

static const struct net_ops net_ops = {
	.listen = net_listen,
	.accept = net_accept,
	.connect = net_connect,
	.datagram = net_connect,
	.close = net_close,
	.watch = net_watch,
};

/* A board asks its noise source. */
static void fill(void *ctx, void *to, size_t len)
{
	(void)ctx;
	memset(to, 4, len);
}

static void say(void *ctx, enum log_level level, struct span text)
{
	(void)ctx;
	(void)level;
	printf("%.*s\n", (int)text.len, (const char *)text.at);
}

static enum pipit_verdict take(void *ctx, const struct pipit_envelope *e,
	struct pipit_reader *reader)
{
	int n;

	(void)ctx;
	(void)e;
	if (pipit_read_offset(reader) == 0)
		taken_len = 0;
	while ((n = pipit_read(reader, taken + taken_len, sizeof(taken) - 1 - taken_len)) > 0)
		taken_len += (size_t)n;
	return n == ST_AGAIN ? PIPIT_MORE : PIPIT_DELIVERED;
}

static struct pipit_world world = {
	.net = { &net_ops, NULL },
	.flash = { &flash_ops, memory, { SECTOR, SECTORS, 1, 256 } },
	.random = { fill, NULL },
	.log = { say, NULL },
	.hooks = { .on_local = take },
	.control = -1,
};

/* ---- the program --------------------------------------------------------------------- */

static const char config[] = "hostname gw.test\nlocal_domain gw.test\n"
			     "deliver me@gw.test callback\npostmaster me@gw.test\n";
static const char text[] = "From: me@gw.test\nSubject: hot\n\n42 degrees\n";

static void start(void)
{
	struct pipit_problem where;

	if (pipit_init(&mta, &world, span_of(config), &where) == ST_OK)
		return;
	(void)fprintf(stderr, "line %u: %s\n", (unsigned)where.line, where.text);
	exit(1);
}

static void steps(unsigned count)
{
	static struct instant now;

	for (; count > 0; count--) {
		now.mono_ms += 10;
		(void)pipit_step(&mta, now);
	}
}

/* As pipit.h shows it: once a turn, to stage 3. */
static enum status send_alarm(unsigned *stage)
{
	static pipit_handle h;
	const struct span to = SPAN("me@gw.test");
	const struct pipit_envelope e = { .sender = to, .recipient = &to, .recipient_count = 1 };
	enum status status;
	uint32_t message;

	if (*stage == 0)
		status = pipit_submit_begin(&mta, &e, &h);
	else if (*stage == 1)
		status = pipit_submit_data(&mta, h, span_of(text));
	else
		status = pipit_submit_end(&mta, h, &message);
	if (status == ST_OK)
		++*stage;
	return status;
}

int main(void)
{
	static struct flash page_flash = { &flash_ops, page_memory, { SECTOR, 2, 1, 256 } };
	static struct pages pages;
	enum status status;
	unsigned stage = 0;

	memset(memory, 0xff, sizeof(memory));
	memset(page_memory, 0xff, sizeof(page_memory));
	if (pages_open(&pages, &page_flash) != ST_OK)
		return 1;
	start();
	while (stage < 3) {
		status = send_alarm(&stage);
		if (status != ST_OK && status != ST_AGAIN)
			return 1;
		steps(1);
	}
	start(); /* as after a power cut */
	steps(1000);
	taken[taken_len] = '\0';
	return strstr(taken, "Subject: hot\r\n\r\n42 degrees\r\n") != NULL ? 0 : 1;
}
