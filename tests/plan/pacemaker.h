/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clusters near the limit and their CIBs, for pacemaker.c.
 */
#ifndef TESTS_PLAN_PACEMAKER_H
#define TESTS_PLAN_PACEMAKER_H

#include <stdbool.h>
#include <stdint.h>

#define CLUSTER_HOSTS 16u
#define CLUSTER_VMS 200u
#define NO_FAILURE UINT32_MAX

enum mix {
	MIX_AZURE,
	MIX_UNCORRELATED,
	MIX_WISHES, /* Azure; locations, anti-affinity, scores, stickiness */
	MIX_DEDICATED,
	MIX_N
};

struct cluster_host {
	uint64_t cpu_mhz, memory_mb;
	bool is_spare; /* failover host */
};

struct cluster_vm {
	uint64_t cpu_mhz, memory_mb;
	uint32_t host;
	uint32_t stickiness;
	int score[CLUSTER_HOSTS]; /* 0: none; -1000000: forbidden */
	uint32_t apart_from;      /* NO_FAILURE: nobody */
};

struct cluster {
	uint64_t seed;
	bool is_dedicated;
	uint32_t n_hosts, n_vms;
	struct cluster_host hosts[CLUSTER_HOSTS];
	struct cluster_vm vms[CLUSTER_VMS];
};

extern const char *const CLUSTER_MIX_NAMES[MIX_N];

void cluster_read_flavours(const char *path);
void cluster_roll(struct cluster *cluster, enum mix mix, uint64_t seed);
/* With these constraints too; one host out of the membership and not fenced
 * yet, or NO_FAILURE. Host i is h<i>, machine i vm<i>. */
void cluster_write(const struct cluster *cluster, const char *path,
		   uint32_t failed, const char *constraints);

#endif
