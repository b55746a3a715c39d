/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From one look at the processes, the CIB and the lists to the facts of each
 * VM (ha/found.h). A process belongs to the resource that its socket names,
 * else to the one of its UUID, else of its name where no UUID is known and
 * libvirt confirms the name. An entry whose UUID any process carries has a
 * process, whatever resource that belongs to.
 */
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/found.h"
#include "ha/vmrecord.h"

struct gather {
	const struct fdm_facts *facts;
	const struct fdm_snap *snap;
	const struct fdm_host *self;
	uint64_t self_bit;
	bool is_sure;
	GHashTable *identities;
	struct fdm_sight *sight;
};

static const char *
param_of(const struct fdm_vm *vm, const char *name)
{
	for (guint i = 0; i < vm->params->len; i++) {
		const struct responder_param *param =
			&g_array_index(vm->params, struct responder_param, i);

		if (strcmp(param->name, name) == 0) {
			return param->value;
		}
	}
	return NULL;
}

static bool
is_uuid(const struct ha_uuid *uuid, const char *text)
{
	struct ha_uuid other;

	return ha_uuid_parse(text, &other) == 0 &&
	       memcmp(uuid, &other, sizeof(other)) == 0;
}

/* By any list's entry of that resource. */
static bool
is_listed_with(const struct fdm_snap *snap, const char *resource,
	       const char *uuid)
{
	for (guint i = 0; i < snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(snap->hosts, struct fdm_host, i);

		for (guint j = 0; host->list && j < host->list->vms->len; j++) {
			const struct ha_listed_vm *listed = &g_array_index(
				host->list->vms, struct ha_listed_vm, j);

			if (strcmp(listed->resource, resource) == 0 &&
			    is_uuid(&listed->uuid, uuid)) {
				return true;
			}
		}
	}
	return false;
}

static bool
is_alike(const struct gather *gather, const struct fdm_vm *vm,
	 const struct ha_qemu_seen *qemu)
{
	const struct fdm_identity *known =
		g_hash_table_lookup(gather->identities, vm->resource);
	const char *name = param_of(vm, "name");

	if (vm->has_uuid) {
		return is_uuid(&vm->uuid, qemu->args.uuid);
	}
	if (known && known->uuid[0]) {
		return strcmp(known->uuid, qemu->args.uuid) == 0;
	}
	if (is_listed_with(gather->snap, vm->resource, qemu->args.uuid)) {
		return true;
	}
	/* Its file may know a UUID, which a namesake does not have. */
	if (param_of(vm, "config") && !(known && known->is_read)) {
		return false;
	}
	name = name ? name : known ? known->name : NULL;
	return name && name[0] && qemu->is_named &&
	       strcmp(name, qemu->args.name) == 0;
}

static struct fdm_subject *
subject_of(struct fdm_sight *sight, const char *resource)
{
	for (guint i = 0; i < sight->subjects->len; i++) {
		struct fdm_subject *subject =
			&g_array_index(sight->subjects, struct fdm_subject, i);

		if (strcmp(subject->resource, resource) == 0) {
			return subject;
		}
	}
	return NULL;
}

static struct fdm_subject *
add_subject(struct fdm_sight *sight, const char *resource,
	    const struct fdm_vm *vm)
{
	struct fdm_subject subject = { .vm = vm };

	g_ptr_array_add(sight->names, g_strdup(resource));
	subject.resource =
		g_ptr_array_index(sight->names, sight->names->len - 1);
	g_array_append_val(sight->subjects, subject);
	return &g_array_index(sight->subjects, struct fdm_subject,
			      sight->subjects->len - 1);
}

/* The resource that its socket names, without a look at all others: with
 * hundreds of them on a host that is nearly always the one. The first subjects
 * are the facts' VMs, in their order. */
static struct fdm_subject *
find_by_socket(const struct gather *gather, const struct ha_qemu_seen *qemu)
{
	char resource[HA_VM_RESOURCE];
	const struct fdm_vm *vm = NULL;

	if (ha_vm_qmp_path_resource(qemu->args.qmp_path, resource,
				    sizeof(resource)) == 0) {
		vm = fdm_facts_vm(gather->facts, resource);
	}
	if (!vm || !ha_vm_qmp_path_is_of(qemu->args.qmp_path, resource)) {
		return NULL;
	}
	return &g_array_index(
		gather->sight->subjects, struct fdm_subject,
		vm - &g_array_index(gather->facts->vms, struct fdm_vm, 0));
}

/* By its socket first: a resource may have been renamed, and then its UUID
 * tells. A long name's socket has a checksum in it. */
