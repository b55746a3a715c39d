/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * heartbeatd's answers as structs. What an answer does not say is never taken
 * for good news: a missing word is "not fresh", "not gone", "not read".
 */
#include <stdlib.h>
#include <string.h>

#include "FaultDomain/snap.h"
#include "ha/text.h"

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static uint64_t
number_of(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value > 0 ? (uint64_t)value : 0;
}

static bool
is_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static bool
has_flag(const json_t *host, const char *name)
{
	const json_t *flags = json_object_get(host, "flags");
	const json_t *flag;
	size_t i;

	json_array_foreach(flags, i, flag)
	{
		const char *text = json_string_value(flag);

		if (text && strcmp(text, name) == 0) {
			return true;
		}
	}
	return false;
}

/* heartbeatd says "gone"; the words are those that imply it. */
static bool
is_gone(const json_t *host, const char *state)
{
	const json_t *gone = json_object_get(host, "gone");

	if (json_is_boolean(gone)) {
		return json_is_true(gone);
	}
	return strcmp(state, "dead") == 0 || strcmp(state, "stopped") == 0 ||
	       strcmp(state, "never") == 0;
}

static void
read_host(struct fdm_snap *snap, const json_t *json)
{
	const json_t *age = json_object_get(json, "seen_age_ms");
	uint64_t fresh_ms = 2 * (uint64_t)snap->beat_ms + snap->tolerance_ms;
	struct fdm_host host = { .slot = HA_SLOT_NONE };

	if (ha_text_copy(host.name, sizeof(host.name), text_of(json, "name")) <
		    0 ||
	    !host.name[0]) {
		return;
	}
	g_strlcpy(host.state, text_of(json, "state"), sizeof(host.state));
	g_strlcpy(host.proof, text_of(json, "proof"), sizeof(host.proof));
	host.slot = (uint32_t)number_of(json, "slot");
	host.incarnation = number_of(json, "incarnation");
	host.generation = number_of(json, "list_generation");
	host.term = number_of(json, "term");
	host.stores = (uint32_t)number_of(json, "stores_ok");
	host.is_self = is_true(json, "self");
	host.is_member = is_true(json, "member") || host.is_self;
	host.is_gone = is_gone(json, host.state);
	host.is_fresh =
		host.is_self ||
		(strcmp(host.proof, "alive") == 0 && json_is_integer(age) &&
		 number_of(json, "seen_age_ms") <= fresh_ms);
	host.is_quorate = has_flag(json, "quorate");
	host.is_master = has_flag(json, "master");
	host.is_isolated = has_flag(json, "isolated");
	host.is_sealed = has_flag(json, "sealed");
	g_array_append_val(snap->hosts, host);
}

/* Of this host: those that it reads and writes now. */
static uint32_t
count_stores(const json_t *answer)
{
	const json_t *store;
	uint32_t count = 0;
	size_t i;

	json_array_foreach(json_object_get(answer, "stores"), i, store)
	{
		count += is_true(store, "working");
	}
	return count;
}

bool
fdm_snap_read_status(struct fdm_snap *snap, const json_t *answer)
{
	const json_t *self = json_object_get(answer, "self");
	const json_t *timing = json_object_get(answer, "timing");
	const json_t *hosts = json_object_get(answer, "hosts");
	const json_t *host;
	size_t i;

	if (!json_is_object(self) || !json_is_object(timing) ||
	    !json_is_array(hosts)) {
		return false;
	}
	g_strlcpy(snap->self, text_of(self, "host"), sizeof(snap->self));
	g_strlcpy(snap->seal_why, text_of(self, "seal_why"),
		  sizeof(snap->seal_why));
	snap->self_incarnation = number_of(self, "incarnation");
	snap->ring_seq = number_of(self, "ring_seq");
	snap->has_self_generation =
		json_is_integer(json_object_get(self, "list_generation"));
	snap->self_generation = number_of(self, "list_generation");
	snap->is_member = is_true(self, "member");
	snap->is_quorate = is_true(self, "quorate");
	snap->can_write = is_true(self, "can_write");
	snap->can_read = is_true(self, "can_read");
	snap->is_sealed = is_true(self, "sealed");
	snap->beat_ms = (uint32_t)number_of(timing, "beat_ms");
	snap->tolerance_ms = (uint32_t)number_of(timing, "tolerance_ms");
	snap->silence_ms = number_of(timing, "silence_ms");
	json_array_foreach(hosts, i, host)
	{
		read_host(snap, host);
	}
	for (guint j = 0; j < snap->hosts->len; j++) {
		struct fdm_host *one =
			&g_array_index(snap->hosts, struct fdm_host, j);

		/* Its newest beat on disk may be older than that. */
		one->is_sealed =
			one->is_self ? snap->is_sealed : one->is_sealed;
		one->stores = one->is_self ? count_stores(answer) : one->stores;
	}
	return snap->self[0] != '\0' && snap->beat_ms > 0;
}

