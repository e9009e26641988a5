/* SPDX-License-Identifier: BSD-2-Clause */
/* write_all - writes everything to a descriptor that may wait. */
#ifndef PIPIT_CLI_WRITE_ALL_H
#define PIPIT_CLI_WRITE_ALL_H

#include <stdbool.h>
#include <stddef.h>

/* false: errno says why; a part may have been written. */
bool write_all(int fd, const void *from, size_t len);

#endif
