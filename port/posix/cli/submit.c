/* SPDX-License-Identifier: BSD-2-Clause */
/* submit - see submit.h */
#include "posix/cli/submit.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "posix/cli/exits.h"
#include "posix/cli/text.h"
#include "smtp/client.h"

int submit_connect(const struct ip_endpoint *to)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
	socklen_t len = to->ip.family == 4 ? sizeof *v4 : sizeof *v6;
	int fd, why;

	if (to->ip.family == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(to->port);
		memcpy(&v4->sin_addr, to->ip.bytes, 4);
	} else {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(to->port);
		memcpy(&v6->sin6_addr, to->ip.bytes, 16);
	}
	fd = socket(address.ss_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, len) == 0)
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

/* ---- the dialogue ------------------------------------------------------------- */

struct dialogue {
	struct smtpc client;
	struct submit *s;
	int fd;
	uint32_t cursor;  /* recipients handed out */
	uint32_t results; /* recipients answered for */
	uint32_t accepted;
	uint32_t results_cursor;
	bool mailed, answered; /* a transaction was begun; it ended */
	int code;              /* exit code so far */
	size_t body_len;       /* read ahead of the client */
	size_t body_at;
	bool body_ended;
	uint8_t body[8192];
	size_t in_len; /* received, not yet taken by the client */
	uint8_t in[2048];
};

static int code_of(const struct reply *r)
{
	if (r->code >= 500 && r->enhanced[1] == 1 && r->enhanced[2] == 1)
		return EXIT_NO_USER;
	if (r->code >= 500)
		return EXIT_DATA;
	return r->code >= 400 ? EXIT_AGAIN : EXIT_UNAVAILABLE;
}

static void say_reply(FILE *to, const struct reply *r)
{
	fprintf(to, "%u ", (unsigned)r->code);
	if (r->enhanced[0] > 0)
		fprintf(to, "%u.%u.%u ", (unsigned)r->enhanced[0], (unsigned)r->enhanced[1],
			(unsigned)r->enhanced[2]);
	text_put(to, r->text);
	putc('\n', to);
}

static void complain_reply(struct span about, const struct reply *r)
{
	fputs("pipit: ", text_errors());
	text_put(text_errors(), about);
	fputs(about.len > 0 ? ": " : "", text_errors());
	say_reply(text_errors(), r);
}

/* A later "try again" does not hide an earlier "never"; anything hides success. */
static void note(struct dialogue *d, int code)
{
	if (d->code == EXIT_DONE || code == EXIT_AGAIN)
		d->code = code;
}

static void on_ready(struct dialogue *d)
{
	const struct smtpc_mail mail = {
		.reverse_path = d->s->sender,
		.size = d->s->size,
		.eight_bit = d->s->eight_bit,
	};

	if (d->mailed) {
		smtpc_quit(&d->client);
		return;
	}
	d->mailed = true;
	smtpc_mail(&d->client, &mail);
}

static void on_ask_rcpt(struct dialogue *d)
{
	struct span address;

	if (rcpts_next(d->s->rcpts, &d->cursor, &address))
		smtpc_rcpt(&d->client, address);
	else
		smtpc_rcpt_end(&d->client);
}

static void on_rcpt_result(struct dialogue *d, const struct smtpc_event *e)
{
	struct span address = SPAN_EMPTY;

	rcpts_next(d->s->rcpts, &d->results_cursor, &address);
	d->results++;
	if (e->reply.code >= 200 && e->reply.code < 300) {
		d->accepted++;
	} else {
		complain_reply(address, &e->reply);
		if (e->reply.code >= 500)
			d->s->refused++;
		note(d, code_of(&e->reply));
	}
	smtpc_next(&d->client);
}

/* Nothing may be sent when a recipient was refused, and one did not agree to less. */
static bool unwanted(const struct dialogue *d)
{
	return d->code == EXIT_AGAIN || (d->code != EXIT_DONE && !d->s->some);
}

static bool read_body(struct dialogue *d)
{
	int n;

	if (d->body_at < d->body_len || d->body_ended)
		return true;
	n = message_read(d->s->message, d->body, sizeof d->body);
	if (n < 0)
		return false;
	d->body_at = 0;
	d->body_len = (size_t)n;
	d->body_ended = n == 0;
	return true;
}

