/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One VM, for people: its ticket, what lists and holds say of it, and what is
 * missing before it may be started. Shows, decides nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "ha/clock.h"

static json_t *
ticket_json(const struct fdm_ticket *ticket)
{
	return json_pack("{s:b, s:b, s:s, s:s, s:s, s:I, s:I}", "there",
			 ticket->is_there, "granted", ticket->is_granted,
			 "state", ticket->state, "reason", ticket->reason,
			 "owner", ticket->owner, "term",
			 (json_int_t)ticket->term, "attempt",
			 (json_int_t)ticket->attempt);
}

static json_t *
listed_json(const struct fdm_snap *snap, const struct fdm_vm *vm)
{
	json_t *list = json_array();

	for (guint i = 0; snap && i < snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(snap->hosts, struct fdm_host, i);

		for (guint j = 0; host->list && j < host->list->vms->len; j++) {
			const struct ha_listed_vm *listed = &g_array_index(
				host->list->vms, struct ha_listed_vm, j);

			if (!fdm_is_listed_as(listed, vm)) {
				continue;
			}
			(void)json_array_append_new(
				list,
				json_pack("{s:s, s:s, s:b, s:b, s:b, s:b}",
					  "host", host->name, "state",
					  ha_listed_state_name(listed->state),
					  "member", host->is_member, "gone",
					  host->is_gone, "sealed",
					  host->is_sealed, "read",
					  host->is_readable));
		}
	}
	return list;
}

static const char *
kind_name(enum ha_hold_kind kind)
{
	switch (kind) {
	case HA_HOLD_OWNER:
		return "owner";
	case HA_HOLD_POLICY:
		return "policy";
	case HA_HOLD_LIFTED:
		return "lifted";
	case HA_HOLD_CONFIRMED_DEAD:
		return "confirmed-dead";
	case HA_HOLD_RELEASED:
		break;
	}
	return "released";
}

static json_t *
holds_json(const struct fdm_snap *snap, const struct fdm_vm *vm)
{
	json_t *list = json_array();

	for (guint i = 0; snap && i < snap->holds->len; i++) {
		const struct fdm_hold *hold =
			&g_array_index(snap->holds, struct fdm_hold, i);

		if (!fdm_is_held_as(hold, vm) ||
		    hold->hold.kind == HA_HOLD_LIFTED) {
			continue;
		}
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:b}", "kind",
				  kind_name(hold->hold.kind), "owner",
				  hold->owner_name, "owner_incarnation",
				  (json_int_t)hold->hold.owner_incarnation,
				  "owner_generation",
				  (json_int_t)hold->hold.owner_generation,
				  "term", (json_int_t)hold->hold.term, "by",
				  hold->by, "lifted",
				  !fdm_hold_is_effective(snap, hold)));
	}
	return list;
}

static json_t *
active_json(const struct fdm_facts *facts, const struct fdm_vm *vm)
{
	json_t *list = json_array();

	for (guint i = 0; i < facts->nodes->len; i++) {
		const struct fdm_node *node =
			&g_array_index(facts->nodes, struct fdm_node, i);

		if (fdm_facts_is_active(node, vm->resource)) {
			(void)json_array_append_new(list,
						    json_string(node->name));
		}
	}
	return list;
}

static void
set_text(json_t *object, const char *name, const char *text)
{
	(void)json_object_set_new(object, name,
				  text ? json_string(text) : json_null());
}

/* NULL: it does not. */
static const char *
waits_text(const struct fdm *fdm, const struct fdm_vm *vm, char *buffer,
	   size_t size)
{
	const struct fdm_row *row = fdm_row_find(fdm, vm->resource);

	if (row && row->verdict.is_granted && row->gate != HA_PROTECT_OPEN) {
		return ha_protect_gate_text(row->gate);
	}
	if (row && fdm_row_is_refused(row)) {
		(void)g_snprintf(buffer, size,
				 "admission control refuses it: %s",
				 row->refusal);
		return buffer;
	}
	if (row && row->verdict.is_granted && vm->is_wanted &&
	    row->admission == HA_GATE_PENDING) {
		return "admission control has not judged it yet";
	}
	if (!row || !row->waits) {
		return NULL;
	}
	fdm_restart_text(fdm->restart, fdm->facts, vm->resource,
			 ha_clock_now_ms(), buffer, size);
	return buffer[0] ? buffer : FDM_CLEANING_TEXT;
}

