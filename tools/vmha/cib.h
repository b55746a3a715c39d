/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pacemaker's CIB as a tree, read and changed by cibadmin, and what it says
 * about VMs: gates, tickets, where Pacemaker has them, why it does not start
 * them. It reports what stands there; the scheduler's reasoning is not done
 * a second time.
 */
#ifndef VMHA_CIB_H
#define VMHA_CIB_H

#include "ha/area.h"
#include "vmha.h"

#define CIB_MS 5000u /* cibadmin takes 30 ms; a CIB in election more */
#define CIB_GATE "vmha-gate-"
#define CIB_TICKET "vmha-"
/* Meta attribute of a VM that its guest has powered off. */
#define CIB_META_GUEST_OFF "vmha-guest-off"

struct cib_attr {
	char *name, *value;
};
struct cib_node {
	char *name;
	struct cib_attr *attr;
	size_t attrs;
	struct cib_node *parent, *first, *last, *next;
};

/* ---- cib.c --------------------------------------------------------------- */

/* The whole CIB. -ENOENT: no cibadmin here; -ENOTCONN: Pacemaker does not
 * run; -ETIMEDOUT. */
int cib_read(struct cib_node **ret_cib, struct ha_err *err);
int cib_parse(const char *xml, struct cib_node **ret_cib, struct ha_err *err);
void cib_free(struct cib_node *cib);

/* "" where there is none. */
const char *cib_get(const struct cib_node *node, const char *attr);
bool cib_is(const struct cib_node *node, const char *element);
/* The next node of the tree below `root`, in document order; NULL at the end.
 * Begin with root. */
const struct cib_node *cib_walk(const struct cib_node *root,
				const struct cib_node *at);
/* The next one of that element; `at` NULL begins. */
const struct cib_node *cib_next(const struct cib_node *root,
				const struct cib_node *at, const char *element);
/* The first one of that element whose attribute has this value. */
const struct cib_node *cib_find(const struct cib_node *root,
				const char *element, const char *attr,
				const char *value);
/* The first child of that element. */
const struct cib_node *cib_child(const struct cib_node *node,
				 const char *element);
/* Value of an nvpair anywhere below `root`; NULL where there is none. */
const char *cib_nvpair(const struct cib_node *root, const char *name);

bool cib_is_quorate(const struct cib_node *cib);

/* One update of the whole CIB, confirmed. */
int cib_modify(const char *xml, struct ha_err *err);
/* The same of a CIB in a file. */
int cib_modify_copy(const char *path, const char *xml, struct ha_err *err);
/* Puts the element, which has an id, in the place of the one that is there. */
int cib_replace(const char *xml, struct ha_err *err);
/* Takes away all that the XPath names, in one update. */
int cib_delete(const char *xpath, struct ha_err *err);

/* ---- cib_put.c ----------------------------------------------------------- */

/* ' name="value"', escaped. */
void cib_put_attr(FILE *out, const char *name, const char *value);

/* ---- cib_vm.c ------------------------------------------------------------ */

/* ocf:vmha:TYPE, templates followed. */
bool cib_is_ours(const struct cib_node *cib, const struct cib_node *primitive,
		 const char *type);
/* "ocf:vmha:VirtualMachine". */
const char *cib_agent(const struct cib_node *cib,
		      const struct cib_node *primitive, char *buffer,
		      size_t size);
/* The next VM; `at` NULL begins. */
const struct cib_node *cib_next_vm(const struct cib_node *cib,
				   const struct cib_node *at);
