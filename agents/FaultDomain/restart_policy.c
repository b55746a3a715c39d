/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of restart order and retries: parameters of all
 * VirtualMachine resources and of FaultDomain. What can't be kept is said, and
 * left out: a wrong value has its default, and a dependency that could never
 * be met (an unknown VM, one of lower priority, a cycle) keeps nobody down.
 */
#include <string.h>

#include "FaultDomain/restart.h"
#include "ha/fdmparams.h"
#include "ha/vmparams.h"

#define ERRORS_MAX 16u

_Static_assert(HA_WAITS_MAX + 1 == HA_RESTART_WAITS_MAX,
	       "each wait that can be configured has its place");

struct fdm_restart *
fdm_restart_new(void)
{
	struct fdm_restart *restart = g_new0(struct fdm_restart, 1);

	restart->vms = g_array_new(FALSE, TRUE, sizeof(struct ha_restart_vm));
	restart->priorities =
		g_array_new(FALSE, TRUE, sizeof(enum ha_restart_priority));
	restart->verdicts =
		g_array_new(FALSE, TRUE, sizeof(struct ha_restart_verdict));
	restart->depends =
		g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	restart->errors = g_ptr_array_new_with_free_func(g_free);
	restart->tracks =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return restart;
}

void
fdm_restart_free(struct fdm_restart *restart)
{
	if (restart) {
		g_array_unref(restart->vms);
		g_array_unref(restart->priorities);
		g_array_unref(restart->verdicts);
		g_ptr_array_unref(restart->depends);
		g_ptr_array_unref(restart->errors);
		g_hash_table_destroy(restart->tracks);
		g_free(restart);
	}
}

static struct ha_restart_vm *
vm_at(const struct fdm_restart *restart, size_t index)
{
	return &g_array_index(restart->vms, struct ha_restart_vm, index);
}

static const char *
name_at(const struct fdm_facts *facts, size_t index)
{
	return g_array_index(facts->vms, struct fdm_vm, index).resource;
}

