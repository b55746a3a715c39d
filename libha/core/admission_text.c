/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sentence of an answer of admission control: object, value, limit, and
 * what would help. Must never tell a cautious no as a proven one.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "admission_tell.h"

bool
ha_admission_is_yes(enum ha_admission_verdict verdict)
{
	return verdict == HA_ADMISSION_ADMIT ||
	       verdict == HA_ADMISSION_SATISFIED;
}

static const char *
state_text(enum ha_inv_state state)
{
	switch (state) {
	case HA_INV_ONLINE:
		return "online";
	case HA_INV_STANDBY:
		return "in standby";
	case HA_INV_MAINTENANCE:
		return "in maintenance";
	case HA_INV_OFFLINE:
		return "offline";
	case HA_INV_ERROR:
		return "in error";
	}
	return "not online";
}

static const char *
host_name(const struct telling *t, uint32_t host)
{
	return host < t->answer->inv.n_hosts ? t->answer->inv.hosts[host].name :
					       "a host";
}

static const char *
vm_name(const struct telling *t, uint32_t vm)
{
	return vm < t->answer->inv.n_vms ? t->answer->inv.vms[vm].name : "a VM";
}

/* "h1", "h1 and h2", "h1, h2 and h3". */
static void
failed_text(const struct telling *t, struct ha_err *ret_text)
{
	const struct ha_plan_answer *plan = &t->answer->plan;

	ha_err_set(ret_text, 0, "%s",
		   host_name(t, plan->failed[plan->n_failed - 1]));
	for (uint32_t i = plan->n_failed - 1; i > 0; i--) {
		ha_err_prefix(ret_text, 0, "%s%s",
			      host_name(t, plan->failed[i - 1]),
			      i == plan->n_failed - 1 ? " and " : ", ");
	}
}

static void
tell_no_plan(const struct telling *t)
{
	const struct ha_plan_answer *plan = &t->answer->plan;
	const struct ha_plan_demand *demand = t->answer->demand;
	struct ha_err failed = HA_ERR_INIT;
	uint32_t vm = plan->vm;

	failed_text(t, &failed);
	if (vm >= t->answer->inv.n_vms) {
		ha_err_set(t->reason, 0,
			   "if %s fails, the VMs that ran there don't all "
			   "find a place on the other hosts",
			   failed.text);
		ha_err_set(t->help, 0,
			   "add a host, free reservations, or loosen rules");
		return;
	}
	ha_err_set(t->reason, 0,
		   "if %s fail%s, %s (%" PRIu64 " MHz, %" PRIu64
		   " MB) has no place on the other hosts",
		   failed.text, plan->n_failed > 1 ? "" : "s", vm_name(t, vm),
		   demand[vm].cpu_mhz, demand[vm].memory_mb);
	ha_err_set(t->help, 0,
		   "add a host of at least %" PRIu64 " MHz and %" PRIu64
		   " MB, free as much on one host that %s may use, or let it "
		   "use more hosts",
		   demand[vm].cpu_mhz, demand[vm].memory_mb, vm_name(t, vm));
}

static void
tell_not_placed(const struct telling *t)
{
	const struct ha_admission_answer *answer = t->answer;

	if (answer->host < answer->inv.n_hosts && answer->vm == HA_INV_NONE &&
	    ha__admission_is_enough(answer, answer->host)) {
		ha_err_set(
			t->reason, 0,
			"%s would hold VMs that a mandatory rule keeps apart",
			host_name(t, answer->host));
		ha_err_set(t->help, 0,
			   "move one of them away from %s, or make the rule "
			   "not mandatory",
			   host_name(t, answer->host));
		return;
	}
	if (answer->host < answer->inv.n_hosts) {
		ha__admission_tell_full(t, answer->host);
		ha_err_set(t->help, 0,
			   "move a VM away from %s, or lower a "
			   "reservation there",
			   host_name(t, answer->host));
		return;
	}
	if (answer->vm >= answer->inv.n_vms) {
		ha_err_set(t->reason, 0,
			   "a mandatory rule is broken as things stand");
		ha_err_set(t->help, 0,
			   "move the VMs of that rule, or make it "
			   "not mandatory");
		return;
	}
	ha_err_set(t->reason, 0,
		   "%s (%" PRIu64 " MHz, %" PRIu64 " MB) has no place where "
		   "room, allowed hosts and rules permit it",
		   vm_name(t, answer->vm), answer->demand[answer->vm].cpu_mhz,
		   answer->demand[answer->vm].memory_mb);
	ha_err_set(t->help, 0,
		   "free as much on one host that it may use, add a host, or "
		   "loosen a rule");
}

