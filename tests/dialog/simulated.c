/* SPDX-License-Identifier: BSD-2-Clause */
/* simulated - the server's dialogues against a whole Pipit over the simulated network.
 *
 *	simulated [SEEDS [FILE...]]
 *
 * The simulator's world with another client and another configuration, which
 * says yes to every question; dialogues whose questions want another answer are left out.
 * A seed decides how the octets come and go: always the same lines must be said,
 * and the queue must hold what they promise.  Then all of it expires, and
 * every pool must be empty.
 */
#include "dialog/script.h"

#include "base/check.h"
#include "base/status.h"
#include "sim/sim.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEEDS 50u
#define SEEDS_MAX 1000000u
#define DIALOGUES_MIN 41u
#define RUN_SECONDS 60u /* one that takes longer hangs */
#define DAY_MS 86400000ull

/* Pipit waits five minutes for a line, so a stalled connection would be its to give up: all
 * pauses of the client together are less. */
#define PAUSES_MS 60000u
/* Likewise what is late, unless the line needs many round trips. */
#define LATE_WINDOW_MIN 536u

/* Longer ones go in large pieces: millions of events take long. */
#define SMALL_PIECES_MAX 8000u
#define LARGE_PIECE 4096u

#define MAILS_MAX 8u
#define BODY_MAX 16384u /* longer ones do not fit into the smallest flash there is */

struct mail {
	struct span body;
	unsigned rcpts;
};

/* What one dialogue says, and what must come of it. */
struct dialogue {
	struct script script; /* what is left of it: S: lines */
	struct span said;
	struct mail mails[MAILS_MAX]; /* the accepted ones, in their order */
	unsigned mail_count;
};

/* The client. */
struct speaker {
	struct run run;
	uint32_t at, piece, pace_ms, pauses_left_ms;
	uint64_t next_ms;
	bool done;
	uint8_t heard[1u << 17]; /* all that the Pipit said */
	size_t heard_len;
};

static struct sim world;
static struct dialogue dialogue;
static struct speaker speaker;
static uint32_t *running; /* the seed; shared with the process that runs it */

/* ---- The dialogue --------------------------------------------------------------- */

/* mail: what was asked of it so far. */
static bool take_question(struct dialogue *d, const struct script_line *l, struct mail *mail)
{
	if (l->answer.len > 0 && !span_equal(l->answer, SPAN("OK")) &&
		!span_starts_nocase(l->answer, SPAN("250")))
		return false;
	if (span_starts_nocase(l->text, SPAN("MAIL ")))
		mail->rcpts = 0;
	else if (span_starts_nocase(l->text, SPAN("RCPT ")))
		mail->rcpts++;
	else if (span_equal(l->text, SPAN("DATA")))
		mail->body = SPAN_EMPTY;
	else if (span_starts_nocase(l->text, SPAN("BODY ")))
		mail->body = span_from(l->text, 5);
	if (!span_equal(l->text, SPAN("COMMIT")))
		return true;
	CHECK(d->mail_count < MAILS_MAX);
	d->mails[d->mail_count++] = *mail;
	return mail->body.len <= BODY_MAX;
}

/* After a question only the code counts: this yes has other words. */
static void keep_reply(struct script *s, struct script_line l, bool answered)
{
	if (answered && l.text.len > 5)
		l.text.len = 5; /* the code, and two octets where CRLF is */
	s->lines[s->count++] = l;
}

static void keep_said(struct dialogue *d, struct span text)
{
	static uint8_t said[1u << 22];

	CHECK(text.len <= sizeof(said) - d->said.len);
	memcpy(said + d->said.len, text.at, text.len);
	d->said = span_make(said, d->said.len + text.len);
}

/* false: not to be had from a configuration that says yes. */
static bool dialogue_read(struct dialogue *d, const char *path)
{
	struct script *s = &d->script;
	struct mail mail = { SPAN_EMPTY, 0 };
	bool answered = false;
	size_t i, count;

	script_read(s, path);
	count = s->count;
	s->count = 0;
	d->said = SPAN_EMPTY;
	d->mail_count = 0;
	for (i = 0; i < count; i++) {
		const struct script_line l = s->lines[i];

		if (l.kind == '!' || (l.kind == '?' && !take_question(d, &l, &mail)))
			return false;
		if (l.kind == 'C') {
			keep_said(d, l.text);
			continue;
		}
		if (l.kind == 'S')
			keep_reply(s, l, answered);
		answered = l.kind == '?';
	}
	return !s->client && !s->refused;
}

/* ---- The world ------------------------------------------------------------------ */

/* Nobody has the smarthost's address: what is accepted stays in the queue. */
void node_configure(struct node *n, bool changed)
{
	struct buf b;

	(void)changed;
	buf_init(&b, n->conf, sizeof(n->conf));
	buf_puts(&b,
		"hostname gw.test\nlisten 10.0.0.1:25\nrelay_from 10.0.0.0/8\n"
		"postmaster postmaster@d1.test\nsmarthost 192.0.2.250:25 tls=none\n");
	if (dialogue.script.legacy)
		buf_puts(&b, "device 10.0.1.1 legacy=yes\n");
	CHECK(!b.overflow);
	n->conf_len = b.len;
}

