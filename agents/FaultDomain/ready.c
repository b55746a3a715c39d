/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which VMs of this host have a heartbeat to be listened to, and what of that
 * is told to the cluster: a transient node attribute, written when it changes,
 * only with quorum, and gone with its host. Only VMs that a ready condition
 * asks for cost anything. It decides nothing: restart.c does, with what all
 * hosts tell.
 */
#include "FaultDomain/ready.h"

#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"
#include "ha/vmfiles.h"

static void
pulse_free(gpointer data)
{
	struct fdm_pulse *one = data;

	fdm_ready_hang_up(one);
	g_free(one->resource);
	g_free(one->uri);
	g_free(one);
}

/* ---- whose heartbeat ------------------------------------------------------ */

static const char *
uri_of(const struct fdm_vm *vm)
{
	struct respond_pairs pairs = fdm_pairs(vm->params);
	const char *uri = respond_pair(&pairs, "hypervisor");

	return uri ? uri : "";
}

static bool
is_same(const struct fdm_pulse *one, const struct ha_vm_record *record,
	bool is_application)
{
	return one->id.pid == (pid_t)record->pid &&
	       one->id.start_ticks == record->start_ticks &&
	       one->pulse.is_application == is_application &&
	       strcmp(one->uuid, record->uuid) == 0;
}

static void
look_at(struct fdm *fdm, const struct fdm_vm *vm, bool is_application)
{
	GHashTable *table = fdm->ready->by_resource;
	struct fdm_pulse *one = g_hash_table_lookup(table, vm->resource);
	struct ha_vm_record record;
	struct ha_proc_id id;

	if (ha_vmfiles_load(vm->resource, &record, NULL) < 0 ||
	    record.phase != HA_VM_PHASE_RUNNING || record.pid == 0) {
		return;
	}
	id = (struct ha_proc_id){ .pid = (pid_t)record.pid,
				  .start_ticks = record.start_ticks };
	if (ha_proc_is_alive(&id) != 1) {
		return;
	}
	if (!one || !is_same(one, &record, is_application)) {
		one = g_new0(struct fdm_pulse, 1);
		one->fdm = fdm;
		one->resource = g_strdup(vm->resource);
		one->uri = g_strdup(uri_of(vm));
		one->id = id;
		one->pulse.is_application = is_application;
		g_strlcpy(one->uuid, record.uuid, sizeof(one->uuid));
		g_hash_table_replace(table, one->resource, one);
	}
	one->is_seen = true;
}

static gboolean
is_gone(gpointer key, gpointer value, gpointer data)
{
	struct fdm_pulse *one = value;
	bool is_seen = one->is_seen;

	(void)key;
	(void)data;
	one->is_seen = false;
	return !is_seen;
}

static void
look_at_all(struct fdm *fdm)
{
	for (guint i = 0; i < fdm->facts->vms->len; i++) {
		const struct ha_restart_vm *vm = &g_array_index(
			fdm->restart->vms, struct ha_restart_vm, i);

		if (fdm_has_heartbeat(vm)) {
			look_at(fdm,
				&g_array_index(fdm->facts->vms, struct fdm_vm,
					       i),
				vm->ready == HA_READY_APP);
		}
	}
	(void)g_hash_table_foreach_remove(fdm->ready->by_resource, is_gone,
					  NULL);
}

static void
log_changes(struct fdm *fdm, uint64_t now_ms)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, fdm->ready->by_resource);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct fdm_pulse *one = value;
		bool is_good = ha_pulse_is_good(&one->pulse, now_ms);
		const char *whose = one->pulse.is_application ? "application" :
								"guest agent";

		if (is_good && !one->is_told) {
			fdm_log(FDM_LOG_READY, one->resource, whose);
		} else if (!is_good && one->is_told) {
			fdm_log(FDM_LOG_READY_LOST, one->resource, whose);
		}
		one->is_told = is_good;
	}
}

/* ---- told to the cluster --------------------------------------------------- */

/* Of this process alone, and never 0: facts_ready.c. */
static uint64_t
mark_of(const struct fdm_pulse *one)
{
	return MAX(one->id.start_ticks, 1);
}

/* A daemon that is new believes for a moment what the last one told. */
static bool
is_to_be_told(const struct fdm *fdm, const struct fdm_pulse *one,
	      uint64_t now_ms)
{
	const struct fdm_vm *vm = fdm_facts_vm(fdm->facts, one->resource);

	return ha_pulse_is_good(&one->pulse, now_ms) ||
	       (!one->pulse.was_asked && vm && vm->ready_mark == mark_of(one));
}

static GString *
wanted(const struct fdm *fdm, uint64_t now_ms)
{
	GList *keys = g_hash_table_get_keys(fdm->ready->by_resource);
	GString *text = g_string_new("");

	keys = g_list_sort(keys, (GCompareFunc)(void (*)(void))strcmp);
	for (const GList *at = keys; at; at = at->next) {
		const struct fdm_pulse *one =
			g_hash_table_lookup(fdm->ready->by_resource, at->data);
		const char *gap = text->len > 0 ? " " : "";

		if (is_to_be_told(fdm, one, now_ms)) {
			g_string_append_printf(text, "%s%s=%" G_GUINT64_FORMAT,
					       gap, one->resource,
					       (guint64)mark_of(one));
		} else if (one->pulse.has_no_channel) {
			g_string_append_printf(text,
					       "%s%s=" FDM_READY_NO_CHANNEL,
					       gap, one->resource);
		}
	}
	g_list_free(keys);
	return text;
}

static void
tell(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_ready *ready = fdm->ready;
	GString *text;

	if (now_ms < ready->tell_ms || !fdm->facts->have_quorum ||
	    !fdm_has_snap(fdm, now_ms) || !fdm->snap->is_quorate) {
		return;
	}
	text = wanted(fdm, now_ms);
	if (fdm_attr_follow(fdm, &ready->told, fdm->snap->self, FDM_READY_ATTR,
			    fdm_attr_shown(fdm, FDM_READY_ATTR), text->str,
			    now_ms)) {
		ready->tell_ms = now_ms + FDM_READY_TELL_MS;
	}
	(void)g_string_free(text, TRUE);
}

/* ---- all -------------------------------------------------------------------- */

void
fdm_ready_tick(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_ready *ready = fdm->ready;

	if (!ready || fdm->is_ending || !fdm_has_facts(fdm) ||
	    now_ms < ready->look_ms) {
		return;
	}
	ready->look_ms = now_ms + FDM_READY_LOOK_MS;
	look_at_all(fdm);
	fdm_ready_ask(fdm, FDM_LANE_QUICK, now_ms);
	fdm_ready_ask(fdm, FDM_LANE_LATE, now_ms);
	log_changes(fdm, now_ms);
	tell(fdm, now_ms);
}

void
fdm_ready_begin(struct fdm *fdm)
{
	fdm->ready = g_new0(struct fdm_ready, 1);
	/* The key is the value's. */
	fdm->ready->by_resource = g_hash_table_new_full(g_str_hash, g_str_equal,
							NULL, pulse_free);
}

void
fdm_ready_end(struct fdm *fdm)
{
	if (fdm_has_facts(fdm) && fdm->facts->have_quorum && fdm->snap &&
	    fdm_attr_shown(fdm, FDM_READY_ATTR)[0]) {
		fdm_attr_set(fdm, fdm->snap->self, FDM_READY_ATTR, "");
	}
}
