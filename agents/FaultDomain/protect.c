/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Protection of each row: gathers what ha_protect_judge() wants, from the
 * configuration, Pacemaker's history, lists and holds, and the protected list.
 * Decides nothing itself, and writes nothing. That a VM is stopped counts when
 * it has been so for a moment: a restart by its user is no power-off.
 */
#include <string.h>

#include "FaultDomain/fdm.h"
#include "ha/text.h"

struct fdm_protect *
fdm_protect_new(void)
{
	struct fdm_protect *protect = g_new0(struct fdm_protect, 1);

	protect->disk.table =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	protect->off_ms =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	protect->part =
		g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
	return protect;
}

void
fdm_protect_free(struct fdm_protect *protect)
{
	if (protect) {
		g_hash_table_destroy(protect->disk.table);
		g_hash_table_destroy(protect->off_ms);
		g_ptr_array_unref(protect->part);
		json_decref(protect->sent);
		g_free(protect);
	}
}

/* ---- the list ------------------------------------------------------------ */

/* By name; one that was renamed by its UUID. */
static const struct ha_protected_vm *
find_entry(const struct fdm_protect *protect, const struct fdm_vm *vm)
{
	const struct ha_protected_vm *entry =
		g_hash_table_lookup(protect->disk.table, vm->resource);
	GHashTableIter iter;
	gpointer value;

	if (entry || !vm->has_uuid) {
		return entry;
	}
	g_hash_table_iter_init(&iter, protect->disk.table);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		entry = value;
		if (memcmp(&entry->uuid, &vm->uuid, sizeof(vm->uuid)) == 0) {
			return entry;
		}
	}
	return NULL;
}

enum ha_protect_entry
fdm_protect_on_disk(const struct fdm_protect *protect, const struct fdm_vm *vm)
{
	const struct ha_protected_vm *entry = find_entry(protect, vm);

	return !entry                           ? HA_PROTECT_NONE :
	       entry->state == HA_PROTECTED_OFF ? HA_PROTECT_OFF :
						  HA_PROTECT_ON;
}

static bool
read_entry(const json_t *object, struct ha_protected_vm *vm)
{
	const char *resource =
		json_string_value(json_object_get(object, "resource"));
	const char *state = json_string_value(json_object_get(object, "state"));
	const char *uuid = json_string_value(json_object_get(object, "uuid"));

	memset(vm, 0, sizeof(*vm));
	if (!resource || !state ||
	    ha_text_copy(vm->resource, sizeof(vm->resource), resource) < 0 ||
	    (uuid && uuid[0] && ha_uuid_parse(uuid, &vm->uuid) < 0)) {
		return false;
	}
	vm->order =
		(uint32_t)json_integer_value(json_object_get(object, "order"));
	vm->state =
		strcmp(state, ha_protected_state_name(HA_PROTECTED_OFF)) == 0 ?
			HA_PROTECTED_OFF :
			HA_PROTECTED_ON;
	return true;
}

void
fdm_protect_take(struct fdm_protect *protect, const json_t *list, uint64_t term,
		 uint64_t generation)
{
	const json_t *object;
	size_t i;

	g_hash_table_remove_all(protect->disk.table);
	json_array_foreach(list, i, object)
	{
		struct ha_protected_vm vm;

		if (read_entry(object, &vm)) {
			g_hash_table_insert(protect->disk.table,
					    g_strdup(vm.resource),
					    g_memdup2(&vm, sizeof(vm)));
		}
	}
	protect->disk.term = term;
	protect->disk.generation = generation;
}

