/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "status": everything, as fdm.h describes it; VMs page by page. Shows,
 * decides nothing.
 */
#include <string.h>
#include <unistd.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/found.h"
#include "ha/clock.h"

#define ANSWER_BYTES (HA_IPC_PACKET - 16u * 1024u)

static json_t *
age(uint64_t now_ms, uint64_t then_ms)
{
	return then_ms == 0 ? json_null() :
			      json_integer((json_int_t)(now_ms - then_ms));
}

static const char *
state_word(const struct fdm *fdm, uint64_t now_ms)
{
	if (!fdm_has_facts(fdm)) {
		return "no-cib";
	}
	if (!fdm_has_snap(fdm, now_ms)) {
		return "no-heartbeat";
	}
	if (fdm->master.term != 0) {
		return "master";
	}
	return fdm_election_is_mine(fdm) ? "waiting" : "standby";
}

static json_t *
cib_json(const struct fdm *fdm, uint64_t now_ms)
{
	return json_pack("{s:b, s:s, s:s, s:o, s:I}", "connected", fdm->has_cib,
			 "why", fdm->cib_why, "version",
			 fdm->facts ? fdm->facts->version : "", "copy_age_ms",
			 age(now_ms, fdm->copy_ms), "copies",
			 (json_int_t)fdm->copies);
}

static json_t *
heartbeat_json(const struct fdm *fdm, uint64_t now_ms)
{
	const struct fdm_snap *snap = fdm->snap;

	if (!snap) {
		return json_pack("{s:b, s:s, s:n}", "there", 0, "why",
				 "not asked yet", "age_ms");
	}
	return json_pack("{s:b, s:s, s:o, s:b, s:b, s:b, s:b, s:s, s:b}",
			 "there", fdm_has_snap(fdm, now_ms), "why", snap->why,
			 "age_ms", age(now_ms, snap->at_ms), "quorate",
			 snap->is_quorate, "can_write", snap->can_write,
			 "can_read", snap->can_read, "sealed", snap->is_sealed,
			 "seal_why", snap->seal_why, "holds_read",
			 snap->are_holds_read);
}

static json_t *
forbids_json(const struct fdm_facts *facts, const char *host)
{
	const char *resource = NULL;
	struct ha_gated_verdict verdict = fdm_gated(facts, host, &resource);

	return verdict.is_allowed ?
		       json_null() :
		       json_pack("{s:s, s:s, s:s}", "resource", resource, "why",
				 ha_gated_why_name(verdict.why), "text",
				 ha_gated_why_text(verdict.why));
}

static const char *
pacemaker_word(const struct fdm_node *node)
{
	if (!node || !node->has_state) {
		return "unknown";
	}
	if (node->is_online) {
		return "online";
	}
	return node->is_forgotten ? "forgotten" : "offline";
}

static json_t *
host_json(const struct fdm *fdm, const struct fdm_host *host, uint64_t now_ms)
{
	const struct fdm_node *node =
		fdm->facts ? fdm_facts_node(fdm->facts, host->name) : NULL;
	const struct fdm_vanished *vanished =
		g_hash_table_lookup(fdm->vanished, host->name);
	json_t *json = json_pack(
		"{s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:I, s:I, s:b}",
		"name", host->name, "state", host->state, "member",
		host->is_member, "gone", host->is_gone, "fresh", host->is_fresh,
		"quorate", host->is_quorate, "master", host->is_master,
		"isolated", host->is_isolated, "sealed", host->is_sealed,
		"incarnation", (json_int_t)host->incarnation, "list_generation",
		(json_int_t)host->generation, "list_read", host->is_readable);

	if (!json) {
		return NULL;
	}
	(void)json_object_set_new(json, "report",
				  fdm_states_json(fdm, host->name, now_ms));
	(void)json_object_update_new(
		json,
		json_pack("{s:i, s:s, s:o, s:o}", "holds",
			  (int)fdm_holds_of(fdm->snap, host), "pacemaker",
			  pacemaker_word(node), "forbids",
			  fdm->facts ? forbids_json(fdm->facts, host->name) :
				       json_null(),
			  "fence_asked_age_ms",
			  age(now_ms, vanished ? vanished->asked_ms : 0)));
	return json;
}

