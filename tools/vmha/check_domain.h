/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One VM's domain XML against this host, for check. */
#ifndef VMHA_CHECK_DOMAIN_H
#define VMHA_CHECK_DOMAIN_H

#include <stdbool.h>

struct check_domain {
	const char *vm, *config, *shutdown_mode, *ready_condition;
	bool may_migrate;       /* allow-migrate */
	bool is_unsafe_allowed; /* migration_unsafe */
};

/* For ha_worker_run(), `arg` a struct check_domain: writes a line for each
 * finding, "LEVEL\twhat\tlimit\ttodo\tvalue". Negative errno: no domain XML
 * could be read. */
int check_domain_look(void *arg, int fd);

#endif
