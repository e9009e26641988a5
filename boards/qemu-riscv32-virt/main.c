/* SPDX-License-Identifier: BSD-2-Clause */
/* A firmware with a mail server in it: the example to copy.  It measures, and sends what it
 * measured by mail; a message to it asks for a reading (sensor/sensor.h). */
#include "bare/firmware.h"
#include "bare/start.h"
#include "sensor/sensor.h"

/* All memory: Pipit, the network's handles, the console; and our own. */
static struct firmware firmware;
static struct sensor sensor;

int main(void)
{
	sensor_start(&sensor, &firmware.mta, "sensor.test");
	firmware_start(&firmware, "sensor", firmware_configuration(), sensor_hooks(&sensor));
	for (;;) {
		firmware_turn(&firmware);
		if (firmware.running)
			sensor_turn(&sensor, firmware_now(&firmware));
	}
}
