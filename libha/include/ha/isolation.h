/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is this host isolated, and what becomes of each of its VMs? As vSphere: the
 * host itself declares it, when it hears no other agent and no isolation
 * address answers; and a VM is touched only where somebody could restart it.
 * Pure; times are this host's CLOCK_BOOTTIME in milliseconds.
 */
#ifndef HA_ISOLATION_H
#define HA_ISOLATION_H

#include <stdbool.h>
#include <stdint.h>

enum ha_isolation_state {
	HA_ISOLATION_CONNECTED,   /* in a quorate membership */
	HA_ISOLATION_PARTITIONED, /* not quorate, but hears an agent or an
				   * isolation address answers */
	HA_ISOLATION_CHECKING,    /* hears nobody: pings */
	HA_ISOLATION_ISOLATED,    /* declared */
	HA_ISOLATION_N
};
const char *ha_isolation_state_name(enum ha_isolation_state state);

struct ha_isolation_policy {
	uint32_t ping_ms;      /* for so long no address must have answered */
	uint32_t delay_ms;     /* from the declaration to the response */
	uint32_t shutdown_ms;  /* then a guest that still runs is powered off */
	uint32_t partition_ms; /* from the loss of quorum to the partition
				 * response */
};

struct ha_isolation_facts {
	bool is_quorate;
	bool hears_agents;    /* the membership has another host */
	uint32_t addresses;   /* isolation addresses that are pinged */
	uint64_t asked_ms;    /* since when they are pinged without a break; 0:
			     * they are not */
	uint64_t answered_ms; /* when one of them answered last; 0: never */
	uint64_t now_ms;
};

struct ha_isolation {
	enum ha_isolation_state state;
	uint64_t since_ms;
	uint64_t lost_ms; /* since when not quorate; 0: is quorate */
};

void ha_isolation_init(struct ha_isolation *isolation, uint64_t now_ms);

/* Once a beat. An answer, or an agent that is heard, ends the isolation at any
 * time, after the declaration too. Without any address, silence of the other
 * agents for ping_ms is isolation. True when the state has changed. */
bool ha_isolation_judge(struct ha_isolation *isolation,
			const struct ha_isolation_facts *facts,
			const struct ha_isolation_policy *policy);

/* Should addresses be pinged now? */
bool ha_isolation_wants_ping(const struct ha_isolation *isolation);

/* ---- what becomes of a VM ------------------------------------------------ */

enum ha_response {
	HA_RESPONSE_CLUSTER, /* a VM's: as the cluster's */
	HA_RESPONSE_NONE,    /* leave powered on */
	HA_RESPONSE_POWEROFF,
	HA_RESPONSE_SHUTDOWN,
	HA_RESPONSE_N
};
const char *ha_response_name(enum ha_response response);

struct ha_response_facts {
	const struct ha_isolation *isolation;
	enum ha_response vm_isolation, vm_partition; /* the VM's parameters */
	enum ha_response isolation_response, partition_response; /* cluster's */
	bool is_restart_disabled; /* restart_priority=disabled */
	bool is_running;          /* listed, and not yet released */
	/* the guard: somebody could restart it */
	bool can_read;        /* r heartbeat datastores are read */
	bool is_owner_alive;  /* another host beats, is quorate and master, and
			      * is not isolated */
	uint64_t shutdown_ms; /* when its shutdown was begun; 0: was not */
	uint64_t now_ms;
};

enum ha_response_step {
	HA_RESPONSE_STEP_LEAVE,    /* nothing to do, ever */
	HA_RESPONSE_STEP_WAIT,     /* not yet: delay, or a shutdown under way */
	HA_RESPONSE_STEP_DEFER,    /* nobody could restart it now */
	HA_RESPONSE_STEP_SHUTDOWN, /* begin it */
	HA_RESPONSE_STEP_POWEROFF,
};
enum ha_response_why {
	HA_RESPONSE_WHY_NOT_CUT_OFF,
	HA_RESPONSE_WHY_POLICY,   /* the response says leave */
	HA_RESPONSE_WHY_DISABLED, /* restart_priority=disabled */
	HA_RESPONSE_WHY_DELAY,
	HA_RESPONSE_WHY_NO_OWNER,
	HA_RESPONSE_WHY_ISOLATED,
	HA_RESPONSE_WHY_PARTITIONED,
	HA_RESPONSE_WHY_SHUTTING_DOWN,
	HA_RESPONSE_WHY_SHUTDOWN_TIMEOUT,
	HA_RESPONSE_WHY_GONE, /* it does not run */
	HA_RESPONSE_WHY_N
};
const char *ha_response_why_text(enum ha_response_why why);

struct ha_response_verdict {
	enum ha_response_step step;
	enum ha_response_why why;
};
/* A VM whose datastores can't be read at all gets its response without the
 * guard: nobody can tell, and what can't reach its lock can't keep it. */
struct ha_response_verdict
ha_response_judge(const struct ha_response_facts *facts,
		  const struct ha_isolation_policy *policy);

#endif
