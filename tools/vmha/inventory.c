/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha admission inventory: what admission control counts, of the live CIB or
 * of a file. libha reads the CIB and decides each demand, as it does for the
 * fault domain manager; here are the domain XMLs, which may hang, and the
 * words. Reads only.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cib.h"
#include "ha/cibinv.h"
#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/domain.h"
#include "ha/worker.h"

#define CIB_BYTES_MAX (256u * 1024 * 1024)
#define DOMAIN_READ_MS 3000u
#define HANGS_MAX 3u
#define RULE_TEXT 160u
#define STDIN_PATH "/dev/stdin"

/* ---- the tree ------------------------------------------------------------- */

static const char *
tree_name(const void *element)
{
	return ((const struct cib_node *)element)->name;
}

static const char *
tree_attr(const void *element, const char *name)
{
	const struct cib_node *node = element;

	for (size_t i = 0; i < node->attrs; i++) {
		if (strcmp(node->attr[i].name, name) == 0) {
			return node->attr[i].value;
		}
	}
	return NULL;
}

static const void *
tree_first(const void *element)
{
	return ((const struct cib_node *)element)->first;
}

static const void *
tree_next(const void *element)
{
	return ((const struct cib_node *)element)->next;
}

static const struct ha_cib_tree TREE = {
	.name = tree_name,
	.attr = tree_attr,
	.first = tree_first,
	.next = tree_next,
};

/* ---- domain XML ------------------------------------------------------------ */

/* In a child: a share that hangs keeps whoever opens a file there. */
static int
read_shape(void *arg, int fd)
{
	struct ha_demand_shape shape = { .memory_mb = 0 };
	ha_autofree struct ha_domain *domain = malloc(sizeof(*domain));
	ha_autofree char *xml = NULL;
	size_t len = 0;
	int rc = domain ? vmha_file_read(arg, HA_DOMAIN_XML_MAX, &xml, &len,
					 NULL) :
			  -ENOMEM;

	rc = rc < 0 ? rc : ha_domain_parse(xml, len, domain, NULL);
	if (rc < 0) {
		return rc;
	}
	shape.memory_mb = domain->memory_mib;
	shape.guarantee_mb = domain->guarantee_mib;
	shape.video_mb = domain->video_mib;
	shape.vcpus = domain->vcpus;
	shape.iothreads = domain->iothreads;
	shape.is_pinned = domain->is_pinned;
	return ha_worker_write(fd, &shape, sizeof(shape));
}

/* 0; negative errno. */
static int
shape_of(const char *path, struct ha_demand_shape *ret_shape)
{
	ha_autofree char *text = NULL;
	ha_autofree char *copy = strdup(path);
	size_t len = 0;
	int rc;

	if (!copy) {
		return -ENOMEM;
	}
	vmha_step("reading", path, DOMAIN_READ_MS + 10000);
	rc = ha_worker_run(read_shape, copy, sizeof(*ret_shape),
			   ha_clock_now_ms() + DOMAIN_READ_MS, &text, &len);
	if (rc == 0 && len != sizeof(*ret_shape)) {
		return -EIO;
	}
	if (rc == 0) {
		memcpy(ret_shape, text, len);
	}
	return rc;
}

static void
set_demands(struct ha_cibinv *inv)
{
	unsigned int hangs = 0;

	for (uint32_t i = 0; i < inv->inv.n_vms; i++) {
		struct ha_cibinv_vm *vm = &inv->vms[i];
		struct ha_demand_shape shape = { .memory_mb = 0 };
		struct ha_demand demand;
		int rc = -ENOENT;

		if (vm->config && hangs < HANGS_MAX) {
			rc = shape_of(vm->config, &shape);
			hangs += rc == -ETIMEDOUT;
		}
		if (rc < 0) {
			vmha_warn("%s: %s%s%s; its overhead is estimated from "
				  "its utilization",
				  inv->inv.vms[i].name,
				  vm->config ? vm->config :
					       "it has no parameter config",
				  vm->config ? ": " : "",
				  !vm->config        ? "" :
				  hangs == HANGS_MAX ? "not read, shares hang" :
				  rc == -EINVAL      ? "is no domain XML" :
						       strerror(-rc));
		}
		vm->facts.shape = rc == 0 ? &shape : NULL;
		ha_demand_judge(&vm->facts, &demand);
		vm->facts.shape = NULL;
		ha_cibinv_set_demand(inv, i, &demand);
	}
}

