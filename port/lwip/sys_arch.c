/* SPDX-License-Identifier: BSD-2-Clause */
#include <lwip/sys.h>

#include "base/check.h"
#include "lwip/stack.h"

/* ---- Semaphores ---------------------------------------------------------------- */

err_t sys_sem_new(sys_sem_t *sem, u8_t count)
{
	*sem = (sys_sem_t){ .valid = true, .count = count };
	return ERR_OK;
}

void sys_sem_free(sys_sem_t *sem)
{
	sem->valid = false;
}

void sys_sem_signal(sys_sem_t *sem)
{
	if (sem->count < UINT8_MAX)
		sem->count++;
}

/* How long it took, or SYS_ARCH_TIMEOUT.  Sockets that do not block wait only for what is
 * done at once; a close without memory is the exception, and has a bound of its own. */
u32_t sys_arch_sem_wait(sys_sem_t *sem, u32_t timeout_ms)
{
	u32_t start_ms = sys_now(), waited_ms = 0;

	while (sem->count == 0) {
		if (timeout_ms > 0 && waited_ms >= timeout_ms)
			return SYS_ARCH_TIMEOUT;
		stack_pump(timeout_ms > 0 ? timeout_ms - waited_ms : UINT32_MAX);
		waited_ms = sys_now() - start_ms;
	}
	sem->count--;
	return waited_ms;
}

/* ---- The lock of the stack: one holder, never twice ------------------------------ */

err_t sys_mutex_new(sys_mutex_t *mutex)
{
	*mutex = (sys_mutex_t){ .valid = true };
	return ERR_OK;
}

void sys_mutex_free(sys_mutex_t *mutex)
{
	mutex->valid = false;
}

void sys_mutex_lock(sys_mutex_t *mutex)
{
	CHECK(!mutex->held);
	mutex->held = true;
}

void sys_mutex_unlock(sys_mutex_t *mutex)
{
	CHECK(mutex->held);
	mutex->held = false;
}

/* ---- Mailboxes -------------------------------------------------------------------- */

err_t sys_mbox_new(sys_mbox_t *mbox, int size)
{
	if (size < 1 || size > CONFIG_LWIP_MBOX)
		return ERR_MEM;
	*mbox = (sys_mbox_t){ .valid = true, .room = (uint8_t)size };
	return ERR_OK;
}

void sys_mbox_free(sys_mbox_t *mbox)
{
	mbox->valid = false;
}

err_t sys_mbox_trypost(sys_mbox_t *mbox, void *message)
{
	if (mbox->count >= mbox->room)
		return ERR_MEM;
	mbox->message[(mbox->first + mbox->count) % mbox->room] = message;
	mbox->count++;
	return ERR_OK;
}

err_t sys_mbox_trypost_fromisr(sys_mbox_t *mbox, void *message)
{
	return sys_mbox_trypost(mbox, message);
}

void sys_mbox_post(sys_mbox_t *mbox, void *message)
{
	while (sys_mbox_trypost(mbox, message) != ERR_OK)
		stack_pump(1);
}

u32_t sys_arch_mbox_tryfetch(sys_mbox_t *mbox, void **message)
{
	if (mbox->count == 0)
		return SYS_MBOX_EMPTY;
	if (message != NULL)
		*message = mbox->message[mbox->first];
	mbox->first = (uint8_t)((mbox->first + 1u) % mbox->room);
	mbox->count--;
	return 0;
}

u32_t sys_arch_mbox_fetch(sys_mbox_t *mbox, void **message, u32_t timeout_ms)
{
	u32_t start_ms = sys_now(), waited_ms = 0;

	while (sys_arch_mbox_tryfetch(mbox, message) == SYS_MBOX_EMPTY) {
		if (timeout_ms > 0 && waited_ms >= timeout_ms)
			return SYS_ARCH_TIMEOUT;
		stack_pump(timeout_ms > 0 ? timeout_ms - waited_ms : UINT32_MAX);
		waited_ms = sys_now() - start_ms;
	}
	return waited_ms;
}

/* ---- The rest ----------------------------------------------------------------------- */

/* tcpip_init asks for a thread: stack_pump does its work. */
sys_thread_t sys_thread_new(const char *name, lwip_thread_fn thread, void *arg, int stack_size,
	int priority)
{
	(void)name;
	(void)thread;
	(void)arg;
	(void)stack_size;
	(void)priority;
	return 1;
}

void sys_init(void) {}

u32_t sys_now(void)
{
	return stack_now_ms();
}