static uint32_t draw_piece(struct sim *w, uint32_t len)
{
	const uint32_t pieces[] = { 1, 2, 7, 100, 1u + draw(w, len), len };
	uint32_t piece = pieces[draw(w, sizeof(pieces) / sizeof(pieces[0]))];

	return len > SMALL_PIECES_MAX && piece < LARGE_PIECE ? LARGE_PIECE : piece;
}

void client_init(struct sim *w, unsigned index)
{
	struct speaker *k = &speaker;
	struct core *core = &w->node[0].mta.core;
	uint32_t len = (uint32_t)dialogue.said.len;

	w->plan.storm_ms = DAY_MS;
	w->plan.drain_ms = 30u * DAY_MS;
	w->plan.rate[FAULT_partial] = (uint16_t)draw(w, 50000); /* of 65536, in every seed */
	if (len > SMALL_PIECES_MAX)
		w->plan.latency_ms = w->plan.rate[FAULT_partial] = w->plan.rate[FAULT_delay] = 0;
	if (dialogue.script.size_max > 0) /* less than a configuration can ask for */
		core->conf[core->conf_in_use].max_message_size = dialogue.script.size_max;
	memset(k, 0, sizeof(*k));
	k->piece = draw_piece(w, len);
	k->pace_ms = draw(w, 2) ? 0 : draw(w, PAUSES_MS / (1u + len / k->piece));
	k->pauses_left_ms = PAUSES_MS;
	run_begin(&k->run, &dialogue.script, k->piece);
	w->client[index].stream = -1;
	set_timer(w, TIMER_CLIENT + index, w->now_ms + draw_log(w, 1000));
}

static void spare_patience(struct sim *w, const struct stream *x)
{
	if (x->pipe[0].window < LATE_WINDOW_MIN || x->pipe[1].window < LATE_WINDOW_MIN)
		w->plan.rate[FAULT_delay] = 0;
}

static void begin(struct sim *w, unsigned index)
{
	struct party self = { PARTY_CLIENT, (uint8_t)index, true, false };
	struct ip own = net_client_ip(true, index);
	struct ip_endpoint to = { net_ip(PARTY_NODE, 0), 25 };

	w->client[index].stream = stream_connect(w, self, &own, &to);
	CHECK(w->client[index].stream >= 0);
	spare_patience(w, &w->net.stream[w->client[index].stream]);
}

/* ---- What came of it ------------------------------------------------------------ */

_Noreturn static void differs(unsigned mail, const char *what)
{
	printf("%s: message %u of those accepted %s\n", dialogue.script.path, mail + 1u, what);
	fflush(stdout);
	_Exit(1);
}

/* The next "queued as 0000002a" that was said; false: no more. */
static bool next_id(struct span *heard, uint32_t *id)
{
	const struct span mark = SPAN("queued as ");
	char digits[9] = { 0 };

	while (heard->len >= mark.len + 8u) {
		if (span_starts_nocase(*heard, mark)) {
			memcpy(digits, heard->at + mark.len, 8);
			*id = (uint32_t)strtoul(digits, NULL, 16);
			*heard = span_from(*heard, mark.len + 8u);
			return true;
		}
		*heard = span_from(*heard, 1);
	}
	return false;
}

static void check_mail(struct queue *q, uint32_t id, unsigned mail)
{
	static uint8_t body[2u * BODY_MAX];
	struct queue_message m;
	struct queue_reader r;
	size_t len = 0;
	int n;

	if (!queue_get(q, id, &m) || m.rcpt_count != dialogue.mails[mail].rcpts)
		differs(mail, "is not in the queue, or for others");
	queue_reader_open(&r, id, QUEUE_BODY);
	while ((n = queue_read(q, &r, body + len, sizeof(body) - len)) > 0)
		len += (size_t)n;
	if (n < 0 || !span_equal(span_make(body, len), dialogue.mails[mail].body))
		differs(mail, "is in the queue with another body");
}

static void check_queue(struct queue *q)
{
	struct span heard = span_make(speaker.heard, speaker.heard_len);
	unsigned mails;
	uint32_t id;

	for (mails = 0; next_id(&heard, &id); mails++) {
		if (mails == dialogue.mail_count)
			differs(mails, "should not be one");
		check_mail(q, id, mails);
	}
	if (mails < dialogue.mail_count)
		differs(mails, "was not promised");
	if (mails != q->message_count)
		differs(mails, "was not promised, but is in the queue");
}

void client_overhears(struct sim *w, unsigned index, unsigned stream, struct span said)
{
	struct speaker *k = &speaker;

	(void)w;
	(void)index;
	(void)stream;
	CHECK(said.len <= sizeof(k->heard) - k->heard_len);
	memcpy(k->heard + k->heard_len, said.at, said.len);
	k->heard_len += said.len;
	run_wrote(&k->run, 'S', said);
}

