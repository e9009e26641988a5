/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_line - lines out of a stream: the same in whatever pieces, and those that a split at
 * CRLF finds, unless they hold what makes them bad. */
#include "fuzz/fuzz.h"

#include "smtp/line.h"

#define CAP 24u

static void run(struct fuzz_log *log, struct span in, bool lf_ends, uint32_t seed)
{
	struct fuzz_pieces pieces = fuzz_pieces(seed);
	uint8_t array[CAP];
	struct span piece;
	struct line l;
	enum line_result r;

	line_init(&l);
	fuzz_log_begin(log);
	while (in.len > 0) {
		piece = fuzz_exact(fuzz_take(&in, fuzz_piece(&pieces, in.len)));
		while (piece.len > 0) {
			r = line_read(&l, array, CAP, lf_ends, &piece);
			MUST(l.len <= CAP);
			if (r == LINE_BAD)
				fuzz_note(log, "bad", SPAN_EMPTY);
			else if (r != LINE_MORE)
				fuzz_note(log, r == LINE_DONE ? "done" : "long",
					span_make(array, l.len));
		}
	}
	fuzz_note_number(log, "fresh", line_fresh(&l));
}

/* Lines by a split at CRLF, and at each lone LF, which is told at once: what stands behind
 * it up to CRLF is nothing.  As far as a line that is too long. */
static void split(struct fuzz_log *log, struct span in)
{
	struct span line;
	size_t n;

	fuzz_log_begin(log);
	while ((n = fuzz_find(in, SPAN("\r\n"))) < in.len) {
		line = fuzz_take(&in, n);
		(void)fuzz_take(&in, 2);
		if (span_find(line, '\n') < line.len) {
			for (; (n = span_find(line, '\n')) < line.len;
				(void)fuzz_take(&line, n + 1))
				fuzz_note(log, "bad", SPAN_EMPTY);
		} else if (line.len > CAP) {
			return;
		} else if (span_find(line, '\r') < line.len || span_find(line, 0) < line.len) {
			fuzz_note(log, "bad", SPAN_EMPTY);
		} else {
			fuzz_note(log, "done", line);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_log whole, parts, found;
	struct span in = span_make(data, size);
	const uint8_t seed = fuzz_u8(&in);

	run(&whole, in, seed & 1, 0);
	run(&parts, in, seed & 1, 1 + (seed >> 1));
	fuzz_log_same(&whole, &parts);
	if (seed & 1)
		return 0;
	split(&found, in);
	MUST(found.b.len <= whole.b.len);
	MUST(span_equal(buf_span(&found.b), span_sub(buf_span(&whole.b), 0, found.b.len)));
	return 0;
}
