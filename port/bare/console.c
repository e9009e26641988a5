/* SPDX-License-Identifier: BSD-2-Clause */
#include "bare/console.h"

#include "bare/machine.h"
#include "base/status.h"

#include <string.h>

#define OWN SPAN("board ")

/* A pump takes so many octets, and no more: a flood of input must not hold the loop. */
#define READS_MAX 256u

/* ---- Out ---------------------------------------------------------------------------------- */

static size_t out_room(const struct console *c)
{
	return sizeof(c->out) - c->out_len;
}

static void out_put(struct console *c, struct span s)
{
	size_t i;

	for (i = 0; i < s.len && c->out_len < sizeof(c->out); i++)
		c->out[(c->out_first + c->out_len++) % sizeof(c->out)] = s.at[i];
}

static void out_drain(struct console *c)
{
	while (c->out_len > 0 && machine_write(c->out[c->out_first])) {
		c->out_first = (uint16_t)((c->out_first + 1u) % sizeof(c->out));
		c->out_len--;
	}
}

static bool put_line(struct console *c, struct span head, struct span text)
{
	out_drain(c);
	if (head.len + text.len + 1u > out_room(c))
		return false;
	out_put(c, head);
	out_put(c, text);
	out_put(c, SPAN("\n"));
	out_drain(c);
	return true;
}

void console_say(struct console *c, struct span text)
{
	put_line(c, SPAN_EMPTY, text);
}

static void tell_lost(struct console *c)
{
	uint8_t text[40];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	buf_put_u32(&b, c->lost);
	buf_puts(&b, " lines of the log lost");
	if (put_line(c, SPAN("<4>"), buf_span(&b)))
		c->lost = 0;
}

static void log_line(void *ctx, enum log_level level, struct span text)
{
	struct console *c = ctx;
	static const struct span head[] = {
		[LOG_ERROR] = SPAN_INIT("<3>"),
		[LOG_WARNING] = SPAN_INIT("<4>"),
		[LOG_INFO] = SPAN_INIT("<6>"),
		[LOG_DEBUG] = SPAN_INIT("<7>"),
	};

	if (c->lost > 0)
		tell_lost(c);
	if (c->lost > 0 || !put_line(c, head[level], text))
		c->lost++;
}

struct log console_log(struct console *c)
{
	return (struct log){ log_line, c };
}

/* ---- In ----------------------------------------------------------------------------------- */

static void line_clear(struct console *c)
{
	c->line_len = c->line_taken = 0;
	c->line_whole = c->line_deaf = false;
}

static void line_end(struct console *c)
{
	struct span line = span_trim(span_make(c->line, c->line_len));

	if (!c->line_deaf && line.len > 0 && !span_starts_nocase(line, OWN)) {
		c->line[c->line_len++] = '\n';
		c->line_whole = true;
		return;
	}
	if (c->line_deaf)
		console_say(c, SPAN("error the line is too long"));
	line_clear(c);
	if (span_starts_nocase(line, OWN))
		c->command(c->ctx, span_trim(span_behind(OWN.len, line)));
}

static void take(struct console *c, uint8_t octet)
{
	if (octet == '\n' || octet == '\r')
		line_end(c);
	else if (c->line_len + 1u < sizeof(c->line)) /* one is for the line end */
		c->line[c->line_len++] = octet;
	else
		c->line_deaf = true;
}

void console_pump(struct console *c)
{
	unsigned i;
	int octet = 0;

	out_drain(c);
	for (i = 0; i < READS_MAX && !c->line_whole && octet >= 0; i++) {
		octet = machine_read();
		if (octet >= 0)
			take(c, (uint8_t)octet);
	}
}

/* ---- The two handles ---------------------------------------------------------------------- */

static bool is_ours(int handle)
{
	return handle == CONSOLE_LISTENER || handle == CONSOLE_SESSION;
}

