/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole Pipit over lwIP: mail comes in, its next hop is found by MX, and takes it.  Then a day
 * of load and faults under the test's clock. */
#include "desk.h"

#include "base/rng.h"
#include "harness/world.h"

#define CONF \
	"hostname gw.test\nlisten 127.0.0.1:25\nrelay_from 127.0.0.0/8\n" \
	"dns_server 127.0.0.1:53\nmx_port 2525\nretry 10s 30s 60s\nexpire 3h\n"
#define TALKS 6u    /* connections to the next hop */
#define CLIENTS 12u /* connections of clients, those that flood included */
#define LINE_MAX_ 200u
#define DAY_MS (24u * 3600u * 1000u)
#define MINUTE_MS 60000u

static struct stack_machine machine;
static struct world w;
static struct pipit p;
static struct rng rng;

/* What the world outside does wrong just now. */
static bool dns_dead, hop_dead, hop_mute, hop_deaf, hop_later;

/* ---- A DNS server ------------------------------------------------------------------ */

static int dns = -1;
static unsigned dns_questions;

static size_t answer(uint8_t *b, size_t len)
{
	static const uint8_t mx[] = { 0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, 4, 0, 10, 0xc0, 12 };
	static const uint8_t a[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1 };
	size_t end = 12;
	uint8_t type;

	while (end < len && b[end] != 0)
		end += b[end] + 1u;
	type = b[end + 2];
	end += 5;
	b[2] |= 0x84; /* an answer, from who knows */
	b[3] = 0;
	memset(b + 6, 0, 6);
	if (type != 15 && type != 1)
		return end;
	b[7] = 1;
	memcpy(b + end, type == 15 ? mx : a, sizeof(mx));
	return end + sizeof(mx);
}

static void dns_turn(void)
{
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	uint8_t b[600];
	ssize_t len;

	while ((len = lwip_recvfrom(dns, b, 512, 0, (struct sockaddr *)&from, &from_len)) > 12) {
		dns_questions++;
		if (!dns_dead)
			lwip_sendto(dns, b, answer(b, (size_t)len), 0, (struct sockaddr *)&from,
				from_len);
	}
}

/* ---- A next hop ------------------------------------------------------------------------ */

struct talk {
	int handle; /* -1: none */
	char line[LINE_MAX_];
	size_t len;
	bool in_data;
};

static struct talk talk[TALKS];
static int hop_listener = -1;
static unsigned taken;

static void say(const struct talk *t, const char *text)
{
	(void)far_net.ops->send(&far, t->handle, text, strlen(text));
}