static bool
read_kind(const char *word, enum ha_hold_kind *ret_kind)
{
	static const struct {
		const char *word;
		enum ha_hold_kind kind;
	} KINDS[] = {
		{ "owner", HA_HOLD_OWNER },
		{ "policy", HA_HOLD_POLICY },
		{ "lifted", HA_HOLD_LIFTED },
		{ "confirmed-dead", HA_HOLD_CONFIRMED_DEAD },
		{ "released", HA_HOLD_RELEASED },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(KINDS); i++) {
		if (strcmp(KINDS[i].word, word) == 0) {
			*ret_kind = KINDS[i].kind;
			return true;
		}
	}
	return false;
}

bool
fdm_snap_read_holds(struct fdm_snap *snap, const json_t *answer)
{
	const json_t *holds = json_object_get(answer, "holds");
	const json_t *json;
	size_t i;

	if (!json_is_array(holds)) {
		return false;
	}
	json_array_foreach(holds, i, json)
	{
		const char *owner = text_of(json, "owner");
		const struct fdm_host *host = fdm_snap_host(snap, owner);
		struct fdm_hold hold = {
			.hold = {
				.owner = host ? host->slot : HA_SLOT_NONE,
				.owner_incarnation =
					number_of(json, "owner_incarnation"),
				.owner_generation =
					number_of(json, "owner_generation"),
				.term = number_of(json, "term"),
			},
		};

		if (!read_kind(text_of(json, "kind"), &hold.hold.kind)) {
			return false; /* of a newer version: not understood */
		}
		hold.has_uuid =
			ha_uuid_parse(text_of(json, "uuid"), &hold.uuid) == 0;
		g_strlcpy(hold.resource, text_of(json, "resource"),
			  sizeof(hold.resource));
		g_strlcpy(hold.by, text_of(json, "by"), sizeof(hold.by));
		g_strlcpy(hold.owner_name, owner, sizeof(hold.owner_name));
		g_array_append_val(snap->holds, hold);
	}
	return true;
}

static bool
read_state(const char *word, enum ha_listed_state *ret_state)
{
	for (int i = 0; i < HA_LISTED_N; i++) {
		if (strcmp(ha_listed_state_name((enum ha_listed_state)i),
			   word) == 0) {
			*ret_state = (enum ha_listed_state)i;
			return true;
		}
	}
	return false;
}

struct fdm_list *
fdm_list_read(const json_t *answer, bool *ret_is_current)
{
	const json_t *vms = json_object_get(answer, "vms");
	const json_t *current = json_object_get(answer, "current");
	struct fdm_list *list;
	const json_t *json;
	size_t i;

	if (!json_is_array(vms)) {
		return NULL;
	}
	list = g_new0(struct fdm_list, 1);
	g_atomic_ref_count_init(&list->refs);
	list->vms = g_array_new(FALSE, TRUE, sizeof(struct ha_listed_vm));
	list->incarnation = number_of(answer, "incarnation");
	list->generation = number_of(answer, "generation");
	*ret_is_current = json_is_true(current);
	json_array_foreach(vms, i, json)
	{
		struct ha_listed_vm vm = { .state = HA_LISTED_RUNNING };

		if (!read_state(text_of(json, "state"), &vm.state) ||
		    ha_uuid_parse(text_of(json, "uuid"), &vm.uuid) < 0 ||
		    ha_text_copy(vm.resource, sizeof(vm.resource),
				 text_of(json, "resource")) < 0) {
			fdm_list_unref(list);
			return NULL;
		}
		vm.since_generation = number_of(json, "since");
		g_array_append_val(list->vms, vm);
	}
	return list;
}
