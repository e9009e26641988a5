/* SPDX-License-Identifier: BSD-2-Clause */
#include "bare/firmware.h"

#include "bare/depth.h"
#include "bare/ether.h"
#include "bare/machine.h"
#include "bare/panic.h"
#include "lwip/stack.h"

#include <string.h>

#define TEXT_ROOM 160u
#define ERASE_MS 1000u /* the slowest sector */

/* ---- The network under lwIP ----------------------------------------------------------------- */

static uint32_t net_clock(void *ctx)
{
	(void)ctx;
	return machine_now_ms();
}

static uint32_t net_random(void *ctx)
{
	uint32_t number;

	(void)ctx;
	machine_random(&number, sizeof(number));
	return number;
}

static uint16_t net_receive(void *ctx, uint8_t *frame, uint16_t size)
{
	(void)ctx;
	return ether_receive(frame, size);
}

static bool net_send(void *ctx, const uint8_t *frame, uint16_t len)
{
	(void)ctx;
	return ether_send(frame, len);
}

static bool net_link(void *ctx)
{
	(void)ctx;
	return ether_link();
}

/* Up to now: the ticks wrap, and a sleep is not work. */
static void count_busy(struct firmware *f)
{
	uint32_t now = machine_ticks();

	f->busy_ticks += now - f->turn_began;
	f->turn_began = now;
}

static void net_idle(void *ctx, uint32_t ms)
{
	struct firmware *f = ctx;

	if (ms == 0)
		return;
	count_busy(f);
	machine_sleep();
	f->turn_began = machine_ticks();
}

static void net_time(void *ctx, uint64_t seconds, uint32_t microseconds)
{
	struct firmware *f = ctx;

	(void)microseconds;
	/* Earlier than what this flash has seen: a lie, or a server that is broken. */
	if (f->running && seconds < pipit_time_floor(&f->mta))
		return;
	f->clock_offset_s = (uint32_t)seconds - (uint32_t)(stack_mono_ms() / 1000u);
	f->clock_known = true;
}

static void start_network(struct firmware *f, const char *hostname)
{
	static struct stack_machine machine = {
		.now_ms = net_clock,
		.random = net_random,
		.receive = net_receive,
		.send = net_send,
		.link = net_link,
		.idle = net_idle,
		.time = net_time,
	};
	uint8_t mac[6];

	machine.ctx = f;
	ether_start(mac);
	stack_start(&machine, mac, hostname);
}

/* ---- Time ----------------------------------------------------------------------------------- */

struct instant firmware_now(const struct firmware *f)
{
	struct instant now = { machine_now_ms(), 0, false };

	now.wall_known = machine_wall_s(&now.wall_s);
	if (!now.wall_known && f->clock_known) {
		now.wall_s = f->clock_offset_s + (uint32_t)(stack_mono_ms() / 1000u);
		now.wall_known = true;
	}
	return now;
}

/* ---- What is said --------------------------------------------------------------------------- */

static void say(struct firmware *f, enum log_level level, const char *what, struct span text)
{
	uint8_t room[TEXT_ROOM];
	struct buf b;

	buf_init(&b, room, sizeof(room));
	buf_puts(&b, what);
	buf_put(&b, text);
	f->world.log.line(f->world.log.ctx, level, buf_span(&b));
}

static void put_field(struct buf *b, const char *name, uint32_t value)
{
	buf_put_byte(b, ' ');
	buf_puts(b, name);
	buf_put_byte(b, '=');
	buf_put_u32(b, value);
}

static void put_address(struct buf *b)
{
	static const char *const state[] = {
		[STACK_NO_LINK] = "no-link",
		[STACK_NO_LEASE] = "no-lease",
		[STACK_READY] = "ready",
	};
	struct ip own;

	stack_own(&own);
	buf_puts(b, " network=");
	buf_puts(b, state[stack_state()]);
	if (own.family != 0) {
		buf_puts(b, " address=");
		ip_put(b, &own);
	}
}

