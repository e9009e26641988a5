/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/world.h"

#include <string.h>

/* ---- streams ------------------------------------------------------------------- */

static void put(struct world_stream *s, const void *bytes, size_t len)
{
	if (len > WORLD_STREAM - s->len)
		len = WORLD_STREAM - s->len;
	memcpy(s->at + s->len, bytes, len);
	s->len += len;
}

static void drop(struct world_stream *s, size_t n)
{
	memmove(s->at, s->at + n, s->len - n);
	s->len -= n;
}

bool stream_has(const struct world_stream *s, const char *text)
{
	size_t n = strlen(text), i;

	for (i = 0; i + n <= s->len; i++)
		if (memcmp(s->at + i, text, n) == 0)
			return true;
	return false;
}

/* ---- flash --------------------------------------------------------------------- */

static int flash_read(void *ctx, uint32_t at, void *to, size_t len)
{
	memcpy(to, ((struct world *)ctx)->flash + at, len);
	return ST_OK;
}

static int flash_program(void *ctx, uint32_t at, const void *from, size_t len)
{
	uint8_t *cell = ((struct world *)ctx)->flash + at;
	size_t i;

	for (i = 0; i < len; i++)
		cell[i] &= ((const uint8_t *)from)[i];
	return ST_OK;
}

static int flash_erase(void *ctx, uint32_t sector)
{
	struct world *w = ctx;

	memset(w->flash + sector * WORLD_SECTOR, 0xff, WORLD_SECTOR);
	w->erases++;
	return ST_OK;
}

static int flash_erase_done(void *ctx)
{
	return ((struct world *)ctx)->flash_stuck ? 0 : 1;
}

static int flash_sync(void *ctx)
{
	(void)ctx;
	return ST_OK;
}

static int flash_sync_done(void *ctx)
{
	return ((struct world *)ctx)->sync;
}

static const struct flash_ops flash_ops = {
	.read = flash_read,
	.program = flash_program,
	.erase_begin = flash_erase,
	.erase_done = flash_erase_done,
	.sync_begin = flash_sync,
	.sync_done = flash_sync_done,
};

/* ---- connections --------------------------------------------------------------- */

/* All but the octets that were: clearing those takes longer than a short test. */
static void clear(struct world_handle *x, enum world_kind kind)
{
	x->kind = kind;
	x->accepted = x->ended = x->refused = x->at_control = x->hop_in_data = false;
	x->peer = (struct ip_endpoint){ 0 };
	x->to_pipit.len = x->from_pipit.len = x->hop_read = 0;
}

static int take_handle(struct world *w, enum world_kind kind)
{
	int i;

	for (i = 0; i < WORLD_HANDLES; i++)
		if (w->handle[i].kind == WORLD_FREE) {
			clear(&w->handle[i], kind);
			return i;
		}
	return ST_FULL;
}

static size_t piece_of(const struct world *w, size_t len)
{
	return w->piece && len > 0 ? w->piece(len) : len;
}

static int net_listen(void *ctx, const struct ip_endpoint *local)
{
	(void)local;
	return take_handle(ctx, WORLD_LISTENER);
}

static int net_accept(void *ctx, int listener, struct ip_endpoint *peer, struct ip_endpoint *local)
{
	struct world *w = ctx;
	int i;

	for (i = 0; i < WORLD_HANDLES; i++)
		if (w->handle[i].kind == WORLD_CLIENT && !w->handle[i].accepted &&
			w->handle[i].at_control == (listener == w->pipit.control)) {
			w->handle[i].accepted = true;
			*peer = w->handle[i].peer;
			*local = *peer;
			return i;
		}
	return ST_AGAIN;
}

static int net_connect(void *ctx, const struct ip_endpoint *to)
{
	struct world *w = ctx;
	int h = take_handle(w, WORLD_HOP);

	if (h < 0)
		return h;
	w->hop.connects++;
	w->handle[h].peer = *to;
	w->handle[h].refused = w->hop.refuse ||
		(w->hop.refuse_last > 0 && to->ip.bytes[3] == w->hop.refuse_last);
	if (!w->handle[h].refused && !w->hop.silent)
		put(&w->handle[h].to_pipit, w->hop.banner ? w->hop.banner : "220 hop\r\n",
			strlen(w->hop.banner ? w->hop.banner : "220 hop\r\n"));
	return h;
}

