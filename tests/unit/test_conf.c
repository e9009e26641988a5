/* SPDX-License-Identifier: BSD-2-Clause */
/* test_conf - the configuration text: tests/vectors/conf, values, limits, aliases. */
#include "conf/conf.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS "tests/vectors/conf"

static struct conf conf;

/* ---- errors as text: "LINE: MESSAGE\n" ------------------------------------------ */

static char told[65536];
static size_t told_len;

static void report(void *ctx, uint32_t line, struct span message)
{
	(void)ctx;
	assert_true(message.len > 0 && message.len < CONF_MESSAGE_MAX);
	if (told_len + message.len + 16 < sizeof(told))
		told_len += (size_t)snprintf(told + told_len, sizeof(told) - told_len, "%u: %.*s\n",
			line, (int)message.len, (const char *)message.at);
}

static struct conf_errors errors = { .report = report };

/* The text ends where memory does, so that ASan sees an octet too far. */
static enum status parse(struct span text)
{
	const struct conf_defaults d = { .hostname = SPAN("gw.example.net"),
		.base_dir = SPAN("/etc/pipit") };
	uint8_t *copy = malloc(text.len + 1);
	enum status st;

	told_len = 0;
	told[0] = '\0';
	memset(&conf, 0xa5, sizeof(conf));
	memcpy(copy + 1, text.at, text.len);
	st = conf_parse(&conf, span_make(copy + 1, text.len), &d, &errors);
	free(copy);
	return st;
}

static void parse_ok(const char *text)
{
	if (parse(span_of(text)) != ST_OK)
		fail_msg("%s", told);
}

static void parse_bad(const char *text, const char *expected)
{
	assert_int_equal(parse(span_of(text)), ST_BAD);
	assert_string_equal(told, expected);
}

static void text_is(struct conf_text t, const char *expected)
{
	struct span s = conf_span(&conf, t);

	assert_int_equal(s.len, strlen(expected));
	assert_memory_equal(s.at, expected, s.len);
}

static void endpoint_is(const struct ip_endpoint *e, const char *expected)
{
	char text[IP_ENDPOINT_TEXT_MAX + 1];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	ip_endpoint_put(&b, e);
	buf_put_byte(&b, 0);
	assert_string_equal(text, expected);
}

/* ---- the vectors ---------------------------------------------------------------- */

static size_t read_vector(const char *name, char *to, size_t cap)
{
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), VECTORS "/%s", name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s cannot be read", path);
	n = fread(to, 1, cap - 1, f);
	fclose(f);
	to[n] = '\0';
	return n;
}

static void expected_errors(const char *text, char *to, size_t cap)
{
	size_t n = 0;

	to[0] = '\0';
	while ((text = strstr(text, "#! ")) != NULL) {
		n += (size_t)snprintf(to + n, cap - n, "%.*s\n", (int)strcspn(text + 3, "\n"),
			text + 3);
		assert_true(n < cap);
		text += 3;
	}
}

static void vectors(void **state)
{
	static char text[16384], expected[16384];
	DIR *dir = opendir(VECTORS);
	struct dirent *entry;
	int count = 0, wrong = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		size_t n;

		if (!strstr(entry->d_name, ".conf"))
			continue;
		count++;
		n = read_vector(entry->d_name, text, sizeof(text));
		expected_errors(text, expected, sizeof(expected));
		if ((parse(span_make(text, n)) == ST_OK) == (expected[0] == '\0') &&
			strcmp(told, expected) == 0)
			continue;
		wrong++;
		print_error("%s: told\n%sinstead of\n%s", entry->d_name, told, expected);
	}
	closedir(dir);
	assert_true(count >= 20);
	assert_int_equal(wrong, 0);
}

/* ---- values --------------------------------------------------------------------- */