static void status(struct firmware *f)
{
	uint8_t room[2u * TEXT_ROOM];
	struct stack_fill fill;
	uint32_t most, fewest;
	struct buf b;
	unsigned i;

	nor_check_wear(&f->check, &most, &fewest);
	buf_init(&b, room, sizeof(room));
	buf_puts(&b, "board");
	put_field(&b, "uptime_ms", machine_now_ms());
	put_field(&b, "stack", depth_size());
	put_field(&b, "stack_most", depth_most());
	put_field(&b, "step_most", f->step_most);
	put_field(&b, "step_kiloticks", (uint32_t)(f->step_ticks / 1000u));
	put_field(&b, "busy_kiloticks", (uint32_t)(f->busy_ticks / 1000u));
	put_field(&b, "erases_most", most);
	put_field(&b, "erases_fewest", fewest);
	put_address(&b);
	console_say(&f->console, buf_span(&b));
	for (i = 0; stack_fill(i, &fill); i++) {
		buf_init(&b, room, sizeof(room));
		buf_puts(&b, "pool");
		put_field(&b, "number", i);
		put_field(&b, "used", fill.used);
		put_field(&b, "most", fill.most);
		put_field(&b, "room", fill.room);
		put_field(&b, "failed", fill.failed);
		console_say(&f->console, buf_span(&b));
	}
	console_say(&f->console, SPAN("ok"));
}

/* ---- The board's own commands --------------------------------------------------------------- */

static void try_breaking(struct firmware *f, struct span words)
{
	if (span_equal(words, SPAN("panic")))
		panic("asked for on the console", 1);
	if (span_equal(words, SPAN("overflow")))
		depth_break_guard();
	else if (span_equal(words, SPAN("hang")))
		for (;;)
			machine_sleep();
	else
		console_say(&f->console, SPAN("error status, reset or off"));
}

static void on_command(void *ctx, struct span words)
{
	struct firmware *f = ctx;

	if (settings_command(&f->settings, words))
		return;
	if (span_equal(words, SPAN("status")))
		status(f);
	else if (span_equal(words, SPAN("reset")))
		machine_reset();
	else if (span_equal(words, SPAN("off")))
		machine_off();
	else if (CONFIG_BARE_TRIALS)
		try_breaking(f, words);
	else
		console_say(&f->console, SPAN("error status, reset or off"));
}

/* ---- Configuration -------------------------------------------------------------------------- */

extern const uint8_t __conf_page[], __conf_page_size[];
extern const uint8_t conf_text[], conf_text_end[];

struct span firmware_configuration(void)
{
	struct span page = span_make(__conf_page, (size_t)(uintptr_t)__conf_page_size);
	size_t len = 0;

	while (len < page.len && page.at[len] != 0x00 && page.at[len] != 0xff)
		len++;
	if (len > 0)
		return span_make(page.at, len);
	return span_make(conf_text, (size_t)(conf_text_end - conf_text));
}

/* ---- Pipit ---------------------------------------------------------------------------------- */

static void on_broken(void *ctx, const char *rule, uint32_t at)
{
	(void)ctx;
	panic(rule, at);
}

static void fill_random(void *ctx, void *to, size_t len)
{
	(void)ctx;
	machine_random(to, len);
}

static void use_time_server(struct firmware *f)
{
	struct span name = pipit_ntp_server(&f->mta);

	if (name.len == 0 || name.len > FIRMWARE_NAME)
		return;
	memcpy(f->time_server, name.at, name.len);
	f->time_server[name.len] = '\0';
	stack_time_server(f->time_server);
}

static void start_mta(struct firmware *f)
{
	struct pipit_problem where = { 0 };
	struct span kept = settings_text(&f->settings);
	enum status status = ST_BAD;

	f->wait_ms = 0;
	f->world.dns_server_count = (uint8_t)stack_dns_servers(f->world.dns_server,
		WORLD_DNS_SERVERS);
	if (kept.len > 0) {
		status = pipit_init(&f->mta, &f->world, kept, &where);
		if (status == ST_BAD)
			say(f, LOG_ERROR,
				"the configuration that is kept is refused: ", span_of(where.text));
	}
	if (status == ST_BAD)
		status = pipit_init(&f->mta, &f->world, f->config, &where);
	f->running = status == ST_OK;
	if (f->running) {
		use_time_server(f);
		say(f, LOG_INFO, "running", SPAN_EMPTY);
	} else {
		say(f, LOG_ERROR, "not started: ", span_of(where.text));
	}
}

