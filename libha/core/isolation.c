/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is this host isolated, and what becomes of each of its VMs? As vSphere does
 * it: the host declares itself, and touches a VM only where a quorate master
 * elsewhere could restart it, so that a network that is down everywhere stops
 * no VM. Must never touch a VM of a host that is connected, nor before its
 * delay is over.
 */
#include "ha/isolation.h"

const char *
ha_isolation_state_name(enum ha_isolation_state state)
{
	static const char *const NAMES[HA_ISOLATION_N] = {
		[HA_ISOLATION_CONNECTED] = "connected",
		[HA_ISOLATION_PARTITIONED] = "partitioned",
		[HA_ISOLATION_CHECKING] = "checking",
		[HA_ISOLATION_ISOLATED] = "isolated",
	};

	return (unsigned int)state < HA_ISOLATION_N ? NAMES[state] : "invalid";
}

void
ha_isolation_init(struct ha_isolation *isolation, uint64_t now_ms)
{
	/* Until the first judgement: no response follows from it. */
	*isolation = (struct ha_isolation){
		.state = HA_ISOLATION_CONNECTED,
		.since_ms = now_ms,
	};
}

/* Of a moment that is still to come no time has passed. */
static bool
is_over(uint64_t since_ms, uint64_t span_ms, uint64_t now_ms)
{
	return now_ms >= since_ms && now_ms - since_ms >= span_ms;
}

/* Nobody is heard. The check begins when this is first seen, not with pings
 * that were already under way: both kinds of silence must be that long. */
static enum ha_isolation_state
judge_alone(const struct ha_isolation *isolation,
	    const struct ha_isolation_facts *facts,
	    const struct ha_isolation_policy *policy)
{
	bool is_asked =
		facts->addresses == 0 ||
		(facts->asked_ms != 0 &&
		 is_over(facts->asked_ms, policy->ping_ms, facts->now_ms));

	if (facts->addresses != 0 && facts->answered_ms != 0 &&
	    !is_over(facts->answered_ms, policy->ping_ms, facts->now_ms)) {
		return HA_ISOLATION_PARTITIONED;
	}
	switch (isolation->state) {
	case HA_ISOLATION_ISOLATED:
		return HA_ISOLATION_ISOLATED;
	case HA_ISOLATION_CHECKING:
		return is_asked && is_over(isolation->since_ms, policy->ping_ms,
					   facts->now_ms) ?
			       HA_ISOLATION_ISOLATED :
			       HA_ISOLATION_CHECKING;
	case HA_ISOLATION_CONNECTED:
	case HA_ISOLATION_PARTITIONED:
	case HA_ISOLATION_N:
		break;
	}
	return HA_ISOLATION_CHECKING;
}

bool
ha_isolation_judge(struct ha_isolation *isolation,
		   const struct ha_isolation_facts *facts,
		   const struct ha_isolation_policy *policy)
{
	enum ha_isolation_state state = HA_ISOLATION_CONNECTED;

	if (facts->is_quorate) {
		isolation->lost_ms = 0;
	} else {
		if (isolation->lost_ms == 0) {
			/* 0 says: quorate. */
			isolation->lost_ms = facts->now_ms ? facts->now_ms : 1;
		}
		state = facts->hears_agents ?
				HA_ISOLATION_PARTITIONED :
				judge_alone(isolation, facts, policy);
	}
	if (state == isolation->state) {
		return false;
	}
	isolation->state = state;
	isolation->since_ms = facts->now_ms;
	return true;
}

bool
ha_isolation_wants_ping(const struct ha_isolation *isolation)
{
	return isolation->state != HA_ISOLATION_CONNECTED;
}

/* ---- what becomes of a VM ------------------------------------------------ */

const char *
ha_response_name(enum ha_response response)
{
	static const char *const NAMES[HA_RESPONSE_N] = {
		[HA_RESPONSE_CLUSTER] = "cluster",
		[HA_RESPONSE_NONE] = "none",
		[HA_RESPONSE_POWEROFF] = "poweroff",
		[HA_RESPONSE_SHUTDOWN] = "shutdown",
	};

	return (unsigned int)response < HA_RESPONSE_N ? NAMES[response] :
							"invalid";
}

