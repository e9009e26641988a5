/* SPDX-License-Identifier: BSD-2-Clause */
/* world - a queue on an emulated device, a model in RAM of what it must hold,
 * and a driver that makes both do the same things.
 *
 * The model knows, for each thing that can change, every value that a power cut
 * may leave: the durable one and those written since.  On NOR flash only the
 * call during which the power went is in doubt; on a file everything since the
 * last sync is.
 */
#ifndef PIPIT_TESTS_POWER_WORLD_H
#define PIPIT_TESTS_POWER_WORLD_H

#include "harness/nor_make.h"
#include "queue/queue.h"

#define MODEL_MESSAGES 40
#define MODEL_RCPTS 4
#define MODEL_VALUES 12
#define MODEL_BODY_MAX 6000

enum model_status { MODEL_FREE, MODEL_WRITING, MODEL_COMMITTING, MODEL_QUEUED, MODEL_REMOVING };

struct model_value {
	uint8_t state, attempts;
	uint32_t time_s;
	uint32_t ticket;
};

/* v[0] is durable, the rest may be. */
struct model_cell {
	struct model_value v[MODEL_VALUES];
	int n;
};

struct model_message {
	enum model_status status;
	uint32_t id, ticket;
	uint32_t len[3], done[3];
	int writer;
	uint16_t rcpts;
	struct model_cell rcpt[MODEL_RCPTS], job[2], held;
};

struct world {
	struct nor nor;
	struct queue q;
	struct queue_mount_report report;
	struct model_message m[MODEL_MESSAGES];
	struct rng rng; /* of the script, not of the device */
	uint64_t clock_ms;
	uint32_t body_max; /* longest body that the script writes */
	uint32_t id_last;  /* no later id may be this or before it */
	bool any_id;
	bool rot_expected; /* faults were injected: rotten may rise */
	uint64_t refused;  /* admissions that ended in ST_FULL */
};

/* Ends the program with a reason; the seed and the cut are printed with it. */
_Noreturn void fail(const char *what, uint32_t a, uint32_t b);
extern char context[200];

void world_init(struct world *w, uint32_t sector, uint32_t count, uint16_t unit, uint16_t page);
void world_free(struct world *w);
void world_seed(struct world *w, uint32_t seed);

/* Forgets the model: a blank device follows. */
void world_clear(struct world *w);

/* Mounts; ends the program unless it works. */
void world_mount(struct world *w);

/* So many things done at random.  May end in a longjmp of the device. */
void world_work(struct world *w, uint32_t count);
/* One piece of filling: opens, writes, commits; removes nothing. */
void world_fill(struct world *w);
void world_step(struct world *w);
void world_settle(struct world *w);

/* Ends what is being written: accepted or refused, but in time. */
void world_finish(struct world *w);

/* After a cut and mount: what must be there is, nothing else is, the accounts
 * are right.  The model takes over what is found. */
void world_check(struct world *w);

/* Removes everything; all sectors but the journal's must fall free. */
void world_drain(struct world *w);

/* Octet i of a stream of a message. */
uint8_t world_octet(uint32_t id, unsigned stream, uint32_t i);

/* Shared by the driver (world.c) and the checks (check.c). */
void model_reply_make(uint32_t id, uint32_t rcpt, uint32_t attempts, struct queue_reply *r);
void model_cell_set(struct model_cell *c, uint8_t state, uint8_t attempts, uint32_t time_s);
void model_abort(struct world *w, struct model_message *m);
void model_remove(struct world *w, struct model_message *m);

/* Messages by what happened to them when damage was injected. */
struct world_damage {
	uint32_t intact, detected, lost;
};
void world_look(struct world *w, struct world_damage *out);

#endif
