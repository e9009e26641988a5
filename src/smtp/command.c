/* SPDX-License-Identifier: BSD-2-Clause */
#include "smtp/command.h"

#include "mail/word.h"

static const char bad_arguments[] = "501 5.5.4 Syntax error in arguments";
static const char unknown_parameter[] = "555 5.5.4 Parameter not known";

/* "FROM:" or "TO:" and a path off the front of *arg, NULL or the reply; a blank before the path
 * is an error of old clients that nobody minds. */
static const char *path_take(struct span *arg, bool from, bool lenient, struct address *out)
{
	const char *const keyword = from ? "FROM:" : "TO:";
	struct span rest = span_trim(*arg), word;
	bool ok;

	if (!word_starts(rest, keyword))
		return bad_arguments;
	rest = span_trim(span_from(rest, span_find(rest, ':') + 1u));
	if (lenient && rest.len > 0 && rest.at[0] != '<') {
		word = span_word(&rest);
		ok = address_parse(word, out);
	} else {
		ok = address_parse_path(&rest, from, lenient || !from, out) &&
			(rest.len == 0 || byte_is_blank(rest.at[0]));
	}
	*arg = span_trim(rest);
	if (ok)
		return NULL;
	return from ? "501 5.1.7 Bad reverse-path" : "501 5.1.3 Bad forward-path";
}

/* Twenty digits (RFC 1870 6.1) are more than we count: what does not fit is too
 * big for every limit there is. */
static bool size_value(struct span value, uint32_t *size)
{
	size_t i;

	for (i = 0; i < value.len; i++)
		if (!byte_is_digit(value.at[i]))
			return false;
	if (!span_to_u32(value, UINT32_MAX, size))
		*size = UINT32_MAX;
	return value.len > 0;
}

static const char *mail_parameter(struct span word, struct command_mail *out)
{
	const size_t equals = span_find(word, '=');
	const struct span name = span_head(word, equals), value = span_from(word, equals + 1u);

	switch (word_among(name, "SIZE BODY AUTH")) {
	case 0: return size_value(value, &out->size) ? NULL : bad_arguments;
	case 1: return word_among(value, "7BIT 8BITMIME") >= 0 ? NULL : bad_arguments;
	case 2: return value.len > 0 ? NULL : unknown_parameter;
	default: return unknown_parameter;
	}
}

const char *command_mail(struct span arg, bool lenient, struct command_mail *out)
{
	const char *wrong = path_take(&arg, true, lenient, &out->path);

	out->size = 0;
	while (arg.len > 0 && !wrong)
		wrong = mail_parameter(span_word(&arg), out);
	return wrong;
}

const char *command_rcpt(struct span arg, bool lenient, struct address *out)
{
	const char *wrong = path_take(&arg, false, lenient, out);

	return !wrong && arg.len > 0 ? unknown_parameter : wrong;
}
