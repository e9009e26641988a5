/* SPDX-License-Identifier: BSD-2-Clause */
/* conf - the run-time configuration: one text in, one value out, or every error at once.
 *
 * Pure.  The value owns copies of all strings, in one text; a conf_text is a
 * place in it, so the value may be copied and moved.  An empty text is a safe loopback-only MTA.
 * Grammar: a line is `keyword value ...`, # starts a comment, "values may be
 * quoted", sizes take K M G, times s m h d, lists are words on one line.
 */
#ifndef PIPIT_CONF_CONF_H
#define PIPIT_CONF_CONF_H

#include "base/ip.h"
#include "base/status.h"
#include "mail/address.h"
#include "pipit_limits.h"

struct conf_text {
	uint16_t at, len;
};

enum conf_tls {
	CONF_TLS_NONE,
	CONF_TLS_OPPORTUNISTIC
}; /* required, verified, implicit come with TLS */

struct conf_listen {
	struct ip_endpoint at;
};

struct conf_alias {
	struct conf_text name;    /* local part, or local@domain */
	struct conf_text targets; /* addresses, separated by one blank */
};

struct conf_deliver {
	struct conf_text pattern; /* local@domain, each may be "*" */
	struct conf_text path;    /* maildir, absolute, with %u %d %r; empty: callback */
	bool users_system;        /* users=system: the local part must be a user of the system */
};

struct conf_host { /* a smarthost, or a route's next hop */
	struct conf_text
		domain; /* route: the domain it is for ("*.example" takes subdomains, "*" all) */
	struct conf_text host; /* name, or address literal; a name means its A/AAAA, never its MX */
	uint16_t port;
	uint8_t tls; /* enum conf_tls */
};

struct conf_device {
	struct ip ip;
	bool legacy;
	struct conf_text from; /* an address, or empty */
};

struct conf {
	struct conf_text hostname, postmaster, masquerade, aliases_file, control, queue_path;
	struct conf_text ntp_server; /* for the port; empty: whom it likes */
	uint32_t queue_size;         /* bytes; 0: as it is, or the port's default */
	uint32_t max_message_size;
	uint32_t expire_s, warn_delay_s; /* warn_delay_s 0: no warning */
	uint32_t retry_s[CONFIG_CONF_RETRIES];
	uint16_t mx_port, max_recipients;
	uint8_t retry_count;
	uint8_t ip_version;  /* enum mx_ip_version: 0 any, 1 4, 2 6, 3 prefer4, 4 prefer6 */
	uint8_t cut_through; /* 0: off, the only one in this build */
	uint8_t log_level;   /* enum log_level */
	uint8_t listen_count, relay_from_count, local_domain_count, deliver_count, smarthost_count,
		route_count, device_count, dns_server_count;
	uint16_t alias_count;
	uint16_t text_len;
	struct conf_listen listen[CONFIG_CONF_LISTENS];
	struct ip_prefix relay_from[CONFIG_CONF_RELAY_FROM];
	struct conf_text local_domain[CONFIG_CONF_LOCAL_DOMAINS];
	struct conf_deliver deliver[CONFIG_CONF_DELIVERS];
	struct conf_host smarthost[CONFIG_CONF_SMARTHOSTS];
	struct conf_host route[CONFIG_CONF_ROUTES];
	struct conf_device device[CONFIG_CONF_DEVICES];
	struct ip_endpoint dns_server[CONFIG_CONF_DNS_SERVERS];
	struct conf_alias alias[CONFIG_CONF_ALIASES];
	uint8_t text[CONFIG_CONF_TEXT];
};

/* Told once per error: first what single lines have wrong, in their order, then
 * what does not fit together.  message is a sentence that says what is wrong and
 * what is expected, without file or line; line 0 is the text as a whole. */
struct conf_errors {
	void (*report)(void *ctx, uint32_t line, struct span message);
	void *ctx;
	uint32_t count; /* filled by conf_parse */
};

/* What the port knows and a text may leave out. */
struct conf_defaults {
	struct span hostname; /* the system's; used when no hostname line is there */
	struct span base_dir; /* in front of relative paths; empty: none */
	bool callback;        /* the program around takes mail: `deliver ... callback` */
};

/* *c is overwritten.  ST_OK, or ST_BAD after all errors were reported. */
enum status conf_parse(struct conf *c, struct span text, const struct conf_defaults *d,
	struct conf_errors *errors);

#if CONFIG_ALIASES_FILE

/* Adds one line of an aliases(5) file (name: target, target ...; # comments; a
 * line that starts with a blank continues the one before: the caller joins them).
 * Targets that are |commands, /files or :include: are an error that is reported,
 * and so is a name that the configuration has already; errors->count is added to. */
enum status conf_alias_line(struct conf *c, struct span line, uint32_t number,
	struct conf_errors *errors);

/* After the last conf_alias_line: ST_BAD when aliases lead back to themselves or are
 * more than ALIAS_DEPTH_MAX deep; reported with line 0. */
enum status conf_alias_finish(struct conf *c, struct conf_errors *errors);

#else

static inline enum status conf_alias_line(struct conf *c, struct span line, uint32_t number,
	struct conf_errors *errors)
{
	(void)c;
	(void)line;
	(void)number;
	(void)errors;
	return ST_OK;
}

static inline enum status conf_alias_finish(struct conf *c, struct conf_errors *errors)
{
	(void)c;
	(void)errors;
	return ST_OK;
}

#endif

/* The targets of an alias name (without case), or empty. */
#if CONFIG_ALIASES
struct span conf_alias_find(const struct conf *c, struct span name);
#else
static inline struct span conf_alias_find(const struct conf *c, struct span name)
{
	(void)c;
	(void)name;
	return SPAN_EMPTY;
}
#endif

struct span conf_span(const struct conf *c, struct conf_text t);
bool conf_text_is(const struct conf *c, struct conf_text t, struct span s); /* without case */

static inline bool conf_has(struct conf_text t)
{
	return t.len > 0;
}

bool conf_domain_is_local(const struct conf *c, struct span domain);

/* The index of the `deliver` line that takes local@domain, or -1: an exact name
 * before "*", then an exact domain before "*", then the first.  An empty local is anybody. */
#if CONFIG_LOCAL_DELIVERY
int conf_deliver_find(const struct conf *c, struct span local, struct span domain);
#else
static inline int conf_deliver_find(const struct conf *c, struct span local, struct span domain)
{
	(void)c;
	(void)local;
	(void)domain;
	return -1;
}
#endif

#endif
