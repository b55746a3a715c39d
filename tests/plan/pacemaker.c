/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan against Pacemaker itself: clusters near the limit that admission
 * control admits with guarantee plan, as CIBs with the constraints that vmha
 * writes; each host fails in turn, and crm_simulate says where its machines
 * go. None may be left stopped, go elsewhere than planned, or move while its
 * host lives. The same without the constraints, for comparison.
 *
 *   pacemaker FLAVOURS CLUSTERS FOLDER [FIRST-SEED]
 */
#include "pacemaker.h"

#include <inttypes.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "FaultDomain/facts.h"
#include "ha/admission.h"
#include "ha/cibinv.h"
#include "ha/prefer.h"
#include "ha/targets.h"

#define LINE_BYTES 512

struct tally {
	uint32_t made, admitted;
	uint32_t failures, displaced;
	uint32_t stopped, elsewhere; /* with the plan */
	uint32_t told;               /* that they may go elsewhere */
	uint32_t plain_stopped, plain_clusters;
	/* Though their host lives: with the plan, and those of them that stay
	 * without it; of all, without it. */
	uint32_t moved, moved_more, plain_moved;
};

struct proof {
	struct cluster *cluster;
	const char *folder;
	xmlDoc *doc;
	struct ha_cibinv *inv;
	struct ha_inv_host *hosts;
	struct ha_inventory view; /* inv with failover hosts marked */
	struct ha_plan_demand *demand;
	struct ha_target *targets;
	bool *is_told;     /* that it may go elsewhere */
	char *constraints; /* of the plan */
	struct tally *tally;
};

static void *
need_memory(size_t bytes)
{
	void *memory = calloc(1, bytes + 1);

	if (memory == NULL) {
		(void)fprintf(stderr, "no memory\n");
		exit(2);
	}
	return memory;
}

/* ---- the cluster as vmha reads it ---- */

static void
look(struct proof *p)
{
	char path[LINE_BYTES];
	struct ha_err err = HA_ERR_INIT;
	uint32_t n_hosts;

	(void)snprintf(path, sizeof(path), "%s/cib.xml", p->folder);
	cluster_write(p->cluster, path, NO_FAILURE, "");
	p->doc = xmlReadFile(path, NULL, XML_PARSE_NOBLANKS);
	if (p->doc == NULL ||
	    ha_cibinv_read(&FDM_XML_TREE, xmlDocGetRootElement(p->doc), &p->inv,
			   &err) < 0) {
		(void)fprintf(stderr, "%s: %s\n", path, err.text);
		exit(2);
	}
	n_hosts = p->inv->inv.n_hosts;
	p->hosts = need_memory(n_hosts * sizeof(*p->hosts));
	memcpy(p->hosts, p->inv->inv.hosts, n_hosts * sizeof(*p->hosts));
	for (uint32_t h = 0; h < n_hosts; h++) {
		p->hosts[h].is_failover_host = p->cluster->hosts[h].is_spare;
	}
	p->view = p->inv->inv;
	p->view.hosts = p->hosts;
	p->demand = need_memory(p->view.n_vms * sizeof(*p->demand));
	p->targets = need_memory(p->view.n_vms * sizeof(*p->targets));
	p->is_told = need_memory(p->view.n_vms * sizeof(*p->is_told));
	/* Without overhead, so that Pacemaker's limit is this one. */
	for (uint32_t vm = 0; vm < p->view.n_vms; vm++) {
		struct ha_demand demand;

		ha_demand_judge(&p->inv->vms[vm].facts, &demand);
		demand.overhead_mb = 0;
		ha_cibinv_set_demand(p->inv, vm, &demand);
		p->demand[vm] = (struct ha_plan_demand){ demand.cpu_mhz,
							 demand.memory_mb };
	}
}

static bool
is_admitted(struct proof *p)
{
	struct ha_admission_policy policy = {
		.type = p->cluster->is_dedicated ? HA_ADMISSION_DEDICATED :
						   HA_ADMISSION_PERCENTAGE,
		.guarantee = HA_ADMISSION_PLAN,
		.host_failures = 1,
		/* The plan alone decides. */
		.has_cpu_percent = true,
		.has_memory_percent = true,
		.default_cpu_mhz = HA_ADMISSION_CPU_MHZ_DEFAULT,
		.performance_degradation = HA_ADMISSION_DEGRADATION_DEFAULT,
	};
	struct ha_admission_request request = { .op = HA_ADMISSION_NONE };
	struct ha_admission_question question = { .inv = &p->view,
						  .policy = &policy,
						  .request = &request };
	void *work = need_memory(ha_admission_work_bytes(&question));
	struct ha_admission_answer answer;
	struct ha_err err = HA_ERR_INIT;
	int rc = ha_admission_judge(&question, work, &answer, &err);
	bool is = rc == 0 && ha_admission_is_yes(answer.verdict);

	free(work);
	if (rc < 0) {
		(void)fprintf(stderr, "admission: %s\n", err.text);
		exit(2);
	}
	return is;
}

