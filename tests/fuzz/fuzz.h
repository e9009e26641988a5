/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz - what the fuzzers share: input taken apart, pieces of any size, logs to compare.
 *
 * A fuzzer fails by ending the process: MUST, a CHECK of src/, ASan or UBSan.  What
 * libFuzzer gave is in static memory of its own size each time: an octet too far is seen.
 */
#ifndef PIPIT_TESTS_FUZZ_H
#define PIPIT_TESTS_FUZZ_H

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) ((condition) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_failed(const char *file, int line, const char *what);

/* Off the front of *in; zero and empty at its end. */
uint8_t fuzz_u8(struct span *in);
uint16_t fuzz_u16(struct span *in);
uint32_t fuzz_u32(struct span *in);
struct span fuzz_take(struct span *in, size_t n);

/* Up to the next LF, which is dropped. */
struct span fuzz_line(struct span *in);

/* A copy in an allocation of its own size, behind and before which ASan looks.  Valid until
 * the next call but three. */
struct span fuzz_exact(struct span s);

/* In which pieces octets are handed over. */
struct fuzz_pieces {
	uint32_t seed; /* 0: whole; 1: octet by octet; else of random size */
	uint32_t state;
};

struct fuzz_pieces fuzz_pieces(uint32_t seed);
size_t fuzz_piece(struct fuzz_pieces *p, size_t len); /* 1 .. len; 0 if len is 0 */

/* What happened, to be compared with what happened another time. */
#define FUZZ_LOG_MAX (1u << 20)
struct fuzz_log {
	struct buf b;
	uint8_t octets[FUZZ_LOG_MAX];
};

void fuzz_log_begin(struct fuzz_log *l);
void fuzz_note(struct fuzz_log *l, const char *what, struct span s); /* "what s\n" */
void fuzz_note_number(struct fuzz_log *l, const char *what, uint32_t n);

/* Ends the process, and shows both, unless they are equal. */
void fuzz_log_same(const struct fuzz_log *a, const struct fuzz_log *b);

/* Where n octets (find) begin in s, or s.len. */
size_t fuzz_find(struct span s, struct span find);

/* How often they stand in it, side by side. */
unsigned fuzz_count(struct span s, struct span find);

/* Every CR is followed by an LF, and every LF behind a CR. */
bool fuzz_crlf_only(struct span s);

/* Every octet is printable ASCII or one of CR, LF, tab. */
bool fuzz_printable(struct span s);

#endif