static void nothing_said_is_loopback_only(void **state)
{
	static const uint32_t retry_s[] = { 60, 300, 900, 3600, 14400 };

	(void)state;
	parse_ok("");
	assert_int_equal(conf.listen_count, 2);
	endpoint_is(&conf.listen[0].at, "127.0.0.1:25");
	endpoint_is(&conf.listen[1].at, "[::1]:25");
	assert_int_equal(conf.relay_from_count, 2);
	assert_int_equal(conf.relay_from[0].bits, 8);
	assert_int_equal(conf.relay_from[0].ip.bytes[0], 127);
	assert_int_equal(conf.relay_from[1].bits, 128);
	assert_true(ip_is_loopback(&conf.relay_from[1].ip));
	text_is(conf.hostname, "gw.example.net");
	assert_int_equal(conf.local_domain_count, 2);
	text_is(conf.local_domain[0], "gw.example.net");
	text_is(conf.local_domain[1], "localhost");
	assert_int_equal(conf.retry_count, 5);
	assert_memory_equal(conf.retry_s, retry_s, sizeof(retry_s));
	assert_int_equal(conf.expire_s, 5 * 86400);
	assert_int_equal(conf.warn_delay_s, 4 * 3600);
	assert_int_equal(conf.max_message_size, 10 << 20);
	assert_int_equal(conf.max_recipients, 100);
	assert_int_equal(conf.mx_port, 25);
	assert_int_equal(conf.log_level, 2);
	assert_int_equal(conf.ip_version, 0);
	assert_int_equal(conf.deliver_count + conf.smarthost_count + conf.route_count +
			conf.device_count + conf.dns_server_count + conf.alias_count,
		0);
	assert_false(
		conf_has(conf.postmaster) || conf_has(conf.control) || conf_has(conf.queue_path));
}

static void every_value_arrives(void **state)
{
	static char text[16384];

	(void)state;
	read_vector("full.conf", text, sizeof(text));
	parse_ok(text);
	text_is(conf.hostname, "gw.example.net");
	text_is(conf.postmaster, "ops@example.net");
	assert_int_equal(conf.listen_count, 2);
	endpoint_is(&conf.listen[1].at, "[::1]:2525");
	assert_int_equal(conf.relay_from_count, 3);
	assert_int_equal(conf.relay_from[2].bits, 24);
	assert_int_equal(conf.device_count, 2);
	assert_true(conf.device[0].legacy && !conf.device[1].legacy);
	text_is(conf.device[0].from, "camera@example.net");
	assert_false(conf_has(conf.device[1].from));
	assert_int_equal(conf.local_domain_count, 2);
	text_is(conf.local_domain[1], "lan");
	assert_int_equal(conf.deliver_count, 3);
	text_is(conf.deliver[0].pattern, "alerts@lan");
	text_is(conf.deliver[1].pattern, "*@lan");
	text_is(conf.deliver[1].path, "/srv/mail/%u");
	text_is(conf.deliver[2].path, "/etc/pipit/mail/%d/%r");
	assert_true(conf.deliver[2].users_system && !conf.deliver[1].users_system);
	text_is(conf.masquerade, "example.net");
	assert_int_equal(conf.smarthost_count, 2);
	text_is(conf.smarthost[0].host, "smtp.example.net");
	assert_int_equal(conf.smarthost[0].port, 587);
	assert_int_equal(conf.smarthost[0].tls, CONF_TLS_OPPORTUNISTIC);
	text_is(conf.smarthost[1].host, "[192.0.2.1]");
	assert_int_equal(conf.smarthost[1].tls, CONF_TLS_NONE);
	assert_int_equal(conf.route_count, 3);
	text_is(conf.route[1].domain, "*.example.org");
	text_is(conf.route[1].host, "192.0.2.7");
	assert_int_equal(conf.route[1].port, 25);
	assert_int_equal(conf.route[1].tls, CONF_TLS_OPPORTUNISTIC);
	text_is(conf.route[2].host, "[2001:db8::7]");
	assert_int_equal(conf.route[2].port, 2525);
	text_is(conf.aliases_file, "/etc/aliases");
	assert_int_equal(conf.dns_server_count, 3);
	endpoint_is(&conf.dns_server[0], "192.168.1.1:53");
	endpoint_is(&conf.dns_server[1], "192.168.1.2:5353");
	endpoint_is(&conf.dns_server[2], "[2001:db8::53]:53");
	assert_int_equal(conf.mx_port, 2525);
	text_is(conf.ntp_server, "pool.example.net");
	assert_int_equal(conf.ip_version, 3);
	text_is(conf.queue_path, "/var/lib/pipit/queue");
	assert_int_equal(conf.queue_size, 64 << 20);
	text_is(conf.control, "/run/pipit/control");
	assert_int_equal(conf.log_level, 3);
	assert_int_equal(conf.alias_count, 3);
	text_is(conf.alias[2].name, "info@lan");
	text_is(conf.alias[0].name, "root");
	text_is(conf.alias[1].targets, "root postmaster@example.net");
}

