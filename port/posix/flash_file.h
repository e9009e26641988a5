/* SPDX-License-Identifier: BSD-2-Clause */
/* flash_file - a file that plays flash: the queue's home on a POSIX system.
 *
 * The file is written in full once, with the octets of erased flash, so that
 * later writes change no block list and one fdatasync is one flush of the
 * device.  Its size never changes; the geometry follows from the size alone.
 * An erase leaves the old octets: the queue's checksums are made for that.
 *
 * One process at a time: the file is locked as long as it is open.  A failed
 * write or sync is final until the file is opened anew: unlike a worn sector
 * of flash it says nothing about one place, but that the disk is full or dying.
 */
#ifndef PIPIT_POSIX_FLASH_FILE_H
#define PIPIT_POSIX_FLASH_FILE_H

#include "posix/sync_thread.h"
#include "sys/flash.h"

#include <stdbool.h>

#define FLASH_FILE_SIZE_DEFAULT (64u << 20)
#define FLASH_FILE_SIZE_MIN (32u << 10)

struct flash_file {
	int fd;
	uint32_t size;
	struct flash_geometry geometry;
	bool threaded;     /* sync in a thread; else sync_begin waits for the disk */
	bool created;      /* this call made the file */
	int error;         /* errno of the first read or program that failed */
	bool sync_failed;  /* without the thread */
	bool write_failed; /* and nothing is written any more */
	struct sync_thread sync;
};

enum flash_file_mode {
	FLASH_FILE_DAEMON,   /* made when missing; synced by a thread */
	FLASH_FILE_CREATE,   /* made when missing; calls wait: for offline tools */
	FLASH_FILE_EXISTING, /* never made; calls wait */
	FLASH_FILE_REPLACE,  /* as CREATE, and made anew when its size is another */
};

/* size 0: the file's own, or FLASH_FILE_SIZE_DEFAULT for a new one.  Returns 0, or
 * a sysexits(3) code and in why a sentence that names the path:
 * 75 locked by another process or no memory, 73 cannot be made, 78 size not
 * as configured or not possible, 74 the disk, 77 no permission, 66 missing. */
int flash_file_open(struct flash_file *f, const char *path, uint32_t size,
	enum flash_file_mode mode, char *why, size_t why_size);

struct flash flash_file_flash(struct flash_file *f);

/* Becomes readable when a sync has ended (threaded); clear after the wait.  -1: no thread. */
int flash_file_event_fd(const struct flash_file *f);
void flash_file_clear(struct flash_file *f);

/* errno of what failed first, or 0: for the log. */
int flash_file_error(struct flash_file *f);

/* Ends the thread after the sync it is at, unlocks. */
void flash_file_close(struct flash_file *f);

/* The geometry of a file of this size; false when no build of this configuration can use it. */
bool flash_file_geometry(uint32_t size, struct flash_geometry *g);

#endif
