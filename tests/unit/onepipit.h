/* SPDX-License-Identifier: BSD-2-Clause */
/* onepipit - one whole pipit in a world made of arrays, for the tests that include this. */
#ifndef PIPIT_TESTS_ONEPIPIT_H
#define PIPIT_TESTS_ONEPIPIT_H

#include "harness/world.h"
#include "unit.h"

#include <stdio.h>

static struct world w;
static struct pipit p;

#define CONF \
	"hostname here.test\nlocal_domain here.test\ndeliver *@here.test maildir /mail/%u\n" \
	"smarthost 192.0.2.25:25 tls=none\nretry 10s 20s 40s\nexpire 200s\nwarn_delay 50s\n"

static inline void boot(bool wall_known, const char *conf)
{
	struct pipit_problem where;
	enum status status;

	world_reboot(&w, wall_known);
	status = pipit_init(&p, &w.pipit, span_of(conf), &where);
	if (status != ST_OK)
		print_message("pipit_init: %d line %u %s\n", status, (unsigned)where.line,
			where.text);
	assert_int_equal(status, ST_OK);
	world_run(&w, &p, 50);
}

static inline void start(bool wall_known)
{
	world_init(&w, wall_known);
	boot(wall_known, CONF);
}

static inline int submit(const char *from, const char *to)
{
	int c = world_connect(&w, "127.0.0.1");

	world_say(&w, c, "EHLO client.test\r\nMAIL FROM:<");
	world_say(&w, c, from);
	world_say(&w, c, ">\r\nRCPT TO:<");
	world_say(&w, c, to);
	world_say(&w, c, ">\r\nDATA\r\n");
	world_run(&w, &p, 50);
	assert_true(world_heard(&w, c, "\r\n354 "));
	world_say(&w, c, "Subject: hello\r\n\r\n..dot\r\n.\r\nQUIT\r\n");
	return c;
}

static inline uint32_t queued(void)
{
	struct queue_stats stats;

	queue_stats(&p.core.queue, &stats);
	return stats.messages;
}

/* SHOW_LOG=1 shows what the pipit logged. */
static inline int show_log(void **state)
{
	(void)state;
	if (getenv("SHOW_LOG") != NULL)
		(void)fwrite(w.log.at, 1, w.log.len, stdout);
	return 0;
}

#endif