static void numbers_with_units(void **state)
{
	static const struct {
		const char *text;
		uint32_t seconds;
	} times[] = { { "1", 1 }, { "90s", 90 }, { "3m", 180 }, { "2h", 7200 }, { "2D", 172800 },
		{ "365d", 31536000 } };
	static const struct {
		const char *text;
		uint32_t octets;
	} sizes[] = { { "1024", 1024 }, { "1k", 1024 }, { "10M", 10 << 20 }, { "3G", 3u << 30 } };
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		snprintf(text, sizeof(text), "expire %s", times[i].text);
		parse_ok(text);
		assert_int_equal(conf.expire_s, times[i].seconds);
	}
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(text, sizeof(text), "max_message_size %s", sizes[i].text);
		parse_ok(text);
		assert_int_equal(conf.max_message_size, sizes[i].octets);
	}
	parse_ok("warn_delay 0\nretry 1s 1s 2s");
	assert_int_equal(conf.warn_delay_s, 0);
	assert_int_equal(conf.retry_count, 3);
	assert_int_equal(conf.retry_s[2], 2);
	parse_ok("expire 1h");
	assert_int_equal(conf.warn_delay_s, 0);
	parse_ok("warn_delay 119h\n");
	assert_int_equal(conf.warn_delay_s, 119 * 3600);
}

static void words_and_quotes(void **state)
{
	(void)state;
	parse_ok("queue \"a \\\"b\\\" \\\\c#d\" \t2M\t# comment \"\ncontrol /run/\"p q\"/\"\"x#y");
	text_is(conf.queue_path, "/etc/pipit/a \"b\" \\c#d");
	assert_int_equal(conf.queue_size, 2 << 20);
	text_is(conf.control, "/run/p q/x#y");
	parse_ok("\n\n  \t\n   # only a comment\n\tlog\t\"error\"");
	assert_int_equal(conf.log_level, 0);
	parse_ok("aliases b\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa6");
	text_is(conf.aliases_file, "/etc/pipit/b\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa6");
}

static void octets_that_no_line_may_have(void **state)
{
	static const struct span bad[] = {
		SPAN_INIT("log info\0"),
		SPAN_INIT("log info #\x1b[2J"),
		SPAN_INIT("log\rinfo"),
		SPAN_INIT("\x7f"),
		SPAN_INIT("#\x80"),
		SPAN_INIT("#\xc3"),
		SPAN_INIT("#\xc3("),
		SPAN_INIT("#\xc0\xaf"),
		SPAN_INIT("#\xc2\x9b"),
		SPAN_INIT("#\xe0\x9f\xbf"),
		SPAN_INIT("#\xed\xa0\x80"),
		SPAN_INIT("#\xef\xbb"),
		SPAN_INIT("#\xf0\x8f\xbf\xbf"),
		SPAN_INIT("#\xf4\x90\x80\x80"),
		SPAN_INIT("#\xf8\x88\x80\x80\x80"),
		SPAN_INIT("#\xff"),
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i]), ST_BAD);
		assert_string_equal(told, "1: control character or broken UTF-8; remove it\n");
	}
	/* The line is skipped, the next ones are not. */
	assert_int_equal(parse(SPAN("log \0\nlog x\n")), ST_BAD);
	assert_int_equal(errors.count, 2);
}

static void a_long_line_is_an_error(void **state)
{
	char text[CONF_LINE_MAX + 64];

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "log debug", 9);
	strcpy(text + CONF_LINE_MAX, "\r\n");
	parse_ok(text);
	assert_int_equal(conf.log_level, 3);
	strcpy(text + CONF_LINE_MAX, "x\nlog");
	parse_bad(text,
		"1: the line is too long; split it\n"
		"2: log: a value is missing; expected error, warning, info, debug\n");
	memset(text, 'x', sizeof(text));
	memcpy(text, "control ", 8);
	text[8 + CONF_WORD_MAX] = '\0';
	parse_ok(text);
	text[8 + CONF_WORD_MAX] = 'x';
	text[9 + CONF_WORD_MAX] = '\0';
	assert_int_equal(parse(span_of(text)), ST_BAD);
	assert_non_null(strstr(told, "...\" is cut off or badly quoted"));
}

static void a_long_value_is_cut_between_characters(void **state)
{
	char text[512] = "log x";
	int i;

	(void)state;
	for (i = 0; i < 40; i++)
		strcat(text, "\xc3\xa9");
	assert_int_equal(parse(span_of(text)), ST_BAD);
	assert_non_null(strstr(told, "x\xc3\xa9"));
	assert_non_null(strstr(told, "\xc3\xa9...\" is wrong"));
}

/* ---- limits --------------------------------------------------------------------- */

