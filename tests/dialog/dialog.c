/* SPDX-License-Identifier: BSD-2-Clause */
/* dialog - runs every dialogue of tests/dialog (or those named): whole, octet by octet, and in
 * pieces of every size between; each piece ends at an unreadable page.  Always the same
 * must happen. */
#include "dialog/script.h"

#include <glob.h>
#include <stdio.h>

/* Longer inputs are not run in every size: the square of a megabyte is long. */
#define EVERY_SIZE_MAX 6000u

static bool run_one(const struct script *s, size_t step)
{
	static struct run r;

	run_begin(&r, s, step);
	if (s->client)
		run_client(&r);
	else
		run_server(&r);
	return !r.failed;
}

static size_t longest_input(const struct script *s)
{
	size_t i, sum = 0;

	for (i = 0; i < s->count; i++)
		if (s->lines[i].kind == (s->client ? 'S' : 'C'))
			sum += s->lines[i].text.len;
	return sum;
}

static bool run_file(const char *path)
{
	static struct script s;
	size_t step, whole;
	bool good;

	script_read(&s, path);
	whole = longest_input(&s) + 1;
	good = run_one(&s, whole);
	for (step = 1; good && step < whole;
		step = whole <= EVERY_SIZE_MAX ? step + 1 : step * 5 + 1)
		good = run_one(&s, step);
	return good;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	glob_t found = { 0 };
	size_t i;

	if (argc > 1) {
		found.gl_pathc = (size_t)argc - 1;
		found.gl_pathv = argv + 1;
	} else if (glob("tests/dialog/*.txt", 0, NULL, &found) != 0) {
		fprintf(stderr, "no tests/dialog/*.txt: start me in the top folder\n");
		return 2;
	}
	for (i = 0; i < found.gl_pathc; i++)
		*(run_file(found.gl_pathv[i]) ? &passed : &failed) += 1;
	printf("dialog: %u passed, %u failed\n", passed, failed);
	if (argc == 1)
		globfree(&found);
	return failed > 0;
}