/* DNS servers that the lease brought, or another lease. */
static bool servers_changed(const struct firmware *f)
{
	struct ip_endpoint now[WORLD_DNS_SERVERS];
	unsigned i, count;

	if (stack_state() != STACK_READY)
		return false;
	count = stack_dns_servers(now, WORLD_DNS_SERVERS);
	for (i = 0; i < count && i < f->world.dns_server_count; i++) {
		if (!ip_equal(&now[i].ip, &f->world.dns_server[i].ip))
			return true;
	}
	return count != f->world.dns_server_count;
}

/* The next owner of the queue knows nothing of an erase that this one began. */
static void end_erase(struct firmware *f)
{
	const struct flash *flash = &f->world.flash;
	unsigned i;

	for (i = 0; i < ERASE_MS && nor_check_erasing(&f->check); i++) {
		if (flash->ops->erase_done(flash->ctx) == 0)
			machine_sleep();
	}
}

static void tell_lease(struct firmware *f)
{
	uint8_t room[64];
	struct buf b;

	buf_init(&b, room, sizeof(room));
	put_address(&b);
	say(f, LOG_INFO, "lease", buf_span(&b));
}

static void tell_last(struct firmware *f)
{
	uint8_t room[TEXT_ROOM];
	struct buf b;

	buf_init(&b, room, sizeof(room));
	if (panic_last(&b))
		say(f, LOG_ERROR, "the last run ended in a panic: ", buf_span(&b));
}

static bool start_flash(struct firmware *f)
{
	struct flash under;

	if (machine_flash(&under) != ST_OK) {
		say(f, LOG_ERROR, "the flash does not answer", SPAN_EMPTY);
		return false;
	}
	if (under.geometry.sector_count > CONFIG_QUEUE_SECTORS_MAX)
		under.geometry.sector_count = CONFIG_QUEUE_SECTORS_MAX;
	f->world.flash = nor_check_start(&f->check, &under, f->erases, on_broken, f);
	return true;
}

void firmware_start(struct firmware *f, const char *hostname, struct span config,
	struct pipit_hooks hooks)
{
	struct pipit_world *w = &f->world;

	machine_start();
	memset(f, 0, sizeof(*f));
	f->config = config;
	w->random = (struct random){ fill_random, NULL };
	sockets_init(&f->sockets, w->random);
	f->ip = sockets_net(&f->sockets);
	console_start(&f->console, &f->ip, on_command, f);
	w->net = console_net(&f->console);
	w->log = console_log(&f->console);
	w->control = CONFIG_CONTROL_LINE ? CONSOLE_LISTENER : -1;
	w->hostname = span_of(hostname);
	w->hooks = hooks;
	f->turn_began = machine_ticks();
	settings_start(&f->settings, &f->console);
	tell_last(f);
	start_network(f, hostname);
	if (start_flash(f))
		start_mta(f);
}

static void step(struct firmware *f)
{
	uint32_t began = machine_ticks(), took;

	f->wait_ms = pipit_step(&f->mta, firmware_now(f));
	took = machine_ticks() - began;
	f->step_ticks += took;
	f->step_most = took > f->step_most ? took : f->step_most;
}

void firmware_turn(struct firmware *f)
{
	uint32_t wait_ms = CONFIG_BARE_WAIT_MS;

	machine_watchdog();
	count_busy(f);
	if (!depth_guard_holds())
		panic("the stack has grown over its guard", depth_size());
	console_pump(&f->console);
	settings_turn(&f->settings, firmware_now(f).wall_s);
	if (f->running && servers_changed(f)) {
		tell_lease(f);
		pipit_close(&f->mta);
		end_erase(f);
		start_mta(f);
	}
	if (f->running) {
		step(f);
		wait_ms = f->wait_ms < wait_ms ? f->wait_ms : wait_ms;
	}
	console_pump(&f->console);
	sockets_wait(&f->sockets, f->console.line_whole ? 0 : wait_ms, NULL, 0);
}
