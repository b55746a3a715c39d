/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a host may not go into maintenance, before anything is changed: a VM
 * that can't leave, or admission control, by the cluster's own policy. As in
 * vSphere that refuses only where the cluster that is left could not survive
 * its failures, or where the scheduler would fill a host beyond what it has;
 * what can't be judged is refused too, and --force goes on in each case, and
 * says what it breaks.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "admission.h"
#include "door.h"
#include "ha/text.h"
#include "maintenance.h"
#include "policy.h"

static const struct move *
first_of(const struct plan *plan, enum move_how how)
{
	size_t i = 0;

	while (i < plan->count && plan->moves[i].how != how) {
		i++;
	}
	return i < plan->count ? &plan->moves[i] : NULL;
}

/* Those that can't leave, and those that end, are not a matter of course. */
static int
refuse_moves(struct vmha *v, const struct plan *plan)
{
	const struct move *stays = first_of(plan, MOVE_STAY);
	const struct move *stop = first_of(plan, MOVE_STOP);

	if (stays) {
		return ha_err_set(&v->err, -EPERM,
				  "%s would stay on %s: %s. Nothing was "
				  "changed",
				  stays->vm, plan->host, stays->why);
	}
	if (stop && !v->args.is_forced) {
		return ha_err_set(&v->err, -EPERM,
				  "%s can't leave %s: %s. Nothing was changed; "
				  "with --force it is stopped and stays down",
				  stop->vm, plan->host, stop->why);
	}
	return 0;
}

/* A dry run asks nobody, and is refused where nobody can be asked. */
static int
ask_back(struct vmha *v, const struct plan *plan)
{
	const struct move *restart = first_of(plan, MOVE_RESTART);
	size_t restarts = plan_count(plan, MOVE_RESTART);
	bool is_terminal = isatty(STDIN_FILENO) == 1;
	char answer[16];

	if (!restart || v->args.is_yes || (is_terminal && v->args.is_dry_run)) {
		return 0;
	}
	if (!is_terminal) {
		return ha_err_set(&v->err, -EPERM,
				  "%zu of %zu VMs will be stopped and started "
				  "again, %s first (%s); say --yes. Nothing "
				  "was changed",
				  restarts, plan->count, restart->vm,
				  restart->why);
	}
	fprintf(stderr,
		"%zu of %zu VMs will be stopped and started again.\nType "
		"\"yes\" to go on: ",
		restarts, plan->count);
	if (!fgets(answer, sizeof(answer), stdin) ||
	    strcmp(answer, "yes\n") != 0) {
		return ha_err_set(&v->err, -ECANCELED, "nothing was changed");
	}
	return 0;
}

static int
judge(struct vmha *v, struct weighing *w, const char *host, uint32_t *hosts)
{
	const struct ha_inventory *inv = &w->file->inv;
	uint32_t at = 0;

	while (at < inv->n_hosts && strcmp(inv->hosts[at].name, host) != 0) {
		at++;
	}
	if (at == inv->n_hosts || inv->hosts[at].state != HA_INV_ONLINE) {
		return 0; /* it counts for nothing already */
	}
	hosts[0] = at;
	w->file->request = (struct ha_admission_request){
		.op = HA_ADMISSION_REMOVE_HOST,
		.vm = HA_INV_NONE,
		.host = HA_INV_NONE,
		.hosts = hosts,
		.n_hosts = 1,
	};
	return weighing_decide(v, w);
}

/* With --force it is said, and goes on. */
static int
refuse(struct vmha *v, json_t *warnings, const char *text,
       const char *consequence)
{
	if (!v->args.is_forced) {
		return ha_err_set(&v->err, -EPERM,
				  "%s. Nothing was changed; with --force it "
				  "goes on%s",
				  text, consequence);
	}
	(void)json_array_append_new(
		warnings, json_sprintf("%s. With --force it goes on%s", text,
				       consequence));
	return 0;
}

static int
tell_judged(struct vmha *v, const struct plan *plan, const struct weighing *w,
	    json_t *warnings)
{
	struct ha_err text = HA_ERR_INIT;

	(void)ha_err_set(&text, 0,
			 "admission control refuses it: without %s, %s. What "
			 "would help: %s",
			 plan->host, w->reason.text,
			 w->help.text[0] ? w->help.text : "another host");
	return refuse(v, warnings, text.text, ", and that promise is broken");
}

