/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha heartbeat check: what was gathered and what was found. Each part adds
 * findings, in the order in which an operator would mend them.
 */
#ifndef VMHA_CHECK_H
#define VMHA_CHECK_H

#include "ha/hostset.h"
#include "area.h"

enum vmha_level {
	CHECK_OK,
	CHECK_WARN,
	CHECK_BAD,
	CHECK_N
};
const char *check_level_name(enum vmha_level level);

#define FINDINGS_MAX 256

struct finding {
	enum vmha_level level;
	char what[64];
	char value[400];
	char limit[128];
	char todo[512]; /* empty: nothing */
};

struct check {
	struct vmha *v;
	/* gathered */
	bool has_conf;
	struct ha_hbconf conf;
	struct vmha_areas areas; /* opened, one cluster, loaded */
	bool is_all_open;        /* every datastore of vmha.conf is in areas */
	bool has_cluster;
	const char *source; /* "corosync" or a file */
	struct ha_corosync_config cluster;
	json_t *status; /* the daemon's, NULL: it does not answer */
	/* found */
	uint32_t findings;
	uint32_t lost; /* that did not fit */
	uint32_t count[CHECK_N];
	struct finding finding[FINDINGS_MAX];
	/* --fix */
	json_t *changes;
};

/* The newest superblock of the areas; NULL without any. */
const struct ha_superblock *check_sb(const struct check *c);

/* A finding: format of the value; the other texts as they are. */
void check_add(struct check *c, enum vmha_level level, const char *what,
	       const char *limit, const char *todo, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

void check_stores(struct check *c);
void check_timing(struct check *c);
void check_watchdog(struct check *c);
void check_host(struct check *c);
void check_cluster(struct check *c);
void check_pacemaker(struct check *c);
/* Gates, what forbids that a host is held, the fault domain manager. */
struct cib_node;
void check_gates(struct check *c, const struct cib_node *cib);
/* What of its parameters stands on the clone, and does nothing there. */
void check_clone_params(struct check *c, const struct cib_node *cib);
void check_utilization(struct check *c, const struct cib_node *cib);
/* Each VM's domain XML against this host. */
struct check_looked {
	unsigned int vms;     /* looked at, or tried to */
	unsigned int lacking; /* with something bad */
	unsigned int without, hangs, findings;
};
void check_domains(struct check *c, const struct cib_node *cib,
		   struct check_looked *looked);
/* lacks.c: the same, as the other hosts tell it. */
void check_elsewhere(struct check *c, const struct cib_node *cib);
/* What the daemon runs with against what vmha.conf says now. */
void check_running(struct check *c);

/* --fix: mends, and adds to c->changes. Negative errno: c->v->err. */
int check_fix(struct check *c);
/* Prints it all. */
int check_show(struct check *c);

#endif