static int net_connected(void *ctx, int h)
{
	return ((struct world *)ctx)->handle[h].refused ? ST_IO : ST_OK;
}

static int net_recv(void *ctx, int h, void *to, size_t len)
{
	struct world_handle *x = &((struct world *)ctx)->handle[h];

	if (x->to_pipit.len == 0)
		return x->ended ? 0 : ST_AGAIN;
	if (len > x->to_pipit.len)
		len = x->to_pipit.len;
	len = piece_of(ctx, len);
	memcpy(to, x->to_pipit.at, len);
	drop(&x->to_pipit, len);
	return (int)len;
}

static int net_send(void *ctx, int h, const void *from, size_t len)
{
	len = piece_of(ctx, len);
	put(&((struct world *)ctx)->handle[h].from_pipit, from, len);
	return (int)len;
}

static void net_close(void *ctx, int h)
{
	struct world_handle *x = &((struct world *)ctx)->handle[h];

	x->ended = true;
	if (x->kind != WORLD_CLIENT)
		x->kind = WORLD_FREE;
}

static int net_datagram(void *ctx, const struct ip_endpoint *to)
{
	(void)to;
	return take_handle(ctx, WORLD_DATAGRAM);
}

static void net_watch(void *ctx, int h, unsigned events)
{
	(void)ctx;
	(void)h;
	(void)events;
}

static const struct net_ops net_ops = {
	.listen = net_listen,
	.accept = net_accept,
	.connect = net_connect,
	.connected = net_connected,
	.recv = net_recv,
	.send = net_send,
	.close = net_close,
	.datagram = net_datagram,
	.watch = net_watch,
};

/* ---- the scripted next hop ----------------------------------------------------- */

static void reply(struct world_handle *x, const char *scripted, const char *usual)
{
	const char *text = scripted ? scripted : usual;

	put(&x->to_pipit, text, strlen(text));
}

static void hop_line(struct world *w, struct world_handle *x, const char *line, size_t len)
{
	if (x->hop_in_data) {
		put(&w->hop.last, line, len);
		if (len != 3 || line[0] != '.')
			return;
		x->hop_in_data = false;
		w->hop.messages += w->hop.last.len > 3; /* a lone dot after refused RCPTs is none */
		reply(x, w->hop.dot, "250 2.0.0 ok\r\n");
	} else if (memcmp(line, "EHLO", 4) == 0) {
		reply(x, NULL,
			"250-hop\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n");
	} else if (memcmp(line, "MAIL", 4) == 0) {
		x->hop_rcpts = 0;
		reply(x, w->hop.mail, "250 2.1.0 ok\r\n");
	} else if (memcmp(line, "RCPT", 4) == 0) {
		if (w->hop.rcpts_max > 0 && x->hop_rcpts == w->hop.rcpts_max)
			reply(x, NULL, "452 4.5.3 too many recipients\r\n");
		else
			reply(x, w->hop.rcpt, "250 2.1.5 ok\r\n");
		x->hop_rcpts += x->hop_rcpts < w->hop.rcpts_max;
	} else if (memcmp(line, "DATA", 4) == 0) {
		x->hop_in_data = w->hop.data == NULL;
		w->hop.last.len = 0;
		reply(x, w->hop.data, "354 go\r\n");
	} else {
		reply(x, NULL,
			memcmp(line, "QUIT", 4) == 0 ? "221 2.0.0 bye\r\n" : "250 2.0.0 ok\r\n");
	}
}

static void hop_step(struct world *w, struct world_handle *x)
{
	const char *from;
	const char *end;

	while (x->hop_read < x->from_pipit.len) {
		from = (const char *)x->from_pipit.at + x->hop_read;
		end = memchr(from, '\n', x->from_pipit.len - x->hop_read);
		if (end == NULL)
			return;
		x->hop_read += (size_t)(end - from) + 1;
		hop_line(w, x, from, (size_t)(end - from) + 1);
	}
}

/* ---- the rest ------------------------------------------------------------------ */

static void fill(void *ctx, void *to, size_t len)
{
	struct world *w = ctx;
	size_t i;

	for (i = 0; i < len; i++)
		((uint8_t *)to)[i] = (uint8_t)(w->random_next = (uint8_t)(w->random_next * 5u +
						       3u));
}

static void log_line(void *ctx, enum log_level level, struct span text)
{
	struct world *w = ctx;

	(void)level;
	put(&w->log, text.at, text.len);
	put(&w->log, "\n", 1);
}

