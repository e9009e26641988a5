/* SPDX-License-Identifier: BSD-2-Clause */
/* blob - small read-only things by name: the aliases file now, certificates and keys later. */
#ifndef PIPIT_SYS_BLOB_H
#define PIPIT_SYS_BLOB_H

#include "base/span.h"

struct blob {
	/* Reads up to len octets of `name` from `offset`: the count read (0 at the
	 * end), ST_MISSING, or ST_IO. */
	int (*read)(void *ctx, struct span name, uint32_t offset, void *to, size_t len);
	void *ctx;
};

#endif
