/* SPDX-License-Identifier: BSD-2-Clause */
/* parse - what the files of this folder share: one line being read, and how an error is told.
 *
 * Private to conf/.  parse.c takes lines apart into words and finds the
 * keyword's row; the row says where its values go and which reader of values.c
 * turns a word into one; relations.c checks what only the whole text can tell.
 * A reader finds its value in `word`, may take more words, tells what is wrong and
 * returns; that the line ends then is checked by parse.c.
 */
#ifndef PIPIT_CONF_PARSE_H
#define PIPIT_CONF_PARSE_H

#include "conf/conf.h"

#include <string.h>

struct conf_reader;

/* How two entries of a list are known to be the same: CONF_SAME_TEXT compares the text
 * that an entry begins with, any other number that many of its first octets. */
enum { CONF_SAME_NEVER = 0, CONF_SAME_TEXT = 255 };

/* The arg of readers that take the rest of the line for one entry. */
enum { CONF_WHOLE_LINE = 255 };

struct conf_keyword {
	const char *text; /* its name, NUL, what its values are; for a list NUL, its symbol */
	void (*read)(struct conf_reader *r, void *place);
	uint16_t at;         /* offset in struct conf */
	uint16_t count_at;   /* for a list: of its count, one octet */
	uint8_t stride, max; /* of a list; stride 0: one value, max 0: not even that is stored */
	uint8_t same;
	uint8_t arg; /* the reader's */
};

struct conf_reader {
	struct conf *c;
	struct conf_errors *errors;
	const struct conf_keyword *keyword; /* of the line; NULL: none, or not known */
	struct span word;                   /* the value at hand; messages show it */
	struct span rest;                   /* of the line */
	struct span text;                   /* all of it, for conf_line_of */
	struct span base_dir;
	bool callback;
	uint32_t line;
	bool failed; /* an error in this line was told */
	bool quiet;
	bool commas;                 /* separate words as blanks do: aliases(5) */
	uint8_t bare[CONF_WORD_MAX]; /* word without its quotes */
};

/* Moves to the next word, quotes taken off; false: there is none, or it is no word
 * and that was told. */
bool conf_word(struct conf_reader *r);

/* The same, but a missing word is told. */
bool conf_need(struct conf_reader *r);

bool conf_word_is(const struct conf_reader *r, const char *text);

/* ---- errors: `KEYWORD: "WORD" WHAT MORE` ---------------------------------------- */

#define CONF_TOLD_MAX 48u /* octets of a value that a message shows */

void conf_tell_with(struct conf_reader *r, const char *what, const char *more);

#if CONFIG_CONF_ADVICE

/* advice.c: what exactly is wrong, and what to do about it. */
static inline void conf_tell(struct conf_reader *r, const char *what, const char *more)
{
	conf_tell_with(r, what, more);
}
void conf_wrong(struct conf_reader *r); /* ... is wrong, or not in this build; expected ... */
void conf_repeated(struct conf_reader *r);
/* Tells it when an entry of the list before place has the same value. */
void conf_check_repeated(struct conf_reader *r, const uint8_t *list, const uint8_t *place);
void conf_no_room(struct conf_reader *r, const char *symbol);
void conf_unknown(struct conf_reader *r); /* is no keyword */
void conf_twice(struct conf_reader *r, uint32_t first);
void conf_check(struct conf_reader *r, bool domains_said); /* what the whole text can tell */
void conf_check_aliases(struct conf_reader *r);            /* that never end, or too late */
void conf_check_is_local(struct conf_reader *r); /* the domain of r's word, if it has one */
#define CONF_ADVICE(text) text

#else

/* One sentence for all, and only what would do harm is found. */
void conf_wrong(struct conf_reader *r);

static inline void conf_tell(struct conf_reader *r, const char *what, const char *more)
{
	(void)what;
	(void)more;
	conf_wrong(r);
}

static inline void conf_repeated(struct conf_reader *r)
{
	conf_wrong(r);
}

static inline void conf_check_repeated(struct conf_reader *r, const uint8_t *list,
	const uint8_t *place)
{
	(void)r;
	(void)list;
	(void)place;
}

static inline void conf_no_room(struct conf_reader *r, const char *symbol)
{
	(void)symbol;
	conf_wrong(r);
}

static inline void conf_unknown(struct conf_reader *r)
{
	conf_wrong(r);
}

static inline void conf_twice(struct conf_reader *r, uint32_t first)
{
	(void)first;
	conf_wrong(r);
}

static inline void conf_check(struct conf_reader *r, bool domains_said)
{
	(void)r;
	(void)domains_said;
}

