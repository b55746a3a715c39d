/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a manager sees: its host's copy of the CIB, lists and holds, as the
 * facts, snapshot and rows of vmha-fdmd, whose own code then judges them. With
 * a rule off the facts are others than the schedule's.
 */
#include <string.h>

#include "manager.h"

static struct manager managers[SIM_HOSTS];

const char *
sim_host_name(uint32_t host)
{
	static const char *const NAMES[SIM_HOSTS] = { "h0", "h1", "h2", "h3",
						      "h4" };

	return NAMES[host];
}

const char *
sim_vm_name(uint32_t vm)
{
	static const char *const NAMES[LOCK_VMS] = { "vm0", "vm1", "vm2",
						     "vm3", "vm4", "vm5" };

	return NAMES[vm];
}

struct manager *
manager_of(uint32_t host)
{
	return managers[host].restart ? &managers[host] : NULL;
}

struct fdm_row *
manager_row(struct manager *m, uint32_t vm)
{
	return &g_array_index(m->rows, struct fdm_row, vm);
}

void
restart_forget(uint32_t host)
{
	struct manager *m = &managers[host];

	if (!m->restart) {
		return;
	}
	for (guint i = 0; i < m->facts.nodes->len; i++) {
		g_array_unref(g_array_index(m->facts.nodes, struct fdm_node, i)
				      .active);
	}
	g_array_unref(m->facts.vms);
	g_array_unref(m->facts.nodes);
	g_hash_table_unref(m->facts.by_resource);
	g_array_unref(m->snap.hosts);
	g_array_unref(m->rows);
	fdm_restart_free(m->restart);
	fdm_protect_free(m->protect);
	*m = (struct manager){ .restart = NULL };
}

/* ---- a new manager ---------------------------------------------------------- */

static bool
has_order(const struct world *w)
{
	const struct restarts *r = &w->l.restarts;
	uint32_t v;

	for (v = 0; v < w->l.vms; v++) {
		if (r->priority[v] != r->priority[0] || r->depends[v] ||
		    r->priority[v] == HA_RESTART_DISABLED) {
			return true;
		}
	}
	return w->l.vms > r->rules.concurrent_max;
}

static void
configure_rules(const struct world *w, struct fdm_restart *restart)
{
	struct ha_restart_rules rules = w->l.restarts.rules;
	size_t i;

	if (world_is_off(w, RULE_RESTART_BOUND)) {
		rules.concurrent_max = LOCK_VMS;
	}
	if (world_is_off(w, RULE_RESTART_LIMIT)) {
		rules.attempts_max = UINT32_MAX;
	}
	for (i = 1; i < rules.wait_count && world_is_off(w, RULE_RESTART_WAITS);
	     i++) {
		rules.waits_ms[i] = 1;
	}
	restart->rules = rules;
	restart->has_order = has_order(w);
}

static void
configure_vm(const struct world *w, struct fdm_restart *restart, uint32_t vm)
{
	const struct restarts *r = &w->l.restarts;
	GArray *depends = g_array_new(FALSE, FALSE, sizeof(size_t));
	enum ha_restart_priority priority =
		(enum ha_restart_priority)r->priority[vm];
	struct ha_restart_vm one = {
		.name = sim_vm_name(vm),
		.ready = (enum ha_ready)r->ready[vm],
		.post_ready_ms = r->post_ready_ms[vm],
	};
	size_t i;

	if (world_is_off(w, RULE_RESTART_ORDER) &&
	    priority != HA_RESTART_DISABLED) {
		priority = HA_RESTART_MEDIUM;
	}
	for (i = 0; i < w->l.vms; i++) {
		if ((r->depends[vm] & 1u << i) &&
		    !world_is_off(w, RULE_RESTART_DEPENDS)) {
			g_array_append_val(depends, i);
		}
	}
	one.priority = priority;
	one.depends_on = (const size_t *)(const void *)depends->data;
	one.depends_count = depends->len;
	g_array_append_val(restart->vms, one);
	g_array_append_val(restart->priorities, priority);
	g_ptr_array_add(restart->depends, depends);
}

static void
begin_facts(const struct world *w, struct manager *m)
{
	uint32_t i;

	m->facts = (struct fdm_facts){
		.have_quorum = true,
		.vms = g_array_new(FALSE, TRUE, sizeof(struct fdm_vm)),
		.nodes = g_array_new(FALSE, TRUE, sizeof(struct fdm_node)),
		.by_resource = g_hash_table_new(g_str_hash, g_str_equal),
	};
	m->snap = (struct fdm_snap){
		.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host)),
	};
	m->rows = g_array_new(FALSE, TRUE, sizeof(struct fdm_row));
	g_array_set_size(m->facts.vms, w->l.vms);
	g_array_set_size(m->rows, w->l.vms);
	for (i = 0; i < w->l.vms; i++) {
		g_hash_table_insert(m->facts.by_resource,
				    (gpointer)(uintptr_t)sim_vm_name(i),
				    GUINT_TO_POINTER(i + 1));
	}
	for (i = 0; i < w->hosts; i++) {
		struct fdm_node node = {
			.name = sim_host_name(i),
			.active = g_array_new(FALSE, TRUE,
					      sizeof(struct ha_gated_resource)),
		};
		struct fdm_host host = { .slot = i };

		g_strlcpy(host.name, sim_host_name(i), sizeof(host.name));
		g_array_append_val(m->facts.nodes, node);
		g_array_append_val(m->snap.hosts, host);
	}
}

