/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The score of a target. Never one that moves a machine whose host lives: in
 * doubt 0, which says nothing to Pacemaker and everything to who reads it.
 */
#include "ha/prefer.h"

static int64_t
score_of(const struct ha_prefer_facts *facts, uint32_t host)
{
	return facts->scores ? facts->scores[host] : 0;
}

/* In maintenance it stays where it is, and Pacemaker takes it up again there:
 * before anything could be written that it does not move for. */
static bool
is_running(const struct ha_inventory *inv, uint32_t vm,
	   const struct ha_prefer_facts *facts)
{
	uint32_t host = inv->vms[vm].host;

	return !facts->is_down && host != HA_INV_NONE &&
	       (inv->hosts[host].state == HA_INV_ONLINE ||
		inv->hosts[host].state == HA_INV_MAINTENANCE);
}

/* The host, its own and the target aside, that its user wants most. */
static uint32_t
find_rival(const struct ha_inventory *inv, uint32_t vm, uint32_t target,
	   const struct ha_prefer_facts *facts)
{
	uint32_t rival = HA_INV_NONE;

	/* Where nobody has scores of his own one is like the other. */
	for (uint32_t h = 0;
	     h < inv->n_hosts && (rival == HA_INV_NONE || facts->scores); h++) {
		if (h != target && (h != inv->vms[vm].host || facts->is_down) &&
		    inv->hosts[h].state == HA_INV_ONLINE &&
		    ha_inv_vm_is_allowed(&inv->vms[vm], h) &&
		    (rival == HA_INV_NONE ||
		     score_of(facts, h) > score_of(facts, rival))) {
			rival = h;
		}
	}
	return rival;
}

/* By rank: each more than all below it together. */
static const int CAPS[] = { HA_PREFER_MAX, 44, 21, 10, 4, 1 };
#define RANKS (sizeof(CAPS) / sizeof(CAPS[0]))

static int
cap_of(uint32_t rank)
{
	return rank < RANKS ? CAPS[rank] : 0;
}

static void
rank_rule(const struct ha_inv_rule *rule, struct ha_prefer_facts *facts)
{
	for (uint32_t i = rule->n_vms; i-- > 0;) {
		for (uint32_t j = i + 1; j < rule->n_vms; j++) {
			uint32_t below = facts[rule->vms[j]].rank + 1;
			struct ha_prefer_facts *one = &facts[rule->vms[i]];

			if (one->rank < below && below <= RANKS) {
				one->rank = below;
			}
		}
	}
}

/* As Pacemaker adds scores. */
static void
lose(int *lost, int64_t score)
{
	int64_t sum = *lost + (score > 0 ? score : 0);

	*lost = sum < HA_PREFER_INFINITY ? (int)sum : HA_PREFER_INFINITY;
}

static void
add_loss(const struct ha_inventory *inv, const struct ha_target *targets,
	 struct ha_prefer_facts *facts, uint32_t below, uint32_t vm)
{
	uint32_t here = inv->vms[vm].host;
	uint32_t there = targets[vm].host;

	if (here != HA_INV_NONE) {
		lose(&facts[vm].lost_here, score_of(&facts[below], here));
	}
	if (there != HA_INV_NONE) {
		lose(&facts[vm].lost_there, score_of(&facts[below], there));
		if (targets[below].host == there &&
		    targets[below].state != HA_TARGET_HOMELESS) {
			lose(&facts[vm].lost_there, cap_of(facts[below].rank));
		}
	}
}

static bool
separates(const struct ha_inv_rule *rule)
{
	return rule->is_mandatory && rule->type == HA_INV_SEPARATE;
}

void
ha_prefer_part(const struct ha_inventory *inv, const struct ha_target *targets,
	       struct ha_prefer_facts *facts)
{
	for (uint32_t vm = 0; vm < inv->n_vms; vm++) {
		facts[vm].rank = 0;
		facts[vm].lost_here = 0;
		facts[vm].lost_there = 0;
	}
	for (size_t round = 0; round < RANKS; round++) {
		for (uint32_t r = 0; r < inv->n_rules; r++) {
			if (separates(&inv->rules[r])) {
				rank_rule(&inv->rules[r], facts);
			}
		}
	}
	for (uint32_t r = 0; r < inv->n_rules; r++) {
		const struct ha_inv_rule *rule = &inv->rules[r];

		for (uint32_t i = 0; separates(rule) && i < rule->n_vms; i++) {
			for (uint32_t j = i + 1; j < rule->n_vms; j++) {
				add_loss(inv, targets, facts, rule->vms[i],
					 rule->vms[j]);
			}
		}
	}
}

/* One less than what would make it equal to staying: of equals Pacemaker may
 * take either. */
static int
highest(const struct ha_inventory *inv, uint32_t vm, uint32_t target,
	const struct ha_prefer_facts *facts)
{
	int cap = cap_of(facts->rank);
	int64_t stays;
	int64_t room;

	if (!is_running(inv, vm, facts) || inv->vms[vm].host == target) {
		return cap;
	}
	stays = facts->stickiness + score_of(facts, inv->vms[vm].host);
	if (stays > HA_PREFER_INFINITY) {
		stays = HA_PREFER_INFINITY;
	}
	room = stays - facts->lost_here - score_of(facts, target) - 1;
	return room <= 0 ? 0 : room > cap ? cap : (int)room;
}

