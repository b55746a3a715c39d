/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules between the parameters of ocf:vmha:VirtualMachine, which no single
 * row of the table can say. Looks at nothing but the values.
 */
#include <errno.h>
#include <string.h>

#include "ha/vmparams.h"

#define SEPARATORS " \t\n,"

const char *
ha_vm_words_next(const char **at, size_t *ret_len)
{
	const char *word = *at;

	if (!word) {
		return NULL;
	}
	word += strspn(word, SEPARATORS);
	*ret_len = strcspn(word, SEPARATORS);
	*at = word + *ret_len;
	return *ret_len ? word : NULL;
}

static bool
has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	const char *one;
	size_t n;

	while ((one = ha_vm_words_next(&list, &n))) {
		if (n == len && strncmp(one, word, n) == 0) {
			return true;
		}
	}
	return false;
}

static int
check_migration(const struct ha_vm_params *p, struct ha_err *err)
{
	if (p->migration_uri && p->migration_network_suffix) {
		return ha_err_set(err, -EINVAL,
				  "migration_uri and migration_network_suffix "
				  "say the same thing; give only one");
	}
	if (p->migration_timeout_action == HA_VM_FALLBACK_POSTCOPY &&
	    !p->migration_postcopy) {
		return ha_err_set(err, -EINVAL,
				  "migration_timeout_action=postcopy needs "
				  "migration_postcopy=true");
	}
	if (p->migration_tunnelled &&
	    (p->migration_postcopy || p->migration_parallel_connections > 1)) {
		return ha_err_set(err, -EINVAL,
				  "migration_tunnelled=true does not go with "
				  "migration_postcopy=true or "
				  "migration_parallel_connections; drop one");
	}
	if (p->migration_postcopy && p->migration_parallel_connections > 1) {
		return ha_err_set(err, -EINVAL,
				  "migration_parallel_connections=%lld does "
				  "not go with migration_postcopy=true; drop "
				  "one",
				  (long long)p->migration_parallel_connections);
	}
	return 0;
}

int
ha_vm_params_check_start(const struct ha_vm_params *p, struct ha_err *err)
{
	if (!p->config && !p->name && !p->uuid) {
		return ha_err_set(err, -EINVAL,
				  "which virtual machine? Give config=FILE (a "
				  "domain XML), or name or uuid of a domain "
				  "that is defined on every host");
	}
	if (strcmp(p->hypervisor, "qemu:///system") != 0 &&
	    strcmp(p->hypervisor, "qemu:///session") != 0) {
		return ha_err_set(err, -EINVAL,
				  "parameter hypervisor: \"%s\" is not a local "
				  "QEMU; give qemu:///system",
				  p->hypervisor);
	}
	return 0;
}

int
ha_vm_params_check(const struct ha_vm_params *p, const char *resource,
		   struct ha_err *err)
{
	int rc = ha_vm_params_check_start(p, err);

	if (rc == 0 && has_word(p->restart_depends, resource)) {
		rc = ha_err_set(err, -EINVAL,
				"parameter restart_depends: %s depends on "
				"itself; leave it out",
				resource);
	}
	return rc < 0 ? rc : check_migration(p, err);
}

bool
ha_vm_params_stops_with_guest(ha_param_getter get, void *ctx)
{
	struct ha_vm_params values = { 0 };

	for (const struct ha_param *p = HA_VM_PARAMS; p->name; p++) {
		if (p->offset !=
		    offsetof(struct ha_vm_params, on_guest_shutdown)) {
			continue;
		}
		if (ha_param_set(p, get(ctx, p->name), &values, NULL) < 0) {
			return false;
		}
	}
	return values.on_guest_shutdown == HA_VM_GUEST_SHUTDOWN_STOP;
}

static bool
is_about_restart(const struct ha_param *param)
{
	return param->offset ==
		       offsetof(struct ha_vm_params, restart_priority) ||
	       param->offset ==
		       offsetof(struct ha_vm_params, restart_depends) ||
	       param->offset ==
		       offsetof(struct ha_vm_params, ready_condition) ||
	       param->offset == offsetof(struct ha_vm_params, ready_delay_ms);
}

int
ha_vm_params_restart(ha_param_getter get, void *ctx,
		     struct ha_vm_params *ret_values, struct ha_err *err)
{
	int rc = 0;

	memset(ret_values, 0, sizeof(*ret_values));
	for (const struct ha_param *p = HA_VM_PARAMS; p->name; p++) {
		int bad;

		if (!is_about_restart(p)) {
			continue;
		}
		bad = ha_param_set(p, get(ctx, p->name), ret_values,
				   rc < 0 ? NULL : err);
		if (bad < 0) {
			rc = rc < 0 ? rc : bad;
			(void)ha_param_set(p, NULL, ret_values, NULL);
		}
	}
	return rc;
}
