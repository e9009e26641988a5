/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_envelope - the envelope stream: the same in whatever pieces, what is written is read,
 * and a text never becomes a line of its own. */
#include "fuzz/fuzz.h"

#include "mail/envelope.h"
#include "mail/printable.h"

#include <string.h>

static void note(struct fuzz_log *log, const struct envelope_item *item)
{
	const char kind[2] = { (char)item->kind, 0 };

	fuzz_note(log, kind, item->text);
	fuzz_note_number(log, "rcpt", item->rcpt);
	MUST(item->text.len < ENVELOPE_LINE_MAX && printable_ok(item->text));
}

static bool read_all(struct fuzz_log *log, struct span in, uint32_t seed)
{
	struct fuzz_pieces pieces = fuzz_pieces(seed);
	enum status st = ST_AGAIN;
	struct envelope_reader r;
	struct envelope_item item;
	struct span piece;

	memset(&r, 0xa5, sizeof(r));
	envelope_reader_init(&r);
	fuzz_log_begin(log);
	while (in.len > 0 && st != ST_CORRUPT) {
		piece = fuzz_exact(fuzz_take(&in, fuzz_piece(&pieces, in.len)));
		while (piece.len > 0 && st != ST_CORRUPT) {
			st = envelope_read(&r, &piece, &item);
			MUST(st == ST_OK || st == ST_AGAIN || st == ST_CORRUPT);
			MUST(st != ST_AGAIN || piece.len == 0);
			if (st == ST_OK)
				note(log, &item);
		}
	}
	/* Where a bad line is given up depends on the pieces, that it is does not. */
	fuzz_note_number(log, "corrupt", st == ST_CORRUPT);
	return st != ST_CORRUPT;
}

/* Any texts, written and read again: as many lines as texts. */
static void write_and_read(struct span in)
{
	static const enum envelope_kind kinds[] = { ENVELOPE_SENDER, ENVELOPE_ORIGIN,
		ENVELOPE_ORIGINAL, ENVELOPE_RCPT };
	static struct fuzz_log read;
	static uint8_t octets[1u << 17];
	struct span text, rest = in, lines;
	struct buf b;
	uint32_t written = 0, found = 0;

	buf_init(&b, octets, sizeof(octets));
	while (rest.len > 0) {
		text = fuzz_take(&rest, fuzz_u8(&rest));
		envelope_put(&b, kinds[written++ % 4], text);
	}
	MUST(!b.overflow);
	MUST(read_all(&read, buf_span(&b), 0));
	for (lines = buf_span(&read.b); lines.len > 0; (void)fuzz_line(&lines))
		found++;
	MUST(found == 2 * written + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_log whole, parts;
	struct span in = span_make(data, size < 8192 ? size : 8192);
	const uint8_t seed = fuzz_u8(&in);

	(void)read_all(&whole, in, 0);
	(void)read_all(&parts, in, 1u + seed);
	fuzz_log_same(&whole, &parts);
	write_and_read(in);
	return 0;
}
