/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Admission control: may this machine be switched on, this reservation grow,
 * this host leave, and would the virtual machines still find their place when
 * hosts fail? The arithmetic of vSphere's three policies, and with the
 * guarantee "plan" a proof on top of it. Must never refuse what gives
 * capacity back (power-off, lowering), nor a restart after a failure: those
 * are not asked here at all, or answered yes.
 *
 * Pure: facts and working memory in, verdict out.
 */
#ifndef HA_ADMISSION_H
#define HA_ADMISSION_H

#include "ha/err.h"
#include "ha/inventory.h"
#include "ha/plan.h"

/* Above any real host or machine, and small enough that a hundredfold sum
 * over all of them fits 63 bits. Larger numbers are refused (-ERANGE). */
#define HA_ADMISSION_CPU_MHZ_MAX UINT64_C(1000000000)
#define HA_ADMISSION_MEMORY_MB_MAX UINT64_C(10000000000)
#define HA_ADMISSION_HOSTS_MAX 10000u
#define HA_ADMISSION_VMS_MAX 1000000u
/* das.vmCpuMinMHz of vSphere 5 and later; das.vmMemoryMinMB. */
#define HA_ADMISSION_CPU_MHZ_DEFAULT 32u
#define HA_ADMISSION_MEMORY_MB_DEFAULT 0u
#define HA_ADMISSION_FAILURES_DEFAULT 1u
#define HA_ADMISSION_PERCENT_MAX 100u
/* resourceReductionToToleratePercent: 100 never warns. */
#define HA_ADMISSION_DEGRADATION_DEFAULT 100u

enum ha_admission_type {
	HA_ADMISSION_PERCENTAGE,
	HA_ADMISSION_SLOT,
	HA_ADMISSION_DEDICATED, /* failover hosts, kept empty */
	HA_ADMISSION_DISABLED,  /* admits everything, proves nothing */
};

enum ha_admission_guarantee {
	HA_ADMISSION_PLAN,       /* and every failure has a placement */
	HA_ADMISSION_ARITHMETIC, /* vSphere's word alone */
};

struct ha_admission_policy {
	enum ha_admission_type type;
	enum ha_admission_guarantee guarantee;
	uint32_t host_failures; /* 0..HA_PLAN_FAILURES_MAX */
	/* Else the share of the largest host_failures hosts, per resource,
	 * rounded up. */
	bool has_cpu_percent, has_memory_percent;
	uint32_t cpu_percent, memory_percent;
	/* Size of a slot, 0: the largest demand; and its upper bound, 0: none,
	 * which a fixed size does not look at. */
	uint64_t slot_cpu_mhz, slot_memory_mb;
	uint64_t max_slot_cpu_mhz, max_slot_memory_mb;
	/* Of a machine without a reservation. */
	uint64_t default_cpu_mhz, default_memory_mb;
	/* By how many percent of its present use the cluster may slow down
	 * after the failures before that is worth a warning. */
	uint32_t performance_degradation;
};

enum ha_admission_op {
	HA_ADMISSION_NONE,        /* the cluster as it stands */
	HA_ADMISSION_POWER_ON,    /* vm, on host or wherever it fits */
	HA_ADMISSION_RAISE,       /* vm, new reservations */
	HA_ADMISSION_MIGRATE,     /* vm, to host, inside the cluster */
	HA_ADMISSION_REMOVE_HOST, /* hosts go into maintenance */
	HA_ADMISSION_FAIL_HOST,   /* hosts die: never refused, but told */
};

struct ha_admission_request {
	enum ha_admission_op op;
	uint32_t vm;           /* index */
	uint32_t host;         /* POWER_ON: HA_INV_NONE for any; MIGRATE */
	const uint32_t *hosts; /* REMOVE_HOST, FAIL_HOST */
	uint32_t n_hosts;
	bool has_cpu, has_memory; /* RAISE: which of them is new */
	uint64_t cpu_mhz, memory_mb;
};

struct ha_admission_question {
	const struct ha_inventory *inv;
	/* What the machines use now, of inv->n_vms; NULL: not known. Only for
	 * performance_degradation, and not of those that run on a host that
	 * tells it itself. */
	const struct ha_plan_demand *used;
	const struct ha_admission_policy *policy;
	const struct ha_admission_request *request;
	/* Bounds of the search, 0: the planner's. */
	uint64_t set_steps, all_steps;
	/* Told the certificate, each set in turn; may be NULL. Before each
	 * attempt `begin` is called: what was told before is void. */
	void (*begin)(void *closure);
	ha_plan_told told;
	void *closure;
};

enum ha_admission_verdict {
	HA_ADMISSION_ADMIT,
	HA_ADMISSION_REFUSE,
	HA_ADMISSION_SATISFIED, /* of NONE and FAIL_HOST */
	HA_ADMISSION_VIOLATED,
};

