/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one copy of the CIB says that bears on VMs: which are gated, their
 * tickets and parameters, and what Pacemaker's history takes for active or
 * under way on each node. Read from libxml2 alone; decides nothing. All texts
 * belong to the document and live as long as the facts. Rules in the
 * configuration (dates, node attributes) are not evaluated: a set that has one
 * counts as not there.
 */
#ifndef FAULT_DOMAIN_FACTS_H
#define FAULT_DOMAIN_FACTS_H

#include <glib.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "FaultDomain/responder.h"
#include "ha/area.h"
#include "ha/cibinv.h"
#include "ha/gated.h"

#define FDM_TICKET_PREFIX "vmha-"
/* Where the plan sends a VM: the constraint's id, before the resource. */
#define FDM_PLAN_PREFIX "vmha-plan-"
#define FDM_NO_TERM 0u
/* Nodes of a cluster that have a bit; Corosync knows fewer. */
#define FDM_NODE_BITS 64u
/* Meta attribute of a VM that its guest has powered off: "HOST SECONDS", since
 * 1970; not there: it has not, or was started again. */
#define FDM_META_GUEST_OFF "vmha-guest-off"
/* vmha-state of a ticket that is not granted, since a host binds its VM. */
#define FDM_STATE_HELD "held"
/* And of one that no host binds. */
#define FDM_STATE_WAITING "waiting"
/* The same: its user has powered it off, or it was off when the power failed. */
#define FDM_STATE_OFF "off"
/* vmha-reason of such a ticket, and of one that waits after failures: its user
 * has asked for it meanwhile. */
#define FDM_REASON_CALLED "powered-on"
/* vmha-cause of a ticket whose vmha-attempt counts starts after crashes. */
#define FDM_CAUSE_CRASH "crash"
/* Transient node attribute: the master's word for a host. With "-HOST", on the
 * master's own node: its word for one that is away or in trouble. */
#define FDM_STATE_ATTR "vmha-host-state"
/* The same, on the master's own node: "green", "red: SENTENCE", "refused VM:
 * SENTENCE". */
#define FDM_ADMISSION_ATTR "vmha-admission"
/* The same: which VMs of this host have a good heartbeat (facts_ready.c), or
 * none since their domain lacks the channel for it. */
#define FDM_READY_ATTR "vmha-ready"
#define FDM_READY_NO_CHANNEL "no-channel"

/* Of the facts' nodes. */
static inline uint64_t
fdm_node_bit(size_t index)
{
	return UINT64_C(1) << MIN(index, FDM_NODE_BITS - 1);
}

/* Of an array of struct responder_param, for respond_pair(). */
static inline struct respond_pairs
fdm_pairs(const GArray *params)
{
	return (struct respond_pairs){
		(const struct responder_param *)(const void *)params->data,
		params->len
	};
}

struct fdm_ticket {
	bool is_there;
	bool is_granted;
	const char *state;  /* "": not vmha's yet */
	const char *reason; /* ha_ticket_why_name() */
	const char *owner;  /* "": nobody's */
	const char *role;   /* target-role when it was kept off; "": none */
	uint64_t term;
	uint64_t attempt; /* to start it, the one under way included */
	bool is_crash;    /* vmha-cause: attempts after crashes */
	const char *text; /* why it was refused; "": it was not */
	/* Its reservation as admitted: vmha-cpu, vmha-memory. */
	bool has_reserved;
	uint64_t cpu_mhz, memory_mb;
};

/* A primitive of the configuration. */
struct fdm_rsc {
	const char *id;
	const char *class_name, *provider, *type;
	const char *requires; /* NULL: default */
	bool is_nested;       /* in a group, clone or bundle */
	const xmlNode *node;
	const xmlNode *template; /* NULL: none */
};

/* An ocf:vmha:VirtualMachine. */
struct fdm_vm {
	const char *resource;
	struct ha_uuid uuid; /* all zero: the configuration names none */
	bool has_uuid;
	bool is_nested;
	const char *plan_node; /* where the plan sends it; NULL: not told */
	bool is_gated;    /* has its rsc_ticket constraint, and is not nested */
	bool was_refused; /* one of them: heartbeatd said no */
	bool has_failures;     /* that would keep Pacemaker from starting it */
	bool is_wanted;        /* its user has not stopped it */
	bool is_off;           /* its target-role is Stopped */
	const char *role;      /* target-role as configured; "": none */
	bool is_managed;       /* Pacemaker starts and stops it */
	bool stops_with_guest; /* on_guest_shutdown=stop */
	const char *guest_off; /* FDM_META_GUEST_OFF, "": not */
	/* on nodes that are online, by the history */
	bool is_up;   /* started, or seen running */
	bool is_busy; /* up, or an action but a probe is under way or in doubt */
	/* the same, node by node: a bit for each of the facts' nodes; acting:
	 * any action is under way, probes too */
	uint64_t up_nodes, busy_nodes, acting_nodes;
	/* Where the history has the end of any action of it, a probe too. */
	uint64_t told_nodes;
	/* A start failed there, or was refused; all: it fails anywhere. */
	uint64_t failed_nodes;
	/* Starts that failed, by their numbers: 0 none, another number: other
	 * ones. Not counting what heartbeatd refused. */
	uint64_t failed_starts;
	/* Its heartbeat is good, and whose it is; 0: it is not good. */
	uint64_t ready_mark;
	bool has_no_channel; /* and that can't be */
	/* The same, of monitors that did not find it well. */
	uint64_t failed_runs;
	/* Nodes that are online, a bit each: where an action has failed; where
	 * there was any but a probe; where a failed monitor is the newest. */
	uint64_t erred_nodes, acted_nodes, fallen_nodes;
	struct fdm_ticket ticket;
	GArray *params; /* of struct responder_param */
};

