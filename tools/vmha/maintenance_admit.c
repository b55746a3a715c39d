/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a host may not go into maintenance, before anything is changed: a VM
 * that can't leave, or admission control, by the cluster's own policy. As in
 * vSphere that refuses only where the cluster that is left could not survive
 * its failures; what can't be judged is refused too, and --force goes on in
 * either case.
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

/* As this host's CIB has it: the master decides (maintenance_commit()).
 * Would the cluster without this host keep the promise of its own policy? */
static int
admit(struct vmha *v, const struct cib_node *cib, const char *host)
{
	uint32_t hosts[1];
	struct weighing w;
	int rc;

	if (!v->args.is_forced && policy_is_stopped(cib)) {
		vmha_warn("ocf:vmha:FaultDomain is stopped: nobody judges "
			  "whether the cluster can do without %s",
			  host);
	}
	if (v->args.is_forced || !policy_is_in_force(cib)) {
		return 0;
	}
	rc = weighing_load_cluster(v, &w);
	if (rc == 0 && w.is_enforced) {
		rc = judge(v, &w, host, hosts);
		if (rc == 0 && w.work &&
		    !ha_admission_is_yes(w.answer.verdict)) {
			rc = ha_err_set(&v->err, -EPERM,
					"admission control refuses it: without "
					"%s, %s. What would help: %s. Nothing "
					"was changed; with --force it goes on, "
					"and that promise is broken",
					host, w.reason.text,
					w.help.text[0] ? w.help.text :
							 "another host");
		}
	}
	if (rc < 0 && rc != -EPERM) {
		rc = ha_err_prefix(&v->err, rc,
				   "whether the cluster can do without %s is "
				   "not known, so that nothing was changed "
				   "(--force goes on): ",
				   host);
	}
	weighing_done(&w);
	return rc;
}

int
maintenance_refuse(struct vmha *v, const struct plan *plan)
{
	int rc = refuse_moves(v, plan);

	rc = rc < 0 ? rc : admit(v, plan->cib, plan->host);
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
