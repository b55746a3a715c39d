/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From lists and holds to one verdict per gated VM: gathers what
 * ha_ticket_judge() wants. A VM is known by its resource name, and by its UUID
 * where the configuration names one. A hold that no gated VM answers to (its
 * resource was deleted, renamed or ungated meanwhile) is judged by itself, so
 * that it ends like any other.
 */
#include <string.h>

#include "FaultDomain/fdm.h"

/* All entries and holds of one name. */
struct shelf {
	GArray *entries; /* of struct entry */
	GArray *holds;   /* of const struct fdm_hold * */
};
struct entry {
	guint host;
	const struct ha_listed_vm *vm;
};

struct gather {
	const struct fdm_snap *snap;
	GHashTable *shelves; /* resource, or UUID as text -> struct shelf */
	GArray *hosts;       /* of struct ha_ticket_host, without the VM */
	bool hides;          /* a host's list may name any VM */
};

bool
fdm_is_listed_as(const struct ha_listed_vm *listed, const struct fdm_vm *vm)
{
	return strcmp(listed->resource, vm->resource) == 0 ||
	       (vm->has_uuid &&
		memcmp(&listed->uuid, &vm->uuid, sizeof(vm->uuid)) == 0);
}

bool
fdm_is_held_as(const struct fdm_hold *hold, const struct fdm_vm *vm)
{
	/* heartbeatd shows what is released on the list itself (SAFETY 26). */
	if (hold->hold.kind == HA_HOLD_CONFIRMED_DEAD ||
	    hold->hold.kind == HA_HOLD_RELEASED) {
		return false;
	}
	return strcmp(hold->resource, vm->resource) == 0 ||
	       (vm->has_uuid && hold->has_uuid &&
		memcmp(&hold->uuid, &vm->uuid, sizeof(vm->uuid)) == 0);
}

static void
shelf_free(gpointer data)
{
	struct shelf *shelf = data;

	g_array_unref(shelf->entries);
	g_array_unref(shelf->holds);
	g_free(shelf);
}

static struct shelf *
shelf_of(struct gather *gather, const char *key)
{
	struct shelf *shelf = g_hash_table_lookup(gather->shelves, key);

	if (!shelf) {
		shelf = g_new0(struct shelf, 1);
		shelf->entries =
			g_array_new(FALSE, FALSE, sizeof(struct entry));
		shelf->holds = g_array_new(FALSE, FALSE,
					   sizeof(const struct fdm_hold *));
		g_hash_table_insert(gather->shelves, g_strdup(key), shelf);
	}
	return shelf;
}

static void
shelve_entry(struct gather *gather, guint host, const struct ha_listed_vm *vm)
{
	struct entry entry = { .host = host, .vm = vm };
	char uuid[37];

	ha_uuid_format(&vm->uuid, uuid);
	g_array_append_val(shelf_of(gather, vm->resource)->entries, entry);
	g_array_append_val(shelf_of(gather, uuid)->entries, entry);
}

static void
shelve_hold(struct gather *gather, const struct fdm_hold *hold)
{
	char uuid[37];

	g_array_append_val(shelf_of(gather, hold->resource)->holds, hold);
	if (hold->has_uuid) {
		ha_uuid_format(&hold->uuid, uuid);
		g_array_append_val(shelf_of(gather, uuid)->holds, hold);
	}
}

static void
gather_all(struct gather *gather)
{
	const struct fdm_snap *snap = gather->snap;

	for (guint i = 0; i < snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(snap->hosts, struct fdm_host, i);
		struct ha_ticket_host one = {
			.slot = host->slot,
			.incarnation = host->incarnation,
			.generation = host->generation,
			.is_member = host->is_member,
			.is_gone = host->is_gone,
			.is_sealed = host->is_sealed,
			.is_readable = host->is_readable,
		};

		gather->hides =
			gather->hides || (!host->is_member && !host->is_gone &&
					  !host->is_readable);
		g_array_append_val(gather->hosts, one);
		for (guint j = 0; host->list && j < host->list->vms->len; j++) {
			shelve_entry(gather, i,
				     &g_array_index(host->list->vms,
						    struct ha_listed_vm, j));
		}
	}
	for (guint i = 0; i < snap->holds->len; i++) {
		shelve_hold(gather,
			    &g_array_index(snap->holds, struct fdm_hold, i));
	}
}

/* The strongest of a list's entries for one VM: two entries of one host, by
 * name and by UUID, are a fault of the configuration; released is weakest. */
