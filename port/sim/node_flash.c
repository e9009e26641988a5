/* SPDX-License-Identifier: BSD-2-Clause */
/* A node's flash: the emulator, with the faults of this run. */
#include "sim/sim.h"

#define ERASE_POLLS 400u /* a step asks about once in a millisecond */
#define SYNC_POLLS 200u

static const struct flash_ops *below(struct node *n)
{
	n->ops++;
	count(n->w, FIGURE_flash_ops, 1);
	return n->nor.flash.ops;
}

static int op_read(void *ctx, uint32_t at, void *to, size_t len)
{
	struct node *n = ctx;

	n->ops++;
	return n->nor.flash.ops->read(&n->nor, at, to, len);
}

static int op_program(void *ctx, uint32_t at, const void *from, size_t len)
{
	struct node *n = ctx;

	n->moved++;
	n->nor.fail_programs = fault(n->w, FAULT_program) ? 1 : 0;
	n->flash_failed |= n->nor.fail_programs != 0;
	return below(n)->program(&n->nor, at, from, len);
}

static int op_erase_begin(void *ctx, uint32_t sector)
{
	struct node *n = ctx;

	n->moved++;
	n->nor.erase_polls = fault(n->w, FAULT_flash_slow) ? draw(n->w, ERASE_POLLS)
							   : draw(n->w, 3);
	n->nor.fail_erases = fault(n->w, FAULT_erase) ? 1 : 0;
	n->flash_failed |= n->nor.fail_erases != 0;
	return below(n)->erase_begin(&n->nor, sector);
}

static int op_erase_done(void *ctx)
{
	struct node *n = ctx;

	return below(n)->erase_done(&n->nor);
}

static int op_sync_begin(void *ctx)
{
	struct node *n = ctx;

	n->nor.sync_polls = fault(n->w, FAULT_flash_slow) ? draw(n->w, SYNC_POLLS) : draw(n->w, 4);
	n->nor.fail_syncs = fault(n->w, FAULT_sync) ? 1 : 0;
	n->flash_failed |= n->nor.fail_syncs != 0;
	return below(n)->sync_begin(&n->nor);
}

static int op_sync_done(void *ctx)
{
	struct node *n = ctx;

	return below(n)->sync_done(&n->nor);
}

struct flash node_flash(struct node *n)
{
	static const struct flash_ops ops = {
		.read = op_read,
		.program = op_program,
		.erase_begin = op_erase_begin,
		.erase_done = op_erase_done,
		.sync_begin = op_sync_begin,
		.sync_done = op_sync_done,
	};

	return (struct flash){ &ops, n, n->w->plan.flash };
}
