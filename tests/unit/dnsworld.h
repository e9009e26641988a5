/* SPDX-License-Identifier: BSD-2-Clause */
/* dnsworld - a network of scripted DNS servers under virtual time, for test_resolver.
 *
 * Server i stands at 192.0.2.53+i.  Each has a script: called with every query that
 * reaches it, it writes a reply into world.wire and sends it, or does not.
 */
#ifndef PIPIT_TESTS_DNSWORLD_H
#define PIPIT_TESTS_DNSWORLD_H

#include "unit/dnswire.h"
#include "unit/unit.h"

#include "dns/resolver.h"

#define SERVERS 3
#define HANDLES 512
#define INBOX 64

struct datagram {
	size_t len;
	uint8_t bytes[5000];
};

struct handle {
	bool open, tcp;
	int server;
	unsigned watched;
	/* UDP: what has arrived. */
	struct datagram *inbox[INBOX];
	int inbox_count;
	/* TCP: what the server gets and what comes back, a piece at a time. */
	uint8_t request[600];
	size_t request_len;
	struct buf stream;
	uint8_t *stream_bytes;
	size_t stream_at;
	bool asked;
};

/* The query as the server sees it. */
struct seen {
	int server, handle;
	bool tcp;
	uint16_t id, type;
	bool edns;
	uint16_t edns_size;
	char name[256];
};

typedef void script(const struct seen *q);

static struct world {
	struct resolver r;
	struct instant now;
	struct handle handle[HANDLES];
	int opened;
	script *script[SERVERS];
	int asked[SERVERS];                             /* queries that reached it */
	int udp_error, connect_error, connected_result; /* what the port says, if not 0 */
	int udp_send_error;
	size_t tcp_piece; /* octets per TCP call; every other call is "not now" */
	bool tcp_pause, tcp_closes;
	uint32_t random_state;
	struct wire wire;
	struct seen last;
	uint16_t ids[64];
	int id_count;
} world;

/* ---- the port ------------------------------------------------------------ */

static void fake_fill(void *ctx, void *to, size_t len)
{
	uint8_t *at = to;

	(void)ctx;
	while (len-- > 0) {
		world.random_state = world.random_state * 1664525u + 1013904223u;
		*at++ = (uint8_t)(world.random_state >> 24);
	}
}

static int fake_open(const struct ip_endpoint *to, bool tcp)
{
	int h;

	assert_int_equal(to->port, 53);
	for (h = 0; h < HANDLES && world.handle[h].open; h++)
		;
	assert_true(h < HANDLES);
	memset(&world.handle[h], 0, sizeof(world.handle[h]));
	world.handle[h].open = true;
	world.handle[h].tcp = tcp;
	world.handle[h].server = to->ip.bytes[3] - 53;
	assert_in_range(world.handle[h].server, 0, SERVERS - 1);
	world.opened++;
	return h;
}

static int fake_datagram(void *ctx, const struct ip_endpoint *to)
{
	(void)ctx;
	return world.udp_error ? world.udp_error : fake_open(to, false);
}

static int fake_connect(void *ctx, const struct ip_endpoint *to)
{
	(void)ctx;
	return world.connect_error ? world.connect_error : fake_open(to, true);
}

static int fake_connected(void *ctx, int h)
{
	(void)ctx;
	assert_true(world.handle[h].open && world.handle[h].tcp);
	return world.connected_result;
}

static struct seen read_query(int h, struct span bytes)
{
	struct seen q = { .server = world.handle[h].server,
		.handle = h,
		.tcp = world.handle[h].tcp };
	size_t at = 12, n = 0;

	assert_true(bytes.len > 17);
	q.id = load_be16(bytes.at);
	assert_int_equal(load_be16(bytes.at + 2), 0x0100);
	assert_int_equal(load_be16(bytes.at + 4), 1);
	while (bytes.at[at] != 0) {
		size_t len = bytes.at[at];

		if (n > 0)
			q.name[n++] = '.';
		memcpy(q.name + n, bytes.at + at + 1, len);
		n += len;
		at += 1 + len;
	}
	q.type = load_be16(bytes.at + at + 1);
	at += 5;
	q.edns = load_be16(bytes.at + 10) == 1;
	if (q.edns) {
		assert_int_equal(bytes.len, at + 11);
		assert_int_equal(bytes.at[at + 2], 41);
		q.edns_size = load_be16(bytes.at + at + 3);
	} else {
		assert_int_equal(bytes.len, at);
	}
	return q;
}

static void serve(int h, struct span bytes)
{
	struct seen q = read_query(h, bytes);

	world.asked[q.server]++;
	world.last = q;
	if (world.id_count < (int)COUNT(world.ids))
		world.ids[world.id_count++] = q.id;
	if (world.script[q.server])
		world.script[q.server](&q);
}