struct fdm_node {
	const char *name;
	const char *id;
	bool has_state;
	bool is_online;    /* member, and its controller answers */
	bool is_forgotten; /* off, and Pacemaker takes it for cleanly off */
	bool is_unclean;   /* out of the membership, and not fenced yet */
	bool is_in_maintenance; /* or in standby */
	bool is_promoted;  /* FaultDomain's instance there, by the history */
	const char *score; /* its promotion score; NULL: none */
	GArray *active; /* of struct ha_gated_resource: active or under way */
	/* facts_host.c */
	bool is_standby;
	bool has_failed_domain;   /* FaultDomain could not be started there */
	const char *told_state;   /* FDM_STATE_ATTR; NULL: none */
	const xmlNode *transient; /* its attributes; NULL: none */
};

/* A live migration of a VM whose end the history does not tell. */
struct fdm_migration {
	const char *resource;
	const char *source, *target; /* "": not told, any host */
};

struct fdm_facts {
	xmlDoc *doc;
	const char *version; /* "admin_epoch.epoch.num_updates" */
	const char *dc;      /* name of the DC; "": none */
	bool have_quorum;
	GArray *vms;             /* of struct fdm_vm */
	GArray *nodes;           /* of struct fdm_node */
	GArray *migrations;      /* of struct fdm_migration: not settled */
	GArray *policy;          /* of struct responder_param: FaultDomain's */
	bool has_domain;         /* a FaultDomain resource is configured */
	bool is_domain_wanted;   /* and not stopped by somebody */
	const char *domain;      /* its name; "": none */
	bool is_promotable;      /* its clone is */
	uint64_t utilization;    /* another number: of hosts or VMs it has
				  * changed */
	GHashTable *rscs;        /* id -> struct fdm_rsc */
	GHashTable *by_resource; /* resource -> index in vms + 1 */
	char version_text[64];
};

/* Takes the document over. */
struct fdm_facts *fdm_facts_new(xmlDoc *doc);
void fdm_facts_free(struct fdm_facts *facts); /* NULL is fine */

const struct fdm_vm *fdm_facts_vm(const struct fdm_facts *facts,
				  const char *resource);
const struct fdm_node *fdm_facts_node(const struct fdm_facts *facts,
				      const char *name);
guint fdm_facts_count_gated(const struct fdm_facts *facts);
bool fdm_facts_is_active(const struct fdm_node *node, const char *resource);

/* facts_xml.c */
extern const struct ha_cib_tree FDM_XML_TREE; /* of xmlNode */
/* "" or NULL where it is not there. */
const char *fdm_xml_attr(const xmlNode *node, const char *name);
const char *fdm_xml_text(const xmlNode *node,
			 const char *name); /* never NULL */
uint64_t fdm_xml_number(const xmlNode *node, const char *name, uint64_t def);
const xmlNode *fdm_xml_child(const xmlNode *node, const char *name);
bool fdm_xml_is(const xmlNode *node, const char *name);
/* The value of an nvpair in the node's sets of that kind, NULL: none. */
const char *fdm_xml_nvpair(const xmlNode *node, const char *set,
			   const char *name);
/* All of them, first of a name wins; appended to struct responder_param. */
void fdm_xml_nvpairs(const xmlNode *node, const char *set, GArray *ret_params);

/* facts_migration.c: of a whole status section. */
void fdm_facts_migrations(struct fdm_facts *facts, const xmlNode *status);
/* facts_history.c: -1: none, or not a number */
int fdm_op_call(const xmlNode *op);
/* Has it a result yet? */
bool fdm_op_is_pending(const xmlNode *op);
/* Stopped, or never found here. */
bool fdm_op_is_proof_of_end(const xmlNode *op);
void fdm_facts_history(struct fdm_facts *facts, const xmlNode *status);
/* facts_ready.c: once hosts and history are read */
void fdm_facts_ready(struct fdm_facts *facts);
/* facts_host.c: of the whole document */
void fdm_facts_hosts(struct fdm_facts *facts, const xmlNode *root);
/* guest_cib.c: for ha_cib_update(), to be freed; NULL: no such VM. Its guest has
 * powered it off: it is to stay stopped. */
char *fdm_guest_off_xml(const struct fdm_facts *facts, const char *resource,
			const char *host, uint64_t at_s);
/* facts_config.c */
void fdm_facts_config(struct fdm_facts *facts, const xmlNode *configuration);

#endif