static json_t *
restart_json(const struct fdm *fdm)
{
	json_t *errors = json_array();

	for (guint i = 0; i < fdm->restart->errors->len; i++) {
		(void)json_array_append_new(errors,
					    json_string(g_ptr_array_index(
						    fdm->restart->errors, i)));
	}
	return json_pack("{s:o}", "errors", errors);
}

static void
add_vms(const struct fdm *fdm, json_int_t from, json_t *answer)
{
	size_t used = json_dumpb(answer, NULL, 0, JSON_COMPACT);
	json_t *vms = json_array();
	guint count = fdm->facts ? fdm->facts->vms->len : 0;

	for (guint i = (guint)from; i < count; i++) {
		json_t *vm = fdm_vm_json(
			fdm, &g_array_index(fdm->facts->vms, struct fdm_vm, i));

		used += json_dumpb(vm, NULL, 0, JSON_COMPACT) + 1;
		if (used > ANSWER_BYTES) {
			json_decref(vm);
			(void)json_object_set_new(answer, "next_vm",
						  json_integer(i));
			break;
		}
		(void)json_array_append_new(vms, vm);
	}
	(void)json_object_set_new(answer, "vms", vms);
}

/* The state, and why it is no better. */
static void
add_self(const struct fdm *fdm, uint64_t now_ms, json_t *answer)
{
	const struct fdm_host *master =
		fdm->snap ? fdm_snap_master(fdm->snap) : NULL;
	const char *state = state_word(fdm, now_ms);
	uint64_t term = fdm->master.term;
	struct ha_err why = HA_ERR_INIT;

	if (strcmp(state, "standby") != 0 && strcmp(state, "master") != 0) {
		fdm_master_why(fdm, now_ms, &why);
		if (!why.text[0]) {
			g_strlcpy(why.text, fdm->master.told, sizeof(why.text));
		}
	}
	if (term == 0 && master) {
		term = master->term;
	}
	(void)json_object_update_new(
		answer,
		json_pack("{s:s, s:s, s:i, s:s, s:s, s:b, s:I, s:s, s:s, s:b}",
			  "host", fdm->snap ? fdm->snap->self : "", "version",
			  VMHA_VERSION, "pid", (int)getpid(), "state", state,
			  "why", why.text, "is_master", fdm->master.term != 0,
			  "term", (json_int_t)term, "master",
			  master ? master->name : "", "dc",
			  fdm->facts ? fdm->facts->dc : "", "have_quorum",
			  fdm->facts && fdm->facts->have_quorum));
}

json_t *
fdm_op_status(struct fdm *fdm, uint32_t client, const json_t *request)
{
	json_int_t from = json_integer_value(json_object_get(request, "from"));
	uint64_t now_ms = ha_clock_now_ms();
	json_t *answer = ha_ipc_ok();
	json_t *hosts = json_array();
	json_t *isolation = responder_describe(fdm->responder);

	(void)client;
	if (!answer) {
		return NULL;
	}
	add_self(fdm, now_ms, answer);
	(void)json_object_set_new(answer, "cib", cib_json(fdm, now_ms));
	(void)json_object_set_new(answer, "restart", restart_json(fdm));
	(void)json_object_set_new(answer, "pending",
				  fdm_pending_json(fdm, now_ms));
	(void)json_object_set_new(answer, "plan", fdm_prefer_json(fdm, now_ms));
	(void)json_object_set_new(answer, "admission",
				  fdm_admit_json(fdm, now_ms));
	(void)json_object_set_new(answer, "found", fdm_found_json(fdm, now_ms));
	(void)json_object_set_new(answer, "election", fdm_election_json(fdm));
	(void)json_object_set_new(answer, "protected_list",
				  fdm_protect_json(fdm->protect, now_ms));
	(void)json_object_set_new(answer, "heartbeat",
				  heartbeat_json(fdm, now_ms));
	(void)json_object_set_new(answer, "isolation",
				  isolation ? isolation : json_null());
	for (guint i = 0; fdm->snap && i < fdm->snap->hosts->len; i++) {
		(void)json_array_append_new(
			hosts, host_json(fdm,
					 &g_array_index(fdm->snap->hosts,
							struct fdm_host, i),
					 now_ms));
	}
	(void)json_object_set_new(answer, "hosts", hosts);
	add_vms(fdm, from > 0 ? from : 0, answer);
	return answer;
}
