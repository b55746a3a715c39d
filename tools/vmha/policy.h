/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cluster's policy of admission control, as its CIB has it: the
 * parameters of ocf:vmha:FaultDomain. And which VMs it keeps down now, by
 * their tickets.
 */
#ifndef VMHA_POLICY_H
#define VMHA_POLICY_H

#include "cib.h"
#include "ha/admission.h"
#include "ha/inventory.h"

/* The resource; NULL: nobody enforces a policy. */
const struct cib_node *policy_resource(const struct cib_node *cib);
/* What this element itself sets; NULL: nothing. */
const char *policy_attribute(const struct cib_node *of, const char *name);
/* Its own word, then its template's, then its clone's, as Pacemaker does. */
const char *policy_value(const struct cib_node *own,
			 const struct cib_node *template, const char *name);
/* Its policy; disabled: there is none. */
enum ha_admission_type policy_type(const struct cib_node *cib);
/* There is one, it is not stopped, and its policy is not "disabled". */
bool policy_is_in_force(const struct cib_node *cib);
/* "policy" of the inventory file. What can't be read, and a failover host that
 * is none, is a warning and not taken. `cib` has a resource. NULL: no memory. */
json_t *policy_json(const struct cib_node *cib, const struct ha_inventory *inv,
		    json_t *warnings);

/* Its administrator has stopped it: nobody enforces anything. */
bool policy_is_stopped(const struct cib_node *cib);
/* {policy, guarantee, host_failures}; NULL: no resource, or no memory. */
json_t *policy_head(const struct cib_node *cib);
/* Adds a sentence for each parameter that can't be read, and for each that there
 * is not. Of the whole resource, admission or not. */
void policy_errors(const struct cib_node *cib, json_t *errors);

/* Refused by the master; it starts by itself once there is room. */
bool policy_is_refused(const struct cib_node *ticket);
/* Its sentence, never empty. */
const char *policy_refusal(const struct cib_node *ticket);

#endif