/* What vmha-fdmd does (agents/FaultDomain/prefer.c): targets, scores, XML. */
static bool
plan(struct proof *p)
{
	uint32_t n = p->view.n_vms;
	struct ha_target_fact *facts = need_memory(n * sizeof(*facts));
	struct ha_prefer_facts *wishes = need_memory(n * sizeof(*wishes));
	struct ha_targets_question question = {
		.inv = &p->view,
		.demand = p->demand,
		.facts = facts,
		.has_failover_hosts = p->cluster->is_dedicated,
	};
	void *work = need_memory(ha_targets_work_bytes(&question));
	char *text = need_memory(0);
	size_t used = 0;
	bool is_whole = true;

	for (uint32_t vm = 0; vm < n; vm++) {
		facts[vm].now = p->inv->vms[vm].plan.host;
	}
	ha_targets_make(&question, work, p->targets);
	for (uint32_t vm = 0; vm < n; vm++) {
		wishes[vm] = p->inv->vms[vm].prefer;
	}
	ha_prefer_part(&p->view, p->targets, wishes);
	for (uint32_t vm = 0; vm < n; vm++) {
		struct ha_prefer_constraint wanted;
		struct ha_prefer_verdict verdict;

		if (p->targets[vm].state == HA_TARGET_NEEDLESS) {
			continue;
		}
		(void)ha_prefer_wanted(&p->view, vm, &p->targets[vm],
				       &wishes[vm], &p->inv->vms[vm].plan,
				       &wanted, &verdict);
		is_whole = is_whole && p->targets[vm].state == HA_TARGET_GIVEN;
		p->is_told[vm] = verdict.why != HA_PREFER_WINS;
		p->tally->told += p->is_told[vm];
		if (!wanted.is_there) {
			continue;
		}
		char *xml = ha_cibinv_plan_xml(p->view.vms[vm].name,
					       p->hosts[wanted.host].name,
					       wanted.score);
		size_t length = strlen(xml);
		char *grown = realloc(text, used + length + 1);
		if (grown == NULL) {
			exit(2);
		}
		text = grown;
		memcpy(text + used, xml, length + 1);
		used += length;
		free(xml);
	}
	free(work);
	free(facts);
	free(wishes);
	p->constraints = text;
	return is_whole;
}

/* ---- Pacemaker's word ---- */

/* Where each machine is to be, by the summary; HA_INV_NONE: it is stopped.
 * Those that it does not name stay. */
static void
ask_pacemaker(struct proof *p, uint32_t failed, const char *constraints,
	      uint32_t *ret_at)
{
	char path[LINE_BYTES];
	char command[2 * LINE_BYTES];
	char line[LINE_BYTES];
	char verb[32];
	char vm[32];
	char to[32];
	bool is_summary = false;
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/sim.xml", p->folder);
	cluster_write(p->cluster, path, failed, constraints);
	(void)snprintf(command, sizeof(command), "crm_simulate -x %s -R 2>&1",
		       path);
	out = popen(command, "r");
	for (uint32_t i = 0; i < p->view.n_vms; i++) {
		ret_at[i] = p->view.vms[i].host;
	}
	while (out && fgets(line, sizeof(line), out)) {
		is_summary = is_summary ||
			     strncmp(line, "Transition Summary", 18) == 0;
		if (!is_summary ||
		    sscanf(line, " * %31s vm%31s", verb, vm) != 2) {
			continue;
		}
		const char *arrow = strstr(line, "-> h");
		uint32_t at = (uint32_t)strtoul(vm, NULL, 10);
		ret_at[at] = HA_INV_NONE;
		if (arrow && sscanf(arrow, "-> h%31s", to) == 1 &&
		    strcmp(verb, "Stop") != 0) {
			ret_at[at] = (uint32_t)strtoul(to, NULL, 10);
		}
	}
	if (out == NULL || pclose(out) != 0 || !is_summary) {
		(void)fprintf(stderr, "%s failed\n", command);
		exit(2);
	}
}

static void
count_move(struct tally *tally, uint32_t host, uint32_t at, uint32_t plain)
{
	tally->moved += at != host;
	tally->moved_more += at != host && plain == host;
	tally->plain_moved += plain != host;
}