static struct fdm_subject *
find_owner(const struct gather *gather, const struct ha_qemu_seen *qemu)
{
	struct fdm_sight *sight = gather->sight;
	struct fdm_subject *alike = find_by_socket(gather, qemu);

	if (alike) {
		return alike;
	}

	for (guint i = 0; i < sight->subjects->len; i++) {
		struct fdm_subject *subject =
			&g_array_index(sight->subjects, struct fdm_subject, i);

		if (!subject->vm) {
			continue;
		}
		if (ha_vm_qmp_path_is_of(qemu->args.qmp_path,
					 subject->resource)) {
			return subject;
		}
		if (!alike && is_alike(gather, subject->vm, qemu)) {
			alike = subject;
		}
	}
	return alike;
}

/* Its UUID is compared with every entry of every list: read once. */
static void
take_qemu(struct fdm_subject *subject, const struct ha_qemu_seen *qemu)
{
	if (!subject->qemu) {
		subject->qemu = qemu;
		subject->has_qemu_uuid =
			ha_uuid_parse(qemu->args.uuid, &subject->qemu_uuid) ==
			0;
	}
}

/* False: nobody's. */
static bool
place_qemu(struct gather *gather, const struct ha_qemu_seen *qemu)
{
	struct fdm_sight *sight = gather->sight;
	char resource[HA_VM_RESOURCE];
	struct fdm_subject *subject = find_owner(gather, qemu);

	if (subject) {
		take_qemu(subject, qemu);
		return true;
	}
	if (ha_vm_qmp_path_resource(qemu->args.qmp_path, resource,
				    sizeof(resource)) < 0) {
		return false;
	}
	subject = subject_of(sight, resource);
	subject = subject ? subject : add_subject(sight, resource, NULL);
	take_qemu(subject, qemu);
	return true;
}

static bool
is_same(const struct fdm_subject *subject, const struct ha_listed_vm *listed)
{
	return strcmp(listed->resource, subject->resource) == 0 ||
	       (subject->vm && subject->vm->has_uuid &&
		memcmp(&listed->uuid, &subject->vm->uuid,
		       sizeof(listed->uuid)) == 0) ||
	       (subject->has_qemu_uuid &&
		memcmp(&listed->uuid, &subject->qemu_uuid,
		       sizeof(listed->uuid)) == 0);
}

static enum ha_found_entry
entry_of(enum ha_listed_state state)
{
	switch (state) {
	case HA_LISTED_RUNNING:
		return HA_FOUND_LISTED;
	case HA_LISTED_STARTING:
	case HA_LISTED_INCOMING:
	case HA_LISTED_OUTGOING:
		return HA_FOUND_PASSING;
	case HA_LISTED_RELEASED:
	case HA_LISTED_N:
		break;
	}
	return HA_FOUND_UNLISTED;
}

/* Entries of this host's list that no subject answers to yet. */
static void
add_listed(struct gather *gather)
{
	const struct fdm_list *list = gather->self->list;

	for (guint i = 0; list && i < list->vms->len; i++) {
		const struct ha_listed_vm *listed =
			&g_array_index(list->vms, struct ha_listed_vm, i);

		if (!subject_of(gather->sight, listed->resource)) {
			(void)add_subject(gather->sight, listed->resource,
					  NULL);
		}
	}
}

/* The strongest entry of one host's list. */
static enum ha_found_entry
find_entry(const struct fdm_subject *subject, const struct fdm_host *host,
	   const struct ha_listed_vm **ret_listed)
{
	enum ha_found_entry best = HA_FOUND_UNLISTED;

	for (guint i = 0; host->list && i < host->list->vms->len; i++) {
		const struct ha_listed_vm *listed =
			&g_array_index(host->list->vms, struct ha_listed_vm, i);
		enum ha_found_entry entry = entry_of(listed->state);

		if (is_same(subject, listed) && entry > best) {
			best = entry;
			*ret_listed = listed;
		}
	}
	return best;
}

static void
take_entries(const struct gather *gather, struct fdm_subject *subject)
{
	const struct fdm_snap *snap = gather->snap;
	const struct ha_listed_vm *listed = NULL;

	subject->facts.entry = find_entry(subject, gather->self, &listed);
	if (listed) {
		ha_uuid_format(&listed->uuid, subject->uuid);
		subject->since = listed->since_generation;
	}
	for (guint i = 0; i < snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(snap->hosts, struct fdm_host, i);
		enum ha_found_entry entry;

		if (host->is_self || host->is_gone ||
		    (!host->is_member && !host->is_fresh)) {
			continue;
		}
		entry = find_entry(subject, host, &listed);
		if (entry > subject->facts.other) {
			subject->facts.other = entry;
			subject->other = host->name;
		}
	}
}

