/* SPDX-License-Identifier: BSD-2-Clause */
/* test_conf_random - the vectors of tests/vectors/conf with octets changed, cut out and
 * doubled: the parser keeps within its input, its text and its arrays. */
#include "conf/conf.h"

#include "base/rng.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS "tests/vectors/conf"
#define ROUNDS 300

static struct conf conf;
static unsigned told;

static void report(void *ctx, uint32_t line, struct span message)
{
	(void)ctx;
	(void)line;
	told++;
	assert_true(message.len > 0 && message.len < CONF_MESSAGE_MAX);
}

static struct conf_errors errors = { .report = report };

static void text_ok(struct conf_text t)
{
	assert_true(t.at + t.len <= conf.text_len && conf.text_len <= CONFIG_CONF_TEXT);
}

static void check(enum status st)
{
	size_t i;

	assert_int_equal(st == ST_OK, errors.count == 0);
	assert_int_equal(told, errors.count);
	for (i = 0; i < conf.alias_count; i++) {
		text_ok(conf.alias[i].name);
		text_ok(conf.alias[i].targets);
	}
	for (i = 0; i < conf.deliver_count; i++) {
		text_ok(conf.deliver[i].pattern);
		text_ok(conf.deliver[i].path);
	}
	assert_true(conf.listen_count <= CONFIG_CONF_LISTENS &&
		conf.retry_count <= CONFIG_CONF_RETRIES);
	assert_true(conf_has(conf.hostname) && conf.local_domain_count > 0);
	if (st == ST_OK)
		assert_true(
			conf.listen_count > 0 && conf.relay_from_count > 0 && conf.retry_count > 0);
}

/* One change at a random place of the n octets; the new length, at most cap. */
static size_t change(struct rng *rng, char *text, size_t n, size_t cap)
{
	static const char pool[] = "\n\n  \t\"\\#=@:*%./[]0159kx\r\x80\xc3\xa9\xff\x00\x1b-,";
	size_t at = rng_below(rng, (uint32_t)n), len = rng_below(rng, 40);

	text[at] = pool[rng_below(rng, sizeof(pool))];
	if (at + len >= n || n + len >= cap)
		return n;
	switch (rng_below(rng, 3)) {
	case 0: memmove(text + at, text + at + len, n - at - len); return n - len;
	case 1: memmove(text + at + len, text + at, n - at); return n + len;
	default: return n;
	}
}

/* The text ends where memory does, so that an octet too far is seen. */
static void parse(const char *text, size_t n)
{
	const struct conf_defaults d = { .hostname = SPAN("gw.example.net"),
		.base_dir = SPAN("/etc") };
	uint8_t *copy = malloc(n + 1);

	memcpy(copy + 1, text, n);
	told = 0;
	check(conf_parse(&conf, span_make(copy + 1, n), &d, &errors));
	free(copy);
}

static void aliases(struct rng *rng, const char *text, size_t n)
{
	size_t i;

	for (i = 0; i < n; i += 1 + rng_below(rng, 200)) {
		size_t len = rng_below(rng, (uint32_t)(n - i) + 1);
		uint8_t *copy = malloc(len + 1);

		memcpy(copy + 1, text + i, len);
		conf_alias_line(&conf, span_make(copy + 1, len), 1, &errors);
		free(copy);
	}
	conf_alias_finish(&conf, &errors);
	check(errors.count == 0 ? ST_OK : ST_BAD);
}

static void rounds(const char *name)
{
	static char vector[16384], text[sizeof(vector) * 2];
	const uint8_t seed[16] = "test_conf";
	char path[512];
	struct rng rng;
	size_t n, len;
	FILE *f;
	int round, i;

	snprintf(path, sizeof(path), VECTORS "/%s", name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(vector, 1, sizeof(vector), f);
	fclose(f);
	rng_seed(&rng, seed);
	for (round = 0; round < ROUNDS; round++) {
		memcpy(text, vector, n);
		len = n;
		for (i = (int)rng_below(&rng, 12); i > 0 && len > 0; i--)
			len = change(&rng, text, len, sizeof(text));
		parse(text, len);
		aliases(&rng, text, len);
	}
}

static void random_input(void **state)
{
	DIR *dir = opendir(VECTORS);
	struct dirent *entry;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		if (strstr(entry->d_name, ".conf"))
			rounds(entry->d_name);
	closedir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_input) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
