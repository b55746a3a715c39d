/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clusters of 4 to 16 hosts, filled to 85 to 100 % of what is left without one
 * of them, and their CIBs as Pacemaker has them when all machines run. Machines
 * have the sizes of real ones, or CPU and memory that have nothing to do with
 * one another.
 */
#include "pacemaker.h"
#include "flavours.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORBIDDEN (-1000000)
#define MISSES_MAX 4

const char *const CLUSTER_MIX_NAMES[MIX_N] = {
	[MIX_AZURE] = "azure flavours",
	[MIX_UNCORRELATED] = "uncorrelated",
	[MIX_WISHES] = "azure, wishes and rules",
	[MIX_DEDICATED] = "azure, failover host",
};

void
cluster_read_flavours(const char *path)
{
	flavours_read(path);
}

static void
roll_need(enum mix mix, uint64_t *ret_cpu, uint64_t *ret_memory)
{
	uint32_t at = roll(sum_weights);
	const struct flavour *flavour = flavours_at(at);

	if (mix == MIX_UNCORRELATED) {
		*ret_cpu = 500 + 250 * (uint64_t)roll(28);
		*ret_memory = 512 + 256 * (uint64_t)roll(70);
		return;
	}
	*ret_cpu = flavour->cpus * 1000;
	*ret_memory = flavour->memory_mb;
}

/* The emptiest host that has room. */
static uint32_t
find_host(const struct cluster *cluster, const struct cluster_host *room,
	  uint64_t cpu, uint64_t memory)
{
	uint32_t best = NO_FAILURE;
	double most = -1;

	for (uint32_t h = 0; h < cluster->n_hosts; h++) {
		double free = (double)room[h].cpu_mhz / 40000 +
			      (double)room[h].memory_mb / 120000;
		if (!room[h].is_spare && room[h].cpu_mhz >= cpu &&
		    room[h].memory_mb >= memory && free > most) {
			best = h;
			most = free;
		}
	}
	return best;
}

static void
fill(struct cluster *cluster, enum mix mix, uint64_t limit_cpu,
     uint64_t limit_memory)
{
	struct cluster_host room[CLUSTER_HOSTS];

	memcpy(room, cluster->hosts, sizeof(room));
	for (int misses = 0;
	     misses < MISSES_MAX && cluster->n_vms < CLUSTER_VMS;) {
		uint64_t cpu = 0;
		uint64_t memory = 0;
		roll_need(mix, &cpu, &memory);
		uint32_t host = find_host(cluster, room, cpu, memory);
		if (host == NO_FAILURE || cpu > limit_cpu ||
		    memory > limit_memory) {
			misses++;
			continue;
		}
		room[host].cpu_mhz -= cpu;
		room[host].memory_mb -= memory;
		limit_cpu -= cpu;
		limit_memory -= memory;
		cluster->vms[cluster->n_vms++] = (struct cluster_vm){
			.cpu_mhz = cpu,
			.memory_mb = memory,
			.host = host,
			.apart_from = NO_FAILURE,
		};
	}
}

/* No score that outweighs a plan: those are told, and not tried here. */
static void
roll_wishes(struct cluster *cluster)
{
	for (uint32_t vm = 0; vm < cluster->n_vms; vm++) {
		struct cluster_vm *one = &cluster->vms[vm];
		uint32_t other = roll(cluster->n_vms);

		one->stickiness = roll(3) == 0 ? 150 + roll(100) : 0;
		for (uint32_t h = 0; h < cluster->n_hosts; h++) {
			if (roll(4) == 0) {
				one->score[h] = (int)roll(60) - 20;
			} else if (h != one->host && roll(12) == 0) {
				one->score[h] = FORBIDDEN;
			}
		}
		if (roll(8) == 0 && cluster->vms[other].host != one->host) {
			one->apart_from = other;
		}
	}
}

void
cluster_roll(struct cluster *cluster, enum mix mix, uint64_t seed)
{
	uint64_t cpu = 0;
	uint64_t memory = 0;
	uint64_t percent;

	dice_seed = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15);
	memset(cluster, 0, sizeof(*cluster));
	cluster->seed = seed;
	cluster->is_dedicated = mix == MIX_DEDICATED;
	cluster->n_hosts = 4 + roll(roll(6) == 0 ? 13 : 4);
	for (uint32_t h = 0; h < cluster->n_hosts; h++) {
		struct cluster_host *host = &cluster->hosts[h];
		uint64_t cores = 16 + 8 * (uint64_t)roll(3);

		host->cpu_mhz = cores * 1000;
		host->memory_mb = cores * (2560 + 512 * (uint64_t)roll(3));
		host->is_spare = cluster->is_dedicated && h == 0;
		cpu += h == 0 ? 0 : host->cpu_mhz;
		memory += h == 0 ? 0 : host->memory_mb;
	}
	percent = (mix == MIX_WISHES       ? 75 :
		   mix == MIX_UNCORRELATED ? 72 :
					     85) +
		  roll(16);
	fill(cluster, mix, cpu * percent / 100, memory * percent / 100);
	if (mix == MIX_WISHES) {
		roll_wishes(cluster);
	}
}

/* ---- as a CIB ---- */

