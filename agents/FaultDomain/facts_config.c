/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration half of the facts: primitives wherever they stand, the
 * VMs among them, their gates, and FaultDomain's parameters.
 */
#include <string.h>

#include "FaultDomain/facts.h"
#include "FaultDomain/respond.h"
#include "ha/text.h"
#include "ha/vmparams.h"

#define HASH_PRIME UINT64_C(1099511628211) /* FNV's, of 64 bits */

struct walk {
	struct fdm_facts *facts;
	const xmlNode *resources;
	const xmlNode *defaults; /* rsc_defaults */
	bool is_stopped;         /* stop-all-resources */
	bool is_unmanaged;       /* maintenance-mode */
};

static const xmlNode *
find_template(const xmlNode *resources, const char *id)
{
	const xmlNode *node = resources->children;

	for (; id && node; node = node->next) {
		if (fdm_xml_is(node, "template") &&
		    strcmp(fdm_xml_text(node, "id"), id) == 0) {
			return node;
		}
	}
	return NULL;
}

static const char *
either(const struct fdm_rsc *rsc, const char *name)
{
	const char *text = fdm_xml_attr(rsc->node, name);

	return text ? text : fdm_xml_attr(rsc->template, name);
}

/* Nearest first: the primitive, its template, what it stands in, the
 * defaults of all. */
static const char *
find_meta(const struct walk *walk, const struct fdm_rsc *rsc, const char *name)
{
	const char *value = fdm_xml_nvpair(rsc->node, "meta_attributes", name);
	const xmlNode *node = rsc->node->parent;

	if (!value) {
		value = fdm_xml_nvpair(rsc->template, "meta_attributes", name);
	}
	for (; !value && node && node != walk->resources; node = node->parent) {
		value = fdm_xml_nvpair(node, "meta_attributes", name);
	}
	return value ? value :
		       fdm_xml_nvpair(walk->defaults, "meta_attributes", name);
}

static bool
is_true(const char *value)
{
	bool is = false;

	return value && ha_text_bool(value, &is) == 0 && is;
}

static bool
is_off(const char *role)
{
	return role && g_ascii_strcasecmp(role, "Stopped") == 0;
}

static bool
is_wanted(const struct walk *walk, const struct fdm_rsc *rsc)
{
	return !walk->is_stopped &&
	       !is_off(find_meta(walk, rsc, "target-role"));
}

static bool
is_managed(const struct walk *walk, const struct fdm_rsc *rsc)
{
	const char *managed = find_meta(walk, rsc, "is-managed");

	return !walk->is_unmanaged && (!managed || is_true(managed)) &&
	       !is_true(find_meta(walk, rsc, "maintenance"));
}

/* "master" is what Pacemaker 2.0 called a promotable clone. */
static bool
is_promotable(const struct walk *walk, const struct fdm_rsc *rsc)
{
	const xmlNode *holder = rsc->node->parent;

	while (holder && holder != walk->resources &&
	       !fdm_xml_is(holder, "clone") && !fdm_xml_is(holder, "master")) {
		holder = holder->parent;
	}
	return holder && holder != walk->resources &&
	       (fdm_xml_is(holder, "master") ||
		is_true(fdm_xml_nvpair(holder, "meta_attributes",
				       "promotable")));
}

/* In the order of the document: a number that changes with each of them. */
static void
add_utilization(struct fdm_facts *facts, const xmlNode *of)
{
	const xmlNode *set = of ? of->children : NULL;

	for (; set; set = set->next) {
		if (!fdm_xml_is(set, "utilization")) {
			continue;
		}
		for (const xmlNode *pair = set->children; pair;
		     pair = pair->next) {
			facts->utilization =
				facts->utilization * HASH_PRIME +
				g_str_hash(fdm_xml_text(pair, "name"));
			facts->utilization =
				facts->utilization * HASH_PRIME +
				g_str_hash(fdm_xml_text(pair, "value"));
		}
	}
}

