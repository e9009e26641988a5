/* SPDX-License-Identifier: BSD-2-Clause */
#include "bare/panic.h"

#include "bare/machine.h"
#include "base/check.h"
#include "base/crc32c.h"

#include <string.h>

#define WHERE_MAX 40u

struct note {
	uint32_t crc; /* of what follows */
	uint32_t number;
	char where[WHERE_MAX]; /* the rest is zeros */
};

__attribute__((section(".noinit"))) static struct note note;

static uint32_t note_crc(void)
{
	return crc32c(0, span_make(&note.number, sizeof(note) - sizeof(note.crc)));
}

_Noreturn void panic(const char *where, uint32_t number)
{
	size_t len = strlen(where);

	memset(&note, 0, sizeof(note));
	if (len > WHERE_MAX) {
		where += len - WHERE_MAX;
		len = WHERE_MAX;
	}
	memcpy(note.where, where, len);
	note.number = number;
	note.crc = note_crc();
	machine_reset();
}

bool panic_last(struct buf *out)
{
	bool known = note.crc == note_crc();
	struct span where = span_make(note.where, WHERE_MAX);

	if (known) {
		buf_put(out, span_head(where, span_find(where, '\0')));
		buf_put_byte(out, ':');
		buf_put_u32(out, note.number);
	}
	memset(&note, 0, sizeof(note));
	note.crc = ~note_crc();
	return known;
}

_Noreturn void check_failed(const char *file, int line)
{
	panic(file, (uint32_t)line);
}

/* The address that would be returned to says the file: addr2line. */
_Noreturn void check_failed_line(int line)
{
	char where[] = "check at 0x........";
	uintptr_t from = (uintptr_t)__builtin_return_address(0);
	size_t i;

	for (i = sizeof(where) - 2u; from != 0 && where[i] != 'x'; i--, from >>= 4)
		where[i] = "0123456789abcdef"[from & 15u];
	panic(where, (uint32_t)line);
}