static void
add_waits(const struct fdm *fdm, const struct fdm_vm *vm, json_t *json)
{
	size_t index = (size_t)(vm - &g_array_index(fdm->facts->vms,
						    struct fdm_vm, 0));
	const struct ha_restart_vm *one =
		&g_array_index(fdm->restart->vms, struct ha_restart_vm, index);
	char text[HA_ERR_TEXT];

	set_text(json, "waits", waits_text(fdm, vm, text, sizeof(text)));
	set_text(json, "pending",
		 fdm_pending_text(fdm, vm, ha_clock_now_ms(), text,
				  sizeof(text)));
	set_text(json, "priority",
		 ha_restart_priority_name(
			 g_array_index(fdm->restart->priorities,
				       enum ha_restart_priority, index)));
	set_text(json, "ready_condition", ha_ready_name(one->ready));
	(void)json_object_set_new(json, "ready",
				  fdm_has_heartbeat(one) ?
					  json_boolean(one->is_ready) :
					  json_null());
	set_text(json, "not_ready", fdm_restart_lack(fdm->facts, one));
	(void)json_object_set_new(
		json, "protection",
		fdm_protect_vm_json(fdm->protect, vm,
				    fdm_row_find(fdm, vm->resource)));
}

json_t *
fdm_vm_json(const struct fdm *fdm, const struct fdm_vm *vm)
{
	const struct fdm_row *row = fdm_row_find(fdm, vm->resource);
	json_t *json = json_pack(
		"{s:s, s:b, s:b, s:o, s:b}", "resource", vm->resource, "gated",
		vm->is_gated, "nested", vm->is_nested, "ticket",
		ticket_json(&vm->ticket), "failed", vm->has_failures);
	char uuid[37];

	if (!json) {
		return NULL;
	}
	if (vm->has_uuid) {
		ha_uuid_format(&vm->uuid, uuid);
	}
	set_text(json, "uuid", vm->has_uuid ? uuid : NULL);
	add_waits(fdm, vm, json);
	(void)json_object_set_new(json, "admission",
				  fdm_admit_vm_json(fdm, vm, row));
	(void)json_object_set_new(json, "granted",
				  row ? json_boolean(row->verdict.is_granted) :
					json_null());
	set_text(json, "reason",
		 row ? ha_ticket_why_name(row->verdict.why) : NULL);
	set_text(json, "text",
		 row ? ha_ticket_why_text(row->verdict.why) : NULL);
	set_text(json, "owner", row && row->owner ? row->owner->name : NULL);
	(void)json_object_set_new(json, "listed", listed_json(fdm->snap, vm));
	(void)json_object_set_new(json, "holds", holds_json(fdm->snap, vm));
	(void)json_object_set_new(json, "active", active_json(fdm->facts, vm));
	return json;
}

/* ---- what is missing ---------------------------------------------------- */

static void miss(json_t *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void
miss(json_t *list, const char *format, ...)
{
	char text[HA_ERR_TEXT];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)json_array_append_new(list, json_string(text));
}

static void
miss_owner(json_t *list, const struct fdm_row *row)
{
	const struct fdm_host *owner = row->owner;
	const char *name = owner ? owner->name : "a host that has no slot";

	switch (row->verdict.why) {
	case HA_TICKET_OWNED:
		miss(list,
		     "it must be held on the heartbeat datastores in the name "
		     "of %s: the master does that",
		     name);
		break;
	case HA_TICKET_HELD:
	case HA_TICKET_UNREAD:
		break;
	case HA_TICKET_FREE:
	case HA_TICKET_RUNS:
	case HA_TICKET_RELEASED:
	case HA_TICKET_OWNER_GONE:
	case HA_TICKET_RETURNED:
	case HA_TICKET_N:
		return;
	}
	miss(list,
	     "one of these: %s comes back to the cluster; %s says that it has "
	     "released it%s; %s is proven dead%s; or a person confirms that "
	     "(vmha host confirm-dead %s)",
	     name, name,
	     owner && !owner->is_sealed ? " (it must seal first)" : "", name,
	     owner && owner->is_fresh ? " (it beats now)" : "", name);
}

static void
miss_room(const struct fdm *fdm, const struct fdm_vm *vm, json_t *list)
{
	char text[HA_ERR_TEXT];

	if (fdm_pending_text(fdm, vm, ha_clock_now_ms(), text, sizeof(text))) {
		miss(list, "room on a host that may run it: it %s", text);
	}
}