static void
mark(struct ha_ticket_host *host, enum ha_listed_state state)
{
	if (!host->is_listed || host->state == HA_LISTED_RELEASED) {
		host->state = state;
	}
	host->is_listed = true;
}

static void
take_shelf(const struct gather *gather, const char *key,
	   const struct fdm_vm *vm, struct ha_ticket_host *hosts, GArray *holds)
{
	const struct shelf *shelf = g_hash_table_lookup(gather->shelves, key);

	for (guint i = 0; shelf && i < shelf->entries->len; i++) {
		const struct entry *entry =
			&g_array_index(shelf->entries, struct entry, i);

		if (fdm_is_listed_as(entry->vm, vm)) {
			mark(&hosts[entry->host], entry->vm->state);
		}
	}
	for (guint i = 0; shelf && i < shelf->holds->len; i++) {
		const struct fdm_hold *hold =
			g_array_index(shelf->holds, const struct fdm_hold *, i);
		bool is_new = true;

		for (guint j = 0; j < holds->len; j++) {
			is_new = is_new &&
				 g_array_index(holds, const struct fdm_hold *,
					       j) != hold;
		}
		if (is_new && fdm_is_held_as(hold, vm)) {
			g_array_append_val(holds, hold);
		}
	}
}

static void
judge(const struct gather *gather, struct fdm_row *row)
{
	guint count = gather->hosts->len;
	struct ha_ticket_host *hosts =
		g_memdup2(gather->hosts->data,
			  (gsize)count * sizeof(struct ha_ticket_host));
	GArray *found =
		g_array_new(FALSE, FALSE, sizeof(const struct fdm_hold *));
	struct ha_ticket_hold *holds;
	char uuid[37];

	take_shelf(gather, row->vm->resource, row->vm, hosts, found);
	if (row->vm->has_uuid) {
		ha_uuid_format(&row->vm->uuid, uuid);
		take_shelf(gather, uuid, row->vm, hosts, found);
	}
	holds = g_new0(struct ha_ticket_hold, found->len + 1);
	for (guint i = 0; i < found->len; i++) {
		holds[i] =
			g_array_index(found, const struct fdm_hold *, i)->hold;
	}
	row->verdict = ha_ticket_judge(hosts, count, holds, found->len);
	for (guint i = 0; i < count; i++) {
		row->is_listed_here =
			row->is_listed_here ||
			(hosts[i].is_member && hosts[i].is_listed &&
			 hosts[i].state != HA_LISTED_RELEASED);
	}
	if (row->verdict.host < count) {
		row->owner = &g_array_index(gather->snap->hosts,
					    struct fdm_host, row->verdict.host);
	}
	if (row->verdict.wants_lift && row->verdict.lift < found->len) {
		row->lift = g_array_index(found, const struct fdm_hold *,
					  row->verdict.lift);
	}
	/* One that runs on a member, or whose owner is a member again, is
	 * nowhere else. */
	row->is_unsure = gather->hides && row->verdict.is_granted &&
			 row->verdict.why != HA_TICKET_RUNS &&
			 row->verdict.why != HA_TICKET_RETURNED;
	g_free(holds);
	g_free(hosts);
	g_array_unref(found);
}

static struct gather
gather_begin(const struct fdm_snap *snap)
{
	struct gather gather = {
		.snap = snap,
		.shelves = g_hash_table_new_full(g_str_hash, g_str_equal,
						 g_free, shelf_free),
		.hosts = g_array_new(FALSE, FALSE,
				     sizeof(struct ha_ticket_host)),
	};

	gather_all(&gather);
	return gather;
}

static void
gather_end(struct gather *gather)
{
	g_array_unref(gather->hosts);
	g_hash_table_destroy(gather->shelves);
}

GArray *
fdm_project(const struct fdm_facts *facts, const struct fdm_snap *snap)
{
	GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct fdm_row));
	struct gather gather = gather_begin(snap);

	for (guint i = 0; i < facts->vms->len; i++) {
		struct fdm_row row = {
			.vm = &g_array_index(facts->vms, struct fdm_vm, i),
		};

		if (row.vm->is_gated) {
			judge(&gather, &row);
			g_array_append_val(rows, row);
		}
	}
	gather_end(&gather);
	return rows;
}

/* Does a row judge it? */
static bool
has_row(const struct fdm_facts *facts, const struct fdm_hold *hold)
{
	const struct fdm_vm *vm = fdm_facts_vm(facts, hold->resource);

	for (guint i = 0; !(vm && vm->is_gated) && i < facts->vms->len; i++) {
		vm = &g_array_index(facts->vms, struct fdm_vm, i);
		if (!fdm_is_held_as(hold, vm)) {
			vm = NULL;
		}
	}
	return vm && vm->is_gated;
}

