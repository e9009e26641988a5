/* SPDX-License-Identifier: BSD-2-Clause */
/* blob - small files by their path, as struct blob: the aliases file. */
#ifndef PIPIT_POSIX_BLOB_H
#define PIPIT_POSIX_BLOB_H

#include "sys/blob.h"

struct blob blob_files(void);

#endif