static int session_open(struct console *c, struct ip_endpoint *peer, struct ip_endpoint *local)
{
	if (c->session || !c->line_whole)
		return ST_AGAIN;
	memset(peer, 0, sizeof(*peer));
	memset(local, 0, sizeof(*local));
	c->session = true;
	return CONSOLE_SESSION;
}

static int session_recv(struct console *c, void *to, size_t len)
{
	size_t left = (size_t)(c->line_len - c->line_taken);

	if (!c->line_whole)
		return ST_AGAIN;
	len = len < left ? len : left;
	memcpy(to, c->line + c->line_taken, len);
	c->line_taken = (uint16_t)(c->line_taken + len);
	if (c->line_taken == c->line_len)
		line_clear(c);
	return (int)len;
}

/* Whole lines, so that no line of the log comes in between; a longer one in pieces. */
static int session_send(struct console *c, const void *from, size_t len)
{
	struct span text;
	size_t end;

	out_drain(c);
	text = span_make(from, len < out_room(c) ? len : out_room(c));
	end = span_find_last(text, '\n');
	if (end < text.len)
		text = span_head(text, end + 1u);
	else if (text.len < len && text.len < sizeof(c->out))
		return ST_AGAIN;
	if (text.len == 0)
		return ST_AGAIN;
	out_put(c, text);
	out_drain(c);
	return (int)text.len;
}

static int console_listen(void *ctx, const struct ip_endpoint *local)
{
	struct console *c = ctx;

	return c->inner.ops != NULL ? c->inner.ops->listen(c->inner.ctx, local) : ST_MISSING;
}

static int console_accept(void *ctx, int listener, struct ip_endpoint *peer,
	struct ip_endpoint *local)
{
	struct console *c = ctx;

	if (listener == CONSOLE_LISTENER)
		return session_open(c, peer, local);
	return c->inner.ops->accept(c->inner.ctx, listener, peer, local);
}

static int console_connect(void *ctx, const struct ip_endpoint *to)
{
	struct console *c = ctx;

	return c->inner.ops != NULL ? c->inner.ops->connect(c->inner.ctx, to) : ST_IO;
}

static int console_connected(void *ctx, int handle)
{
	struct console *c = ctx;

	return is_ours(handle) ? ST_OK : c->inner.ops->connected(c->inner.ctx, handle);
}

static int console_recv(void *ctx, int handle, void *to, size_t len)
{
	struct console *c = ctx;

	if (is_ours(handle))
		return session_recv(c, to, len);
	return c->inner.ops->recv(c->inner.ctx, handle, to, len);
}

static int console_send(void *ctx, int handle, const void *from, size_t len)
{
	struct console *c = ctx;

	if (is_ours(handle))
		return session_send(c, from, len);
	return c->inner.ops->send(c->inner.ctx, handle, from, len);
}

static void console_close(void *ctx, int handle)
{
	struct console *c = ctx;

	if (!is_ours(handle))
		c->inner.ops->close(c->inner.ctx, handle);
	else if (handle == CONSOLE_SESSION)
		c->session = false;
}

static int console_datagram(void *ctx, const struct ip_endpoint *to)
{
	struct console *c = ctx;

	return c->inner.ops != NULL ? c->inner.ops->datagram(c->inner.ctx, to) : ST_IO;
}

/* The console is looked at in every turn of the loop, watched or not. */
static void console_watch(void *ctx, int handle, unsigned events)
{
	struct console *c = ctx;

	if (!is_ours(handle))
		c->inner.ops->watch(c->inner.ctx, handle, events);
}

static const struct net_ops ops = {
	console_listen,
	console_accept,
	console_connect,
	console_connected,
	console_recv,
	console_send,
	console_close,
	console_datagram,
	console_watch,
};

struct net console_net(struct console *c)
{
	return (struct net){ &ops, c };
}

void console_start(struct console *c, const struct net *inner,
	void (*command)(void *ctx, struct span words), void *ctx)
{
	memset(c, 0, sizeof(*c));
	if (inner != NULL)
		c->inner = *inner;
	c->command = command;
	c->ctx = ctx;
}
