/* SPDX-License-Identifier: BSD-2-Clause */
/* cc - what lwIP asks of the compiler.  An assertion of lwIP's that fails is a CHECK that
 * fails, without its text: those would cost 16 KB. */
#ifndef PIPIT_LWIP_CC_H
#define PIPIT_LWIP_CC_H

#include "base/check.h"

#define LWIP_PLATFORM_DIAG(x)
#if CONFIG_CHECK_FILES
#define LWIP_PLATFORM_ASSERT(x) check_failed(__FILE__, __LINE__)
#else
#define LWIP_PLATFORM_ASSERT(x) check_failed_line(__LINE__)
#endif

#endif