static int fake_send(void *ctx, int h, const void *from, size_t len)
{
	struct handle *handle = &world.handle[h];
	size_t want;

	(void)ctx;
	assert_true(handle->open);
	if (!handle->tcp) {
		if (world.udp_send_error)
			return world.udp_send_error;
		serve(h, span_make(from, len));
		return (int)len;
	}
	world.tcp_pause = !world.tcp_pause;
	if (world.tcp_pause && world.tcp_piece > 0)
		return ST_AGAIN;
	if (world.tcp_piece > 0 && len > world.tcp_piece)
		len = world.tcp_piece;
	assert_true(handle->request_len + len <= sizeof(handle->request));
	memcpy(handle->request + handle->request_len, from, len);
	handle->request_len += len;
	if (handle->request_len < 2)
		return (int)len;
	want = load_be16(handle->request);
	assert_true(handle->request_len <= 2 + want);
	if (handle->request_len == 2 + want && !handle->asked) {
		handle->asked = true;
		serve(h, span_make(handle->request + 2, want));
	}
	return (int)len;
}

static int recv_udp(struct handle *handle, void *to, size_t len)
{
	struct datagram *d = handle->inbox[0];
	size_t n;

	if (handle->inbox_count == 0)
		return ST_AGAIN;
	handle->inbox_count--;
	memmove(handle->inbox, handle->inbox + 1, (size_t)handle->inbox_count * sizeof(d));
	if (d == NULL)
		return ST_IO; /* port unreachable */
	n = d->len < len ? d->len : len;
	memcpy(to, d->bytes, n);
	free(d);
	return (int)n;
}

static int fake_recv(void *ctx, int h, void *to, size_t len)
{
	struct handle *handle = &world.handle[h];
	size_t left;

	(void)ctx;
	assert_true(handle->open);
	assert_true(len > 0);
	if (!handle->tcp)
		return recv_udp(handle, to, len);
	world.tcp_pause = !world.tcp_pause;
	left = handle->stream.len - handle->stream_at;
	if (left == 0)
		return world.tcp_closes && handle->asked ? 0 : ST_AGAIN;
	if (world.tcp_pause && world.tcp_piece > 0)
		return ST_AGAIN;
	if (world.tcp_piece > 0 && len > world.tcp_piece)
		len = world.tcp_piece;
	if (len > left)
		len = left;
	memcpy(to, handle->stream.at + handle->stream_at, len);
	handle->stream_at += len;
	return (int)len;
}

static void fake_close(void *ctx, int h)
{
	struct handle *handle = &world.handle[h];

	(void)ctx;
	assert_true(handle->open);
	handle->open = false;
	while (handle->inbox_count > 0)
		free(handle->inbox[--handle->inbox_count]);
	free(handle->stream_bytes);
}

static void fake_watch(void *ctx, int h, unsigned events)
{
	(void)ctx;
	assert_true(world.handle[h].open);
	world.handle[h].watched = events;
}

static const struct net_ops fake_ops = {
	.connect = fake_connect,
	.connected = fake_connected,
	.recv = fake_recv,
	.send = fake_send,
	.close = fake_close,
	.datagram = fake_datagram,
	.watch = fake_watch,
};

static const struct net fake_net = { &fake_ops, NULL };
static const struct random fake_random = { fake_fill, NULL };

/* ---- what scripts use ---------------------------------------------------- */

/* Header and question of a good reply to q. */
static inline void begin_reply(const struct seen *q, unsigned flags, unsigned answers,
	unsigned authorities)
{
	wire_header(&world.wire, q->id, flags, 1, answers, authorities, 0);
	wire_question(&world.wire, q->name, q->type);
}

static inline void send_bytes(const struct seen *q, struct span bytes)
{
	struct handle *handle = &world.handle[q->handle];

	if (q->tcp) {
		if (!handle->stream_bytes) {
			handle->stream_bytes = malloc(70000);
			buf_init(&handle->stream, handle->stream_bytes, 70000);
		}
		buf_put_byte(&handle->stream, (uint8_t)(bytes.len >> 8));
		buf_put_byte(&handle->stream, (uint8_t)(bytes.len & 0xffu));
		buf_put(&handle->stream, bytes);
		assert_false(handle->stream.overflow);
	} else if (handle->inbox_count < INBOX) {
		struct datagram *d = malloc(sizeof(*d));

		assert_true(bytes.len <= sizeof(d->bytes));
		d->len = bytes.len;
		memcpy(d->bytes, bytes.at, bytes.len);
		handle->inbox[handle->inbox_count++] = d;
	}
}

static inline void send_reply(const struct seen *q)
{
	send_bytes(q, wire_span(&world.wire));
}

static inline void reply_code(const struct seen *q, unsigned rcode)
{
	begin_reply(q, 0x8180u | rcode, 0, 0);
	send_reply(q);
}

/* ---- what tests use ------------------------------------------------------ */

/* Every test soon sees the milliseconds wrap. */
#define START_MS (UINT32_MAX - 500u)

