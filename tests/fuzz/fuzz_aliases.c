/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_aliases - an aliases file, read in pieces of any size: the same aliases and the same
 * errors, every text within the value, and no target that is a command, a file or an
 * include. */
#include "fuzz/fuzz.h"

#include "app/aliases.h"

#include <string.h>

#define BROKEN_AT 100u

struct file {
	struct span text;
	struct fuzz_pieces pieces;
	bool broken;
};

static int read_file(void *ctx, struct span name, uint32_t offset, void *to, size_t len)
{
	struct file *f = ctx;
	struct span s = span_from(f->text, offset);
	size_t n;

	MUST(span_equal(name, SPAN("/etc/aliases")));
	if (f->broken && offset == BROKEN_AT)
		return ST_IO;
	if (f->broken)
		s = span_sub(s, 0, BROKEN_AT - offset);
	n = fuzz_piece(&f->pieces, s.len < len ? s.len : len);
	if (n > 0)
		memcpy(to, s.at, n);
	return (int)n;
}

struct reading {
	struct core core;
	struct conf conf;
	struct fuzz_log log;
};

static void report(void *ctx, uint32_t line, struct span message)
{
	struct reading *x = ctx;

	fuzz_note_number(&x->log, "line", line);
	fuzz_note(&x->log, "error", message);
	MUST(message.len > 0 && message.len < CONF_MESSAGE_MAX);
}

static void check(const struct reading *x)
{
	const struct conf *c = &x->conf;
	struct span targets, target;
	struct address a;
	unsigned i;

	MUST(c->text_len <= CONFIG_CONF_TEXT && c->alias_count <= CONFIG_CONF_ALIASES);
	for (i = 0; i < c->alias_count; i++) {
		MUST(c->alias[i].name.at + c->alias[i].name.len <= c->text_len);
		MUST(c->alias[i].targets.at + c->alias[i].targets.len <= c->text_len);
		targets = conf_span(c, c->alias[i].targets);
		while (targets.len > 0) {
			target = span_word(&targets);
			MUST(target.len > 0);
			MUST(target.at[0] != '|' && target.at[0] != '/' && target.at[0] != ':');
			MUST(span_find(target, '@') == target.len ||
				address_parse(span_from(target, target.at[0] == '\\'), &a));
		}
	}
}

static enum status read_all(struct reading *x, struct file *f)
{
	static const struct conf_defaults defaults = { SPAN_INIT("gw.test"), SPAN_INIT("/etc"),
		false };
	struct conf_errors errors = { .report = report, .ctx = x };
	const struct pipit_world world = { .blob = { read_file, f } };
	enum status st;
	unsigned i;

	fuzz_log_begin(&x->log);
	MUST(conf_parse(&x->conf, SPAN("aliases /etc/aliases\nalias first a@x.test\n"), &defaults,
		     &errors) == ST_OK);
	x->core.world = &world;
	MUST(aliases_wanted(&x->core, &x->conf));
	st = aliases_read(&x->core, &x->conf, &errors);
	fuzz_note_number(&x->log, "status", (uint32_t)-st);
	fuzz_note_number(&x->log, "errors", errors.count);
	for (i = 0; i < x->conf.alias_count; i++) {
		fuzz_note(&x->log, "name", conf_span(&x->conf, x->conf.alias[i].name));
		fuzz_note(&x->log, "targets", conf_span(&x->conf, x->conf.alias[i].targets));
	}
	check(x);
	return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reading whole, parts;
	struct span in = span_make(data, size < 16384 ? size : 16384);
	const uint8_t options = fuzz_u8(&in);
	struct file f = { .text = in, .broken = options == 0xff };

	(void)read_all(&whole, &f);
	f.pieces = fuzz_pieces(1u + (options >> 1));
	(void)read_all(&parts, &f);
	fuzz_log_same(&whole.log, &parts.log);
	return 0;
}