const char *
ha_response_why_text(enum ha_response_why why)
{
	static const char *const TEXTS[HA_RESPONSE_WHY_N] = {
		[HA_RESPONSE_WHY_NOT_CUT_OFF] =
			"this host is not known to be cut off",
		[HA_RESPONSE_WHY_POLICY] =
			"its response is to leave it powered on",
		[HA_RESPONSE_WHY_DISABLED] =
			"restart_priority=disabled: nobody would restart it",
		[HA_RESPONSE_WHY_DELAY] = "the delay before the response is "
					  "not over",
		[HA_RESPONSE_WHY_NO_OWNER] =
			"no other host that is quorate and has a master beats: "
			"nobody could restart it",
		[HA_RESPONSE_WHY_ISOLATED] = "this host is isolated",
		[HA_RESPONSE_WHY_PARTITIONED] =
			"this host's side of the cluster has no quorum",
		[HA_RESPONSE_WHY_SHUTTING_DOWN] = "its guest is shutting down",
		[HA_RESPONSE_WHY_SHUTDOWN_TIMEOUT] =
			"its guest has not shut down in time",
		[HA_RESPONSE_WHY_GONE] = "it does not run here any more",
	};

	return (unsigned int)why < HA_RESPONSE_WHY_N ? TEXTS[why] :
						       "invalid reason";
}

static struct ha_response_verdict
verdict(enum ha_response_step step, enum ha_response_why why)
{
	return (struct ha_response_verdict){ step, why };
}

/* A cluster's own "as the cluster's" is none at all. */
static enum ha_response
response_of(enum ha_response vm, enum ha_response cluster)
{
	return vm == HA_RESPONSE_CLUSTER ? cluster : vm;
}

/* Its delay is over: the guard, then the deed. */
static struct ha_response_verdict
judge_deed(const struct ha_response_facts *facts, enum ha_response response,
	   enum ha_response_why why, const struct ha_isolation_policy *policy)
{
	bool is_begun =
		response == HA_RESPONSE_SHUTDOWN && facts->shutdown_ms != 0;

	if (is_begun &&
	    !is_over(facts->shutdown_ms, policy->shutdown_ms, facts->now_ms)) {
		return verdict(HA_RESPONSE_STEP_WAIT,
			       HA_RESPONSE_WHY_SHUTTING_DOWN);
	}
	/* Before the power-off of a guest that would not shut down as well:
	 * perhaps it has never begun to. */
	if (facts->can_read && !facts->is_owner_alive) {
		return verdict(HA_RESPONSE_STEP_DEFER,
			       HA_RESPONSE_WHY_NO_OWNER);
	}
	if (is_begun) {
		return verdict(HA_RESPONSE_STEP_POWEROFF,
			       HA_RESPONSE_WHY_SHUTDOWN_TIMEOUT);
	}
	return verdict(response == HA_RESPONSE_SHUTDOWN ?
			       HA_RESPONSE_STEP_SHUTDOWN :
			       HA_RESPONSE_STEP_POWEROFF,
		       why);
}

struct ha_response_verdict
ha_response_judge(const struct ha_response_facts *facts,
		  const struct ha_isolation_policy *policy)
{
	const struct ha_isolation *isolation = facts->isolation;
	enum ha_response response = HA_RESPONSE_NONE;
	enum ha_response_why why = HA_RESPONSE_WHY_NOT_CUT_OFF;
	bool is_time = false;

	if (!facts->is_running) {
		return verdict(HA_RESPONSE_STEP_LEAVE, HA_RESPONSE_WHY_GONE);
	}
	switch (isolation->state) {
	case HA_ISOLATION_CONNECTED:
	case HA_ISOLATION_N:
		return verdict(HA_RESPONSE_STEP_LEAVE, why);
	case HA_ISOLATION_CHECKING:
		return verdict(HA_RESPONSE_STEP_WAIT, why);
	case HA_ISOLATION_PARTITIONED:
		why = HA_RESPONSE_WHY_PARTITIONED;
		response = response_of(facts->vm_partition,
				       facts->partition_response);
		is_time = isolation->lost_ms != 0 &&
			  is_over(isolation->lost_ms, policy->partition_ms,
				  facts->now_ms);
		break;
	case HA_ISOLATION_ISOLATED:
		why = HA_RESPONSE_WHY_ISOLATED;
		response = response_of(facts->vm_isolation,
				       facts->isolation_response);
		is_time = is_over(isolation->since_ms, policy->delay_ms,
				  facts->now_ms);
		break;
	}
	if (response != HA_RESPONSE_POWEROFF &&
	    response != HA_RESPONSE_SHUTDOWN) {
		return verdict(HA_RESPONSE_STEP_LEAVE, HA_RESPONSE_WHY_POLICY);
	}
	if (facts->is_restart_disabled) {
		return verdict(HA_RESPONSE_STEP_LEAVE,
			       HA_RESPONSE_WHY_DISABLED);
	}
	if (!is_time) {
		return verdict(HA_RESPONSE_STEP_WAIT, HA_RESPONSE_WHY_DELAY);
	}
	return judge_deed(facts, response, why, policy);
}
