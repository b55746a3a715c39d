/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha host maintenance: vSphere's maintenance mode, which is Pacemaker's
 * standby: the host's VMs leave by live migration and nothing starts there.
 * (Pacemaker's own "maintenance" leaves everything running and unwatched.)
 * Refuses before anything is changed when a VM has nowhere to go, and never
 * says "in maintenance" before the history proves that no VM is left.
 */
#include "maintenance.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/text.h"

#define EVACUATE_MS 900000u /* a large guest's memory takes minutes */
#define MS_PER_S 1000u

static json_t *
moves_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		const struct move *move = &plan->moves[i];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:o, s:s, s:s}", "vm",
					move->vm, "from", plan->host, "to",
					*move->to ? json_string(move->to) :
						    json_null(),
					"how", move_word(move->how), "why",
					move->why));
	}
	return list;
}

static void
put_plan(const struct vmha *v, const struct plan *plan)
{
	static const char *const TITLES[] = { "VM", "TO", "HOW", "", NULL };
	struct vmha_table table;

	vmha_table_init(&table, TITLES);
	for (size_t i = 0; i < plan->count; i++) {
		const struct move *move = &plan->moves[i];
		bool is_bad = move->how == MOVE_STOP || move->how == MOVE_STAY;

		vmha_table_add(&table, TONE_STRONG, "%s", move->vm);
		vmha_table_add(&table, TONE_PLAIN, "%s",
			       *move->to ? move->to : "-");
		vmha_table_add(&table,
			       is_bad                 ? TONE_BAD :
			       move->how == MOVE_LIVE ? TONE_GOOD :
							TONE_WARN,
			       "%s", move_word(move->how));
		vmha_table_add(&table, TONE_PLAIN, "%s", move->why);
	}
	if (!v->args.is_json && plan->count > 0) {
		vmha_table_print(&table, &v->screen, stdout);
		(void)fflush(stdout);
	}
	vmha_table_done(&table);
}

static int
set_standby(struct vmha *v, const char *host, const char *value)
{
	const char *const argv[] = {
		"crm_attribute", "--node",  host,       "--name", "standby",
		"--lifetime",    "forever", "--update", value,    NULL
	};

	return wait_run(argv, &v->err);
}

/* Places first: Pacemaker begins to move VMs at once. */
static int
begin_standby(struct vmha *v, const struct plan *plan)
{
	int rc = plan->places ? cib_modify(plan->places, &v->err) : 0;

	return rc < 0 ? rc : set_standby(v, plan->host, "on");
}

/* Where it is now, by the history; how it got there. */
static void
follow(const struct vmha *v, const struct plan *plan,
       const struct cib_node *cib, struct move *move)
{
	struct cib_past past;
	const struct cib_node *at;
	const char *where;

	cib_past(cib_find(cib, "node_state", "uname", plan->host), move->vm,
		 &past);
	move->is_settled = false;
	if (past.where == CIB_ON) {
		return;
	}
	if (past.where == CIB_BUSY) {
		wait_say_new(v, move->said, "%s: %s on %s under way%s%s",
			     move->vm, past.operation, plan->host,
			     *past.target ? ", to " : "", past.target);
		return;
	}
	if (past.where == CIB_FAILED) {
		wait_say_new(v, move->said, "%s: %s failed on %s%s%s", move->vm,
			     past.operation, plan->host,
			     *past.reason ? ": " : "", past.reason);
		return;
	}
	at = cib_active_on(cib, move->vm, &past);
	where = at ? cib_get(at, "uname") : "";
	if (past.where == CIB_ON) {
		bool is_live =
			strcmp(cib_arrival(past.lrm), "migrate_from") == 0;

		move->how = is_live ? MOVE_LIVE : MOVE_RESTART;
		(void)ha_text_copy(move->to, sizeof(move->to), where);
		move->is_settled = true;
		wait_say_new(v, move->said, "%s: %s -> %s, %s", move->vm,
			     plan->host, where,
			     is_live ? "migrated live" :
				       "stopped and started again");
		return;
	}
	move->is_settled =
		!*where && (move->how == MOVE_STOP || move->how == MOVE_OFF);
	wait_say_new(v, move->said, "%s: stopped on %s%s%s", move->vm,
		     plan->host, *where ? ", under way on " : "", where);
}

