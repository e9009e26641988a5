/* SPDX-License-Identifier: BSD-2-Clause */
/* main - runs seeds, one after the other, in this process.
 *
 *	sim [--story] [--off FAULT]... [--nodes N] [--clients N] [--messages N] [--hours N]
 *	    FIRST COUNT STRIDE
 *
 * Ends with the figures, or at the first broken promise, which names its seed.  sim.py
 * starts several of these side by side, and reduces what fails.
 */
#include "sim/sim.h"

#include "base/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define SEED_SECONDS 60 /* of the processor: one that takes longer hangs */

static struct sim world;
static struct figures figures;

_Noreturn void check_failed(const char *file, int line)
{
	sim_fail(&world, "check failed at %s:%d", file, line);
}

_Noreturn void check_failed_line(int line)
{
	check_failed("a file not kept (CHECK_FILES)", line);
}

static char ending[80]; /* what on_signal says */

static void on_signal(int number)
{
	(void)number;
	(void)!write(STDOUT_FILENO, ending, strlen(ending));
	_Exit(1);
}

static bool number(const char *text, uint32_t *out)
{
	return text != NULL && span_to_u32(span_of(text), UINT32_MAX, out);
}

static bool take_fault(struct limits *limits, const char *name)
{
	unsigned i;

	for (i = 0; name != NULL && i < FAULT_COUNT; i++)
		if (strcmp(fault_name((enum fault)i), name) == 0) {
			limits->off[i] = true;
			return true;
		}
	return false;
}

static bool take_option(struct limits *limits, const char *name, const char *value)
{
	const struct {
		const char *name;
		uint32_t *to;
	} numbers[] = { { "--nodes", &limits->nodes }, { "--clients", &limits->clients },
		{ "--messages", &limits->messages }, { "--hours", &limits->hours } };
	unsigned i;

	if (strcmp(name, "--off") == 0)
		return take_fault(limits, value);
	for (i = 0; i < 4; i++)
		if (strcmp(name, numbers[i].name) == 0)
			return number(value, numbers[i].to);
	return false;
}

static int usage(void)
{
	fprintf(stderr, "usage: sim [OPTIONS] FIRST COUNT STRIDE; see main.c\n");
	return 2;
}

int main(int argc, char **argv)
{
	const struct itimerval limit = { .it_value = { .tv_sec = SEED_SECONDS } };
	struct limits limits = { .nodes = 0 };
	uint32_t first, count, stride, i;
	bool tell = false;
	int at = 1;

	for (; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "--story") == 0)
			tell = true;
		else if (!take_option(&limits, argv[at], argv[at + 1]))
			return usage();
		else
			at++;
	}
	if (argc - at != 3 || !number(argv[at], &first) || !number(argv[at + 1], &count) ||
		!number(argv[at + 2], &stride))
		return usage();
	if (tell)
		setvbuf(stdout, NULL, _IOLBF, 0); /* all of it, should a signal end us */
	signal(SIGVTALRM, on_signal);
	signal(SIGSEGV, on_signal);
	signal(SIGABRT, on_signal);
	for (i = 0; i < count; i++) {
		setitimer(ITIMER_VIRTUAL, &limit, NULL);
		snprintf(ending, sizeof(ending), "FAILED seed %u: ended by a signal, or hangs\n",
			first + i * stride);
		printf("seed %u\n", first + i * stride);
		fflush(stdout);
		sim_run(&world, first + i * stride, &limits, &figures, tell);
	}
	figures_print(&figures);
	return 0;
}