static void
try_failure(struct proof *p, uint32_t failed, bool *is_left)
{
	uint32_t *at = need_memory(p->view.n_vms * sizeof(*at));
	uint32_t *plain = need_memory(p->view.n_vms * sizeof(*plain));
	struct tally *tally = p->tally;

	tally->failures++;
	ask_pacemaker(p, failed, p->constraints, at);
	ask_pacemaker(p, failed, "", plain);
	for (uint32_t vm = 0; vm < p->view.n_vms; vm++) {
		uint32_t host = p->view.vms[vm].host;

		if (host != failed) {
			count_move(tally, host, at[vm], plain[vm]);
			continue;
		}
		tally->displaced++;
		if (at[vm] == HA_INV_NONE || at[vm] == failed) {
			tally->stopped++;
			printf("seed %" PRIu64 ": h%u fails, vm%u stays down\n",
			       p->cluster->seed, failed, vm);
		} else if (at[vm] != p->targets[vm].host && !p->is_told[vm]) {
			tally->elsewhere++;
			printf("seed %" PRIu64
			       ": h%u fails, vm%u goes to h%u, not h%u\n",
			       p->cluster->seed, failed, vm, at[vm],
			       p->targets[vm].host);
		}
	}
	for (uint32_t vm = 0; vm < p->view.n_vms; vm++) {
		if (p->view.vms[vm].host == failed &&
		    (plain[vm] == HA_INV_NONE || plain[vm] == failed)) {
			tally->plain_stopped++;
			*is_left = true;
		}
	}
	free(plain);
	free(at);
}

static void
try_cluster(struct proof *p)
{
	uint32_t *at = need_memory(p->view.n_vms * sizeof(*at));
	uint32_t *plain = need_memory(p->view.n_vms * sizeof(*plain));
	bool is_left = false;

	ask_pacemaker(p, NO_FAILURE, "", plain);
	ask_pacemaker(p, NO_FAILURE, p->constraints, at);
	for (uint32_t vm = 0; vm < p->view.n_vms; vm++) {
		count_move(p->tally, p->view.vms[vm].host, at[vm], plain[vm]);
		if (at[vm] != p->view.vms[vm].host &&
		    plain[vm] == p->view.vms[vm].host) {
			printf("seed %" PRIu64 ": vm%u moves while h%u lives\n",
			       p->cluster->seed, vm, p->view.vms[vm].host);
		}
	}
	for (uint32_t h = 0; h < p->view.n_hosts; h++) {
		if (!p->hosts[h].is_failover_host) {
			try_failure(p, h, &is_left);
		}
	}
	p->tally->plain_clusters += is_left;
	free(plain);
	free(at);
}

static bool
run(struct proof *p)
{
	bool is_ok = true;

	p->tally->made++;
	look(p);
	if (is_admitted(p)) {
		p->tally->admitted++;
		is_ok = plan(p);
		if (!is_ok) {
			printf("seed %" PRIu64
			       ": admitted, and no target for all\n",
			       p->cluster->seed);
		}
		try_cluster(p);
	}
	free(p->constraints);
	free(p->targets);
	free(p->is_told);
	free(p->demand);
	free(p->hosts);
	ha_cibinv_free(p->inv);
	xmlFreeDoc(p->doc);
	return is_ok;
}

static bool
tell(const char *name, const struct tally *tally, bool has_wishes)
{
	printf("%-24s %4u admitted of %u, %u failures, %u VMs displaced\n"
	       "%25swith the plan: %u left stopped, %u elsewhere, %u said to be "
	       "uncertain; %u moved without need, %u of them by the plan\n"
	       "%25sbalanced alone: %u left stopped, in %u clusters (%u %%); "
	       "%u moved without need\n",
	       name, tally->admitted, tally->made, tally->failures,
	       tally->displaced, "", tally->stopped, tally->elsewhere,
	       tally->told, tally->moved, tally->moved_more, "",
	       tally->plain_stopped, tally->plain_clusters,
	       tally->admitted ? 100 * tally->plain_clusters / tally->admitted :
				 0,
	       tally->plain_moved);
	/* Pacemaker weighs what others wish too, further than vmha follows: of
	 * that mix only who is left down counts. */
	return tally->stopped == 0 &&
	       (has_wishes || tally->elsewhere + tally->moved_more == 0);
}

int
main(int argc, char **argv)
{
	static struct cluster cluster;
	struct tally tallies[MIX_N] = { { 0 } };
	uint64_t seed = argc == 5 ? strtoull(argv[4], NULL, 10) : 1;
	uint32_t wanted;
	uint32_t admitted = 0;
	bool is_ok = true;

	if (argc < 4) {
		(void)fprintf(stderr, "usage: pacemaker FLAVOURS CLUSTERS "
				      "FOLDER [FIRST-SEED]\n");
		return 2;
	}
	cluster_read_flavours(argv[1]);
	wanted = (uint32_t)strtoul(argv[2], NULL, 10);
	while (admitted < wanted) {
		enum mix mix = (enum mix)(seed % MIX_N);
		uint32_t before = tallies[mix].admitted;

		cluster_roll(&cluster, mix, seed++);
		is_ok = run(&(struct proof){ .cluster = &cluster,
					     .folder = argv[3],
					     .tally = &tallies[mix] }) &&
			is_ok;
		admitted += tallies[mix].admitted - before;
	}
	for (int mix = 0; mix < MIX_N; mix++) {
		is_ok = tell(CLUSTER_MIX_NAMES[mix], &tallies[mix],
			     mix == MIX_WISHES) &&
			is_ok;
	}
	xmlCleanupParser();
	printf("%s\n", is_ok ? "ok" : "FAILED");
	return is_ok ? 0 : 1;
}