static GArray *
params_of(const struct fdm_rsc *rsc)
{
	GArray *params =
		g_array_new(FALSE, FALSE, sizeof(struct responder_param));

	fdm_xml_nvpairs(rsc->node, "instance_attributes", params);
	fdm_xml_nvpairs(rsc->template, "instance_attributes", params);
	return params;
}

/* A clone's count for what it holds, as Pacemaker hands them to the agent; its
 * own go before them. "crm resource param CLONE set" writes there. */
static GArray *
policy_of(const struct walk *walk, const struct fdm_rsc *rsc)
{
	GArray *params = params_of(rsc);

	for (const xmlNode *node = rsc->node->parent;
	     node && node != walk->resources; node = node->parent) {
		fdm_xml_nvpairs(node, "instance_attributes", params);
	}
	return params;
}

static void
add_vm(const struct walk *walk, const struct fdm_rsc *rsc)
{
	struct fdm_facts *facts = walk->facts;
	const char *role = find_meta(walk, rsc, "target-role");
	const char *guest_off = fdm_xml_nvpair(rsc->node, "meta_attributes",
					       FDM_META_GUEST_OFF);
	struct respond_pairs pairs;
	struct fdm_vm vm = {
		.resource = rsc->id,
		.is_nested = rsc->is_nested,
		.is_wanted = is_wanted(walk, rsc),
		.is_off = is_off(role),
		.role = role ? role : "",
		.is_managed = is_managed(walk, rsc),
		.params = params_of(rsc),
		.guest_off = guest_off ? guest_off : "",
		.ticket = { .state = "",
			    .reason = "",
			    .owner = "",
			    .role = "",
			    .text = "" },
	};

	pairs = (struct respond_pairs){
		(const struct responder_param *)(void *)vm.params->data,
		vm.params->len
	};
	vm.stops_with_guest =
		ha_vm_params_stops_with_guest(respond_pair, &pairs);

	for (guint i = 0; i < vm.params->len; i++) {
		const struct responder_param *param =
			&g_array_index(vm.params, struct responder_param, i);

		if (strcmp(param->name, "uuid") == 0) {
			vm.has_uuid =
				ha_uuid_parse(param->value, &vm.uuid) == 0;
		}
	}
	g_array_append_val(facts->vms, vm);
	g_hash_table_insert(facts->by_resource, (gpointer)(uintptr_t)rsc->id,
			    GUINT_TO_POINTER(facts->vms->len));
}

static void
add_primitive(struct walk *walk, const xmlNode *node, bool is_nested)
{
	struct fdm_rsc *rsc = g_new0(struct fdm_rsc, 1);

	rsc->id = fdm_xml_text(node, "id");
	rsc->node = node;
	rsc->template =
		find_template(walk->resources, fdm_xml_attr(node, "template"));
	rsc->is_nested = is_nested;
	rsc->class_name = either(rsc, "class");
	rsc->provider = either(rsc, "provider");
	rsc->type = either(rsc, "type");
	rsc->requires = find_meta(walk, rsc, "requires");
	g_hash_table_replace(walk->facts->rscs, (gpointer)(uintptr_t)rsc->id,
			     rsc);
	if (g_strcmp0(rsc->class_name, "ocf") != 0 ||
	    g_strcmp0(rsc->provider, "vmha") != 0) {
		return;
	}
	if (g_strcmp0(rsc->type, "VirtualMachine") == 0) {
		add_vm(walk, rsc);
		add_utilization(walk->facts, rsc->node);
		add_utilization(walk->facts, rsc->template);
	} else if (g_strcmp0(rsc->type, "FaultDomain") == 0 &&
		   !walk->facts->has_domain) {
		walk->facts->has_domain = true;
		walk->facts->is_domain_wanted = is_wanted(walk, rsc);
		walk->facts->domain = rsc->id;
		walk->facts->is_promotable = is_promotable(walk, rsc);
		g_array_unref(walk->facts->policy);
		walk->facts->policy = policy_of(walk, rsc);
	}
}

