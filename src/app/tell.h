/* SPDX-License-Identifier: BSD-2-Clause */
/* tell - the program around hears what became of a recipient: its on_outcome hook. */
#ifndef PIPIT_APP_TELL_H
#define PIPIT_APP_TELL_H

#include "app/core.h"

/* The outcome is on flash. */
#if CONFIG_SUBMIT
void tell_outcome(struct core *c, uint32_t message, const struct report_outcome *o);
#else
static inline void tell_outcome(struct core *c, uint32_t message, const struct report_outcome *o)
{
	(void)c;
	(void)message;
	(void)o;
}
#endif

#endif