static int
evacuate(struct vmha *v, struct plan *plan)
{
	uint64_t span_ms = v->args.wait_ms ? v->args.wait_ms : EVACUATE_MS;
	uint64_t end_ms = ha_clock_now_ms() + span_ms;
	size_t left;
	int rc;

	for (;;) {
		struct cib_node *cib = NULL;
		const char *one = "Pacemaker's answer";

		left = 1;
		rc = cib_read(&cib, &v->err);
		if (rc == 0) {
			left = 0;
		}
		for (size_t i = 0; rc == 0 && i < plan->count; i++) {
			follow(v, plan, cib, &plan->moves[i]);
			if (!plan->moves[i].is_settled) {
				left++;
				one = plan->moves[i].vm;
			}
		}
		cib_free(cib);
		if (left == 0) {
			return 0;
		}
		if (ha_clock_left_ms(end_ms) == 0) {
			return rc < 0 ? rc :
					ha_err_set(
						&v->err, -ETIMEDOUT,
						"%zu of %zu VMs are not "
						"settled within %" PRIu64
						" s, %s among them. Standby "
						"stays and Pacemaker goes on: "
						"vmha host maintenance %s "
						"status",
						left, plan->count,
						span_ms / MS_PER_S, one,
						plan->host);
		}
		ha_clock_sleep_ms(WAIT_POLL_MS, end_ms);
	}
}

/* Also what a dry run is refused for, and what --force goes past. */
static int
tell_on(struct vmha *v, const struct plan *plan, bool is_dry_run,
	const char *refusal, json_t *warnings)
{
	char command[HA_HOST_NAME + 32];

	snprintf(command, sizeof(command), "crm node standby %s", plan->host);
	if (v->args.is_json) {
		return vmha_json(
			v,
			json_pack("{s:s, s:b, s:b, s:[s], s:o, s:s*, s:O}",
				  "host", plan->host, "maintenance",
				  !is_dry_run, "dry_run", (int)is_dry_run,
				  "commands", command, "vms", moves_json(plan),
				  "refused", refusal, "warnings", warnings));
	}
	if (is_dry_run) {
		if (!refusal) {
			puts(command);
		}
		return VMHA_OK;
	}
	wait_say(v,
		 "%s is in maintenance: %zu VMs have left, %zu of them live; "
		 "nothing starts there. \"vmha host maintenance %s off\" ends "
		 "it.",
		 plan->host, plan->count, plan_count(plan, MOVE_LIVE),
		 plan->host);
	return VMHA_OK;
}

/* May it be put into standby, or out of it? */
static int
look_host(struct vmha *v, const char *host, bool is_on)
{
	struct cib_node *cib = NULL;
	int rc = cib_read(&cib, &v->err);
	enum cib_host state;

	if (rc < 0) {
		return rc;
	}
	state = cib_host(cib, host);
	rc = wait_has_quorum(cib, &v->err);
	cib_free(cib);
	if (state == CIB_HOST_NONE) {
		return ha_err_set(&v->err, -ESRCH,
				  "Pacemaker has no node %s; \"crm node\" "
				  "lists them",
				  host);
	}
	if (rc < 0 || !is_on) {
		return rc;
	}
	if (state == CIB_HOST_OFFLINE) {
		return ha_err_set(&v->err, -EPERM,
				  "%s is offline: nothing can be moved from "
				  "there. \"crm node standby %s\" keeps VMs "
				  "away from it when it comes back",
				  host, host);
	}
	if (state == CIB_HOST_UNMANAGED) {
		return ha_err_set(&v->err, -EPERM,
				  "%s is in Pacemaker's own maintenance, which "
				  "leaves everything where it is: crm node "
				  "ready %s first",
				  host, host);
	}
	return 0;
}

static int
go_on(struct vmha *v, const char *host)
{
	struct plan plan = { 0 };
	ha_autofree char *places = NULL;
	json_t *warnings;
	int code = VMHA_OK;
	int rc = look_host(v, host, true);

	places = rc < 0 ? NULL : places_make(v, host);
	rc = rc < 0 ? rc : plan_make(host, places, &plan, &v->err);
	if (rc < 0) {
		return vmha_fail(v, rc);
	}
	warnings = json_array();
	rc = maintenance_refuse(v, &plan, put_plan, warnings);
	if (v->args.is_dry_run) {
		code = tell_on(v, &plan, true, rc < 0 ? v->err.text : NULL,
			       warnings);
		code = rc < 0 ? vmha_fail(v, rc) : code;
	} else {
		rc = rc < 0 ? rc : maintenance_commit(v, &plan, begin_standby);
		rc = rc < 0 ? rc : evacuate(v, &plan);
		code = rc < 0 ? vmha_fail(v, rc) :
				tell_on(v, &plan, false, NULL, warnings);
	}
	json_decref(warnings);
	plan_done(&plan);
	return code;
}

static int
tell_off(struct vmha *v, const char *host, bool is_changed)
{
	if (v->args.is_json) {
		return vmha_json(v, json_pack("{s:s, s:b, s:b}", "host", host,
					      "maintenance", 0, "changed",
					      (int)is_changed));
	}
	wait_say(v,
		 is_changed ? "%s is on duty again. VMs come back as "
			      "placement and stickiness say." :
			      "%s is on duty already.",
		 host);
	return VMHA_OK;
}