static bool
is_migrating(const struct fdm_facts *facts, const char *resource)
{
	for (guint i = 0; i < facts->migrations->len; i++) {
		if (strcmp(g_array_index(facts->migrations,
					 struct fdm_migration, i)
				   .resource,
			   resource) == 0) {
			return true;
		}
	}
	return false;
}

/* A process that carries the entry's UUID, whosever. */
static bool
is_uuid_seen(const struct fdm_subject *subject, const struct ha_qemu_seen *seen,
	     uint32_t count)
{
	for (uint32_t i = 0; i < count && subject->uuid[0]; i++) {
		if (strcmp(seen[i].args.uuid, subject->uuid) == 0) {
			return true;
		}
	}
	return false;
}

static void
take_facts(const struct gather *gather, struct fdm_subject *subject,
	   const struct ha_qemu_seen *seen, uint32_t count)
{
	const struct fdm_vm *vm = subject->vm;
	struct ha_found_facts *facts = &subject->facts;

	take_entries(gather, subject);
	facts->is_here = subject->qemu || is_uuid_seen(subject, seen, count);
	facts->is_ours = subject->qemu &&
			 ha_vm_qmp_path_is_ours(subject->qemu->args.qmp_path);
	facts->is_configured = vm != NULL;
	facts->is_active = vm && (vm->busy_nodes & gather->self_bit) != 0;
	facts->is_untold = vm && (vm->told_nodes & gather->self_bit) == 0;
	facts->is_acting = (vm && vm->acting_nodes != 0) ||
			   is_migrating(gather->facts, subject->resource);
	facts->is_sure = gather->is_sure;
}

/* Resources that a process of nobody's may belong to. */
static void
note_strangers(struct gather *gather)
{
	struct fdm_sight *sight = gather->sight;

	for (guint i = 0; sight->foreign > 0 && i < sight->subjects->len; i++) {
		const struct fdm_subject *subject =
			&g_array_index(sight->subjects, struct fdm_subject, i);

		if (subject->vm && !subject->vm->has_uuid && !subject->qemu) {
			g_ptr_array_add(sight->strangers,
					(gpointer)(uintptr_t)subject->vm);
		}
	}
}

static void
take_self(struct gather *gather)
{
	gather->self = fdm_snap_host(gather->snap, gather->snap->self);
	for (guint i = 0; i < gather->facts->nodes->len; i++) {
		const struct fdm_node *node = &g_array_index(
			gather->facts->nodes, struct fdm_node, i);

		if (strcmp(node->name, gather->snap->self) == 0 &&
		    i < FDM_NODE_BITS) {
			gather->self_bit = UINT64_C(1) << i;
			gather->is_sure = node->is_online && gather->self &&
					  gather->self->is_readable;
		}
	}
}

struct fdm_sight *
fdm_sight_new(const struct fdm_facts *facts, const struct fdm_snap *snap,
	      const struct ha_qemu_seen *seen, uint32_t count,
	      GHashTable *identities)
{
	struct fdm_sight *sight = g_new0(struct fdm_sight, 1);
	struct gather gather = {
		.facts = facts,
		.snap = snap,
		.identities = identities,
		.sight = sight,
	};

	sight->subjects = g_array_new(FALSE, TRUE, sizeof(struct fdm_subject));
	sight->names = g_ptr_array_new_with_free_func(g_free);
	sight->strangers = g_ptr_array_new();
	take_self(&gather);
	if (!gather.self) {
		return sight;
	}
	for (guint i = 0; i < facts->vms->len; i++) {
		const struct fdm_vm *vm =
			&g_array_index(facts->vms, struct fdm_vm, i);

		(void)add_subject(sight, vm->resource, vm);
	}
	for (uint32_t i = 0; i < count; i++) {
		sight->foreign += !place_qemu(&gather, &seen[i]);
	}
	add_listed(&gather);
	note_strangers(&gather);
	for (guint i = 0; i < sight->subjects->len; i++) {
		take_facts(
			&gather,
			&g_array_index(sight->subjects, struct fdm_subject, i),
			seen, count);
	}
	return sight;
}

void
fdm_sight_free(struct fdm_sight *sight)
{
	g_array_unref(sight->subjects);
	g_ptr_array_unref(sight->names);
	g_ptr_array_unref(sight->strangers);
	g_free(sight);
}