/* False: it is to have none. */
static bool
wanted_entry(const struct fdm_row *row, const GArray *priorities,
	     const struct fdm_facts *facts, struct ha_protected_vm *entry)
{
	size_t index = (size_t)(row->vm -
				&g_array_index(facts->vms, struct fdm_vm, 0));

	memset(entry, 0, sizeof(*entry));
	if (row->entry == HA_PROTECT_NONE ||
	    ha_text_copy(entry->resource, sizeof(entry->resource),
			 row->vm->resource) < 0) {
		return false;
	}
	if (row->vm->has_uuid) {
		entry->uuid = row->vm->uuid;
	}
	entry->state = row->entry == HA_PROTECT_OFF ? HA_PROTECTED_OFF :
						      HA_PROTECTED_ON;
	entry->order = (uint32_t)g_array_index(priorities,
					       enum ha_restart_priority, index);
	return true;
}

json_t *
fdm_protect_wanted(const GArray *rows, const GArray *priorities,
		   const struct fdm_facts *facts)
{
	json_t *list = json_array();

	for (guint i = 0; i < rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(rows, struct fdm_row, i);
		struct ha_protected_vm entry;
		char uuid[37] = "";

		if (!wanted_entry(row, priorities, facts, &entry)) {
			continue;
		}
		if (row->vm->has_uuid) {
			ha_uuid_format(&entry.uuid, uuid);
		}
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:I}", "uuid", uuid,
					"resource", entry.resource, "state",
					ha_protected_state_name(entry.state),
					"order", (json_int_t)entry.order));
	}
	return list;
}

/* Asked at each look: without making the list. */
bool
fdm_protect_is_same(const struct fdm_protect *protect, const GArray *rows,
		    const GArray *priorities, const struct fdm_facts *facts)
{
	guint count = 0;

	for (guint i = 0; i < rows->len; i++) {
		const struct ha_protected_vm *old;
		struct ha_protected_vm entry;

		if (!wanted_entry(&g_array_index(rows, struct fdm_row, i),
				  priorities, facts, &entry)) {
			continue;
		}
		old = g_hash_table_lookup(protect->disk.table, entry.resource);
		if (!old || old->state != entry.state ||
		    old->order != entry.order ||
		    memcmp(&old->uuid, &entry.uuid, sizeof(entry.uuid)) != 0) {
			return false;
		}
		count++;
	}
	return count == g_hash_table_size(protect->disk.table);
}

/* ---- rows ---------------------------------------------------------------- */

bool
fdm_is_wanted(const struct fdm_vm *vm, const struct fdm_row *row)
{
	return vm->is_wanted && !(row && (row->gate != HA_PROTECT_OPEN ||
					  !ha_gate_is_open(row->admission)));
}

static bool
is_off_ticket(const struct fdm_ticket *ticket)
{
	return ticket->is_there && !ticket->is_granted &&
	       strcmp(ticket->state, FDM_STATE_OFF) == 0;
}

static bool
is_kept_ticket(const struct fdm_ticket *ticket)
{
	return is_off_ticket(ticket) &&
	       strcmp(ticket->reason,
		      ha_protect_gate_name(HA_PROTECT_KEPT_OFF)) == 0;
}

bool
fdm_is_powered_off(const struct fdm_vm *vm)
{
	return is_off_ticket(&vm->ticket) &&
	       !(is_kept_ticket(&vm->ticket) && !vm->is_off &&
		 strcmp(vm->ticket.role, vm->role) == 0);
}

/* By Pacemaker's history, on every host, of those too that are not here. */
static bool
is_ended(const struct fdm_facts *facts, const struct fdm_vm *vm)
{
	if (vm->is_up || vm->is_busy) {
		return false;
	}
	for (guint i = 0; i < facts->nodes->len; i++) {
		const struct fdm_node *node =
			&g_array_index(facts->nodes, struct fdm_node, i);

		if (node->is_unclean ||
		    fdm_facts_is_active(node, vm->resource)) {
			return false;
		}
	}
	return true;
}