/* The rest is for the world to check: that all of it drains. */
static void finish(struct sim *w, unsigned index)
{
	run_end(&speaker.run, 0);
	fflush(stdout);
	if (speaker.run.failed)
		_Exit(1);
	check_queue(&w->node[0].mta.core.queue);
	speaker.done = true;
	stream_close(w, w->client[index].stream, 0);
	w->client[index].stream = -1;
	set_timer(w, TIMER_PHASE, w->now_ms);
}

/* ---- The client's step ---------------------------------------------------------- */

/* Neither says nor hears anything for a while. */
static void pause_now(struct sim *w, unsigned index)
{
	struct speaker *k = &speaker;
	uint32_t ms = chance(w, 30) ? (uint32_t)draw_log(w, PAUSES_MS / 4u) : k->pace_ms;

	if (ms > k->pauses_left_ms)
		ms = k->pauses_left_ms;
	k->pauses_left_ms -= ms;
	k->next_ms = w->now_ms + ms;
	set_timer(w, TIMER_CLIENT + index, k->next_ms);
}

static void talk(struct sim *w, unsigned index)
{
	struct speaker *k = &speaker;
	struct span left = span_from(dialogue.said, k->at);
	int stream = w->client[index].stream, n;

	if (left.len == 0) {
		stream_finish(w, stream, 0);
		return;
	}
	n = stream_send(w, stream, 0, left.at, left.len < k->piece ? left.len : k->piece);
	if (n <= 0)
		return;
	k->at += (uint32_t)n;
	pause_now(w, index);
}

/* false: the Pipit says no more. */
static bool listen(struct sim *w, int stream)
{
	uint8_t in[256];
	int n;

	while ((n = stream_recv(w, stream, 0, in, sizeof(in))) > 0)
		;
	return n == ST_AGAIN;
}

void client_due(struct sim *w, unsigned index)
{
	int stream = w->client[index].stream;

	if (stream < 0)
		begin(w, index);
	else if (w->now_ms < speaker.next_ms)
		set_timer(w, TIMER_CLIENT + index, speaker.next_ms);
	else if (stream_connected(w, stream) == ST_OK && !listen(w, stream))
		finish(w, index);
	else if (stream_connected(w, stream) == ST_OK)
		talk(w, index);
}

/* ---- All of them ---------------------------------------------------------------- */

/* How octets come and go: nothing else of the world is to fail. */
static struct limits only_pieces(void)
{
	static const enum fault kept[] = { FAULT_partial, FAULT_delay, FAULT_late,
		FAULT_flash_slow };
	struct limits limits = { .nodes = 1, .clients = 1 };
	unsigned i;

	for (i = 0; i < FAULT_COUNT; i++)
		limits.off[i] = true;
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		limits.off[kept[i]] = false;
	return limits;
}

_Noreturn static void run_seeds(uint32_t from, uint32_t to)
{
	static struct figures figures;
	struct limits limits = only_pieces();

	for (*running = from; *running <= to; ++*running) {
		alarm(RUN_SECONDS);
		sim_run(&world, *running, &limits, &figures, false);
		if (!speaker.done)
			sim_fail(&world, "the dialogue is not over in a day");
	}
	_Exit(0);
}

/* How many seeds fail.  They run in another process, which the first that fails ends: the
 * next one goes on behind it. */
static uint32_t failures(uint32_t seeds)
{
	uint32_t failed = 0, seed;
	int status;
	pid_t child;

	for (seed = 1; seed <= seeds; seed = *running + 1u) {
		*running = seed;
		fflush(stdout);
		child = fork();
		if (child == 0)
			run_seeds(seed, seeds);
		CHECK(child > 0 && waitpid(child, &status, 0) == child);
		if (status == 0)
			break;
		failed++;
		printf("%s: seed %u failed\n", dialogue.script.path, *running);
	}
	return failed;
}

int main(int argc, char **argv)
{
	uint32_t seeds = SEEDS, failed = 0;
	unsigned dialogues = 0;
	glob_t found = { 0 };
	size_t i;

	running = mmap(NULL, sizeof(*running), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	CHECK(running != MAP_FAILED);
	if (argc > 1 && !span_to_u32(span_of(argv[1]), SEEDS_MAX, &seeds)) {
		fprintf(stderr, "usage: simulated [SEEDS [FILE...]]\n");
		return 2;
	}
	if (argc > 2) {
		found.gl_pathc = (size_t)argc - 2;
		found.gl_pathv = argv + 2;
	} else if (glob("tests/dialog/*.txt", 0, NULL, &found) != 0) {
		fprintf(stderr, "no tests/dialog/*.txt: start me in the top folder\n");
		return 2;
	}
	for (i = 0; i < found.gl_pathc; i++) {
		if (!dialogue_read(&dialogue, found.gl_pathv[i]))
			continue;
		dialogues++;
		failed += failures(seeds);
	}
	printf("dialog in the simulator: %u passed, %u failed\n", dialogues * seeds - failed,
		failed);
	if (argc <= 2)
		globfree(&found);
	return failed > 0 || dialogues < (argc > 2 ? 1u : DIALOGUES_MIN);
}