static inline void world_init(size_t servers)
{
	struct ip_endpoint e[SERVERS];
	size_t i;

	memset(&world, 0, sizeof(world));
	world.random_state = 7;
	world.now.mono_ms = START_MS;
	for (i = 0; i < SERVERS; i++)
		e[i] = (struct ip_endpoint){ { 4, { 192, 0, 2, (uint8_t)(53 + i) } },
			(uint16_t)(i == 0 ? 0 : 53) };
	resolver_init(&world.r, &fake_net, &fake_random);
	resolver_set_servers(&world.r, e, servers);
}

static inline int open_handles(void)
{
	int h, n = 0;

	for (h = 0; h < HANDLES; h++)
		n += world.handle[h].open;
	return n;
}

/* Whether a real port's wait would end at once. */
static inline bool something_is_ready(void)
{
	int h;

	for (h = 0; h < HANDLES; h++) {
		const struct handle *handle = &world.handle[h];

		if (!handle->open)
			continue;
		if ((handle->watched & NET_READ) != 0 &&
			(handle->inbox_count > 0 || handle->stream_at < handle->stream.len ||
				(handle->asked && world.tcp_closes)))
			return true;
		if ((handle->watched & NET_WRITE) != 0 && world.connected_result != ST_AGAIN)
			return true;
	}
	return false;
}

static inline uint32_t step(void)
{
	return resolver_step(&world.r, world.now.mono_ms, (world.now.mono_ms - START_MS) / 1000u);
}

/* One turn of the port's loop: step, then wait as the resolver said. */
static inline void turn(void)
{
	uint32_t wait_ms = step();

	if (wait_ms != 0 && !something_is_ready() && wait_ms != UINT32_MAX)
		world.now.mono_ms += wait_ms;
}

static struct dns_answer answer;

static inline enum dns_result wait_for(int question)
{
	int turns;

	assert_true(question >= 0);
	for (turns = 0; turns < 20000; turns++) {
		enum dns_result result = resolver_answer(&world.r, question, &answer);

		if (result != DNS_PENDING)
			return result;
		turn();
	}
	fail_msg("the resolver spins or never ends");
	return DNS_PENDING;
}

static inline enum dns_result ask(const char *name, enum dns_type type)
{
	return wait_for(resolver_ask(&world.r, span_of(name), type));
}

static inline int asked_in_all(void)
{
	return world.asked[0] + world.asked[1] + world.asked[2];
}

/* Every test ends so: nothing is left open, no question taken, no entry pinned. */
static inline int world_end(void **state)
{
	unsigned i;

	(void)state;
	assert_int_equal(open_handles(), 0);
	for (i = 0; i < CONFIG_DNS_QUERIES; i++)
		assert_int_equal(world.r.query[i].state, 0);
	for (i = 0; i < CONFIG_DNS_CACHE; i++)
		assert_int_equal(world.r.cache.entry[i].pins, 0);
	assert_int_equal(world.r.owner, 0);
	return 0;
}

/* ---- usual scripts ------------------------------------------------------- */

static inline void silent(const struct seen *q)
{
	(void)q;
}

static inline void good_a(const struct seen *q)
{
	begin_reply(q, 0x8180, 1, 0);
	wire_a(&world.wire, NULL, 300, 1);
	send_reply(q);
}

static inline void good_mx(const struct seen *q)
{
	begin_reply(q, 0x8180, 3, 0);
	wire_mx(&world.wire, NULL, 300, 20, "b.test");
	wire_mx(&world.wire, NULL, 200, 10, "a.test");
	wire_mx(&world.wire, NULL, 400, 30, "c.test");
	send_reply(q);
}

static inline void servfail(const struct seen *q)
{
	reply_code(q, 2);
}

static inline void unreachable(const struct seen *q)
{
	struct handle *handle = &world.handle[q->handle];

	handle->inbox[handle->inbox_count++] = NULL;
}

static inline struct span host(unsigned i)
{
	return dns_record_name(&answer, &answer.record[i]);
}

static __attribute__((unused)) unsigned negative_rcode;
static __attribute__((unused)) uint32_t negative_ttl_s, negative_minimum_s;

static inline void negative(const struct seen *q)
{
	begin_reply(q, 0x8180u | negative_rcode, 0, 1);
	wire_soa(&world.wire, negative_ttl_s, negative_minimum_s);
	send_reply(q);
}

static inline void referral(const struct seen *q)
{
	begin_reply(q, 0x8100, 0, 1);
	wire_record(&world.wire, "test", 2, 300, SPAN("\x02ns\x04test\0"));
	send_reply(q);
}

static inline void forge(const struct seen *q, unsigned id, const char *name, unsigned type)
{
	wire_header(&world.wire, id, 0x8180, 1, 1, 0, 0);
	wire_question(&world.wire, name, type);
	wire_a(&world.wire, NULL, 300, 66);
	send_reply(q);
}

#define T(test) cmocka_unit_test_teardown(test, world_end)

#endif