/* For a moment already; remembers since when. */
static bool
is_settled(struct fdm_protect *protect, const struct fdm_vm *vm, bool is_over,
	   uint64_t now_ms)
{
	const uint64_t *since_ms;

	/* Asked for each VM at each look, and nearly always none is there. */
	if (!is_over) {
		if (g_hash_table_size(protect->off_ms) > 0) {
			(void)g_hash_table_remove(protect->off_ms,
						  vm->resource);
		}
		return false;
	}
	since_ms = g_hash_table_lookup(protect->off_ms, vm->resource);
	if (!since_ms) {
		g_hash_table_insert(protect->off_ms, g_strdup(vm->resource),
				    g_memdup2(&now_ms, sizeof(now_ms)));
		return false;
	}
	return now_ms >= *since_ms + FDM_OFF_MS;
}

static void
judge(struct fdm_protect *protect, const struct fdm_facts *facts,
      struct fdm_row *row, uint64_t now_ms)
{
	const struct fdm_vm *vm = row->vm;
	const struct fdm_ticket *ticket = &vm->ticket;
	struct ha_protect_facts one = {
		.is_wanted = vm->is_wanted,
		.is_off = vm->is_off,
		.is_managed = vm->is_managed,
		.is_somewhere = row->verdict.why == HA_TICKET_RUNS ||
				row->is_listed_here || vm->is_up || vm->is_busy,
		.is_in_doubt = !row->verdict.is_granted || row->is_unsure,
		.has_ticket = ticket->is_there,
		.is_off_ticket = is_off_ticket(ticket),
		.is_kept_ticket = is_kept_ticket(ticket),
		.is_called = strcmp(ticket->role, vm->role) != 0,
		.on_disk = fdm_protect_on_disk(protect, vm),
	};
	struct ha_protect_verdict verdict;

	one.is_stopped = is_settled(
		protect, vm,
		vm->is_off && !one.is_somewhere && !one.is_in_doubt &&
			(one.is_off_ticket || is_ended(facts, vm)),
		now_ms);
	verdict = ha_protect_judge(&one);
	row->gate = verdict.gate;
	row->entry = verdict.entry;
	row->shown = ha_protect_show(&one);
	row->is_early = !ticket->is_there && protect->term != 0 &&
			!protect->is_read && !protect->is_doubted;
}

void
fdm_protect_judge(struct fdm_protect *protect, const struct fdm_facts *facts,
		  GArray *rows, uint64_t now_ms)
{
	for (guint i = 0; i < rows->len; i++) {
		judge(protect, facts, &g_array_index(rows, struct fdm_row, i),
		      now_ms);
	}
}

/* ---- for people ---------------------------------------------------------- */

bool
fdm_protect_is_known(const struct fdm_protect *protect)
{
	return protect->term != 0 ? protect->is_read : protect->read_ms != 0;
}

json_t *
fdm_protect_vm_json(const struct fdm_protect *protect, const struct fdm_vm *vm,
		    const struct fdm_row *row)
{
	static const char *const ON_DISK[] = { [HA_PROTECT_NONE] = "none",
					       [HA_PROTECT_ON] = "protected",
					       [HA_PROTECT_OFF] = "off" };
	const char *shown;

	if (!row) {
		return json_null();
	}
	shown = !fdm_protect_is_known(protect) &&
				row->gate == HA_PROTECT_OPEN && vm->is_wanted ?
			"unknown" :
			ha_protect_shown_name(row->shown);
	return json_pack("{s:s, s:s}", "state", shown, "on_disk",
			 ON_DISK[fdm_protect_on_disk(protect, vm)]);
}

json_t *
fdm_protect_json(const struct fdm_protect *protect, uint64_t now_ms)
{
	return json_pack(
		"{s:b, s:o, s:I, s:I, s:i, s:s}", "read",
		fdm_protect_is_known(protect), "age_ms",
		protect->read_ms == 0 ?
			json_null() :
			json_integer((json_int_t)(now_ms - protect->read_ms)),
		"term", (json_int_t)protect->disk.term, "generation",
		(json_int_t)protect->disk.generation, "count",
		(int)g_hash_table_size(protect->disk.table), "why",
		protect->why);
}
