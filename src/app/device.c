/* SPDX-License-Identifier: BSD-2-Clause */
#include "app/core.h"

const struct conf_device *core_device(const struct core *c, const struct ip *peer)
{
	const struct conf *conf = core_conf(c);
	size_t i;

	for (i = 0; i < conf->device_count; i++)
		if (ip_equal(&conf->device[i].ip, peer))
			return &conf->device[i];
	return NULL;
}