static void hop_line(struct talk *t)
{
	t->line[t->len] = 0;
	if (t->in_data) {
		if (strcmp(t->line, ".") != 0)
			return;
		t->in_data = false;
		taken++;
		say(t, "250 2.0.0 mine\r\n");
	} else if (hop_mute) {
		return;
	} else if (strncmp(t->line, "EHLO", 4) == 0) {
		say(t, "250-hop.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
	} else if (strncmp(t->line, "RCPT", 4) == 0 && hop_later) {
		say(t, "450 4.2.1 later\r\n");
	} else if (strcmp(t->line, "DATA") == 0) {
		t->in_data = !hop_later;
		say(t, hop_later ? "503 5.5.1 no recipient\r\n" : "354 go\r\n");
	} else {
		say(t, "250 2.0.0 ok\r\n");
	}
}

static void hop_read(struct talk *t)
{
	char b[300];
	int n, i;

	while (!hop_deaf && (n = far_net.ops->recv(&far, t->handle, b, sizeof(b))) != ST_AGAIN) {
		if (n <= 0) {
			far_net.ops->close(&far, t->handle);
			t->handle = -1;
			return;
		}
		for (i = 0; i < n; i++) {
			if (b[i] == '\n') {
				hop_line(t);
				t->len = 0;
			} else if (b[i] != '\r' && t->len < LINE_MAX_ - 1u) {
				t->line[t->len++] = b[i];
			}
		}
	}
}

static void hop_turn(void)
{
	struct ip_endpoint at = desk_at("127.0.0.1:2525"), peer, local;
	unsigned i;
	int h;

	if (hop_dead && hop_listener >= 0) {
		far_net.ops->close(&far, hop_listener);
		hop_listener = -1;
	} else if (!hop_dead && hop_listener < 0) {
		hop_listener = far_net.ops->listen(&far, &at);
		if (hop_listener >= 0)
			far_net.ops->watch(&far, hop_listener, NET_READ);
	}
	for (i = 0; i < TALKS; i++) {
		if (talk[i].handle >= 0) {
			hop_read(&talk[i]);
			continue;
		}
		h = hop_listener < 0 ? ST_AGAIN
				     : far_net.ops->accept(&far, hop_listener, &peer, &local);
		if (h < 0)
			continue;
		talk[i] = (struct talk){ .handle = h };
		far_net.ops->watch(&far, h, NET_READ);
		if (!hop_mute)
			say(&talk[i], "220 hop.test ESMTP\r\n");
	}
}

/* ---- Clients ------------------------------------------------------------------------------ */

struct client {
	int handle; /* -1: none */
	size_t sent, heard;
	bool idle; /* says nothing */
	bool rude; /* goes in the middle */
	char answers[700];
};

static struct client client[CLIENTS];
static unsigned accepted, offered;

static const char session[] = "EHLO device.test\r\nMAIL FROM:<camera@gw.test>\r\n"
			      "RCPT TO:<ada@there.test>\r\nDATA\r\n"
			      "Subject: motion\r\n\r\nSomebody is at the door.\r\n.\r\nQUIT\r\n";

static struct client *client_begin(bool idle, bool rude)
{
	struct ip_endpoint to = desk_at("127.0.0.1:25");
	unsigned i;

	for (i = 0; i < CLIENTS; i++) {
		if (client[i].handle >= 0)
			continue;
		memset(&client[i], 0, sizeof(client[i]));
		client[i].handle = far_net.ops->connect(&far, &to);
		client[i].idle = idle;
		client[i].rude = rude;
		if (client[i].handle < 0)
			return NULL;
		far_net.ops->watch(&far, client[i].handle, NET_READ | NET_WRITE);
		return &client[i];
	}
	return NULL;
}

static void client_end(struct client *c)
{
	accepted += strstr(c->answers, "queued as") != NULL;
	far_net.ops->close(&far, c->handle);
	c->handle = -1;
}

static void client_turn(struct client *c)
{
	size_t len = c->rude ? sizeof(session) / 2 : sizeof(session) - 1u;
	int st = far_net.ops->connected(&far, c->handle), n;

	if (st == ST_AGAIN)
		return;
	if (st != ST_OK) {
		client_end(c);
		return;
	}
	if (!c->idle && c->sent < len) {
		n = far_net.ops->send(&far, c->handle, session + c->sent, len - c->sent);
		c->sent += n > 0 ? (size_t)n : 0;
	}
	if (c->rude && c->sent == len) {
		client_end(c);
		return;
	}
	while ((n = far_net.ops->recv(&far, c->handle, c->answers + c->heard,
			sizeof(c->answers) - 1u - c->heard)) > 0)
		c->heard += (size_t)n;
	if (n != ST_AGAIN)
		client_end(c);
	else
		far_net.ops->watch(&far, c->handle,
			c->idle || c->sent == len ? NET_READ : NET_READ | NET_WRITE);
}

/* ---- The loop -------------------------------------------------------------------------------- */

static bool anybody(void)
{
	unsigned i;

	for (i = 0; i < CLIENTS; i++)
		if (client[i].handle >= 0)
			return true;
	for (i = 0; i < TALKS; i++)
		if (talk[i].handle >= 0)
			return true;
	return false;
}

static void turn(uint32_t most_ms)
{
	struct instant now = { (uint32_t)stack_mono_ms(), 1790000000u, true };
	uint32_t wait_ms, before_ms = desk_ms;
	unsigned i;

	now.wall_s += (uint32_t)(stack_mono_ms() / 1000u);
	dns_turn();
	hop_turn();
	for (i = 0; i < CLIENTS; i++)
		if (client[i].handle >= 0)
			client_turn(&client[i]);
	wait_ms = pipit_step(&p, now);
	if (wait_ms > (anybody() ? 20u : most_ms))
		wait_ms = anybody() ? 20u : most_ms;
	sockets_wait(&far, 0, NULL, 0);
	sockets_wait(&near, wait_ms, NULL, 0);
	if (desk_ms == before_ms)
		stack_pump(1);
}

static void run_ms(uint32_t ms)
{
	uint32_t start_ms = desk_ms;

	while (desk_ms - start_ms < ms)
		turn(ms - (desk_ms - start_ms));
}

static uint32_t queued(void)
{
	struct queue_stats stats;

	queue_stats(&p.core.queue, &stats);
	return stats.messages;
}

static int boot(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = lwip_htons(53) };
	struct pipit_problem where;
	unsigned i;

	(void)state;
	rng_seed(&rng, (const uint8_t *)"lwip-desktop 24h");
	for (i = 0; i < TALKS; i++)
		talk[i].handle = -1;
	for (i = 0; i < CLIENTS; i++)
		client[i].handle = -1;
	dns = os_socket(AF_INET, SOCK_DGRAM);
	assert_true(dns >= 0 && lwip_bind(dns, (struct sockaddr *)&at, sizeof(at)) == 0);
	world_init(&w, true);
	w.pipit.net = net;
	assert_int_equal(pipit_init(&p, &w.pipit, span_of(CONF), &where), ST_OK);
	return 0;
}

