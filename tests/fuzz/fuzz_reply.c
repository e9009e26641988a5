/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_reply - a peer's replies: the same in whatever pieces, text that can be repeated, and
 * what we compose is read as what was meant. */
#include "fuzz/fuzz.h"

#include "mail/reply.h"

#include <string.h>

static void check(const struct reply *r)
{
	MUST(r->code >= 200 && r->code < 600);
	MUST(r->enhanced[0] == 0 || r->enhanced[0] == r->code / 100);
	MUST(r->text.len <= REPLY_TEXT_MAX && fuzz_printable(r->text));
	MUST(span_find(r->text, '\r') == r->text.len && span_find(r->text, '\n') == r->text.len);
}

static void note(struct fuzz_log *log, const struct reply_parser *p, enum reply_result result)
{
	const struct reply r = reply_parser_reply(p);

	if (result == REPLY_COMPLETE)
		check(&r);
	fuzz_note(log, result == REPLY_LINE ? "line" : "reply", reply_parser_line(p));
	fuzz_note_number(log, "code", r.code);
	fuzz_note_number(log, "enhanced",
		r.enhanced[0] * 65536u + r.enhanced[1] * 256u + r.enhanced[2]);
	fuzz_note(log, "text", r.text);
}

static void read_all(struct fuzz_log *log, struct span in, uint32_t seed)
{
	struct fuzz_pieces pieces = fuzz_pieces(seed);
	enum reply_result result = REPLY_MORE;
	struct reply_parser p;
	struct span piece;

	memset(&p, 0xa5, sizeof(p));
	reply_parser_init(&p);
	fuzz_log_begin(log);
	while (in.len > 0 && result != REPLY_BROKEN) {
		piece = fuzz_exact(fuzz_take(&in, fuzz_piece(&pieces, in.len)));
		while (piece.len > 0 && result != REPLY_BROKEN) {
			result = reply_parse(&p, &piece);
			MUST(result != REPLY_MORE || piece.len == 0);
			if (result == REPLY_LINE || result == REPLY_COMPLETE)
				note(log, &p, result);
		}
	}
	fuzz_note_number(log, "end", (uint32_t)result);
	if (result == REPLY_BROKEN) {
		piece = SPAN("250 x\r\n");
		MUST(reply_parse(&p, &piece) == REPLY_BROKEN);
	}
}

/* What we say ourselves, with any text. */
static void put_and_read(struct span in)
{
	const struct reply ours = { (uint16_t)(200u + fuzz_u16(&in) % 400u),
		{ 0, fuzz_u8(&in), fuzz_u8(&in) }, in };
	struct reply r = ours, back;
	uint8_t text[REPLY_LINE_MAX];
	struct reply_parser p;
	struct span line;
	struct buf b;
	size_t i;

	if (r.code < 300 || r.code >= 400)
		r.enhanced[0] = (uint8_t)(r.code / 100);
	buf_init(&b, text, sizeof(text));
	reply_put(&b, &r);
	line = buf_span(&b);
	MUST(!b.overflow && fuzz_crlf_only(line) && fuzz_printable(line));
	reply_parser_init(&p);
	MUST(reply_parse(&p, &line) == REPLY_COMPLETE && line.len == 0);
	back = reply_parser_reply(&p);
	check(&back);
	MUST(back.code == r.code);
	if (r.enhanced[0] > 0)
		MUST(memcmp(back.enhanced, r.enhanced, 3) == 0);
	for (i = 0; r.enhanced[0] > 0 && i < back.text.len; i++)
		MUST(back.text.at[i] == in.at[i] || back.text.at[i] == '?');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_log whole, parts;
	struct span in = span_make(data, size);
	const uint8_t seed = fuzz_u8(&in);

	read_all(&whole, in, 0);
	read_all(&parts, in, 1u + seed);
	fuzz_log_same(&whole, &parts);
	put_and_read(in);
	return 0;
}
