/* SPDX-License-Identifier: BSD-2-Clause */
/* sensor - what the firmware of the QEMU boards does beside mail: it measures, and writes.
 *
 *	sensor_start(&sensor, &firmware.mta, "sensor.test");
 *	firmware_start(&firmware, ..., sensor_hooks(&sensor));
 *	for (;;) {
 *		firmware_turn(&firmware);
 *		sensor_turn(&sensor, firmware_now(&firmware));
 *	}
 *
 * A reading goes to the postmaster every hour.  A message to sensor@ its domain asks for one:
 * the answer goes to who sent it.  The loop never stands still: a submission that is told
 * ST_AGAIN is gone on with in the next turn.
 */
#ifndef BOARD_SENSOR_H
#define BOARD_SENSOR_H

#include "pipit.h"

#define SENSOR_ADDRESS 128u /* octets of the longest address that is answered */

enum sensor_state { SENSOR_QUIET, SENSOR_BEGIN, SENSOR_DATA, SENSOR_END };

struct sensor {
	struct pipit *mta;
	const char *domain;
	enum sensor_state state;
	bool started;
	uint32_t next_ms; /* of the next reading for the postmaster */
	uint32_t readings, asked, sent;
	pipit_handle handle;
	uint8_t to[SENSOR_ADDRESS], from[SENSOR_ADDRESS];
	uint8_t text[320]; /* the message, whole */
	size_t to_len, from_len, text_len;
};

/* domain: NUL-terminated; it and mta outlive the sensor. */
void sensor_start(struct sensor *s, struct pipit *mta, const char *domain);

struct pipit_hooks sensor_hooks(struct sensor *s);

/* A piece of work, a millisecond at most. */
void sensor_turn(struct sensor *s, struct instant now);

#endif
