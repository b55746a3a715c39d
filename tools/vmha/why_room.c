/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha why: a VM that is granted, and that no host has room for (pending
 * placement). By the word of this host's manager alone.
 */
#include "why.h"

void
why_room(const json_t *manager, json_t *reasons)
{
	const char *pending = vmha_text(manager, "pending");

	if (pending[0]) {
		why_add(reasons, "room",
			"nothing: it is started as soon as a host has room. "
			"To make room: bring a host back, or stop a VM that "
			"can wait",
			"it %s", pending);
	}
}