struct manager *
manager_begin(struct world *w, uint32_t host)
{
	struct manager *m = &managers[host];
	uint32_t v;

	m->restart = fdm_restart_new();
	m->protect = fdm_protect_new();
	begin_facts(w, m);
	configure_rules(w, m->restart);
	for (v = 0; v < w->l.vms; v++) {
		configure_vm(w, m->restart, v);
	}
	w->l.restarts.plist[host] = (struct plist_side){ .job = 0 };
	memset(w->l.restarts.refused_ms[host], 0,
	       sizeof(w->l.restarts.refused_ms[host]));
	STORY(w, host, "a manager begins");
	return m;
}

/* ---- one look ------------------------------------------------------------------ */

static bool
is_busy(uint8_t record)
{
	return record != RECORD_NONE && record != RECORD_STOPPED;
}

static void
take_node(const struct world *w, const struct cib *cib, uint32_t i,
	  struct fdm_node *node)
{
	uint32_t v;

	node->is_online = cib->node[i] == NODE_MEMBER;
	node->is_unclean = cib->node[i] == NODE_UNCLEAN;
	g_array_set_size(node->active, 0);
	for (v = 0; v < w->l.vms; v++) {
		struct ha_gated_resource one = { .id = sim_vm_name(v) };

		if (is_busy(cib->record[i][v])) {
			g_array_append_val(node->active, one);
		}
	}
}

static struct fdm_ticket
take_ticket(const struct world *w, const struct ticket *t)
{
	struct fdm_ticket ticket = {
		.is_there = t->term != 0,
		.is_granted = t->is_granted,
		.state = t->state ? t->state : "",
		.reason = t->reason ? t->reason : "",
		.owner = "",
		.role = t->role ? t->role : "",
		.term = t->term,
		.attempt = t->attempt,
	};

	if (world_is_off(w, RULE_RESTART_TICKET)) {
		ticket.attempt = 0;
	}
	return ticket;
}

static void
take_vm(const struct world *w, const struct cib *cib, uint32_t v,
	struct fdm_vm *vm)
{
	uint32_t i;

	*vm = (struct fdm_vm){
		.resource = sim_vm_name(v),
		.is_gated = true,
		.is_managed = true,
		.is_wanted = (cib->wanted & 1u << v) != 0,
		.was_refused = (cib->refused & 1u << v) != 0,
		.guest_off = "",
		.ticket = take_ticket(w, &cib->ticket[v]),
	};
	vm->is_off = !vm->is_wanted;
	vm->role = vm->is_wanted ? "Started" : "Stopped";
	for (i = 0; i < w->hosts; i++) {
		uint8_t record = cib->record[i][v];
		uint64_t bit = UINT64_C(1) << i;

		if (cib->node[i] != NODE_MEMBER) {
			continue;
		}
		vm->has_failures |= (cib->banned[i] & 1u << v) != 0;
		vm->up_nodes |= record == RECORD_STARTED ? bit : 0;
		vm->busy_nodes |= is_busy(record) ? bit : 0;
		vm->acting_nodes |= record == RECORD_PENDING ? bit : 0;
		vm->failed_starts += cib->fails[i][v];
		vm->failed_nodes |= (cib->banned[i] & 1u << v) ? bit : 0;
	}
	vm->is_up = vm->up_nodes != 0;
	vm->is_busy = vm->busy_nodes != 0;
}

static void
take_row(struct world *w, uint32_t host, uint32_t vm, struct fdm_row *row,
	 uint32_t gone)
{
	struct ha_ticket_host hosts[SIM_HOSTS];
	bool hides = false;
	uint32_t i;

	row->verdict = master_verdict(w, host, vm, gone, hosts);
	row->owner = NULL;
	row->lift = NULL;
	row->is_listed_here = false;
	for (i = 0; i < w->hosts; i++) {
		row->is_listed_here |= hosts[i].is_member &&
				       hosts[i].is_listed &&
				       hosts[i].state != HA_LISTED_RELEASED;
		hides |= !hosts[i].is_member && !hosts[i].is_gone &&
			 !hosts[i].is_readable;
	}
	row->is_unsure = hides && row->verdict.is_granted &&
			 row->verdict.why != HA_TICKET_RUNS &&
			 row->verdict.why != HA_TICKET_RETURNED;
}

/* As things are, or will be when everybody knows that `gone` is dead. */
void
manager_look(struct world *w, uint32_t host, struct manager *m, uint32_t gone)
{
	const struct cib *cib = &w->host[host].l.pcmk.cib;
	uint64_t now_ms = world_local_ms(w, host);
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		struct fdm_host *h =
			&g_array_index(m->snap.hosts, struct fdm_host, i);

		take_node(w, cib, i,
			  &g_array_index(m->facts.nodes, struct fdm_node, i));
		h->is_member =
			i != gone && (w->host[host].d.members & 1u << i) != 0;
	}
	for (i = 0; i < w->l.vms; i++) {
		struct fdm_row *row = manager_row(m, i);

		take_vm(w, cib, i,
			&g_array_index(m->facts.vms, struct fdm_vm, i));
		row->vm = &g_array_index(m->facts.vms, struct fdm_vm, i);
		take_row(w, host, i, row, gone);
	}
	m->restart->copy_ms = now_ms;
	fdm_protect_judge(m->protect, &m->facts, m->rows, now_ms);
	fdm_restart_judge(m->restart, &m->facts, &m->snap, m->rows, now_ms);
}