static void complain(struct fdm_restart *restart, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void
complain(struct fdm_restart *restart, const char *format, ...)
{
	va_list args;

	if (restart->errors->len >= ERRORS_MAX) {
		return;
	}
	va_start(args, format);
	g_ptr_array_add(restart->errors, g_strdup_vprintf(format, args));
	va_end(args);
}

static void
read_rules(struct fdm_restart *restart, const struct fdm_facts *facts)
{
	struct respond_pairs pairs = fdm_pairs(facts->policy);
	struct ha_fdm_params params;
	struct ha_fdm_waits waits;

	/* Bad values are the responder's to log: it reads them all. */
	(void)ha_fdm_params_lenient(respond_pair, &pairs, &params, NULL);
	(void)ha_fdm_waits_parse(params.restart_retry_waits, &waits, NULL);
	restart->rules = ha_restart_rules_default(1);
	/* Before the first attempt there is none. */
	restart->rules.waits_ms[0] = 0;
	restart->rules.wait_count = waits.count + 1;
	for (size_t i = 0; i < waits.count; i++) {
		restart->rules.waits_ms[i + 1] = waits.ms[i];
	}
	restart->rules.attempts_max = (uint32_t)params.restart_attempts;
	restart->rules.priority_timeout_ms = params.restart_priority_timeout_ms;
	restart->rules.concurrent_max = (uint32_t)params.restart_concurrent;
}

/* Its dependency, unless it can't be kept. */
static void
take_dependency(struct fdm_restart *restart, const struct fdm_facts *facts,
		size_t index, const char *word, size_t len)
{
	const char *self = name_at(facts, index);
	char *name = g_strndup(word, len);
	const struct fdm_vm *vm = fdm_facts_vm(facts, name);
	GArray *list = g_ptr_array_index(restart->depends, index);
	size_t other = 0;

	if (vm) {
		other = (size_t)(vm -
				 &g_array_index(facts->vms, struct fdm_vm, 0));
	}
	if (!vm) {
		complain(restart,
			 "%s: restart_depends names %s, which is no "
			 "VirtualMachine resource; it is left out. Correct "
			 "the name",
			 self, name);
	} else if (other == index) {
		complain(restart,
			 "%s: restart_depends names itself; it is left out",
			 self);
	} else if (vm_at(restart, index)->priority != HA_RESTART_DISABLED &&
		   vm_at(restart, other)->priority <
			   vm_at(restart, index)->priority) {
		complain(restart,
			 "%s: restart_depends names %s, whose "
			 "restart_priority is lower (%s, and %s); it is left "
			 "out. Give %s the same priority or a higher one",
			 self, name,
			 ha_restart_priority_name(
				 vm_at(restart, other)->priority),
			 ha_restart_priority_name(
				 vm_at(restart, index)->priority),
			 name);
	} else {
		g_array_append_val(list, other);
	}
	g_free(name);
}

static void
point_at_dependencies(struct fdm_restart *restart)
{
	for (guint i = 0; i < restart->vms->len; i++) {
		const GArray *list = g_ptr_array_index(restart->depends, i);

		vm_at(restart, i)->depends_on =
			(const size_t *)(const void *)list->data;
		vm_at(restart, i)->depends_count = list->len;
	}
}

/* All dependencies of one VM of each cycle are left out: keeping a part of
 * them would be a guess. */
static void
break_cycles(struct fdm_restart *restart, const struct fdm_facts *facts)
{
	guint count = restart->vms->len;
	struct ha_restart_work *work =
		g_new0(struct ha_restart_work, count + 1);
	size_t *cycle = g_new0(size_t, count + 1);
	size_t length;

	while ((length = ha_restart_cycle(
			(const struct ha_restart_vm *)(const void *)
				restart->vms->data,
			count, work, cycle)) > 0) {
		GString *names = g_string_new(NULL);
		GArray *list = g_ptr_array_index(restart->depends, cycle[0]);

		for (size_t i = 0; i < length; i++) {
			g_string_append_printf(names, "%s -> ",
					       name_at(facts, cycle[i]));
		}
		complain(restart,
			 "restart_depends goes round in a circle: %s%s; the "
			 "dependencies of %s are left out. Break it",
			 names->str, name_at(facts, cycle[0]),
			 name_at(facts, cycle[0]));
		(void)g_string_free(names, TRUE);
		g_array_set_size(list, 0);
		point_at_dependencies(restart);
	}
	g_free(cycle);
	g_free(work);
}

static void
read_vm(struct fdm_restart *restart, const struct fdm_vm *vm,
	struct ha_vm_params *params)
{
	struct respond_pairs pairs = fdm_pairs(vm->params);
	struct ha_err err = HA_ERR_INIT;
	struct ha_restart_vm one = { .name = vm->resource };
	GArray *none = g_array_new(FALSE, FALSE, sizeof(size_t));

	if (ha_vm_params_restart(respond_pair, &pairs, params, &err) < 0) {
		complain(restart, "%s: %s; until then the default holds",
			 vm->resource, err.text);
	}
	one.priority = (enum ha_restart_priority)params->restart_priority;
	one.ready = (enum ha_ready)params->ready_condition;
	one.post_ready_ms = params->ready_delay_ms;
	g_array_append_val(restart->vms, one);
	g_array_append_val(restart->priorities, one.priority);
	g_ptr_array_add(restart->depends, none);
}

static bool
has_order(const struct fdm_restart *restart)
{
	for (guint i = 0; i < restart->vms->len; i++) {
		const struct ha_restart_vm *vm = vm_at(restart, i);

		if (vm->priority != vm_at(restart, 0)->priority ||
		    vm->priority == HA_RESTART_DISABLED ||
		    vm->depends_count > 0) {
			return true;
		}
	}
	return restart->vms->len > restart->rules.concurrent_max;
}

void
fdm_restart_configure(struct fdm_restart *restart,
		      const struct fdm_facts *facts, uint64_t now_ms)
{
	guint count = facts->vms->len;
	struct ha_vm_params *params = g_new0(struct ha_vm_params, count + 1);

	g_array_set_size(restart->vms, 0);
	g_array_set_size(restart->priorities, 0);
	g_array_set_size(restart->verdicts, 0);
	g_ptr_array_set_size(restart->depends, 0);
	g_ptr_array_set_size(restart->errors, 0);
	read_rules(restart, facts);
	for (guint i = 0; i < count; i++) {
		read_vm(restart, &g_array_index(facts->vms, struct fdm_vm, i),
			&params[i]);
	}
	for (guint i = 0; i < count; i++) {
		const char *at = params[i].restart_depends;
		const char *word;
		size_t len = 0;

		while ((word = ha_vm_words_next(&at, &len))) {
			take_dependency(restart, facts, i, word, len);
		}
	}
	point_at_dependencies(restart);
	break_cycles(restart, facts);
	restart->has_order = has_order(restart);
	restart->copy_ms = now_ms;
	restart->due_ms = 0;
	g_free(params);
}