/* n lines of `format` with two numbers fit behind `before`, one more does not. */
static void holds(const char *before, const char *format, unsigned n, const char *symbol)
{
	size_t cap = (n + 2) * 64, len;
	char *text = malloc(cap), expected[128];
	unsigned i;

	len = (size_t)snprintf(text, cap, "%s", before);
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, cap - len, format, i % 250 + 1, i / 250);
	parse_ok(text);
	snprintf(text + len, cap - len, format, n % 250 + 1, n / 250);
	assert_int_equal(parse(span_of(text)), ST_BAD);
	snprintf(expected, sizeof(expected), "does not fit in this build; raise %s\n", symbol);
	assert_non_null(strstr(told, expected));
	assert_int_equal(errors.count, 1);
	free(text);
}

static void what_does_not_fit_names_its_symbol(void **state)
{
	char text[CONFIG_CONF_RETRIES * 4 + 16] = "retry";
	int i;

	(void)state;
	holds("", "listen 192.0.2.%u:%u5\n", CONFIG_CONF_LISTENS, "CONF_LISTENS");
	holds("", "relay_from 192.%u.%u.0/24\n", CONFIG_CONF_RELAY_FROM, "CONF_RELAY_FROM");
	holds("postmaster a@b\nalias a b@c\n", "local_domain d%u-%u\n", CONFIG_CONF_LOCAL_DOMAINS,
		"CONF_LOCAL_DOMAINS");
	holds("", "deliver u%u-%u@* maildir /m\n", CONFIG_CONF_DELIVERS, "CONF_DELIVERS");
	holds("", "smarthost h%u-%u tls=none\n", CONFIG_CONF_SMARTHOSTS, "CONF_SMARTHOSTS");
	holds("", "route d%u-%u h\n", CONFIG_CONF_ROUTES, "CONF_ROUTES");
	holds("", "device 192.%u.%u.1\n", CONFIG_CONF_DEVICES, "CONF_DEVICES");
	holds("", "dns_server 192.%u.%u.1\n", CONFIG_CONF_DNS_SERVERS, "CONF_DNS_SERVERS");
	holds("", "alias %u.%u a@b\n", CONFIG_CONF_ALIASES, "CONF_ALIASES");
	for (i = 0; i < CONFIG_CONF_RETRIES; i++)
		strcat(text, " 1m");
	parse_ok(text);
	strcat(text, " 1m");
	parse_bad(text, "1: retry: \"1m\" does not fit in this build; raise CONF_RETRIES\n");
}

static void a_full_text_names_its_symbol(void **state)
{
	static char text[2 * CONFIG_CONF_TEXT + 1024];
	static const char line[] = "device 192.0.2.%d from=a@%030d.%050d.%050d.%050d\n";
	size_t len = 0;
	int i;

	(void)state;
	for (i = 0; i < CONFIG_CONF_DEVICES && len < CONFIG_CONF_TEXT; i++)
		len += (size_t)snprintf(text + len, 256, line, i + 1, 0, 0, 0, 0);
	for (i = 0; i < CONFIG_CONF_ALIASES && len < CONFIG_CONF_TEXT * 3 / 2; i++)
		len += (size_t)snprintf(text + len, 256, "alias a%d a@%050d.%050d.%050d.%050d\n", i,
			0, 0, 0, 0);
	assert_true(len > CONFIG_CONF_TEXT + 256);
	assert_int_equal(parse(span_make(text, len)), ST_BAD);
	assert_non_null(strstr(told, "does not fit in this build; raise CONF_TEXT\n"));
	assert_true(conf.text_len <= CONFIG_CONF_TEXT);
}

/* ---- the aliases file ------------------------------------------------------------- */

static void alias_is(const char *name, const char *targets)
{
	struct span s = conf_alias_find(&conf, span_of(name));

	if (!span_equal(s, span_of(targets)))
		fail_msg("%s: %.*s", name, (int)s.len, (const char *)s.at);
}

static enum status alias_line(const char *line)
{
	return conf_alias_line(&conf, span_of(line), 7, &errors);
}