static void on_ask_body(struct dialogue *d)
{
	struct span rest;

	if (unwanted(d)) {
		smtpc_abort(&d->client);
		return;
	}
	if (!read_body(d)) {
		text_complain("reading the message: %s", strerror(errno));
		note(d, EXIT_AGAIN);
		smtpc_abort(&d->client);
		return;
	}
	rest = span_make(d->body + d->body_at, d->body_len - d->body_at);
	d->body_at += smtpc_body(&d->client, rest, d->body_ended);
}

static void on_result(struct dialogue *d, const struct smtpc_event *e)
{
	d->answered = e->reply.code > 0; /* else the connection was lost */
	if (e->reply.code >= 200 && e->reply.code < 300) {
		if (d->s->verbose)
			say_reply(stdout, &e->reply);
	} else if (d->answered && (d->code == EXIT_DONE || d->accepted > 0)) {
		complain_reply(SPAN_EMPTY, &e->reply);
		note(d, code_of(&e->reply));
	}
	smtpc_next(&d->client);
}

/* Answers the open question; false: there is none. */
static bool answer(struct dialogue *d)
{
	struct smtpc_event e = smtpc_event(&d->client);

	switch (e.ask) {
	case SMTPC_READY: on_ready(d); return true;
	case SMTPC_ASK_RCPT: on_ask_rcpt(d); return true;
	case SMTPC_RCPT_RESULT: on_rcpt_result(d, &e); return true;
	case SMTPC_ASK_BODY: on_ask_body(d); return true;
	case SMTPC_RESULT: on_result(d, &e); return true;
	default: return false;
	}
}

/* ---- the socket ------------------------------------------------------------------ */

static void receive(struct dialogue *d)
{
	struct pollfd p = { .fd = d->fd, .events = POLLIN };
	int ready = poll(&p, 1, (int)smtpc_timeout_ms(&d->client));
	ssize_t n;

	if (ready < 0 && errno == EINTR)
		return;
	if (ready == 0) {
		smtpc_timed_out(&d->client);
		return;
	}
	n = recv(d->fd, d->in + d->in_len, sizeof d->in - d->in_len, 0);
	if (n > 0)
		d->in_len += (size_t)n;
	else if (n == 0 || errno != EINTR)
		smtpc_peer_closed(&d->client);
}

static void transmit(struct dialogue *d, struct span out)
{
	ssize_t n = send(d->fd, out.at, out.len, MSG_NOSIGNAL);

	if (n >= 0)
		smtpc_sent(&d->client, (size_t)n);
	else if (errno != EINTR)
		receive(d); /* the reason, if the server gave one, else the end */
}

static bool feed(struct dialogue *d)
{
	size_t n = smtpc_feed(&d->client, span_make(d->in, d->in_len));

	memmove(d->in, d->in + n, d->in_len - n);
	d->in_len -= n;
	return n > 0;
}

static int finish(struct dialogue *d)
{
	struct smtpc_event e = smtpc_event(&d->client);

	close(d->fd);
	if (d->answered || d->code != EXIT_DONE)
		return d->code;
	if (e.reply.code >= 400) {
		complain_reply(SPAN_EMPTY, &e.reply);
		return code_of(&e.reply);
	}
	/* A lost connection after the dot may mean accepted: the caller must not be told
	 * "never". */
	return smtpc_dot_sent(&d->client) ? EXIT_AGAIN : EXIT_UNAVAILABLE;
}

int submit_run(int fd, struct submit *s)
{
	static struct dialogue d;

	memset(&d, 0, sizeof d);
	d.fd = fd;
	d.s = s;
	s->refused = 0;
	smtpc_init(&d.client, s->hostname);
	while (smtpc_event(&d.client).ask != SMTPC_CLOSED) {
		struct span out;

		if (answer(&d))
			continue;
		out = smtpc_out(&d.client);
		if (out.len > 0)
			transmit(&d, out);
		else if (d.in_len == 0 || !feed(&d))
			receive(&d);
	}
	return finish(&d);
}