/* Which sentence; in brackets what `value` and `limit` mean. */
enum ha_admission_reason {
	HA_ADMISSION_HOLDS,
	HA_ADMISSION_IS_DISABLED,
	HA_ADMISSION_IS_OFF,          /* a machine that is off has no demand */
	HA_ADMISSION_IS_LOWERED,      /* no demand has grown */
	HA_ADMISSION_INSIDE,          /* a migration changes no total */
	HA_ADMISSION_NO_HOST,         /* no online host at all */
	HA_ADMISSION_HOST_STATE,      /* the wanted host is not online */
	HA_ADMISSION_HOST_FORBIDDEN,  /* the machine may not run there */
	HA_ADMISSION_HOST_FAILOVER,   /* a failover host */
	HA_ADMISSION_NO_CANDIDATE,    /* no online host that it may run on */
	HA_ADMISSION_CPU_SHORT,       /* [percent left, percent configured] */
	HA_ADMISSION_MEMORY_SHORT,    /* the same */
	HA_ADMISSION_SLOTS_SHORT,     /* [slots used, slots after failures] */
	HA_ADMISSION_NO_FAILOVER,     /* dedicated, and no failover host */
	HA_ADMISSION_FAILOVER_RED,    /* a failover host that can't help */
	HA_ADMISSION_NOT_EVACUATED,   /* a machine of leaving hosts: no place */
	HA_ADMISSION_NOT_PLACED,      /* no host has room, or a rule forbids */
	HA_ADMISSION_NO_PLAN,         /* a failure leaves a machine down */
	HA_ADMISSION_SEARCH_BOUND,    /* not decided within the bound */
	HA_ADMISSION_CHECKER_DIFFERS, /* the checker refused a certificate */
};

/* Of one resource, in MHz or MB. */
struct ha_admission_share {
	uint64_t capacity, demand;
	int64_t current_percent; /* below 0: demand exceeds capacity */
	uint64_t configured_percent;
	uint64_t missing; /* to be freed until it holds; 0: it holds */
};

struct ha_admission_slots {
	uint64_t cpu_mhz, memory_mb;
	uint64_t total, used, unreserved;
	uint64_t left; /* after the failure of the largest hosts */
	uint32_t failover_capacity;
};

/* What is in use now, and what there is once the largest host_failures hosts
 * are lost. It warns where the use, less what may be lost, would not fit. */
struct ha_admission_use {
	uint64_t cpu_mhz, memory_mb;
	uint64_t left_cpu_mhz, left_memory_mb;
	bool warns_cpu, warns_memory;
};

enum ha_admission_colour {
	HA_ADMISSION_NO_COLOUR, /* no failover host */
	HA_ADMISSION_GREEN,
	HA_ADMISSION_YELLOW, /* machines run there */
	HA_ADMISSION_RED,    /* not online */
};

/* Pointers lead into the working memory. */
struct ha_admission_answer {
	enum ha_admission_verdict verdict;
	enum ha_admission_reason reason;
	/* The no is not proven: another arrangement may exist. */
	bool is_conservative;
	uint32_t host, vm; /* of the reason; HA_INV_NONE: none */
	uint64_t value, limit;
	/* The cluster that was judged, machines where they were put, and per
	 * machine its demand (0 when off) and its slots; per host its slots
	 * and colour. */
	struct ha_inventory inv;
	const struct ha_plan_demand *demand;
	const uint64_t *needs;
	const uint64_t *host_slots;
	const enum ha_admission_colour *colours;
	struct ha_admission_share cpu, memory;
	struct ha_admission_slots slots; /* policy slot */
	struct ha_admission_use use;
	/* Machines of hosts that were taken away, and whether all of them
	 * found a place. */
	uint32_t displaced;
	bool has_all_placed;
	/* The plan was judged, and this is its answer; without sets where a
	 * machine had no place before any failure. */
	bool has_plan;
	struct ha_plan_answer plan;
};

size_t ha_admission_work_bytes(const struct ha_admission_question *question);

/*
 * Judges. work: aligned as from malloc(), of ha_admission_work_bytes(), any
 * content; the answer points into it. A yes of the guarantee "plan" is given
 * only for certificates that ha_plan_verify() accepted.
 * -ERANGE: a number beyond the bounds above; -EINVAL: an index of nothing, or
 * a machine that is on already; with the sentence.
 */
int ha_admission_judge(const struct ha_admission_question *question, void *work,
		       struct ha_admission_answer *ret_answer,
		       struct ha_err *err);

bool ha_admission_is_yes(enum ha_admission_verdict verdict);

/* What an operator should read: object, value, limit; and what would help,
 * empty where nothing has to. */
void ha_admission_text(const struct ha_admission_question *question,
		       const struct ha_admission_answer *answer,
		       struct ha_err *ret_reason, struct ha_err *ret_help);

/* Of the cluster as it stands, without a judgement; its numbers are within the
 * bounds above. */
void ha_admission_use(const struct ha_admission_question *question,
		      struct ha_admission_use *ret_use);
/* The warning of performance_degradation; false: there is none. */
bool ha_admission_warning(const struct ha_admission_policy *policy,
			  const struct ha_admission_use *use, bool is_memory,
			  struct ha_err *ret_text);

#endif