GArray *
fdm_orphans(const struct fdm_facts *facts, const struct fdm_snap *snap)
{
	GArray *orphans = g_array_new(FALSE, TRUE, sizeof(struct fdm_orphan));
	struct gather gather = { .snap = NULL };

	for (guint i = 0; i < snap->holds->len; i++) {
		const struct fdm_hold *hold =
			&g_array_index(snap->holds, struct fdm_hold, i);
		struct fdm_vm vm = {
			.resource = hold->resource,
			.uuid = hold->uuid,
			.has_uuid = hold->has_uuid,
		};
		struct fdm_row row = { .vm = &vm };
		struct fdm_orphan orphan;

		if (has_row(facts, hold) ||
		    !fdm_hold_is_effective(snap, hold)) {
			continue;
		}
		if (!gather.snap) {
			gather = gather_begin(snap);
		}
		judge(&gather, &row);
		orphan = (struct fdm_orphan){ row.lift, row.verdict.why };
		if (row.lift) {
			g_array_append_val(orphans, orphan);
		}
	}
	if (gather.snap) {
		gather_end(&gather);
	}
	return orphans;
}

/* Rows are in the order of the facts' VMs. Asked for each of them by whoever
 * wants to see all. */
const struct fdm_row *
fdm_row_find(const struct fdm *fdm, const char *resource)
{
	const struct fdm_vm *vm =
		fdm->rows ? fdm_facts_vm(fdm->facts, resource) : NULL;
	guint low = 0;
	guint high = vm ? fdm->rows->len : 0;

	while (low < high) {
		guint middle = low + (high - low) / 2;
		const struct fdm_row *row =
			&g_array_index(fdm->rows, struct fdm_row, middle);

		if (row->vm == vm) {
			return row;
		}
		if (row->vm < vm) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

static bool
is_named(const struct fdm_host *host, const struct fdm_vm *vm)
{
	for (guint i = 0; host->list && i < host->list->vms->len; i++) {
		if (fdm_is_listed_as(&g_array_index(host->list->vms,
						    struct ha_listed_vm, i),
				     vm)) {
			return true;
		}
	}
	return false;
}

static bool
is_end(const char *name, const struct fdm_host *host)
{
	return !name[0] || strcmp(name, host->name) == 0;
}

const struct fdm_migration *
fdm_open_migration(const struct fdm_facts *facts, const struct fdm_host *host)
{
	for (guint i = 0; i < facts->migrations->len; i++) {
		const struct fdm_migration *one = &g_array_index(
			facts->migrations, struct fdm_migration, i);
		const struct fdm_vm *vm = fdm_facts_vm(facts, one->resource);

		if (vm && vm->is_gated &&
		    (is_end(one->source, host) || is_end(one->target, host)) &&
		    !is_named(host, vm)) {
			return one;
		}
	}
	return NULL;
}

static bool
is_same_vm(const struct fdm_hold *a, const struct fdm_hold *b)
{
	return strcmp(a->resource, b->resource) == 0 ||
	       (a->has_uuid && b->has_uuid &&
		memcmp(&a->uuid, &b->uuid, sizeof(a->uuid)) == 0);
}

bool
fdm_hold_is_effective(const struct fdm_snap *snap, const struct fdm_hold *hold)
{
	if (hold->hold.kind != HA_HOLD_OWNER &&
	    hold->hold.kind != HA_HOLD_POLICY) {
		return false;
	}
	for (guint i = 0; i < snap->holds->len; i++) {
		const struct fdm_hold *other =
			&g_array_index(snap->holds, struct fdm_hold, i);

		if (other->hold.kind == HA_HOLD_LIFTED &&
		    is_same_vm(hold, other) &&
		    ha_hold_is_lifted(&hold->hold, &other->hold, 1)) {
			return false;
		}
	}
	return true;
}

uint32_t
fdm_holds_of(const struct fdm_snap *snap, const struct fdm_host *host)
{
	uint32_t count = 0;

	for (guint i = 0; i < snap->holds->len; i++) {
		const struct fdm_hold *hold =
			&g_array_index(snap->holds, struct fdm_hold, i);

		count += hold->hold.owner == host->slot &&
			 hold->hold.owner_incarnation == host->incarnation &&
			 fdm_hold_is_effective(snap, hold);
	}
	return count;
}
