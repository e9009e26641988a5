/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_address - mailboxes, paths and what stands behind MAIL and RCPT: what is taken prints
 * to something that is taken and the same, points into its input, and can be repeated. */
#include "fuzz/fuzz.h"

#include "mail/address.h"
#include "smtp/command.h"

#include <string.h>

static bool within(struct span part, struct span whole)
{
	return part.len == 0 || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

static void check(const struct address *a, struct span in)
{
	uint8_t text[1200];
	struct address again;
	struct buf b;
	struct span s;

	MUST(within(a->local, in) && within(a->domain, in));
	buf_init(&b, text, sizeof(text));
	address_put(&b, a);
	MUST(!b.overflow && fuzz_printable(buf_span(&b)));
	MUST(span_find(buf_span(&b), '\r') == b.len && span_find(buf_span(&b), '\n') == b.len);
	if (a->domain.len == 0)
		return;
	MUST(a->domain.len <= DOMAIN_MAX && a->local.len > 0 && b.len <= ADDRESS_MAX);
	s = fuzz_exact(buf_span(&b));
	MUST(address_parse(s, &again) && address_equal(a, &again) && address_equal(&again, a));
	MUST(span_equal(a->local, again.local) && span_equal(a->domain, again.domain));
}

static void mailbox(struct span in)
{
	struct address a;
	struct ip ip;

	in = fuzz_exact(in);
	if (address_parse(in, &a)) {
		MUST(a.domain.len > 0);
		check(&a, in);
		MUST(address_domain_ok(a.domain) != address_literal(a.domain, &ip));
	}
	(void)address_domain_ok(in);
	(void)address_literal(in, &ip);
}

static void path(struct span in, bool null_ok, bool local_ok)
{
	struct span rest;
	struct address a, b;

	in = rest = fuzz_exact(in);
	if (!address_parse_path(&rest, null_ok, local_ok, &a)) {
		MUST(rest.at == in.at && rest.len == in.len);
		return;
	}
	MUST(in.at[0] == '<' && rest.len < in.len && in.at[in.len - rest.len - 1] == '>');
	MUST(rest.len == 0 || rest.at + rest.len == in.at + in.len);
	MUST(null_ok || !address_is_null(&a));
	MUST(local_ok || address_is_null(&a) || a.domain.len > 0);
	MUST(a.domain.len > 0 || a.local.len <= LOCAL_PART_MAX);
	check(&a, in);
	/* More leave takes no path away. */
	rest = in;
	MUST(address_parse_path(&rest, true, true, &b) && address_equal(&a, &b));
}

static void commands(struct span in)
{
	struct command_mail strict, lenient;
	struct address a, b;

	in = fuzz_exact(in);
	if (!command_mail(in, false, &strict)) {
		check(&strict.path, in);
		MUST(!command_mail(in, true, &lenient));
		MUST(address_equal(&strict.path, &lenient.path) && strict.size == lenient.size);
	} else if (!command_mail(in, true, &lenient)) {
		check(&lenient.path, in);
	}
	if (!command_rcpt(in, false, &a)) {
		check(&a, in);
		MUST(!address_is_null(&a));
		MUST(!command_rcpt(in, true, &b) && address_equal(&a, &b));
	} else if (!command_rcpt(in, true, &b)) {
		check(&b, in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size < 1000 ? size : 1000), line;
	const uint8_t options = fuzz_u8(&in);

	while (in.len > 0) {
		line = fuzz_line(&in);
		mailbox(line);
		path(line, options & 1, options & 2);
		commands(line);
	}
	return 0;
}