static void
tell_search(const struct telling *t)
{
	const struct ha_plan_answer *plan = &t->answer->plan;
	struct ha_err failed = HA_ERR_INIT;

	if (plan->n_failed > 0) {
		failed_text(t, &failed);
		ha_err_set(t->reason, 0,
			   "the search for a place for every VM if %s fail%s "
			   "reached its bound after %" PRIu64
			   " steps: no, to be safe",
			   failed.text, plan->n_failed > 1 ? "" : "s",
			   plan->steps);
	} else {
		ha_err_set(t->reason, 0,
			   "the search for a place for every VM reached its "
			   "bound after %" PRIu64 " steps: no, to be safe",
			   plan->steps);
	}
	ha_err_set(t->help, 0,
		   "free a little on any host: close to the limit the search "
		   "is hardest");
}

static void
tell_wanted_host(const struct telling *t, enum ha_admission_reason reason)
{
	const struct ha_admission_answer *answer = t->answer;
	const char *host = host_name(t, answer->host);

	if (reason == HA_ADMISSION_HOST_STATE) {
		ha_err_set(
			t->reason, 0, "%s is %s: no VM starts there", host,
			answer->host < answer->inv.n_hosts ?
				state_text(
					answer->inv.hosts[answer->host].state) :
				"unknown");
		ha_err_set(t->help, 0, "name an online host, or none");
	} else if (reason == HA_ADMISSION_HOST_FORBIDDEN) {
		ha_err_set(t->reason, 0, "%s may not run on %s",
			   vm_name(t, answer->vm), host);
		ha_err_set(t->help, 0,
			   "name a host of its hosts_allowed, or none");
	} else {
		ha_err_set(t->reason, 0,
			   "%s is a failover host: it is kept empty for the "
			   "VMs of failed hosts",
			   host);
		ha_err_set(t->help, 0, "name another host, or none");
	}
}

/* No VM is to blame where the cluster that is left is wrong as it stands. */
static void
tell_evacuation(const struct telling *t)
{
	const struct ha_admission_answer *answer = t->answer;
	bool has_vm = answer->vm < answer->inv.n_vms;
	struct ha_err who = HA_ERR_INIT;

	if (!has_vm && !answer->is_conservative) {
		tell_not_placed(t);
		return;
	}
	if (!has_vm) {
		ha_err_set(t->reason, 0,
			   "a place for each of the %" PRIu32
			   " VMs that need another host was not found within "
			   "the bound of the search: no, to be safe",
			   answer->displaced);
		ha_err_set(t->help, 0,
			   "free room on the other hosts, or add one");
		return;
	}
	if (answer->displaced == 1) {
		ha_err_set(&who, 0, "%s needs another host, and",
			   vm_name(t, answer->vm));
	} else {
		ha_err_set(&who, 0,
			   "%s, one of %" PRIu32 " VMs that need another host,",
			   vm_name(t, answer->vm), answer->displaced);
	}
	ha_err_set(t->reason, 0, "%s has no place there%s", who.text,
		   answer->is_conservative ? " that was found within the bound "
					     "of the search" :
					     "");
	ha_err_set(t->help, 0,
		   "free %" PRIu64 " MHz and %" PRIu64
		   " MB on one host that it may use, add a host, or let it "
		   "use more hosts",
		   answer->demand[answer->vm].cpu_mhz,
		   answer->demand[answer->vm].memory_mb);
}

static void
tell_failover(const struct telling *t)
{
	const struct ha_admission_answer *answer = t->answer;

	if (answer->reason == HA_ADMISSION_NO_FAILOVER) {
		ha_err_set(t->reason, 0,
			   "the policy is dedicated failover hosts, and there "
			   "is none");
		ha_err_set(t->help, 0,
			   "name failover hosts, or take another "
			   "policy");
		return;
	}
	ha_err_set(t->reason, 0, "failover host %s is %s: it can take no VM",
		   host_name(t, answer->host),
		   answer->host < answer->inv.n_hosts ?
			   state_text(answer->inv.hosts[answer->host].state) :
			   "unknown");
	ha_err_set(t->help, 0, "bring %s back, or name another failover host",
		   host_name(t, answer->host));
}