/* Pacemaker nests two deep (a clone of a group). */
static void
walk_resources(struct walk *walk, const xmlNode *parent, bool is_nested)
{
	static const char *const HOLDERS[] = { "group", "clone", "master",
					       "bundle" };

	for (const xmlNode *node = parent->children; node; node = node->next) {
		if (fdm_xml_is(node, "primitive")) {
			add_primitive(walk, node, is_nested);
			continue;
		}
		for (size_t i = 0; i < G_N_ELEMENTS(HOLDERS); i++) {
			if (fdm_xml_is(node, HOLDERS[i])) {
				walk_resources(walk, node, true);
			}
		}
	}
}

static bool
is_out_of_use(const xmlNode *node)
{
	return is_true(fdm_xml_nvpair(node, "instance_attributes",
				      "standby")) ||
	       is_true(fdm_xml_nvpair(node, "instance_attributes",
				      "maintenance"));
}

/* Only freeze keeps Pacemaker's hands off a VM whose ticket is revoked while
 * it still runs somewhere. */
static void
take_gate(struct fdm_facts *facts, const xmlNode *gate)
{
	const char *rsc = fdm_xml_text(gate, "rsc");
	const char *ticket = fdm_xml_text(gate, "ticket");
	const char *role = fdm_xml_attr(gate, "rsc-role");
	guint index =
		GPOINTER_TO_UINT(g_hash_table_lookup(facts->by_resource, rsc));
	struct fdm_vm *vm;

	if (index == 0 || !g_str_has_prefix(ticket, FDM_TICKET_PREFIX) ||
	    strcmp(ticket + strlen(FDM_TICKET_PREFIX), rsc) != 0 ||
	    strcmp(fdm_xml_text(gate, "loss-policy"), "freeze") != 0 ||
	    (role && strcmp(role, "Started") != 0)) {
		return;
	}
	vm = &g_array_index(facts->vms, struct fdm_vm, index - 1);
	vm->is_gated = !vm->is_nested;
}

/* A score of 0 sends it nowhere. */
static void
take_plan(struct fdm_facts *facts, const xmlNode *location)
{
	const char *rsc = fdm_xml_text(location, "rsc");
	const char *id = fdm_xml_text(location, "id");
	guint index =
		GPOINTER_TO_UINT(g_hash_table_lookup(facts->by_resource, rsc));

	if (index != 0 && g_str_has_prefix(id, FDM_PLAN_PREFIX) &&
	    strcmp(id + strlen(FDM_PLAN_PREFIX), rsc) == 0 &&
	    fdm_xml_number(location, "score", 0) > 0) {
		g_array_index(facts->vms, struct fdm_vm, index - 1).plan_node =
			fdm_xml_attr(location, "node");
	}
}

void
fdm_facts_config(struct fdm_facts *facts, const xmlNode *configuration)
{
	const xmlNode *node = fdm_xml_child(configuration, "constraints");
	struct walk walk = {
		.facts = facts,
		.resources = fdm_xml_child(configuration, "resources"),
		.defaults = fdm_xml_child(configuration, "rsc_defaults"),
	};
	const xmlNode *config = fdm_xml_child(configuration, "crm_config");

	walk.is_unmanaged = is_true(fdm_xml_nvpair(
		config, "cluster_property_set", "maintenance-mode"));
	walk.is_stopped = is_true(fdm_xml_nvpair(config, "cluster_property_set",
						 "stop-all-resources"));

	if (walk.resources) {
		walk_resources(&walk, walk.resources, false);
	}
	for (node = node ? node->children : NULL; node; node = node->next) {
		if (fdm_xml_is(node, "rsc_ticket")) {
			take_gate(facts, node);
		} else if (fdm_xml_is(node, "rsc_location")) {
			take_plan(facts, node);
		}
	}
	node = fdm_xml_child(fdm_xml_child(configuration, "nodes"), "node");
	for (; node; node = node->next) {
		struct fdm_node one = {
			.name = fdm_xml_text(node, "uname"),
			.id = fdm_xml_text(node, "id"),
			.is_in_maintenance = is_out_of_use(node),
		};

		if (fdm_xml_is(node, "node")) {
			add_utilization(facts, node);
			one.active = g_array_new(
				FALSE, FALSE, sizeof(struct ha_gated_resource));
			g_array_append_val(facts->nodes, one);
		}
	}
}