/* ---- words ------------------------------------------------------------------ */

static const char *
set_by(bool is_there, bool is_ours)
{
	return !is_there ? "nobody" : is_ours ? "vmha" : "hand";
}

static void
put_hosts(const struct vmha *v, const struct ha_cibinv *inv)
{
	static const char *const TITLES[] = { "HOST",        "STATE",
					      ">CPU MHz",    "SET BY",
					      ">MEMORY MiB", "SET BY",
					      NULL };
	struct vmha_table table;

	vmha_table_init(&table, TITLES);
	for (uint32_t i = 0; i < inv->inv.n_hosts; i++) {
		const struct ha_inv_host *host = &inv->inv.hosts[i];
		const struct ha_cibinv_host *facts = &inv->hosts[i];

		vmha_table_add(&table, TONE_STRONG, "%s", host->name);
		vmha_table_add(&table,
			       host->state == HA_INV_ONLINE ? TONE_GOOD :
			       host->state == HA_INV_ERROR  ? TONE_BAD :
							      TONE_WARN,
			       "%s", ha_cibinv_state_name(host->state));
		vmha_table_add(&table, TONE_PLAIN, "%" PRIu64, host->cpu_mhz);
		vmha_table_add(&table, TONE_DIM, "%s",
			       set_by(facts->has_cpu, facts->is_cpu_ours));
		vmha_table_add(&table, TONE_PLAIN, "%" PRIu64, host->memory_mb);
		vmha_table_add(
			&table, TONE_DIM, "%s",
			set_by(facts->has_memory, facts->is_memory_ours));
	}
	vmha_table_print(&table, &v->screen, stdout);
	vmha_table_done(&table);
}

/* "h1 h2"; "any". */
static void
add_allowed(struct vmha_table *table, const struct ha_inventory *inv,
	    const struct ha_inv_vm *vm)
{
	char text[RULE_TEXT] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < vm->n_allowed && used < sizeof(text); i++) {
		int n = snprintf(text + used, sizeof(text) - used, "%s%s",
				 used ? " " : "",
				 inv->hosts[vm->allowed[i]].name);

		used += n > 0 ? (size_t)n : sizeof(text);
	}
	vmha_table_add(table, vm->has_allowed ? TONE_PLAIN : TONE_DIM, "%s",
		       !vm->has_allowed   ? "any" :
		       vm->n_allowed == 0 ? "none" :
					    text);
}

static void
put_vms(const struct vmha *v, const struct ha_cibinv *inv)
{
	static const char *const TITLES[] = {
		"VM",       "POWER",       "HOST", ">CPU MHz",
		"FROM",     ">MEMORY MiB", "FROM", ">OVERHEAD MiB",
		"PRIORITY", "MAY RUN ON",  NULL
	};
	struct vmha_table table;

	vmha_table_init(&table, TITLES);
	for (uint32_t i = 0; i < inv->inv.n_vms; i++) {
		const struct ha_inv_vm *vm = &inv->inv.vms[i];
		const struct ha_demand *demand = &inv->vms[i].demand;

		vmha_table_add(&table, TONE_STRONG, "%s", vm->name);
		vmha_table_add(&table, vm->is_on ? TONE_GOOD : TONE_DIM, "%s",
			       vm->is_on ? "on" : "off");
		vmha_table_add(&table, TONE_PLAIN, "%s",
			       vm->host == HA_INV_NONE ?
				       "-" :
				       inv->inv.hosts[vm->host].name);
		vmha_table_add(&table, TONE_PLAIN, "%" PRIu64, vm->cpu_mhz);
		vmha_table_add(&table, TONE_DIM, "%s",
			       ha_demand_source_name(demand->cpu_source));
		vmha_table_add(&table, TONE_PLAIN, "%" PRIu64, vm->memory_mb);
		vmha_table_add(&table, TONE_DIM, "%s",
			       ha_demand_source_name(demand->memory_source));
		vmha_table_add(&table, TONE_PLAIN, "%" PRIu64, vm->overhead_mb);
		vmha_table_add(&table, TONE_PLAIN, "%s",
			       ha_cibinv_priority_name(vm->priority));
		add_allowed(&table, &inv->inv, vm);
	}
	vmha_table_print(&table, &v->screen, stdout);
	vmha_table_done(&table);
}