static int
tell_overfull(struct vmha *v, const struct plan *plan,
	      const struct ha_err *overfull, json_t *warnings)
{
	struct ha_err text = HA_ERR_INIT;

	(void)ha_err_set(&text, 0,
			 "without %s, %s. What would help: wait until no VM "
			 "starts or moves, move one away from there, or change "
			 "the scores that overrule the places which were "
			 "judged (\"crm_simulate -sL\" shows them)",
			 plan->host, overfull->text);
	return refuse(v, warnings, text.text, "");
}

/* As this host's CIB has it: the master decides (maintenance_commit()).
 * Would the cluster without this host keep the promise of its own policy, and
 * does the scheduler put the VMs where there is room? */
static int
weigh(struct vmha *v, struct weighing *w, const struct plan *plan,
      bool *ret_is_shown, json_t *warnings)
{
	bool has_places = places_are_judged(w);
	struct ha_err overfull = HA_ERR_INIT;
	uint32_t hosts[1];
	int rc;

	/* Whoever says --force has no time for a long search. */
	if (v->args.is_forced && !v->args.is_dry_run) {
		w->file->policy.guarantee = HA_ADMISSION_ARITHMETIC;
	}
	rc = judge(v, w, plan->host, hosts);
	if (rc < 0 || !w->work) {
		return rc;
	}
	if (!ha_admission_is_yes(w->answer.verdict)) {
		*ret_is_shown = v->args.is_forced;
		rc = tell_judged(v, plan, w, warnings);
	}
	if (rc < 0 || !has_places) {
		return rc;
	}
	rc = room_compare(plan, w, &overfull);
	if (rc < 0) {
		v->err = overfull;
	}
	return rc <= 0 ? rc : tell_overfull(v, plan, &overfull, warnings);
}

static int
admit(struct vmha *v, const struct plan *plan, bool *ret_is_shown,
      json_t *warnings)
{
	struct weighing w;
	int rc;

	if (policy_is_stopped(plan->cib)) {
		vmha_warn("ocf:vmha:FaultDomain is stopped: nobody judges "
			  "whether the cluster can do without %s",
			  plan->host);
	}
	if (!policy_is_in_force(plan->cib)) {
		return 0;
	}
	rc = weighing_load_cluster(v, &w);
	if (rc == 0 && w.is_enforced) {
		rc = weigh(v, &w, plan, ret_is_shown, warnings);
	}
	if (rc < 0 && rc != -EPERM) {
		rc = ha_err_prefix(&v->err, rc,
				   "whether the cluster can do without %s is "
				   "not known%s: ",
				   plan->host,
				   v->args.is_forced ? "" :
						       ", so that nothing was "
						       "changed (--force goes "
						       "on)");
	}
	weighing_done(&w);
	if (rc < 0 && v->args.is_forced) {
		(void)json_array_append_new(warnings, json_string(v->err.text));
		rc = 0;
	}
	return rc;
}

int
maintenance_refuse(struct vmha *v, const struct plan *plan,
		   void (*show)(const struct vmha *v, const struct plan *plan),
		   json_t *warnings)
{
	int rc = refuse_moves(v, plan);
	bool is_shown = true;

	rc = rc < 0 ? rc : admit(v, plan, &is_shown, warnings);
	if (is_shown) {
		show(v, plan);
	}
	for (size_t i = 0; i < json_array_size(warnings); i++) {
		vmha_warn("%s", json_string_value(json_array_get(warnings, i)));
	}
	return rc < 0 ? rc : ask_back(v, plan);
}

int
maintenance_commit(struct vmha *v, const struct plan *plan,
		   int (*commit)(struct vmha *v, const struct plan *plan))
{
	struct door door = { .ask.kind = HA_DOOR_REMOVE_HOST, .lock_fd = -1 };
	int rc = 0;

	/* Who is not online counts for nothing already. */
	if (!v->args.is_forced && policy_is_in_force(plan->cib) &&
	    cib_host(plan->cib, plan->host) == CIB_HOST_ONLINE) {
		(void)ha_text_copy(door.ask.object, sizeof(door.ask.object),
				   plan->host);
		rc = door_open(v, plan->cib, &door);
	}
	if (rc > 0) {
		return ha_err_set(&v->err, -EPERM,
				  "the master refuses it: without %s, %s. "
				  "Nothing was changed; with --force it goes "
				  "on, and that promise is broken",
				  plan->host, door.refusal);
	}
	rc = rc < 0 ? rc : door_is_in_time(&door, &v->err);
	rc = rc < 0 ? rc : commit(v, plan);
	door_close(&door, rc);
	return rc;
}