/* What the primitive stands in that no single gate fits; NULL: nothing. */
const struct cib_node *cib_container(const struct cib_node *primitive);
/* Its gate and its ticket; NULL: none. */
const struct cib_node *cib_gate(const struct cib_node *cib, const char *vm);
bool cib_gate_is_sound(const struct cib_node *gate);
const struct cib_node *cib_ticket(const struct cib_node *cib, const char *vm);
bool cib_is_granted(const struct cib_node *ticket);
/* Not granted, and no host binds it: its turn has not come. */
bool cib_is_waiting(const struct cib_node *ticket);
/* The same: it has failed, or is not restarted after a failure. */
bool cib_is_waiting_failed(const struct cib_node *ticket);
/* Not granted, since its user has powered it off, */
bool cib_is_powered_off(const struct cib_node *ticket);
/* or since it was off when the cluster lost its power. */
bool cib_is_kept_off(const struct cib_node *ticket);
/* A meta attribute of the resource, what it stands in, or the defaults;
 * NULL: not set. */
const char *cib_meta(const struct cib_node *cib,
		     const struct cib_node *primitive, const char *name);
/* Does Pacemaker's history say that the resource is active there? */
bool cib_is_active(const struct cib_node *node_state, const char *resource);
/* Host name of a node id. */
const char *cib_node_name(const struct cib_node *cib, const char *id);

/* ---- cib_past.c ---------------------------------------------------------- */

/* true, on, yes, 1; NULL is none of them. */
bool cib_is_true(const char *value);

enum cib_where {
	CIB_NEVER,  /* no action that tells */
	CIB_OFF,    /* proven: a stop that succeeded, a probe that found none */
	CIB_ON,     /* it runs there */
	CIB_BUSY,   /* an action is under way there */
	CIB_FAILED, /* the newest action failed: it may run or not */
};
struct cib_past {
	enum cib_where where;
	const char *operation, *reason; /* of the newest action; "" */
	const char *source, *target;    /* of a migration; "" */
	const struct cib_node *lrm;     /* lrm_resource; NULL: none */
};
void cib_past(const struct cib_node *node_state, const char *resource,
	      struct cib_past *ret_past);
/* The newest finished action that began or ended it on that host, recurring
 * monitors aside: "migrate_from", "start", ...; "" where there is none. */
const char *cib_arrival(const struct cib_node *lrm);
/* The host's state (node_state) where it runs, else where something is under
 * way, else where it failed; NULL: it is proven off wherever Pacemaker has a
 * history of it. */
const struct cib_node *cib_active_on(const struct cib_node *cib,
				     const char *resource,
				     struct cib_past *ret_past);
bool cib_is_off(const struct cib_node *cib, const char *resource);
/* The ticket of a VM that becomes vmha's, to be freed; NULL: no memory. One that
 * may run is granted; one that does not is the master's to admit, where there
 * is a FaultDomain. */
char *cib_new_ticket(const struct cib_node *cib, const char *resource);
bool cib_has_manager(const struct cib_node *cib);
/* target-role=Stopped. */
bool cib_is_stopped(const struct cib_node *cib,
		    const struct cib_node *primitive);
/* The same, and it was its guest that has powered it off; the sentence. */
#define CIB_GUEST_OFF_BYTES 128u
bool cib_guest_off(const struct cib_node *cib, const struct cib_node *primitive,
		   char *ret_text, size_t size);
bool cib_is_managed(const struct cib_node *cib,
		    const struct cib_node *primitive);

enum cib_host {
	CIB_HOST_NONE, /* no such node */
	CIB_HOST_OFFLINE,
	CIB_HOST_STANDBY,
	CIB_HOST_UNMANAGED, /* Pacemaker's maintenance */
	CIB_HOST_ONLINE,
};
enum cib_host cib_host(const struct cib_node *cib, const char *host);
/* Is standby set, for good or until its Pacemaker is restarted? */
bool cib_is_standby(const struct cib_node *cib, const char *host);

/* ---- cib_why.c ----------------------------------------------------------- */

/* {rule, text, todo} for each reason that the CIB shows why Pacemaker does
 * not run it, or not on some host. */
void cib_reasons(const struct cib_node *cib, const struct cib_node *primitive,
		 json_t *reasons);

#endif
