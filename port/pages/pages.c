/* SPDX-License-Identifier: BSD-2-Clause */
#include "pages/pages.h"

#include "base/bytes.h"
#include "base/crc32c.h"

#include <string.h>

#define NONE 2u

#define MAGIC 0x31675050u /* "PPg1" */

/* The head: magic, sequence, length, time floor, checksum of the stream, of the head. */
#define HEAD_LEN 24u
#define HEAD_MIN 32u

#define CHUNK_HEAD 3u

/* Chunks looked at, or pieces of one copied, in one call. */
#define COPIES_PER_CALL 8u
#define PIECE 64u

enum pages_state { IDLE, ERASING, OPEN, COPYING, CONTENT_SYNC, HEAD_SYNC, SECOND_SYNC };

struct head {
	uint32_t sequence, len, time_floor_s, crc;
};

/* ---- where things are ------------------------------------------------------------- */

/* Octets of one program, and of the place of a head. */
static uint32_t slot_len(const struct pages *p)
{
	uint32_t page = p->flash->geometry.page_size;

	return page < PAGES_STAGE ? page : PAGES_STAGE;
}

static uint32_t start_of(const struct pages *p, unsigned sector)
{
	return sector * p->flash->geometry.sector_size;
}

static uint32_t room(const struct pages *p)
{
	return p->flash->geometry.sector_size - 2u * slot_len(p);
}

static unsigned other(const struct pages *p)
{
	return p->current == 0 ? 1u : 0u;
}

static int read_at(const struct pages *p, uint32_t at, void *to, size_t len)
{
	return p->flash->ops->read(p->flash->ctx, at, to, len);
}

/* Octets of the stream in force. */
static int read_stream(const struct pages *p, uint32_t offset, void *to, size_t len)
{
	return read_at(p, start_of(p, p->current) + slot_len(p) + offset, to, len);
}

/* ---- heads -------------------------------------------------------------------------- */

static void put_head(uint8_t to[HEAD_LEN], const struct head *h)
{
	store_le32(to, MAGIC);
	store_le32(to + 4, h->sequence);
	store_le32(to + 8, h->len);
	store_le32(to + 12, h->time_floor_s);
	store_le32(to + 16, h->crc);
	store_le32(to + 20, crc32c(0, span_make(to, 20)));
}

static bool get_head(const uint8_t from[HEAD_LEN], struct head *h)
{
	h->sequence = load_le32(from + 4);
	h->len = load_le32(from + 8);
	h->time_floor_s = load_le32(from + 12);
	h->crc = load_le32(from + 16);
	return load_le32(from) == MAGIC && load_le32(from + 20) == crc32c(0, span_make(from, 20));
}

static bool content_ok(const struct pages *p, unsigned sector, const struct head *h)
{
	uint8_t piece[PIECE];
	uint32_t at, crc = 0, n;

	if (h->len > room(p))
		return false;
	for (at = 0; at < h->len; at += n) {
		n = h->len - at < PIECE ? h->len - at : PIECE;
		if (read_at(p, start_of(p, sector) + slot_len(p) + at, piece, n) != ST_OK)
			return false;
		crc = crc32c(crc, span_make(piece, n));
	}
	return crc == h->crc;
}

/* How many good heads a sector has, which must say the same: 0, no state. */
static unsigned look(const struct pages *p, unsigned sector, struct head *h)
{
	const uint32_t second = p->flash->geometry.sector_size - slot_len(p);
	uint8_t octets[2][HEAD_LEN];
	struct head h2;
	unsigned good = 0;

	if (read_at(p, start_of(p, sector), octets[0], HEAD_LEN) != ST_OK ||
		read_at(p, start_of(p, sector) + second, octets[1], HEAD_LEN) != ST_OK)
		return 0;
	good += get_head(octets[0], h);
	if (get_head(octets[1], &h2)) {
		good += good == 0 || memcmp(octets[0], octets[1], HEAD_LEN) == 0;
		*h = h2;
	}
	return good > 0 && content_ok(p, sector, h) ? good : 0;
}

/* ---- programming ---------------------------------------------------------------------- */

static enum status program(const struct pages *p, uint32_t at)
{
	int n = p->flash->ops->program(p->flash->ctx, start_of(p, other(p)) + at, p->stage,
		slot_len(p));

	return n == ST_OK ? ST_OK : ST_IO;
}

/* What is staged, and 0xff behind it. */
static enum status flush(struct pages *p)
{
	enum status status;

