/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the daemon and its isolation responder: gathers the responder's
 * facts from the newest snapshot and copy, and tells heartbeatd what it has
 * declared.
 */
#include <string.h>

#include "FaultDomain/fdm.h"

static bool
hears_agents(const struct fdm_snap *snap)
{
	for (guint i = 0; i < snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(snap->hosts, struct fdm_host, i);

		if (host->is_member && !host->is_self) {
			return true;
		}
	}
	return false;
}

static bool
is_owner_alive(const struct fdm_snap *snap)
{
	for (guint i = 0; i < snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(snap->hosts, struct fdm_host, i);

		if (!host->is_member && host->is_fresh && host->is_quorate &&
		    host->is_master && !host->is_isolated) {
			return true;
		}
	}
	return false;
}

static void
gather_vms(const struct fdm *fdm, GArray *vms, GPtrArray *uuids)
{
	const struct fdm_host *self = fdm_snap_host(fdm->snap, fdm->snap->self);

	for (guint i = 0; self && self->list && i < self->list->vms->len; i++) {
		const struct ha_listed_vm *listed =
			&g_array_index(self->list->vms, struct ha_listed_vm, i);
		const struct fdm_vm *vm =
			fdm_facts_vm(fdm->facts, listed->resource);
		struct responder_vm one = {
			.resource = listed->resource,
			.state = listed->state,
			.is_configured = vm != NULL,
		};
		char *uuid = g_malloc(37);

		ha_uuid_format(&listed->uuid, uuid);
		g_ptr_array_add(uuids, uuid);
		one.uuid = uuid;
		if (vm) {
			one.params = (const struct responder_param *)(void *)
					     vm->params->data;
			one.n_params = vm->params->len;
		}
		g_array_append_val(vms, one);
	}
}

static void
on_told(void *data, int code, const json_t *answer, const char *why)
{
	struct fdm *fdm = data;

	(void)answer;
	(void)why;
	fdm->is_telling_isolated = false;
	if (code < 0) {
		fdm->told_isolated = -1;
	}
}

static void
tell(struct fdm *fdm, uint64_t now_ms)
{
	bool is_isolated = responder_is_isolated(fdm->responder);

	if (fdm->is_telling_isolated || !fdm_has_snap(fdm, now_ms) ||
	    fdm->told_isolated == (int)is_isolated ||
	    (is_isolated && fdm->snap->is_quorate)) {
		return;
	}
	fdm->told_isolated = is_isolated;
	fdm->is_telling_isolated = true;
	fdm_worker_ask(fdm->worker,
		       json_pack("{s:s, s:b}", "op", "isolated", "on",
				 (int)is_isolated),
		       FDM_HB_ASK_MS, on_told, fdm);
}

void
fdm_isolate_tick(struct fdm *fdm, uint64_t now_ms)
{
	GArray *vms = g_array_new(FALSE, FALSE, sizeof(struct responder_vm));
	GPtrArray *uuids = g_ptr_array_new_with_free_func(g_free);
	struct responder_facts facts = { .node = "" };

	/* The last copy of the configuration is good for the parameters, also
	 * while Pacemaker is gone. */
	if (fdm->snap && fdm->facts) {
		gather_vms(fdm, vms, uuids);
		facts = (struct responder_facts){
			.is_known = fdm_has_snap(fdm, now_ms),
			.is_quorate = fdm->snap->is_quorate,
			.hears_agents = hears_agents(fdm->snap),
			.can_read = fdm->snap->can_read,
			.is_owner_alive = is_owner_alive(fdm->snap),
			.node = fdm->snap->self,
			.vms = (const struct responder_vm *)(void *)vms->data,
			.n_vms = vms->len,
			.policy = (const struct responder_param *)(void *)
					  fdm->facts->policy->data,
			.n_policy = fdm->facts->policy->len,
		};
	}
	responder_tick(fdm->responder, &facts);
	tell(fdm, now_ms);
	g_ptr_array_unref(uuids);
	g_array_unref(vms);
}
