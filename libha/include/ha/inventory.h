/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cluster as admission control and planning see it: hosts with capacity,
 * virtual machines with reservations, rules between them. The same structs
 * are filled from an inventory file, from a CIB and by the running master.
 * Everything is an index into an array; the arrays belong to the caller, are
 * not changed here and outlive every call that was given them.
 */
#ifndef HA_INVENTORY_H
#define HA_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No host, no machine. */
#define HA_INV_NONE UINT32_MAX

/* Only online hosts count, as capacity and as a place to be. */
enum ha_inv_state {
	HA_INV_ONLINE,
	HA_INV_STANDBY,
	HA_INV_MAINTENANCE,
	HA_INV_OFFLINE,
	HA_INV_ERROR,
};

struct ha_inv_host {
	const char *name;
	uint64_t cpu_mhz; /* for virtual machines: overhead already taken off */
	uint64_t memory_mb;
	uint32_t max_vms; /* 0: no limit */
	enum ha_inv_state state;
	bool is_failover_host;
	/* What its machines use now, all together: in the place of what they
	 * tell themselves. Only for performance_degradation. */
	bool has_cpu_used, has_memory_used;
	uint64_t cpu_used_mhz, memory_used_mb;
};

enum ha_inv_priority {
	HA_INV_PRIORITY_DISABLED,
	HA_INV_PRIORITY_LOWEST,
	HA_INV_PRIORITY_LOW,
	HA_INV_PRIORITY_MEDIUM,
	HA_INV_PRIORITY_HIGH,
	HA_INV_PRIORITY_HIGHEST,
};

struct ha_inv_vm {
	const char *name;
	uint64_t cpu_mhz;     /* reservation; 0: the policy's default */
	uint64_t memory_mb;   /* reservation; 0: the policy's default */
	uint64_t overhead_mb; /* on top of either */
	uint32_t host;        /* HA_INV_NONE: nowhere */
	enum ha_inv_priority priority;
	bool is_on;
	/* Hosts that it may run on (datastores, VM-host rules); ascending.
	 * Without has_allowed any host. */
	bool has_allowed;
	const uint32_t *allowed;
	uint32_t n_allowed;
};

/* May it run there, by the hosts that it is allowed? */
bool ha_inv_vm_is_allowed(const struct ha_inv_vm *vm, uint32_t host);

enum ha_inv_rule_type {
	HA_INV_SEPARATE, /* no two of them on one host */
	HA_INV_TOGETHER, /* all of them on one host */
};

struct ha_inv_rule {
	enum ha_inv_rule_type type;
	const uint32_t *vms;
	uint32_t n_vms;
	bool is_mandatory; /* others are wishes: never a reason for a no */
};

struct ha_inventory {
	const struct ha_inv_host *hosts;
	const struct ha_inv_vm *vms;
	const struct ha_inv_rule *rules;
	uint32_t n_hosts;
	uint32_t n_vms;
	uint32_t n_rules;
};

#endif