static int mailbox_begin(void *ctx, const struct mailbox_target *target)
{
	(void)target;
	((struct world *)ctx)->mailbox.len = 0;
	return 1;
}

static int mailbox_write(void *ctx, int h, struct span bytes)
{
	(void)h;
	put(&((struct world *)ctx)->mailbox, bytes.at, bytes.len);
	return (int)bytes.len;
}

static int mailbox_finish(void *ctx, int h)
{
	(void)ctx;
	(void)h;
	return ST_OK;
}

static int mailbox_result(void *ctx, int h, struct mailbox_result *out)
{
	struct world *w = ctx;

	(void)h;
	memset(out, 0, sizeof(*out));
	out->outcome = w->mailbox_broken ? MAILBOX_LATER : MAILBOX_DELIVERED;
	memcpy(out->text, "disk is full", sizeof("disk is full"));
	return ST_OK;
}

static void mailbox_abandon(void *ctx, int h)
{
	(void)ctx;
	(void)h;
}

/* Every test soon sees the milliseconds wrap. */
#define START_MS (UINT32_MAX - 5000u)

void world_reboot(struct world *w, bool wall_known)
{
	struct pipit_world *p = &w->pipit;
	int i;

	for (i = 0; i < WORLD_HANDLES; i++)
		clear(&w->handle[i], WORLD_FREE);
	w->now = (struct instant){ .mono_ms = START_MS,
		.wall_s = wall_known ? w->now.wall_s : 0,
		.wall_known = wall_known };
	p->net = (struct net){ &net_ops, w };
	p->flash = (struct flash){ &flash_ops, w, { WORLD_SECTOR, WORLD_SECTORS, 1, 256 } };
	p->random = (struct random){ fill, w };
	p->log = (struct log){ log_line, w };
	p->mailbox = (struct mailbox){ mailbox_begin, mailbox_write, mailbox_finish, mailbox_result,
		mailbox_abandon, NULL, w };
	p->hostname = SPAN("here.test");
	p->control = -1;
}

void world_init(struct world *w, bool wall_known)
{
	memset(w, 0, sizeof(*w));
	memset(w->flash, 0xff, sizeof(w->flash));
	w->now.wall_s = 1790000000u;
	w->sync = 1;
	world_reboot(w, wall_known);
}

int world_connect(struct world *w, const char *address)
{
	int h = take_handle(w, WORLD_CLIENT);

	if (h >= 0)
		(void)ip_parse(span_of(address), &w->handle[h].peer.ip);
	return h;
}

int world_connect_control(struct world *w)
{
	int h = take_handle(w, WORLD_CLIENT);

	if (h >= 0)
		w->handle[h].at_control = true;
	return h;
}

void world_say_octets(struct world *w, int client, struct span octets)
{
	if (octets.len > 0)
		put(&w->handle[client].to_pipit, octets.at, octets.len);
}

void world_say(struct world *w, int client, const char *text)
{
	world_say_octets(w, client, span_of(text));
}

bool world_heard(const struct world *w, int client, const char *text)
{
	return stream_has(&w->handle[client].from_pipit, text);
}

uint32_t world_step(struct world *w, struct pipit *p)
{
	const uint32_t wait_ms = pipit_step(p, w->now);
	int i;

	for (i = 0; i < WORLD_HANDLES; i++)
		if (w->handle[i].kind == WORLD_HOP && !w->hop.silent)
			hop_step(w, &w->handle[i]);
	return wait_ms;
}

/* Time goes on by what the pipit asks for, at most a second at once: retries
 * and timeouts come in their order. */
void world_run(struct world *w, struct pipit *p, uint32_t ms)
{
	uint32_t end_ms = w->now.mono_ms + ms;
	uint32_t wait_ms, busy;

	while (instant_until_ms(w->now.mono_ms, end_ms) > 0) {
		wait_ms = 0;
		for (busy = 0; busy < 500 && wait_ms == 0; busy++)
			wait_ms = world_step(w, p);
		wait_ms = wait_ms < 1 ? 1 : wait_ms > 20 ? 20 : wait_ms;
		if ((w->now.mono_ms - START_MS) / 1000 !=
			(w->now.mono_ms - START_MS + wait_ms) / 1000)
			w->now.wall_s++;
		w->now.mono_ms += wait_ms;
	}
}
