/* SPDX-License-Identifier: BSD-2-Clause */
/* dnswire - writes DNS messages for tests, honest ones and lies. */
#ifndef PIPIT_TESTS_DNSWIRE_H
#define PIPIT_TESTS_DNSWIRE_H

#include "base/buf.h"
#include "base/bytes.h"

#include <string.h>

#define WIRE_MAX 65536u
#define QUESTION_NAME 0xc00cu /* a pointer to the question's name */

struct wire {
	struct buf b;
	uint8_t bytes[WIRE_MAX];
};

static inline void wire_u8(struct wire *w, unsigned v)
{
	buf_put_byte(&w->b, (uint8_t)v);
}

static inline void wire_u16(struct wire *w, unsigned v)
{
	wire_u8(w, v >> 8 & 0xffu);
	wire_u8(w, v & 0xffu);
}

static inline void wire_u32(struct wire *w, uint32_t v)
{
	wire_u16(w, v >> 16);
	wire_u16(w, v & 0xffffu);
}

/* Labels by dots; without compression. */
static inline void wire_name(struct wire *w, const char *name)
{
	struct span s = span_of(name);

	while (s.len > 0) {
		struct span label = span_sub(s, 0, span_find(s, '.'));

		wire_u8(w, (unsigned)label.len);
		buf_put(&w->b, label);
		s = span_from(s, label.len + 1);
	}
	wire_u8(w, 0);
}

/* flags: the second and third octets, 0x8180 is a plain good reply. */
static inline void wire_header(struct wire *w, unsigned id, unsigned flags, unsigned questions,
	unsigned answers, unsigned authorities, unsigned additionals)
{
	buf_init(&w->b, w->bytes, sizeof(w->bytes));
	wire_u16(w, id);
	wire_u16(w, flags);
	wire_u16(w, questions);
	wire_u16(w, answers);
	wire_u16(w, authorities);
	wire_u16(w, additionals);
}

static inline void wire_question(struct wire *w, const char *name, unsigned type)
{
	wire_name(w, name);
	wire_u16(w, type);
	wire_u16(w, 1);
}

/* The fixed part of a record after its name. */
static inline void wire_fixed(struct wire *w, unsigned type, uint32_t ttl_s, unsigned data_len)
{
	wire_u16(w, type);
	wire_u16(w, 1);
	wire_u32(w, ttl_s);
	wire_u16(w, data_len);
}

/* A record; owner NULL: the question's name. */
static inline void wire_record(struct wire *w, const char *owner, unsigned type, uint32_t ttl_s,
	struct span data)
{
	if (owner)
		wire_name(w, owner);
	else
		wire_u16(w, QUESTION_NAME);
	wire_fixed(w, type, ttl_s, (unsigned)data.len);
	buf_put(&w->b, data);
}

static inline void wire_a(struct wire *w, const char *owner, uint32_t ttl_s, unsigned last)
{
	const uint8_t ip[4] = { 192, 0, 2, (uint8_t)last };

	wire_record(w, owner, 1, ttl_s, span_make(ip, 4));
}

static inline size_t wire_name_len(const char *name)
{
	return name[0] == '\0' ? 1u : strlen(name) + 2u;
}

static inline void wire_mx(struct wire *w, const char *owner, uint32_t ttl_s, unsigned preference,
	const char *host)
{
	if (owner)
		wire_name(w, owner);
	else
		wire_u16(w, QUESTION_NAME);
	wire_fixed(w, 15, ttl_s, 2u + (unsigned)wire_name_len(host));
	wire_u16(w, preference);
	wire_name(w, host);
}

static inline void wire_cname(struct wire *w, const char *owner, uint32_t ttl_s, const char *target)
{
	if (owner)
		wire_name(w, owner);
	else
		wire_u16(w, QUESTION_NAME);
	wire_fixed(w, 5, ttl_s, (unsigned)wire_name_len(target));
	wire_name(w, target);
}

static inline void wire_soa(struct wire *w, uint32_t ttl_s, uint32_t minimum_s)
{
	wire_name(w, "test");
	wire_fixed(w, 6, ttl_s, 2 + 20);
	wire_u8(w, 0);
	wire_u8(w, 0);
	wire_u32(w, 1);
	wire_u32(w, 3600);
	wire_u32(w, 600);
	wire_u32(w, 86400);
	wire_u32(w, minimum_s);
}

static inline struct span wire_span(const struct wire *w)
{
	return buf_span(&w->b);
}

#endif