static void
put_rules(const struct ha_inventory *inv)
{
	for (uint32_t i = 0; i < inv->n_rules; i++) {
		const struct ha_inv_rule *rule = &inv->rules[i];

		printf("%s %s:", rule->is_mandatory ? "must run" : "should run",
		       rule->type == HA_INV_SEPARATE ? "apart" : "together");
		for (uint32_t j = 0; j < rule->n_vms; j++) {
			printf(" %s", inv->vms[rule->vms[j]].name);
		}
		putchar('\n');
	}
}

static void
warn_of_all(const struct ha_cibinv *inv)
{
	for (uint32_t i = 0; i < inv->n_notes; i++) {
		vmha_warn("%s", inv->notes[i]);
	}
	for (uint32_t i = 0; i < inv->inv.n_vms; i++) {
		const struct ha_inv_vm *vm = &inv->inv.vms[i];

		if (vm->is_on && vm->host == HA_INV_NONE) {
			vmha_warn("%s is to run, and runs nowhere yet: its "
				  "demand is not counted, and an inventory "
				  "file shows it as off",
				  vm->name);
		}
	}
}

static int
put(struct vmha *v, const struct ha_cibinv *inv, bool is_json)
{
	warn_of_all(inv);
	if (is_json) {
		return vmha_json(v, ha_cibinv_json(&inv->inv));
	}
	put_hosts(v, inv);
	putchar('\n');
	put_vms(v, inv);
	if (inv->inv.n_rules > 0) {
		putchar('\n');
		put_rules(&inv->inv);
	}
	return VMHA_OK;
}

/* ---- the command ------------------------------------------------------------- */

static int
read_file(const char *path, struct cib_node **ret_cib, struct ha_err *err)
{
	ha_autofree char *text = NULL;
	size_t len = 0;
	int rc;

	if (strcmp(path, "-") == 0) {
		path = STDIN_PATH;
	}
	rc = vmha_file_read(path, CIB_BYTES_MAX, &text, &len, err);
	if (rc < 0) {
		return rc;
	}
	return cib_parse(text, ret_cib, NULL) < 0 ?
		       ha_err_set(err, -EINVAL,
				  "%s is no CIB: write one with \"cibadmin "
				  "--query\"",
				  path) :
		       0;
}

int
vmha_admission_inventory(struct vmha *v)
{
	const char *output = v->args.output;
	struct cib_node *cib = NULL;
	struct ha_cibinv *inv = NULL;
	bool is_json =
		v->args.is_json || (output && strcmp(output, "json") == 0);
	int rc;

	if (output && strcmp(output, "json") != 0 &&
	    strcmp(output, "text") != 0) {
		(void)vmha_fail_with(v, -EINVAL,
				     "--output is json or text, not \"%s\"",
				     output);
		return VMHA_USAGE;
	}
	rc = v->args.cib ? read_file(v->args.cib, &cib, &v->err) :
			   cib_read(&cib, &v->err);
	rc = rc < 0 ? rc : ha_cibinv_read(&TREE, cib, &inv, &v->err);
	if (rc < 0) {
		cib_free(cib);
		return vmha_fail(v, rc == -EINVAL ? -EIO : rc);
	}
	set_demands(inv);
	rc = put(v, inv, is_json);
	ha_cibinv_free(inv);
	cib_free(cib);
	return rc;
}