static void
tell_free(const struct telling *t)
{
	const char *text = "admission control is disabled: nothing is refused, "
			   "and nothing is kept free";

	if (t->answer->reason == HA_ADMISSION_IS_OFF) {
		text = "the VM is off: a reservation binds nothing before it "
		       "is switched on";
	} else if (t->answer->reason == HA_ADMISSION_IS_LOWERED) {
		text = "no demand grows: lowering is never refused";
	} else if (t->answer->reason == HA_ADMISSION_INSIDE) {
		text = "a migration inside the cluster changes no total";
	}
	ha_err_set(t->reason, 0, "%s", text);
}

static void
tell_no_candidate(const struct telling *t)
{
	ha_err_set(t->reason, 0,
		   "no host that %s may run on is online, failover hosts aside",
		   vm_name(t, t->answer->vm));
	ha_err_set(t->help, 0,
		   "bring one of them online, or let it use more hosts");
}

static void
tell_checker(const struct telling *t)
{
	ha_err_set(t->reason, 0,
		   "the checker did not accept a plan that was found: no, to "
		   "be safe");
	ha_err_set(t->help, 0,
		   "this is an error of vmha: report it with the inventory");
}

static void
tell(const struct telling *t)
{
	const struct ha_admission_answer *answer = t->answer;

	switch (answer->reason) {
	case HA_ADMISSION_HOLDS:
		ha__admission_tell_holds(t);
		break;
	case HA_ADMISSION_IS_DISABLED:
	case HA_ADMISSION_IS_OFF:
	case HA_ADMISSION_IS_LOWERED:
	case HA_ADMISSION_INSIDE:
		tell_free(t);
		break;
	case HA_ADMISSION_NO_HOST:
		ha_err_set(t->reason, 0, "no host is online");
		ha_err_set(t->help, 0, "bring a host online");
		break;
	case HA_ADMISSION_HOST_STATE:
	case HA_ADMISSION_HOST_FORBIDDEN:
	case HA_ADMISSION_HOST_FAILOVER:
		tell_wanted_host(t, answer->reason);
		break;
	case HA_ADMISSION_NO_CANDIDATE:
		tell_no_candidate(t);
		break;
	case HA_ADMISSION_CPU_SHORT:
		ha__admission_tell_share(t, &answer->cpu, "CPU", "MHz");
		break;
	case HA_ADMISSION_MEMORY_SHORT:
		ha__admission_tell_share(t, &answer->memory, "memory", "MB");
		break;
	case HA_ADMISSION_SLOTS_SHORT:
		ha__admission_tell_slots(t);
		break;
	case HA_ADMISSION_NO_FAILOVER:
	case HA_ADMISSION_FAILOVER_RED:
		tell_failover(t);
		break;
	case HA_ADMISSION_NOT_EVACUATED:
		tell_evacuation(t);
		break;
	case HA_ADMISSION_NOT_PLACED:
		tell_not_placed(t);
		break;
	case HA_ADMISSION_NO_PLAN:
		tell_no_plan(t);
		break;
	case HA_ADMISSION_SEARCH_BOUND:
		tell_search(t);
		break;
	case HA_ADMISSION_CHECKER_DIFFERS:
		tell_checker(t);
		break;
	}
}

void
ha_admission_text(const struct ha_admission_question *question,
		  const struct ha_admission_answer *answer,
		  struct ha_err *ret_reason, struct ha_err *ret_help)
{
	struct telling telling = { question, answer, ret_reason, ret_help };

	ret_reason->text[0] = '\0';
	ret_help->text[0] = '\0';
	tell(&telling);
	ha__admission_tell_too_large(&telling);
	if (answer->is_conservative && answer->reason == HA_ADMISSION_NO_PLAN) {
		struct ha_err no = *ret_reason;

		ha_err_set(ret_reason, 0,
			   "%s; another arrangement of the VMs was not found, "
			   "and is not ruled out",
			   no.text);
	}
}