void
ha_prefer_judge(const struct ha_inventory *inv, uint32_t vm, uint32_t target,
		const struct ha_prefer_facts *facts,
		struct ha_prefer_verdict *ret_verdict)
{
	struct ha_prefer_verdict verdict = { .rival = HA_INV_NONE };
	uint32_t rival = find_rival(inv, vm, target, facts);
	int64_t there = score_of(facts, target) - facts->lost_there;

	if (facts->has_wishes) {
		verdict.why = HA_PREFER_UNKNOWN;
		*ret_verdict = verdict;
		return;
	}
	verdict.score = highest(inv, vm, target, facts);
	if (rival == HA_INV_NONE ||
	    there + verdict.score > score_of(facts, rival)) {
		verdict.why = HA_PREFER_WINS;
	} else if ((facts->lost_there > 0 || facts->rank > 0) &&
		   score_of(facts, target) + HA_PREFER_MAX >
			   score_of(facts, rival)) {
		verdict.why = HA_PREFER_CROWDED;
	} else if (score_of(facts, target) >= score_of(facts, rival)) {
		verdict.why = HA_PREFER_NOT_STICKY;
	} else {
		verdict.why = HA_PREFER_OUTBID;
		verdict.rival = rival;
	}
	*ret_verdict = verdict;
}

bool
ha_prefer_wanted(const struct ha_inventory *inv, uint32_t vm,
		 const struct ha_target *target,
		 const struct ha_prefer_facts *facts,
		 const struct ha_prefer_constraint *stands,
		 struct ha_prefer_constraint *ret_wanted,
		 struct ha_prefer_verdict *ret_verdict)
{
	*ret_verdict = (struct ha_prefer_verdict){ .rival = HA_INV_NONE };
	*ret_wanted = *stands;
	/* What stood for one without a place is where others have theirs. */
	if (target->host != HA_INV_NONE &&
	    target->state != HA_TARGET_HOMELESS) {
		ha_prefer_judge(inv, vm, target->host, facts, ret_verdict);
		*ret_wanted = (struct ha_prefer_constraint){
			.is_there = true,
			.host = target->host,
			.score = ret_verdict->score,
		};
	} else if (inv->vms[vm].is_on) {
		ret_wanted->score = 0;
		/* In an opt-in cluster a score of 0 permits a host. */
		if (stands->is_there && stands->host != HA_INV_NONE &&
		    inv->vms[vm].host != HA_INV_NONE &&
		    !ha_inv_vm_is_allowed(&inv->vms[vm], stands->host)) {
			ret_wanted->host = inv->vms[vm].host;
		}
	}
	return ret_wanted->is_there != stands->is_there ||
	       ret_wanted->host != stands->host ||
	       ret_wanted->score != stands->score;
}

/* With it the full score is below what stays; not less than what is usual. */
static int
stickiness_needed(const struct ha_inventory *inv, uint32_t vm, uint32_t target,
		  const struct ha_prefer_facts *facts)
{
	uint32_t here = inv->vms[vm].host;
	int64_t needed =
		HA_PREFER_MAX + 1 + score_of(facts, target) + facts->lost_here;

	needed -= here == HA_INV_NONE ? 0 : score_of(facts, here);
	return needed < HA_PREFER_STICKY_USUAL ? HA_PREFER_STICKY_USUAL :
	       needed > HA_PREFER_INFINITY     ? HA_PREFER_INFINITY :
						 (int)needed;
}

void
ha_prefer_text(const struct ha_inventory *inv, uint32_t vm, uint32_t target,
	       const struct ha_prefer_facts *facts,
	       const struct ha_prefer_verdict *verdict, struct ha_err *ret_text)
{
	const char *name = inv->vms[vm].name;
	const char *host = inv->hosts[target].name;

	ret_text->text[0] = '\0';
	switch (verdict->why) {
	case HA_PREFER_WINS:
		break;
	case HA_PREFER_NOT_STICKY:
		(void)ha_err_set(
			ret_text, 0,
			"%s: Pacemaker can't be told that it goes to %s: its "
			"resource-stickiness is %d, and any preference for "
			"another host would move it there now; crm configure "
			"rsc_defaults resource-stickiness=%d",
			name, host, facts->stickiness,
			stickiness_needed(inv, vm, target, facts));
		break;
	case HA_PREFER_OUTBID:
		(void)ha_err_set(
			ret_text, 0,
			"%s: the plan sends it to %s, but its location "
			"constraints want %s more: lower their score there, or "
			"forbid what must not be (-INFINITY), which the plan "
			"takes into account",
			name, host, inv->hosts[verdict->rival].name);
		break;
	case HA_PREFER_CROWDED:
		(void)ha_err_set(
			ret_text, 0,
			"%s: the plan sends it to %s, and others that must not "
			"share a host with it have the same target: Pacemaker "
			"may choose another host. Let fewer VMs be apart from "
			"one another (colocation -INFINITY), or add a host",
			name, host);
		break;
	case HA_PREFER_UNKNOWN:
		(void)ha_err_set(
			ret_text, 0,
			"%s: the plan sends it to %s, but a colocation with a "
			"finite score or a rule that can't be judged has a "
			"word, too: make it mandatory (INFINITY), or take it "
			"away",
			name, host);
		break;
	}
}
