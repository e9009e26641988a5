/* SPDX-License-Identifier: BSD-2-Clause */
/* pipit - a whole mail server as one value.
 *
 *	static struct pipit mta;                 all of its memory, a constant
 *
 *	pipit_init(&mta, &world, config, &where);
 *	for (;;) {
 *		wait_ms = pipit_step(&mta, now);
 *		wait until a handle is ready or wait_ms have passed
 *	}
 *
 * What it asks of the machine is `struct pipit_world`: sockets, flash, random
 * numbers, a log, hand-over to mailboxes; small structs of functions in sys/.
 * Two values are two servers; nothing is shared between them.  Nothing here
 * blocks, but pipit_init reads the queue's journal once (bounded by the flash's size)
 * and, on blank flash, formats it.
 *
 * The picture:
 *
 *   peers -> app/conn -> smtp/server -> app/inbound -> queue -> route/schedule
 *         -> app/outbound -> smtp/client -> app/conn -> peers
 */
#ifndef PIPIT_H
#define PIPIT_H

#include "base/instant.h"
#include "base/span.h"
#include "base/status.h"
#include "sys/world.h"

struct pipit;

/* What is wrong with a configuration, or with the queue at start. */
struct pipit_problem {
	uint32_t line;  /* 0: not about a line */
	char text[160]; /* NUL-terminated sentence */
};

/* Reads the configuration, opens listeners, mounts the queue.  ST_OK; ST_BAD: the
 * configuration (`where` says the first error; the log has all); ST_IO: a
 * listener or the flash; ST_FOREIGN: the flash holds something else.  On
 * failure nothing was started and no handle is open. */
enum status pipit_init(struct pipit *p, const struct pipit_world *world, struct span config,
	struct pipit_problem *where);

/* Does what can be done now, a bounded amount for each connection.  Returns
 * the milliseconds until it wants to be called again at the latest, a day at most; call
 * earlier when a watched handle is ready. */
uint32_t pipit_step(struct pipit *p, struct instant now);

/* Takes a new configuration without dropping a session.  ST_OK, ST_BAD (the old
 * one stays), or ST_MISSING: this build has room for one configuration only
 * (CONFIG_CONF_COPIES 1). */
enum status pipit_reload(struct pipit *p, struct span config, struct pipit_problem *where);

/* Asks it to end: no new sessions and deliveries; what is in flight is finished.
 * pipit_stopped tells when nothing is (the port then stops stepping; it should
 * give up after a bound of its own: nothing is lost). */
void pipit_stop(struct pipit *p);
bool pipit_stopped(const struct pipit *p);

/* The control line asked for a reload since the last call: read the
 * configuration again and call pipit_reload. */
bool pipit_wants_reload(struct pipit *p);

/* The `ntp_server` line, for a port that has SNTP: a host name or an address; empty: there is none.
 * Valid until the next pipit_init or pipit_reload. */
struct span pipit_ntp_server(const struct pipit *p);

/* The latest Unix time that this flash has seen, 0: none.  A board without a clock of its own
 * knows that it is later than this; time that it is told by the network and that lies
 * before is wrong.  It may lie ahead where a clock once ran ahead. */
uint32_t pipit_time_floor(const struct pipit *p);

/* Closes all handles, without finishing anything. */
void pipit_close(struct pipit *p);

/* ---- Mail of your own (with CONFIG_SUBMIT) ---------------------------------------
 *
 *	struct alarm {
 *		unsigned stage; 0
 *		pipit_handle h;
 *		uint32_t message;
 *	};
 *
 *	static enum status send_alarm(struct alarm *a)
 *	{
 *		static const char text[] = "From: sensor@gw.example.net\n"
 *					   "To: ops@example.net\n"
 *					   "Subject: 42 degrees\n\nIt is hot here.\n";
 *		const struct span to = SPAN("ops@example.net");
 *		const struct pipit_envelope e = { .sender = SPAN("sensor@gw.example.net"),
 *			.recipient = &to, .recipient_count = 1 };
 *		enum status status;
 *
 *		if (a->stage == 0)
 *			status = pipit_submit_begin(&mta, &e, &a->h);
 *		else if (a->stage == 1)
 *			status = pipit_submit_data(&mta, a->h, span_of(text));
 *		else
 *			status = pipit_submit_end(&mta, a->h, &a->message);
 *		if (status == ST_OK)
 *			a->stage++;
 *		return status;
 *	}
 *
 * The loop calls it once a turn until the stage is 3, or it says neither ST_OK nor ST_AGAIN.
 * ST_OK from pipit_submit_end is the promise: the message is on flash and will be
 * delivered, or its sender gets a report.  Before, nothing is promised: after a power cut
 * it may be there or not.  It is sent by the same rules as mail by SMTP: aliases,
 * masquerade, route, retries; Received is added, and Date and Message-ID where missing.
 *
 * ST_AGAIN: not now, nothing is lost, call again after a step with the same arguments.  It
 * comes while flash is busy or all CONFIG_SUBMISSIONS handles are taken.  All other failures
 * end the submission and its handle: ST_FULL: the queue is full (later, when something has been
 * delivered, there is room); ST_BAD: an address without grammar, a recipient that is
 * refused, or a message larger than the queue or max_message_size, or no such
 * handle; ST_IO: flash failed, nothing is accepted until a restart; ST_MISSING: a
 * build without CONFIG_SUBMIT.
 *
 * None of these calls waits.  Time is bounded by what is written: the envelope once, the octets
 * given; one call programs them in pages of flash and begins at most one erase, that the
 * steps then wait for.
 */

typedef int pipit_handle;

/* e and what it points to are needed during the call only.  e->size 0: not known. */
enum status pipit_submit_begin(struct pipit *p, const struct pipit_envelope *e, pipit_handle *h);

/* The next octets of the message: header, empty line, body, in pieces of any size.  Line ends
 * may be LF or CRLF.  After ST_AGAIN some may have been taken: call again with
 * the same octets at the same place, the call goes on where it stopped. */
enum status pipit_submit_data(struct pipit *p, pipit_handle h, struct span bytes);

/* The message is complete: ST_OK when it is durable; *message is its number, as in the log and
 * for on_outcome.  The handle is then gone. */
enum status pipit_submit_end(struct pipit *p, pipit_handle h, uint32_t *message);

/* Not wanted any more.  If pipit_submit_end has been called it may be sent nevertheless. */
void pipit_submit_abort(struct pipit *p, pipit_handle h);

/* ---- Mail for you ------------------------------------------------------------------
 *
 *	static enum pipit_verdict take(void *ctx, const struct pipit_envelope *e,
 *		struct pipit_reader *reader)
 *	{
 *		struct commands *x = ctx;
 *		int n;
 *
 *		if (pipit_read_offset(reader) == 0)
 *			commands_begin(x, e->sender);
 *		while ((n = pipit_read(reader, x->octets, sizeof(x->octets))) > 0)
 *			commands_feed(x, x->octets, (size_t)n);
 *		return n == ST_AGAIN ? PIPIT_MORE : PIPIT_DELIVERED;
 *	}
 *
 *	world.hooks = (struct pipit_hooks){ .on_local = take, .ctx = &commands };
 *
 * and in the configuration: `deliver commands@gw.example.net callback`.  Whoever may
 * reach the listener may write to it: what From says proves nothing.  sys/hooks.h has
 * the rest: verdicts, and on_outcome.
 */

#include "pipit_state.h"

#endif
