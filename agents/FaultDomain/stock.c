/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See stock.h. Reading a large CIB takes some milliseconds, so a stock is made
 * once for what it was made of (the copy of the CIB, files, hosts, the
 * protected list), however often it is asked for. What is missing at first (a
 * file, the capacity of a host that has just begun) is waited for a while, so
 * that nobody is refused for it.
 */
#include "FaultDomain/stock.h"

#include <string.h>

#include "FaultDomain/admit.h"
#include "FaultDomain/fdm.h"
#include "FaultDomain/respond.h"
#include "FaultDomain/shapes.h"
#include "FaultDomain/stock_digest.h"

#define PLAN_PREFIX "vmha-plan-"
#define ERRORS_MAX 100u

struct fdm_stock *
fdm_stock_new(GMainContext *context, struct ha_err *err)
{
	struct fdm_shapes *shapes =
		context ? fdm_shapes_new(context, err) : NULL;
	struct fdm_stock *stock;

	if (context && !shapes) {
		return NULL;
	}
	stock = g_new0(struct fdm_stock, 1);
	stock->shapes = shapes;
	stock->errors = g_ptr_array_new_with_free_func(g_free);
	stock->by_vm = g_hash_table_new(g_str_hash, g_str_equal);
	stock->by_host = g_hash_table_new(g_str_hash, g_str_equal);
	stock->admitted =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return stock;
}

void
fdm_stock_drop(struct fdm_stock *stock)
{
	if (!stock) {
		return;
	}
	g_hash_table_remove_all(stock->by_vm);
	g_hash_table_remove_all(stock->by_host);
	g_ptr_array_set_size(stock->errors, 0);
	g_clear_pointer(&stock->hosts, g_free);
	g_clear_pointer(&stock->vms, g_free);
	g_clear_pointer(&stock->demand, g_free);
	g_clear_pointer(&stock->wanted, g_free);
	ha_cibinv_free(stock->cibinv);
	stock->cibinv = NULL;
	stock->inv = (struct ha_inventory){ 0 };
	stock->made_of = 0;
}

void
fdm_stock_free(struct fdm_stock *stock)
{
	if (stock) {
		fdm_stock_drop(stock);
		g_hash_table_destroy(stock->by_vm);
		g_hash_table_destroy(stock->by_host);
		g_hash_table_destroy(stock->admitted);
		g_ptr_array_unref(stock->errors);
		g_free(stock);
	}
}

static uint32_t
find(GHashTable *table, const char *name)
{
	guint index = GPOINTER_TO_UINT(g_hash_table_lookup(table, name));

	return index ? index - 1 : HA_INV_NONE;
}

uint32_t
fdm_stock_vm(const struct fdm_stock *stock, const char *resource)
{
	return find(stock->by_vm, resource);
}

uint32_t
fdm_stock_host(const struct fdm_stock *stock, const char *name)
{
	return find(stock->by_host, name);
}

void
fdm_stock_admit(struct fdm_stock *stock, const char *resource, const char *host)
{
	const char *old = g_hash_table_lookup(stock->admitted, resource);

	if (g_strcmp0(old, host) == 0) {
		return;
	}
	if (host) {
		g_hash_table_insert(stock->admitted, g_strdup(resource),
				    g_strdup(host));
	} else {
		(void)g_hash_table_remove(stock->admitted, resource);
	}
}

void
fdm_stock_tick(struct fdm_stock *stock, uint64_t now_ms)
{
	if (stock->shapes) {
		fdm_shapes_tick(stock->shapes, now_ms);
	}
}