static void
find_missing(const struct fdm *fdm, const struct fdm_vm *vm, json_t *list)
{
	const struct fdm_row *row = fdm_row_find(fdm, vm->resource);
	const struct fdm_host *master = fdm_snap_master(fdm->snap);
	uint64_t now_ms = ha_clock_now_ms();

	if (vm->is_nested) {
		miss(list, "it stands in a group or clone: vmha gates single "
			   "resources only");
	} else if (!vm->is_gated) {
		miss(list,
		     "it has no gate: no rsc_ticket constraint with ticket "
		     "vmha-%s and loss-policy=freeze (vmha vm add makes it)",
		     vm->resource);
	}
	if (!fdm_has_snap(fdm, now_ms)) {
		miss(list, "heartbeatd of this host does not answer: nothing "
			   "is known about VM lists and holds");
	} else if (!master) {
		miss(list, "no host is master: nobody writes tickets");
	} else if (!fdm->snap->are_holds_read) {
		miss(list, "not all hosts' hold lists can be read");
	}
	if (!row) {
		return;
	}
	if (!row->verdict.is_granted) {
		miss_owner(list, row);
	} else if (row->gate != HA_PROTECT_OPEN) {
		miss(list, "%s: vmha vm start %s",
		     ha_protect_gate_text(row->gate), vm->resource);
	} else if (!ha_gate_is_open(row->admission)) {
		miss(list,
		     "the master must admit it, and does so by itself%s%s",
		     fdm_admit_help(fdm, vm->resource)[0] ? ": " : "",
		     fdm_admit_help(fdm, vm->resource));
	} else if (row->waits) {
		char text[HA_ERR_TEXT];

		miss(list, "%s", waits_text(fdm, vm, text, sizeof(text)));
	} else if (row->is_unsure && !vm->ticket.is_granted) {
		miss(list, "a host is out of reach and not proven dead, and "
			   "its VM list can't be read: it may run there. vmha "
			   "status names the host");
	} else if (!vm->ticket.is_granted && master) {
		miss(list, "the master (%s) must grant its ticket",
		     master->name);
	}
	miss_room(fdm, vm, list);
	if (fdm_row_is_granted(row) && vm->has_failures) {
		miss(list,
		     "Pacemaker keeps a failure of it, and may not start "
		     "it on that host: crm resource cleanup %s",
		     vm->resource);
	}
}

json_t *
fdm_op_vm(struct fdm *fdm, uint32_t client, const json_t *request)
{
	const char *resource =
		json_string_value(json_object_get(request, "resource"));
	const struct fdm_row *row;
	const struct fdm_vm *vm;
	char sentence[2 * HA_ERR_TEXT];
	char waits[HA_ERR_TEXT + 64];
	const char *text;
	json_t *missing;
	json_t *answer;

	(void)client;
	if (!resource) {
		return fdm_failed(-EINVAL, "the request names no resource");
	}
	if (!fdm->facts) {
		return fdm_failed(-EAGAIN, "no CIB: %s", fdm->cib_why);
	}
	vm = fdm_facts_vm(fdm->facts, resource);
	if (!vm) {
		return fdm_failed(
			-ENOENT,
			"%s is no resource of ocf:vmha:VirtualMachine "
			"in this cluster",
			resource);
	}
	row = fdm_row_find(fdm, resource);
	text = waits_text(fdm, vm, waits, sizeof(waits));
	if (!text) {
		text = fdm_pending_text(fdm, vm, ha_clock_now_ms(), waits,
					sizeof(waits));
	}
	(void)snprintf(sentence, sizeof(sentence), "%s: %s%s%s%s", resource,
		       text ? text :
		       row  ? ha_ticket_why_text(row->verdict.why) :
			      "nothing is known of lists and holds",
		       row && row->owner ? " (" : "",
		       row && row->owner ? row->owner->name : "",
		       row && row->owner ? ")" : "");
	answer = ha_ipc_ok();
	missing = json_array();
	find_missing(fdm, vm, missing);
	(void)json_object_update_new(answer, fdm_vm_json(fdm, vm));
	(void)json_object_set_new(answer, "sentence", json_string(sentence));
	(void)json_object_set_new(answer, "missing", missing);
	return answer;
}
