/* SPDX-License-Identifier: BSD-2-Clause */
/* A firmware with a mail server in it: the example to copy. */
#include "bare/firmware.h"
#include "bare/start.h"

/* All memory: Pipit, the network's handles, the console. */
static struct firmware firmware;

int main(void)
{
	firmware_start(&firmware, "sensor", firmware_configuration());
	for (;;)
		firmware_turn(&firmware);
}
