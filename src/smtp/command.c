/* SPDX-License-Identifier: BSD-2-Clause */
#include "smtp/command.h"

#include "mail/word.h"

static const char bad_arguments[] = "501 5.5.4 Syntax error in arguments";
static const char unknown_parameter[] = "555 5.5.4 Parameter not known";

/* "FROM:" and a path off the front of *arg; a blank before the path is an error
 * of old clients that nobody minds. */
static bool path_take(struct span *arg, const char *keyword, bool lenient, bool null_ok,
	bool local_ok, struct address *out)
{
	struct span rest = span_trim(*arg), word;

	if (!word_starts(rest, keyword))
		return false;
	rest = span_trim(span_from(rest, span_find(rest, ':') + 1u));
	if (lenient && rest.len > 0 && rest.at[0] != '<') {
		word = span_word(&rest);
		if (!address_parse(word, out))
			return false;
	} else if (!address_parse_path(&rest, null_ok, local_ok, out)) {
		return false;
	} else if (rest.len > 0 && rest.at[0] != ' ' && rest.at[0] != '\t') {
		return false;
	}
	*arg = span_trim(rest);
	return true;
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
	const struct span name = span_sub(word, 0, equals), value = span_from(word, equals + 1u);

	if (word_is(name, "SIZE"))
		return size_value(value, &out->size) ? NULL : bad_arguments;
	if (word_is(name, "BODY"))
		return word_is(value, "7BIT") || word_is(value, "8BITMIME") ? NULL : bad_arguments;
	if (word_is(name, "AUTH") && value.len > 0)
		return NULL;
	return unknown_parameter;
}

const char *command_mail(struct span arg, bool lenient, struct command_mail *out)
{
	const char *wrong = NULL;

	out->size = 0;
	if (!word_starts(span_trim(arg), "FROM:"))
		return bad_arguments;
	if (!path_take(&arg, "FROM:", lenient, true, lenient, &out->path))
		return "501 5.1.7 Bad reverse-path";
	while (arg.len > 0 && !wrong)
		wrong = mail_parameter(span_word(&arg), out);
	return wrong;
}

const char *command_rcpt(struct span arg, bool lenient, struct address *out)
{
	if (!word_starts(span_trim(arg), "TO:"))
		return bad_arguments;
	if (!path_take(&arg, "TO:", lenient, false, true, out))
		return "501 5.1.3 Bad forward-path";
	return arg.len > 0 ? unknown_parameter : NULL;
}
