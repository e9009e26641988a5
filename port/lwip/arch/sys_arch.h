/* SPDX-License-Identifier: BSD-2-Clause */
/* sys_arch - lwIP's semaphores and mailboxes where there is no thread but ours.
 *
 * Nothing is allocated: a semaphore is a count, a mailbox an array in the value that holds
 * it.  A wait pumps the stack until what is waited for has come.
 */
#ifndef PIPIT_LWIP_SYS_ARCH_H
#define PIPIT_LWIP_SYS_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "pipit_config.h"

typedef struct {
	bool valid;
	uint8_t count;
} sys_sem_t;

typedef struct {
	bool valid, held;
} sys_mutex_t;

typedef struct {
	bool valid;
	uint8_t first, count, room;
	void *message[CONFIG_LWIP_MBOX];
} sys_mbox_t;

typedef int sys_thread_t;
typedef int sys_prot_t;

#define sys_sem_valid(s) ((s)->valid)
#define sys_sem_set_invalid(s) ((s)->valid = false)
#define sys_mutex_valid(m) ((m)->valid)
#define sys_mutex_set_invalid(m) ((m)->valid = false)
#define sys_mbox_valid(m) ((m)->valid)
#define sys_mbox_set_invalid(m) ((m)->valid = false)

#define SYS_ARCH_DECL_PROTECT(level)
#define SYS_ARCH_PROTECT(level)
#define SYS_ARCH_UNPROTECT(level)

#endif