static inline void conf_check_aliases(struct conf_reader *r)
{
	(void)r;
}

static inline void conf_check_is_local(struct conf_reader *r)
{
	(void)r;
}
#define CONF_ADVICE(text) ""

#endif

/* What the row's text says: its name, its values, its symbol. */
enum { CONF_NAME, CONF_WANT, CONF_SYMBOL };
static inline const char *conf_part(const struct conf_keyword *k, unsigned part)
{
	const char *text = k->text;

	while (part-- > 0)
		text += strlen(text) + 1;
	return text;
}

/* A copy of s at the end of the text; conf_append makes *t longer, which must be
 * the last in it.  false: no room, which was told. */
bool conf_keep(struct conf_reader *r, struct span s, struct conf_text *t);
bool conf_append(struct conf_reader *r, struct span s, struct conf_text *t);

/* For errors about the whole: r becomes the first line of this keyword that has
 * this value (empty: any) among its first `words` values, or line 0. */
void conf_line_of(struct conf_reader *r, const char *keyword, struct span value, unsigned words);

/* No control characters, and well formed UTF-8; terse.c: ASCII. */
bool conf_text_ok(struct span s);

/* Takes the next line off the front of *text; false: there is none. */
bool conf_take_line(struct span *text, struct span *line);

/* The row of r's word, or NULL. */
const struct conf_keyword *conf_find_keyword(const struct conf_reader *r);

/* Begins a line: whether it may be read at all, being UTF-8 without control characters. */
bool conf_line_ok(struct conf_reader *r, struct span line);

/* ---- values.c, aliases.c, relations.c ------------------------------------------- */

#define CONF_KEYWORDS \
	(16u + 3u * CONFIG_DNS + CONFIG_ALIASES + CONFIG_ALIASES_FILE + CONFIG_MASQUERADE + \
		CONFIG_LEGACY_DEVICES + CONFIG_LOCAL_DELIVERY + CONFIG_DELAY_REPORTS)

extern const struct conf_keyword conf_keywords[CONF_KEYWORDS];

void conf_read_path(struct conf_reader *r, void *place);
void conf_read_alias(struct conf_reader *r, void *place);
void conf_read_device(struct conf_reader *r, void *place);
void conf_read_deliver(struct conf_reader *r, void *place);

/* Known keywords that the configuration of this build leaves out. */
#if CONFIG_DNS
#define CONF_NO_DNS
#else
#define CONF_NO_DNS "dns_server mx_port ip_version "
#endif
#if CONFIG_ALIASES
#define CONF_NO_ALIAS
#else
#define CONF_NO_ALIAS "alias "
#endif
#if CONFIG_ALIASES_FILE
#define CONF_NO_ALIASES
#else
#define CONF_NO_ALIASES "aliases "
#endif
#if CONFIG_MASQUERADE
#define CONF_NO_MASQUERADE
#else
#define CONF_NO_MASQUERADE "masquerade "
#endif
#if CONFIG_LEGACY_DEVICES
#define CONF_NO_DEVICES
#else
#define CONF_NO_DEVICES "device "
#endif
#if CONFIG_LOCAL_DELIVERY
#define CONF_NO_DELIVER
#else
#define CONF_NO_DELIVER "deliver "
#endif
#if CONFIG_DELAY_REPORTS
#define CONF_NO_WARN_DELAY
#else
#define CONF_NO_WARN_DELAY "warn_delay "
#endif
#define CONF_ABSENT_KEYWORDS \
	CONF_NO_DNS CONF_NO_ALIAS CONF_NO_ALIASES CONF_NO_MASQUERADE CONF_NO_DEVICES \
		CONF_NO_DELIVER CONF_NO_WARN_DELAY

#if CONFIG_ALIASES
int conf_alias_index(const struct conf *c, struct span name); /* -1: none */
#else
static inline int conf_alias_index(const struct conf *c, struct span name)
{
	(void)c;
	(void)name;
	return -1;
}
#endif

/* The place for the alias named by r's word, not counted yet; NULL: it was told why not. */
struct conf_alias *conf_alias_begin(struct conf_reader *r);

/* The rest of the line, and the alias counts. */
void conf_alias_targets(struct conf_reader *r, struct conf_alias *a);

/* A local part that needs no quotes; or an address whose local part is one. */
bool conf_local_ok(struct span s);
bool conf_name_ok(struct span s);

/* After the last line: our names if they were not said, and what does not fit together. */
void conf_end(struct conf_reader *r, struct span hostname);

#endif
