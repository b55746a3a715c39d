/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parameters of ocf:vmha:VirtualMachine: one table, read by the agent
 * itself and by the fault domain manager (which takes them from the CIB).
 * Fields of policies carry the words of vSphere's API where it has them.
 */
#ifndef HA_VMPARAMS_H
#define HA_VMPARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/param.h"

enum ha_vm_shutdown_mode {
	HA_VM_SHUTDOWN_AGENT_ACPI, /* guest agent, then power button */
	HA_VM_SHUTDOWN_AGENT,
	HA_VM_SHUTDOWN_ACPI,
	HA_VM_SHUTDOWN_OFF, /* pull the plug */
};

enum ha_vm_on_guest_shutdown {
	HA_VM_GUEST_SHUTDOWN_RESTART,
	HA_VM_GUEST_SHUTDOWN_STOP,
};

enum ha_vm_stale_policy {
	HA_VM_STALE_REFUSE,
	HA_VM_STALE_IGNORE,
};

enum ha_vm_transport {
	HA_VM_TRANSPORT_SSH,
	HA_VM_TRANSPORT_TCP,
	HA_VM_TRANSPORT_TLS,
};

enum ha_vm_migration_fallback {
	HA_VM_FALLBACK_ABORT,
	HA_VM_FALLBACK_SUSPEND,
	HA_VM_FALLBACK_POSTCOPY,
};

enum ha_vm_priority {
	HA_VM_PRIORITY_DISABLED,
	HA_VM_PRIORITY_LOWEST,
	HA_VM_PRIORITY_LOW,
	HA_VM_PRIORITY_MEDIUM,
	HA_VM_PRIORITY_HIGH,
	HA_VM_PRIORITY_HIGHEST,
};

enum ha_vm_ready {
	HA_VM_READY_NONE,
	HA_VM_READY_POWERED_ON,
	HA_VM_READY_GUEST,
	HA_VM_READY_APPLICATION,
};

struct ha_vm_params {
	/* identity */
	const char *config;
	const char *name;
	const char *uuid;
	const char *hypervisor;
	/* start */
	int managed_save; /* enum ha_vm_stale_policy */
	int disk_overlays;
	/* stop */
	int shutdown_mode;
	uint64_t shutdown_timeout_ms; /* 0: what the action's timeout leaves */
	int on_guest_shutdown;
	/* migration */
	int migration_transport;
	const char *migration_user;
	const char *migration_connect_uri;
	const char *migration_uri;
	const char *migration_network_suffix;
	int64_t migration_bandwidth_mibs;
	int64_t migration_postcopy_bandwidth_mibs;
	uint64_t migration_downtime_ms;
	int64_t migration_parallel_connections;
	bool migration_auto_converge;
	bool migration_postcopy;
	bool migration_compressed;
	bool migration_tunnelled;
	bool migration_tls;
	bool migration_unsafe;
	uint64_t migration_timeout_ms;
	int migration_timeout_action;
	/* policies, read by the fault domain manager */
	int restart_priority; /* enum ha_vm_priority */
	const char *restart_depends;
	int ready_condition; /* enum ha_vm_ready */
	uint64_t ready_delay_ms;
	int isolation_response;
	int partition_response;
	int vmcp_pdl_response;
	int vmcp_apd_response;
	uint64_t vmcp_apd_delay_ms;
	int vmcp_apd_cleared;
	int monitoring;
	uint64_t monitoring_failure_interval_ms;
	uint64_t monitoring_min_uptime_ms;
	int64_t monitoring_max_resets;
	uint64_t monitoring_window_ms;
	uint64_t monitoring_io_interval_ms;
};

extern const struct ha_param HA_VM_PARAMS[];

/* The words of a list parameter one by one: the next, NULL at the end; its
 * length in `ret_len`. `*at` is where to go on, the list at first. */
const char *ha_vm_words_next(const char **at, size_t *ret_len);

/* Restart priority, dependencies and ready condition alone, as vmha-fdmd wants
 * them: in place of a bad value its default holds, and the sentence of the
 * first bad one stands in `err` (result -EINVAL). `ret_values` is zeroed here;
 * its strings are the getter's. */
int ha_vm_params_restart(ha_param_getter get, void *ctx,
			 struct ha_vm_params *ret_values, struct ha_err *err);

/* on_guest_shutdown alone, as vmha-fdmd wants it: is it stop? A bad value has
 * its default. */
bool ha_vm_params_stops_with_guest(ha_param_getter get, void *ctx);

/* What a start needs: which VM, on which hypervisor. 0; -EINVAL with a sentence. */
int ha_vm_params_check_start(const struct ha_vm_params *params,
			     struct ha_err *err);

/* Rules between parameters, which no single row can say. 0; -EINVAL with a
 * sentence. Does not look at the host. `resource`: own name. */
int ha_vm_params_check(const struct ha_vm_params *params, const char *resource,
		       struct ha_err *err);

#endif