static int show(void **state)
{
	(void)state;
	if (getenv("SHOW_LOG") != NULL)
		(void)fwrite(w.log.at, 1, w.log.len, stdout);
	return 0;
}

/* ---- The tests ------------------------------------------------------------------------ */

static void test_one_message(void **state)
{
	(void)state;
	assert_non_null(client_begin(false, false));
	run_ms(5000);
	assert_int_equal(accepted, 1);
	assert_int_equal(taken, 1);
	assert_int_equal(queued(), 0);
	assert_true(dns_questions >= 2);
}

/* The next hop is away, then back: nothing else is needed. */
static void test_next_hop_comes_back(void **state)
{
	unsigned before = taken;

	(void)state;
	hop_dead = true;
	run_ms(100);
	assert_non_null(client_begin(false, false));
	run_ms(30000);
	assert_int_equal(queued(), 1);
	hop_dead = false;
	run_ms(3 * MINUTE_MS);
	assert_int_equal(queued(), 0);
	assert_int_equal(taken, before + 1);
}

static bool chance(uint32_t of)
{
	return rng_below(&rng, of) == 0;
}

static void minute_of_load(void)
{
	unsigned i;

	dns_dead = chance(8);
	hop_dead = chance(8);
	hop_mute = chance(12);
	hop_deaf = chance(12);
	hop_later = chance(8);
	for (i = rng_below(&rng, 4); i > 0; i--)
		offered += client_begin(false, chance(5)) != NULL;
	/* Those that say nothing take all connections that lwIP has. */
	for (i = chance(20) ? CLIENTS : 0; i > 0; i--)
		(void)client_begin(true, false);
	run_ms(MINUTE_MS);
	for (i = 0; i < CLIENTS; i++)
		if (client[i].handle >= 0 && client[i].idle)
			client_end(&client[i]);
}

/* 24 hours; then, with nothing wrong any more, all mail has left and every pool is as full as
 * at the start. */
static void test_a_day(void **state)
{
	struct desk_fill before, after;
	unsigned minute, i;

	(void)state;
	run_ms(20 * MINUTE_MS);
	desk_fills(&before);
	accepted = taken = offered = 0;
	for (minute = 0; minute < 24u * 60u; minute++)
		minute_of_load();
	dns_dead = hop_dead = hop_mute = hop_deaf = hop_later = false;
	run_ms(20 * MINUTE_MS);
	print_message(
		"%u sessions, %u messages accepted, %u taken by the next hop, %u DNS questions\n",
		offered, accepted, taken, dns_questions);
	assert_true(accepted > 500);
	assert_true(taken >= accepted);
	assert_int_equal(queued(), 0);
	assert_false(anybody());
	desk_fills(&after);
	for (i = 0; i < COUNT(after.used); i++)
		if (after.used[i] != before.used[i])
			print_message("pool %u: %u, was %u\n", i, after.used[i], before.used[i]);
	assert_memory_equal(&after, &before, sizeof(after));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_one_message, show),
		cmocka_unit_test(test_next_hop_comes_back),
		cmocka_unit_test(test_a_day),
	};

	desk_start(&machine);
	return cmocka_run_group_tests(tests, boot, NULL);
}