static void alias_file(void **state)
{
	static const char *const bad[] = {
		"nothing",
		"x:",
		"x: ,",
		": y",
		"x: a b c@",
		"x: |/bin/x",
		"x: \"|/bin/x a\"",
		"x: /var/mail/x",
		"x: :include:/etc/x",
		"x: \"a b\"@c",
		"x: a@",
		"x y: z",
		"ROOT: z",
		"in@else.example: z",
		"x: a\x01",
	};
	size_t i;

	(void)state;
	parse_ok("alias root ops@example.net\naliases /etc/aliases");
	assert_int_equal(alias_line("# a comment"), ST_OK);
	assert_int_equal(alias_line("  \t"), ST_OK);
	assert_int_equal(alias_line("Postmaster:root"), ST_OK);
	assert_int_equal(alias_line("team :\tada , bob@b.example,\\team,"), ST_OK);
	assert_int_equal(alias_line("\"abuse\": postmaster"), ST_OK);
	assert_int_equal(alias_line("x@gw.example.net: y"), ST_OK);
	assert_int_equal(conf_alias_finish(&conf, &errors), ST_OK);
	assert_int_equal(errors.count, 0);
	alias_is("ROOT", "ops@example.net");
	alias_is("postmaster", "root");
	alias_is("Team", "ada bob@b.example \\team");
	alias_is("abuse", "postmaster");
	alias_is("x@GW.example.net", "y");
	alias_is("x", "");
	alias_is("", "");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (alias_line(bad[i]) != ST_BAD || errors.count != i + 1)
			fail_msg("%s", bad[i]);
	assert_int_equal(conf.alias_count, 5);
	assert_int_equal(alias_line("l1: l2"), ST_OK);
	assert_int_equal(alias_line("l2: L1@gw.example.net, a@b"), ST_OK);
	told_len = 0;
	assert_int_equal(conf_alias_finish(&conf, &errors), ST_BAD);
	assert_string_equal(told,
		"0: alias: \"l1\" leads back to itself, or on and on; end it with an address\n"
		"0: alias: \"l2\" leads back to itself, or on and on; end it with an address\n");
}

static void many_aliases(void **state)
{
	char name[16];
	int i, n = CONFIG_CONF_ALIASES < 500 ? CONFIG_CONF_ALIASES : 500;
	char text[32];

	(void)state;
	parse_ok("aliases x");
	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%c%d: t%d", i % 2 ? 'n' : 'N', i * 7919 % n,
			i * 7919 % n);
		assert_int_equal(alias_line(text), ST_OK);
	}
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(text, sizeof(text), "t%d", i);
		alias_is(name, text);
	}
}

/* ---- the best `deliver` line -------------------------------------------------------- */

static void the_most_exact_deliver_line_wins(void **state)
{
	(void)state;
	parse_ok("local_domain a b\ndeliver *@* maildir /0\ndeliver *@a maildir /1\n"
		 "deliver u@* maildir /2\ndeliver u@a maildir /3\n");
	assert_int_equal(conf_deliver_find(&conf, SPAN("U"), SPAN("A")), 3);
	assert_int_equal(conf_deliver_find(&conf, SPAN("u"), SPAN("b")), 2);
	assert_int_equal(conf_deliver_find(&conf, SPAN("v"), SPAN("a")), 1);
	assert_int_equal(conf_deliver_find(&conf, SPAN("v"), SPAN("b")), 0);
	parse_ok(
		"local_domain a b\npostmaster p@q\ndeliver u@a maildir /3\ndeliver *@b maildir /4");
	assert_int_equal(conf_deliver_find(&conf, SPAN("v"), SPAN("a")), -1);
	assert_int_equal(conf_deliver_find(&conf, SPAN("*"), SPAN("a")), -1);
}

static void a_host_without_a_good_name_is_localhost(void **state)
{
	static const struct span names[] = { { NULL, 0 }, SPAN_INIT("(none)"), SPAN_INIT("my_host"),
		SPAN_INIT("localhost") };
	struct conf_defaults d = { .hostname = SPAN_EMPTY };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		d.hostname = names[i];
		assert_int_equal(conf_parse(&conf, SPAN("control x"), &d, &errors), ST_OK);
		text_is(conf.hostname, "localhost");
		assert_int_equal(conf.local_domain_count, 1);
		text_is(conf.control, "x");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(nothing_said_is_loopback_only),
		cmocka_unit_test(every_value_arrives),
		cmocka_unit_test(numbers_with_units),
		cmocka_unit_test(words_and_quotes),
		cmocka_unit_test(octets_that_no_line_may_have),
		cmocka_unit_test(a_long_line_is_an_error),
		cmocka_unit_test(a_long_value_is_cut_between_characters),
		cmocka_unit_test(what_does_not_fit_names_its_symbol),
		cmocka_unit_test(a_full_text_names_its_symbol),
		cmocka_unit_test(alias_file),
		cmocka_unit_test(many_aliases),
		cmocka_unit_test(the_most_exact_deliver_line_wins),
		cmocka_unit_test(a_host_without_a_good_name_is_localhost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
