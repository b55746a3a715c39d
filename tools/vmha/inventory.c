/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha admission inventory: what admission control counts, of the live CIB or
 * of a file, as tables or as the inventory file. Decides nothing, reads only.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cib_facts.h"

#define RULE_TEXT 160u
#define N_TITLES 9

static const char *
set_by(bool is_there, bool is_ours)
{
	return !is_there ? "nobody" : is_ours ? "vmha" : "hand";
}

/* Measured only with performance_degradation below 100. */
static bool
is_use_told(const struct ha_inventory *inv)
{
	bool is = false;

	for (uint32_t i = 0; i < inv->n_hosts; i++) {
		is = is || inv->hosts[i].has_cpu_used ||
		     inv->hosts[i].has_memory_used;
	}
	return is;
}

static void
add_use(struct vmha_table *table, bool is_told, uint64_t used)
{
	if (is_told) {
		vmha_table_add(table, TONE_PLAIN, "%" PRIu64, used);
	} else {
		vmha_table_add(table, TONE_DIM, "-");
	}
}

static void
put_hosts(const struct vmha *v, const struct ha_cibinv *inv)
{
	static const char *const TITLES[N_TITLES] = {
		"HOST",   "STATE",     ">CPU MHz",  "SET BY", ">MEMORY MiB",
		"SET BY", ">USED MHz", ">USED MiB", NULL
	};
	const char *titles[N_TITLES];
	bool has_use = is_use_told(&inv->inv);
	struct vmha_table table;

	memcpy(titles, TITLES, sizeof(titles));
	if (!has_use) {
		titles[N_TITLES - 3] = NULL;
	}
	vmha_table_init(&table, titles);
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
		if (has_use) {
			add_use(&table, host->has_cpu_used, host->cpu_used_mhz);
			add_use(&table, host->has_memory_used,
				host->memory_used_mb);
		}
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
warn_of_all(const struct cib_facts *facts)
{
	const struct ha_cibinv *inv = facts->inv;

	for (size_t i = 0; i < json_array_size(facts->warnings); i++) {
		vmha_warn("%s", json_string_value(
					json_array_get(facts->warnings, i)));
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
put(struct vmha *v, const struct cib_facts *facts, bool is_json)
{
	const struct ha_cibinv *inv = facts->inv;

	warn_of_all(facts);
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

int
vmha_admission_inventory(struct vmha *v)
{
	const char *output = v->args.output;
	struct cib_facts facts;
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
	rc = cib_facts_read(v, &facts);
	if (rc < 0) {
		return vmha_fail(v, rc == -EINVAL ? -EIO : rc);
	}
	rc = put(v, &facts, is_json);
	cib_facts_done(&facts);
	return rc;
}