	if (p->staged == 0)
		return ST_OK;
	memset(p->stage + p->staged, 0xff, sizeof(p->stage) - p->staged);
	status = program(p, slot_len(p) + p->at);
	p->at += p->staged;
	p->staged = 0;
	return status;
}

static enum status put(struct pages *p, struct span s)
{
	uint32_t slot = slot_len(p);
	enum status status = ST_OK;
	struct span part;

	if (s.len > room(p) - p->at - p->staged)
		return ST_FULL;
	p->crc = crc32c(p->crc, s);
	while (s.len > 0 && status == ST_OK) {
		part = span_head(s, slot - p->staged);
		memcpy(p->stage + p->staged, part.at, part.len);
		p->staged = (uint16_t)(p->staged + part.len);
		span_skip(&s, part.len);
		if (p->staged == slot)
			status = flush(p);
	}
	return status;
}

static enum status program_head(struct pages *p, uint32_t time_s, uint32_t at)
{
	const struct head h = {
		.sequence = p->sequence + 1u,
		.len = p->at,
		.time_floor_s = time_s > p->time_floor_s ? time_s : p->time_floor_s,
		.crc = p->crc,
	};

	memset(p->stage, 0xff, sizeof(p->stage));
	put_head(p->stage, &h);
	return program(p, at);
}

/* ---- chunks --------------------------------------------------------------------------- */

struct chunk {
	uint32_t len;  /* with head and name */
	uint32_t data; /* offset of its octets in the stream */
	uint32_t data_len;
	bool named; /* as was asked */
};

/* The chunk at offset of the stream in force.  false: there is none. */
static bool chunk_at(const struct pages *p, uint32_t offset, struct span name, struct chunk *c)
{
	uint8_t head[CHUNK_HEAD + PAGES_NAME_MAX];
	uint32_t n = p->len - offset < sizeof(head) ? p->len - offset : (uint32_t)sizeof(head);

	if (p->current == NONE || n < CHUNK_HEAD || read_stream(p, offset, head, n) != ST_OK)
		return false;
	c->data_len = load_le16(head + 1);
	c->data = offset + CHUNK_HEAD + head[0];
	c->len = CHUNK_HEAD + head[0] + c->data_len;
	c->named = head[0] <= n - CHUNK_HEAD &&
		span_equal(span_make(head + CHUNK_HEAD, head[0]), name);
	return c->len <= p->len - offset;
}

int pages_read(void *ctx, struct span name, uint32_t offset, void *to, size_t len)
{
	const struct pages *p = ctx;
	uint32_t at = 0;
	bool found = false;
	struct chunk c;

	for (; chunk_at(p, at, name, &c); at += c.len) {
		if (!c.named)
			continue;
		found = true;
		if (offset >= c.data_len) {
			offset -= c.data_len;
			continue;
		}
		if (len > c.data_len - offset)
			len = c.data_len - offset;
		return read_stream(p, c.data + offset, to, len) == ST_OK ? (int)len : ST_IO;
	}
	return found ? 0 : ST_MISSING;
}

/* ---- a change --------------------------------------------------------------------------- */

void pages_abort(struct pages *p)
{
	/* An erase that runs is asked about until it ends, by the next change. */
	if (p->state != ERASING)
		p->state = IDLE;
}

/* status, and the change is over if that is for good. */
static enum status said(struct pages *p, enum status status)
{
	if (status != ST_OK && status != ST_AGAIN)
		p->state = IDLE;
	return status;
}

enum status pages_begin(struct pages *p, struct span name)
{
	int done;

	if (name.len > PAGES_NAME_MAX || p->state > ERASING)
		return ST_BAD;
	if (p->state == IDLE) {
		if (p->flash->ops->erase_begin(p->flash->ctx, other(p)) != ST_OK)
			return ST_IO;
		p->state = ERASING;
	}
	done = p->flash->ops->erase_done(p->flash->ctx);
	if (done <= 0)
		return said(p, done == 0 ? ST_AGAIN : ST_IO);
	p->state = OPEN;
	p->name_len = (uint8_t)name.len;
	if (name.len > 0)
		memcpy(p->name, name.at, name.len);
	p->staged = 0;
	p->at = p->crc = p->copied = p->left = 0;
	return ST_OK;
}

enum status pages_write(struct pages *p, struct span octets)
{
	uint8_t head[CHUNK_HEAD] = { p->name_len };
	enum status status;