static void complain(struct fdm_stock *stock, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void
complain(struct fdm_stock *stock, const char *format, ...)
{
	va_list args;

	if (stock->errors->len < ERRORS_MAX) {
		va_start(args, format);
		g_ptr_array_add(stock->errors, g_strdup_vprintf(format, args));
		va_end(args);
	}
}

/* ---- of what it is made ----------------------------------------------------- */

/* This host's own knowledge of another one. */
static bool
is_worse(const struct fdm_host *host)
{
	return !host->is_member || host->is_gone ||
	       (host->is_fresh && (host->is_sealed || host->is_isolated));
}

static uint64_t
signature(const struct fdm *fdm, uint64_t now_ms)
{
	const struct fdm_stock *stock = fdm->stock;
	uint64_t hash = fdm_mix_number(FDM_MIX_BEGIN, fdm->copies);

	hash = fdm_mix_number(hash, fdm_shapes_number(stock->shapes));
	hash = fdm_mix_number(hash, fdm->protect->is_read);
	hash = fdm_mix_number(hash, fdm->protect->disk.term);
	hash = fdm_mix_number(hash, fdm->protect->disk.generation);
	hash = fdm_mix_number(hash,
			      stock->blind_ms != 0 &&
				      now_ms >= stock->blind_ms + FDM_BLIND_MS);
	for (guint i = 0; fdm->snap && i < fdm->snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(fdm->snap->hosts, struct fdm_host, i);

		hash = fdm_mix_text(hash, host->name);
		hash = fdm_mix_number(hash, is_worse(host));
	}
	return hash ? hash : 1;
}

/* ---- hosts and policy -------------------------------------------------------- */

static void
read_policy(struct fdm_stock *stock, const struct fdm *fdm,
	    struct ha_fdm_params *ret_params)
{
	const GArray *policy = fdm->facts->policy;
	struct respond_pairs pairs = {
		(const struct responder_param *)(const void *)policy->data,
		policy->len
	};
	struct ha_err err = HA_ERR_INIT;

	/* Other bad values are the responder's to tell: it reads them all. */
	(void)ha_fdm_params_lenient(respond_pair, &pairs, ret_params, NULL);
	if (ha_fdm_admission(ret_params, &stock->policy, &err) < 0) {
		complain(stock, "%s", err.text);
	}
}

static uint64_t
cut(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

static void
look_for_strangers(struct fdm_stock *stock, const char *list)
{
	char **names = g_strsplit_set(list ? list : "", " \t\n,;", -1);

	for (guint i = 0; names[i]; i++) {
		if (names[i][0] &&
		    fdm_stock_host(stock, names[i]) == HA_INV_NONE) {
			complain(stock,
				 "failover_hosts names %s, which is no host of "
				 "this cluster. Correct the name",
				 names[i]);
		}
	}
	g_strfreev(names);
}

static void
take_hosts(struct fdm_stock *stock, const struct fdm *fdm, uint64_t now_ms)
{
	struct ha_fdm_params params;
	bool is_blind = false;

	read_policy(stock, fdm, &params);
	for (uint32_t i = 0; i < stock->inv.n_hosts; i++) {
		struct ha_inv_host *host = &stock->hosts[i];
		const struct ha_cibinv_host *cib = &stock->cibinv->hosts[i];
		const struct fdm_host *known =
			fdm->snap ? fdm_snap_host(fdm->snap, host->name) : NULL;

		g_hash_table_insert(stock->by_host,
				    (gpointer)(uintptr_t)host->name,
				    GUINT_TO_POINTER(i + 1));
		host->cpu_mhz = cut(host->cpu_mhz, HA_ADMISSION_CPU_MHZ_MAX);
		host->is_failover_host =
			stock->policy.type == HA_ADMISSION_DEDICATED &&
			ha_fdm_is_failover_host(&params, host->name);
		if (host->state != HA_INV_ONLINE) {
			continue;
		}
		if (known && fdm->snap->is_there && is_worse(known)) {
			host->state = HA_INV_ERROR;
		} else if (!cib->has_cpu || !cib->has_memory) {
			is_blind = true;
			complain(
				stock,
				"%s: its capacity is not known: it counts as "
				"%s. vmha-fdmd writes it there; or set "
				"utilization cpu_mhz and memory_mb of the node",
				host->name,
				cib->has_cpu    ? "no memory" :
				cib->has_memory ? "no CPU" :
						  "nothing");
		}
	}
	look_for_strangers(stock, params.failover_hosts);
	stock->blind_ms = !is_blind            ? 0 :
			  stock->blind_ms != 0 ? stock->blind_ms :
						 now_ms;
	if (is_blind && now_ms < stock->blind_ms + FDM_BLIND_MS) {
		stock->is_complete = false;
		g_strlcpy(stock->why,
			  "waits for the capacity of hosts that have just "
			  "begun",
			  sizeof(stock->why));
	}
}

/* ---- VMs --------------------------------------------------------------------- */

/* RSC -> node of its constraint vmha-plan-RSC. */
static GHashTable *
planned_nodes(const struct fdm_facts *facts)
{
	GHashTable *nodes = g_hash_table_new(g_str_hash, g_str_equal);
	const xmlNode *root = xmlDocGetRootElement(facts->doc);
	const xmlNode *at = fdm_xml_child(
		fdm_xml_child(fdm_xml_child(root, "configuration"),
			      "constraints"),
		"rsc_location");

	for (; at; at = at->next) {
		const char *rsc = fdm_xml_text(at, "rsc");

		if (fdm_xml_is(at, "rsc_location") &&
		    g_str_has_prefix(fdm_xml_text(at, "id"), PLAN_PREFIX) &&
		    strcmp(fdm_xml_text(at, "id") + strlen(PLAN_PREFIX), rsc) ==
			    0) {
			g_hash_table_insert(
				nodes, (gpointer)(uintptr_t)rsc,
				(gpointer)(uintptr_t)fdm_xml_text(at, "node"));
		}
	}
	return nodes;
}

/* No host has so much, which is that machine's trouble alone: admission does not
 * count with numbers beyond. */
static void
judge_demand(const struct ha_demand_facts *facts, struct ha_demand *ret_demand)
{
	ha_demand_judge(facts, ret_demand);
	ret_demand->cpu_mhz =
		cut(ret_demand->cpu_mhz, HA_ADMISSION_CPU_MHZ_MAX);
	ret_demand->memory_mb =
		cut(ret_demand->memory_mb, HA_ADMISSION_MEMORY_MB_MAX);
	ret_demand->overhead_mb =
		cut(ret_demand->overhead_mb, HA_ADMISSION_MEMORY_MB_MAX);
}

static void
set_demand(struct fdm_stock *stock, uint32_t i, uint64_t now_ms)
{
	struct ha_cibinv_vm *vm = &stock->cibinv->vms[i];
	const char *name = stock->cibinv->inv.vms[i].name;
	struct ha_demand_facts facts;
	struct ha_demand_shape shape;
	struct ha_demand demand;
	const char *why = "";
	enum fdm_shape_state state = FDM_SHAPE_UNKNOWN;

	if (vm->config && stock->shapes) {
		state = fdm_shapes_get(stock->shapes, vm->config, now_ms,
				       &shape, &why);
	}
	if (state == FDM_SHAPE_COMING) {
		stock->is_complete = false;
		(void)g_snprintf(stock->why, sizeof(stock->why),
				 "reads the size of %s", name);
	} else if (state == FDM_SHAPE_UNKNOWN) {
		complain(stock,
			 "%s: %s %s; its overhead is estimated from its "
			 "utilization",
			 name, vm->config ? vm->config : "parameter config",
			 vm->config ? why : "is not there");
	}
	facts = vm->facts;
	facts.shape = state == FDM_SHAPE_READ ? &shape : NULL;
	judge_demand(&facts, &demand);
	ha_cibinv_set_demand(stock->cibinv, i, &demand);
	facts.admitted_cpu_mhz.is_there = false;
	facts.admitted_memory_mb.is_there = false;
	judge_demand(&facts, &stock->wanted[i]);
}

static void
put(struct fdm_stock *stock, struct ha_inv_vm *vm, const char *host)
{
	uint32_t index = host ? fdm_stock_host(stock, host) : HA_INV_NONE;

	if (index != HA_INV_NONE &&
	    stock->hosts[index].state == HA_INV_ONLINE) {
		vm->host = index;
	}
}

/* Is it on, and where, as far as the CIB alone does not tell. */
static void
take_vm(struct fdm_stock *stock, const struct fdm *fdm, GHashTable *planned,
	uint32_t i)
{
	struct ha_inv_vm *vm = &stock->vms[i];
	const struct fdm_vm *known = fdm_facts_vm(fdm->facts, vm->name);
	bool is_lost;

	if (known && known->is_gated && !known->is_up && !known->is_busy &&
	    fdm_admit_needs(fdm->protect, known)) {
		vm->is_on = false;
		vm->host = HA_INV_NONE;
	}
	/* Powered off a moment ago: as long as its ticket stands, or waits for
	 * its turn, it starts again without being asked about. */
	if (known && known->is_gated &&
	    (known->ticket.is_granted || fdm_restart_is_kept(known))) {
		vm->is_on = true;
	}
	is_lost = vm->host == HA_INV_NONE ||
		  stock->hosts[vm->host].state == HA_INV_OFFLINE ||
		  stock->hosts[vm->host].state == HA_INV_ERROR;
	if (vm->is_on && is_lost) {
		put(stock, vm, g_hash_table_lookup(stock->admitted, vm->name));
		put(stock, vm, g_hash_table_lookup(planned, vm->name));
	}
	if (vm->is_on) {
		stock->demand[i] = (struct ha_plan_demand){
			.cpu_mhz = vm->cpu_mhz ? vm->cpu_mhz :
						 stock->policy.default_cpu_mhz,
			.memory_mb = (vm->memory_mb ?
					      vm->memory_mb :
					      stock->policy.default_memory_mb) +
				     vm->overhead_mb,
		};
	}
}

static void
take_vms(struct fdm_stock *stock, const struct fdm *fdm)
{
	GHashTable *planned = planned_nodes(fdm->facts);

	for (uint32_t i = 0; i < stock->inv.n_vms; i++) {
		g_hash_table_insert(stock->by_vm,
				    (gpointer)(uintptr_t)stock->vms[i].name,
				    GUINT_TO_POINTER(i + 1));
		take_vm(stock, fdm, planned, i);
	}
	g_hash_table_destroy(planned);
}

static void
look_at_failover_hosts(struct fdm_stock *stock)
{
	for (uint32_t h = 0; h < stock->inv.n_hosts; h++) {
		const struct ha_inv_host *host = &stock->hosts[h];
		uint32_t count = 0;

		for (uint32_t i = 0;
		     host->is_failover_host && host->state == HA_INV_ONLINE &&
		     i < stock->inv.n_vms;
		     i++) {
			count += stock->vms[i].is_on && stock->vms[i].host == h;
		}
		if (count > 0) {
			complain(stock,
				 "failover host %s is yellow, %u VM%s there: "
				 "it is kept for VMs of hosts that fail. Once "
				 "other hosts have room: crm resource move",
				 host->name, count, count == 1 ? "" : "s");
		}
	}
}

/* ---- the whole ---------------------------------------------------------------- */

static bool
make(struct fdm_stock *stock, const struct fdm *fdm, uint64_t now_ms)
{
	const xmlNode *root = xmlDocGetRootElement(fdm->facts->doc);
	struct ha_err err = HA_ERR_INIT;
	const struct ha_inventory *cib;

	fdm_stock_drop(stock);
	stock->why[0] = '\0';
	if (ha_cibinv_read(&FDM_XML_TREE, root, &stock->cibinv, &err) < 0 ||
	    !stock->cibinv) {
		g_strlcpy(stock->why, err.text, sizeof(stock->why));
		return false;
	}
	cib = &stock->cibinv->inv;
	stock->is_complete = true;
	stock->number++;
	fdm_shapes_begin(stock->shapes);
	stock->demand = g_new0(struct ha_plan_demand, cib->n_vms + 1);
	stock->wanted = g_new0(struct ha_demand, cib->n_vms + 1);
	stock->hosts = g_new0(struct ha_inv_host, cib->n_hosts + 1);
	stock->vms = g_new0(struct ha_inv_vm, cib->n_vms + 1);
	for (uint32_t i = 0; i < stock->cibinv->n_notes; i++) {
		complain(stock, "%s", stock->cibinv->notes[i]);
	}
	for (uint32_t i = 0; i < cib->n_vms; i++) {
		set_demand(stock, i, now_ms);
	}
	/* Without any there is no array. */
	if (cib->n_hosts > 0) {
		memcpy(stock->hosts, cib->hosts,
		       cib->n_hosts * sizeof(*stock->hosts));
	}
	if (cib->n_vms > 0) {
		memcpy(stock->vms, cib->vms, cib->n_vms * sizeof(*stock->vms));
	}
	stock->inv = *cib;
	stock->inv.hosts = stock->hosts;
	stock->inv.vms = stock->vms;
	take_hosts(stock, fdm, now_ms);
	take_vms(stock, fdm);
	look_at_failover_hosts(stock);
	stock->digest = fdm_stock_digest(stock);
	return true;
}

const struct fdm_stock *
fdm_stock_get(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_stock *stock = fdm->stock;
	uint64_t now;

	if (!stock || !fdm->facts) {
		return NULL;
	}
	now = signature(fdm, now_ms);
	if (stock->made_of != now) {
		/* Reading it asks for files that are new; that they are there
		 * is told by another number. */
		(void)make(stock, fdm, now_ms);
		stock->made_of = signature(fdm, now_ms);
	}
	return stock->cibinv ? stock : NULL;
}