static void
write_utilization(FILE *out, const char *id, uint64_t cpu, uint64_t memory)
{
	(void)fprintf(out,
		      "<utilization id='%s-u'><nvpair id='%s-c' "
		      "name='cpu_mhz' value='%" PRIu64
		      "'/><nvpair id='%s-m' name='memory_mb' value='%" PRIu64
		      "'/></utilization>",
		      id, id, cpu, id, memory);
}

static void
write_vm(FILE *out, const struct cluster_vm *vm, uint32_t number)
{
	char id[32];

	(void)snprintf(id, sizeof(id), "vm%u", number);
	(void)fprintf(out,
		      "<primitive id='%s' class='ocf' provider='vmha' "
		      "type='VirtualMachine'>",
		      id);
	if (vm->stickiness != 0) {
		(void)fprintf(out,
			      "<meta_attributes id='%s-a'><nvpair id='%s-s' "
			      "name='resource-stickiness' value='%u'/>"
			      "</meta_attributes>",
			      id, id, vm->stickiness);
	}
	write_utilization(out, id, vm->cpu_mhz, vm->memory_mb);
	(void)fprintf(out, "</primitive>");
}

static void
write_wishes(FILE *out, const struct cluster *cluster)
{
	for (uint32_t vm = 0; vm < cluster->n_vms; vm++) {
		const struct cluster_vm *one = &cluster->vms[vm];

		for (uint32_t h = 0; h < cluster->n_hosts; h++) {
			if (one->score[h] != 0) {
				(void)fprintf(out,
					      "<rsc_location id='l%u-%u' "
					      "rsc='vm%u' node='h%u' "
					      "score='%d'/>",
					      vm, h, vm, h, one->score[h]);
			}
		}
		if (one->apart_from != NO_FAILURE) {
			(void)fprintf(out,
				      "<rsc_colocation id='c%u' rsc='vm%u' "
				      "with-rsc='vm%u' score='-INFINITY'/>",
				      vm, vm, one->apart_from);
		}
	}
}

#define KEY(rc) "1:1:" rc ":00000000-0000-0000-0000-000000000000"

static void
write_state(FILE *out, const struct cluster *cluster, uint32_t host,
	    bool is_failed)
{
	(void)fprintf(out,
		      "<node_state id='%u' uname='h%u' %s "
		      "expected='member'><lrm id='%u'><lrm_resources>",
		      host + 1, host,
		      is_failed ? "in_ccm='false' crmd='offline' join='down'" :
				  "in_ccm='true' crmd='online' join='member'",
		      host + 1);
	for (uint32_t vm = 0; vm < cluster->n_vms; vm++) {
		if (cluster->vms[vm].host == host) {
			(void)fprintf(
				out,
				"<lrm_resource id='vm%u' class='ocf' "
				"provider='vmha' type='VirtualMachine'>"
				"<lrm_rsc_op id='vm%u_last_0' "
				"operation_key='vm%u_start_0' "
				"operation='start' crm_feature_set='3.16.2' "
				"transition-key='" KEY(
					"0") "' "
					     "transition-magic='0:0;" KEY(
						     "0") "' "
							  "call-id='5' rc-code='0' op-status='0' "
							  "interval='0' op-digest="
							  "'f2317cad3d54cec5d7d7aa7d0bf35cf8'/>"
							  "</lrm_resource>",
				vm, vm, vm);
		}
	}
	(void)fprintf(out, "</lrm_resources></lrm></node_state>");
}

void
cluster_write(const struct cluster *cluster, const char *path, uint32_t failed,
	      const char *constraints)
{
	FILE *out = fopen(path, "w");

	if (out == NULL) {
		perror(path);
		exit(2);
	}
	(void)fprintf(out,
		      "<cib crm_feature_set='3.16.2' "
		      "validate-with='pacemaker-3.9' epoch='1' "
		      "num_updates='0' admin_epoch='0' have-quorum='1' "
		      "dc-uuid='%u'><configuration><crm_config>"
		      "<cluster_property_set id='p'><nvpair id='p1' "
		      "name='placement-strategy' value='balanced'/>"
		      "</cluster_property_set></crm_config><nodes>",
		      failed == 0 ? 2u : 1u);
	for (uint32_t h = 0; h < cluster->n_hosts; h++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "n%u", h);
		(void)fprintf(out, "<node id='%u' uname='h%u'>", h + 1, h);
		write_utilization(out, id, cluster->hosts[h].cpu_mhz,
				  cluster->hosts[h].memory_mb);
		(void)fprintf(out, "</node>");
	}
	(void)fprintf(out, "</nodes><resources><primitive id='fencing' "
			   "class='stonith' type='fence_vmha'/>");
	for (uint32_t vm = 0; vm < cluster->n_vms; vm++) {
		write_vm(out, &cluster->vms[vm], vm);
	}
	(void)fprintf(out, "</resources><constraints>");
	write_wishes(out, cluster);
	(void)fprintf(out,
		      "%s</constraints><rsc_defaults><meta_attributes id='d'>"
		      "<nvpair id='d1' name='resource-stickiness' "
		      "value='1000'/></meta_attributes></rsc_defaults>"
		      "</configuration><status>",
		      constraints);
	for (uint32_t h = 0; h < cluster->n_hosts; h++) {
		write_state(out, cluster, h, h == failed);
	}
	(void)fprintf(out, "</status></cib>\n");
	if (fclose(out) != 0) {
		perror(path);
		exit(2);
	}
}
