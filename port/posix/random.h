/* SPDX-License-Identifier: BSD-2-Clause */
/* random - the kernel's random numbers, as struct random. */
#ifndef PIPIT_POSIX_RANDOM_H
#define PIPIT_POSIX_RANDOM_H

#include "sys/random.h"

struct random random_system(void);

#endif
