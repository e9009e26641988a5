/* SPDX-License-Identifier: BSD-2-Clause */
/* status - how a call ended: zero is success, negative is the world's failure.
 *
 * A positive value means something only where a function says it returns a
 * count or a handle.  The peer's mistakes are replies, our own are CHECKs.
 */
#ifndef PIPIT_BASE_STATUS_H
#define PIPIT_BASE_STATUS_H

enum status {
	ST_OK = 0,
	ST_AGAIN = -1,   /* not now: nothing was done, call again after a step */
	ST_FULL = -2,    /* no room; there will be some when something is delivered or removed */
	ST_CORRUPT = -3, /* what was read denies its own checksum */
	ST_IO = -4,      /* the device or the connection failed */
	ST_MISSING = -5, /* no such thing */
	ST_BAD = -6,     /* the input breaks its grammar or a limit */
	ST_FOREIGN = -7, /* valid, but not ours to touch: other format, version or geometry */
};

#endif