	if (p->state != OPEN || p->name_len == 0 || octets.len > UINT16_MAX)
		return ST_BAD;
	store_le16(head + 1, (uint16_t)octets.len);
	status = put(p, span_make(head, sizeof(head)));
	if (status == ST_OK)
		status = put(p, span_make(p->name, p->name_len));
	if (status == ST_OK)
		status = put(p, octets);
	return said(p, status);
}

/* Takes over what stays: ST_AGAIN while there is more. */
static enum status copy_some(struct pages *p)
{
	uint8_t piece[PIECE];
	enum status status;
	struct chunk c;
	uint32_t n;

	if (p->left == 0) {
		if (!chunk_at(p, p->copied, span_make(p->name, p->name_len), &c))
			return ST_OK;
		if (c.named)
			p->copied += c.len;
		else
			p->left = c.len;
		return ST_AGAIN;
	}
	n = p->left < PIECE ? p->left : PIECE;
	if (read_stream(p, p->copied, piece, n) != ST_OK)
		return ST_IO;
	p->copied += n;
	p->left -= n;
	status = put(p, span_make(piece, n));
	return status == ST_OK ? ST_AGAIN : status;
}

static enum status copy(struct pages *p)
{
	enum status status = ST_AGAIN;
	unsigned i;

	for (i = 0; i < COPIES_PER_CALL && status == ST_AGAIN; i++)
		status = copy_some(p);
	return status == ST_OK ? flush(p) : status;
}

static void take_over(struct pages *p, uint32_t time_s)
{
	p->current = (uint8_t)other(p);
	p->sequence++;
	p->len = p->at;
	if (time_s > p->time_floor_s)
		p->time_floor_s = time_s;
	p->state = IDLE;
}

/* Everything so far is to be durable before what follows. */
static enum status sync_begin(struct pages *p, enum pages_state state)
{
	p->state = (uint8_t)state;
	return p->flash->ops->sync_begin(p->flash->ctx) == ST_OK ? ST_AGAIN : ST_IO;
}

static enum status after_sync(struct pages *p, uint32_t time_s)
{
	const uint32_t second = p->flash->geometry.sector_size - slot_len(p);
	int done = p->flash->ops->sync_done(p->flash->ctx);
	enum status status;

	if (done <= 0)
		return done == 0 ? ST_AGAIN : ST_IO;
	if (p->state == SECOND_SYNC) {
		take_over(p, time_s);
		return ST_OK;
	}
	status = program_head(p, time_s, p->state == CONTENT_SYNC ? 0 : second);
	if (status != ST_OK)
		return status;
	return sync_begin(p, p->state == CONTENT_SYNC ? HEAD_SYNC : SECOND_SYNC);
}

enum status pages_commit(struct pages *p, uint32_t time_s)
{
	enum status status;

	if (p->state < OPEN)
		return ST_BAD;
	if (p->state > COPYING)
		return said(p, after_sync(p, time_s));
	p->state = COPYING;
	status = copy(p);
	if (status == ST_OK)
		status = sync_begin(p, CONTENT_SYNC);
	return said(p, status);
}

/* ---- start ------------------------------------------------------------------------------ */

static bool geometry_ok(const struct flash_geometry *g)
{
	return g->sector_count >= 2 && g->page_size >= HEAD_MIN &&
		(g->page_size & (g->page_size - 1u)) == 0 && g->program_unit <= PAGES_STAGE &&
		g->sector_size >= 4u * g->page_size;
}

/* The state once more, in the other sector. */
static enum status renew(struct pages *p)
{
	enum status status;

	do
		status = pages_begin(p, SPAN_EMPTY);
	while (status == ST_AGAIN);
	while (status == ST_OK || status == ST_AGAIN) {
		status = pages_commit(p, 0);
		if (status == ST_OK)
			return ST_OK;
	}
	return status;
}

enum status pages_open(struct pages *p, const struct flash *flash)
{
	struct head h;
	unsigned i, good, heads = 0;

	memset(p, 0, sizeof(*p));
	p->flash = flash;
	p->current = NONE;
	if (!geometry_ok(&flash->geometry))
		return ST_BAD;
	for (i = 0; i < 2; i++) {
		good = look(p, i, &h);
		if (good == 0 || (p->current != NONE && (int32_t)(h.sequence - p->sequence) < 0))
			continue;
		heads = good;
		p->current = (uint8_t)i;
		p->sequence = h.sequence;
		p->len = h.len;
		p->time_floor_s = h.time_floor_s;
	}
	return heads == 1 ? renew(p) : ST_OK;
}
