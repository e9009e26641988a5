/* SPDX-License-Identifier: BSD-2-Clause */
/* As config/, for the one flash of the small board. */
#pragma GCC system_header
#include_next "pipit_config.h"

#undef CONFIG_QUEUE_FIXED_GEOMETRY
#undef CONFIG_QUEUE_SECTORS_MAX
#undef CONFIG_QUEUE_SECTOR_SIZE_MAX
#undef CONFIG_QUEUE_PROGRAM_UNIT_MAX

#define CONFIG_QUEUE_FIXED_GEOMETRY 1
#define CONFIG_QUEUE_SECTORS_MAX 16
#define CONFIG_QUEUE_SECTOR_SIZE_MAX 4096
#define CONFIG_QUEUE_PROGRAM_UNIT_MAX 1