static int
dry_run_off(struct vmha *v, const char *host, bool is_changed)
{
	char command[HA_HOST_NAME + 32];

	snprintf(command, sizeof(command), "crm node online %s", host);
	if (v->args.is_json) {
		json_t *list = json_array();

		if (is_changed) {
			(void)json_array_append_new(list, json_string(command));
		}
		return vmha_json(v, json_pack("{s:s, s:b, s:o}", "host", host,
					      "dry_run", 1, "commands", list));
	}
	if (is_changed) {
		puts(command);
	}
	return VMHA_OK;
}

static int
go_off(struct vmha *v, const char *host)
{
	const char *const forget[] = {
		"crm_attribute", "--node", host,       "--name", "standby",
		"--lifetime",    "reboot", "--delete", NULL
	};
	struct cib_node *cib = NULL;
	bool is_changed;
	int rc = look_host(v, host, false);

	rc = rc < 0 ? rc : cib_read(&cib, &v->err);
	if (rc < 0) {
		return vmha_fail(v, rc);
	}
	is_changed = cib_is_standby(cib, host);
	if (v->args.is_dry_run) {
		cib_free(cib);
		return dry_run_off(v, host, is_changed);
	}
	if (is_changed) {
		rc = set_standby(v, host, "off");
	}
	/* "standby until the next restart" is an attribute of its own. */
	if (rc == 0 &&
	    cib_is_true(cib_nvpair(
		    cib_child(cib_find(cib, "node_state", "uname", host),
			      "transient_attributes"),
		    "standby"))) {
		rc = wait_run(forget, &v->err);
	}
	cib_free(cib);
	return rc < 0 ? vmha_fail(v, rc) : tell_off(v, host, is_changed);
}

static const char *
host_word(enum cib_host state)
{
	switch (state) {
	case CIB_HOST_STANDBY:
		return "in maintenance";
	case CIB_HOST_UNMANAGED:
		return "in Pacemaker's own, unmanaged maintenance";
	case CIB_HOST_ONLINE:
		return "on duty";
	case CIB_HOST_NONE:
	case CIB_HOST_OFFLINE:
		break;
	}
	return "offline";
}

static int
go_status(struct vmha *v, const char *host)
{
	struct cib_node *cib = NULL;
	const struct cib_node *vm = NULL;
	json_t *vms = json_array();
	const json_t *it;
	bool is_standby;
	size_t i;
	int rc = look_host(v, host, false);

	rc = rc == -EAGAIN ? 0 : rc; /* without quorum one may look */
	rc = rc < 0 ? rc : cib_read(&cib, &v->err);
	if (rc < 0) {
		json_decref(vms);
		return vmha_fail(v, rc);
	}
	while ((vm = cib_next_vm(cib, vm))) {
		struct cib_past past;

		cib_past(cib_find(cib, "node_state", "uname", host),
			 cib_get(vm, "id"), &past);
		if (past.where != CIB_NEVER && past.where != CIB_OFF) {
			(void)json_array_append_new(
				vms, json_string(cib_get(vm, "id")));
		}
	}
	is_standby = cib_is_standby(cib, host);
	if (v->args.is_json) {
		rc = vmha_json(v, json_pack("{s:s, s:b, s:s, s:O}", "host",
					    host, "maintenance",
					    (int)is_standby, "state",
					    host_word(cib_host(cib, host)),
					    "vms", vms));
	} else {
		printf("%s is %s%s; VMs there: %zu\n", host,
		       host_word(cib_host(cib, host)),
		       is_standby && cib_host(cib, host) == CIB_HOST_OFFLINE ?
			       " and in maintenance" :
			       "",
		       json_array_size(vms));
		json_array_foreach(vms, i, it)
		{
			printf("  %s\n", json_string_value(it));
		}
	}
	json_decref(vms);
	cib_free(cib);
	return rc;
}

int
vmha_maintenance(struct vmha *v)
{
	const char *host = v->args.operand[0];
	const char *verb = v->args.operand[1];
	int rc = wait_is_name(host, &v->err);

	if (rc < 0) {
		return vmha_fail(v, rc);
	}
	if (strcmp(verb, "on") == 0) {
		return go_on(v, host);
	}
	if (strcmp(verb, "off") == 0) {
		return go_off(v, host);
	}
	if (strcmp(verb, "status") == 0) {
		return go_status(v, host);
	}
	vmha_fail_with(v, -EINVAL,
		       "\"%s\" is none of on, off and status; usage: vmha host "
		       "maintenance HOST on|off|status",
		       verb);
	return VMHA_USAGE;
}
