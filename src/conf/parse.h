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

void conf_tell(struct conf_reader *r, const char *what, const char *more);
void conf_wrong(struct conf_reader *r); /* ... is wrong, or not in this build; expected ... */
void conf_repeated(struct conf_reader *r);
void conf_no_room(struct conf_reader *r, const char *symbol);

/* What the row's text says: its name, its values, its symbol. */
enum { CONF_NAME, CONF_WANT, CONF_SYMBOL };
const char *conf_part(const struct conf_keyword *k, unsigned part);

/* A copy of s at the end of the text; conf_append makes *t longer, which must be
 * the last in it.  false: no room, which was told. */
bool conf_keep(struct conf_reader *r, struct span s, struct conf_text *t);
bool conf_append(struct conf_reader *r, struct span s, struct conf_text *t);

/* For errors about the whole: r becomes the first line of this keyword that has
 * this value (empty: any) among its first `words` values, or line 0. */
void conf_line_of(struct conf_reader *r, const char *keyword, struct span value, unsigned words);

/* Begins a line: whether it may be read at all, being UTF-8 without control characters. */
bool conf_line_ok(struct conf_reader *r, struct span line);

/* ---- values.c, aliases.c, relations.c ------------------------------------------- */

#define CONF_KEYWORDS 24u

extern const struct conf_keyword conf_keywords[CONF_KEYWORDS];

void conf_read_alias(struct conf_reader *r, void *place);

/* Aliases that never end, or too late. */
void conf_check_aliases(struct conf_reader *r);

/* The domain of r's word, if it has one, or told. */
void conf_check_is_local(struct conf_reader *r);

/* A local part that needs no quotes; or an address whose local part is one. */
bool conf_local_ok(struct span s);
bool conf_name_ok(struct span s);

/* After the last line: our names if they were not said, and what does not fit together. */
void conf_end(struct conf_reader *r, struct span hostname);

#endif
