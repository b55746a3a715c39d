/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What becomes of a VM's protection. The order of writes keeps the promise
 * when the master dies between two of them: a power-off stands on disk before
 * its ticket is taken away, so a VM is never shown as protected that is not;
 * a start gets its ticket at once and is called protected when the disk says
 * so. Must never take a ticket from what runs, nor keep down what the list
 * does not call powered off.
 */
#include "ha/protect.h"

static const struct {
	const char *name;
	const char *text;
} GATES[HA_PROTECT_GATE_N] = {
	[HA_PROTECT_OPEN] = { "open", "" },
	[HA_PROTECT_POWERED_OFF] = { "powered-off",
				     "its user has powered it off" },
	[HA_PROTECT_KEPT_OFF] = { "was-off",
				  "it was powered off when the cluster lost its power, and "
				  "nobody has started it since, though its target-role says so" },
};

const char *
ha_protect_gate_name(enum ha_protect_gate gate)
{
	return (unsigned int)gate < HA_PROTECT_GATE_N ? GATES[gate].name :
							"invalid";
}

const char *
ha_protect_gate_text(enum ha_protect_gate gate)
{
	return (unsigned int)gate < HA_PROTECT_GATE_N ? GATES[gate].text :
							"invalid reason";
}

/* Pacemaker forgets tickets with its last node, the list does not. */
static bool
is_kept_off(const struct ha_protect_facts *facts)
{
	bool is_new = !facts->has_ticket && facts->on_disk == HA_PROTECT_OFF;
	bool is_kept = facts->is_kept_ticket && !facts->is_called;

	return !facts->is_somewhere && (is_new || is_kept);
}

/* It is to run, by the configuration. */
static struct ha_protect_verdict
judge_wanted(const struct ha_protect_facts *facts)
{
	if (!facts->is_managed) {
		return (struct ha_protect_verdict){
			facts->on_disk == HA_PROTECT_OFF ? HA_PROTECT_OFF :
							   HA_PROTECT_NONE,
			HA_PROTECT_OPEN
		};
	}
	return (struct ha_protect_verdict){ HA_PROTECT_ON, HA_PROTECT_OPEN };
}

struct ha_protect_verdict
ha_protect_judge(const struct ha_protect_facts *facts)
{
	bool is_away = facts->is_off && !facts->is_somewhere;

	/* Stopped with everything else, it is to run when that ends. */
	if ((facts->is_wanted || !facts->is_off) && is_kept_off(facts)) {
		return (struct ha_protect_verdict){ HA_PROTECT_OFF,
						    HA_PROTECT_KEPT_OFF };
	}
	if (facts->is_wanted) {
		return judge_wanted(facts);
	}
	/* Taken away already, or Pacemaker has forgotten that it was: proven
	 * then, and nothing has begun since. */
	if (is_away &&
	    (facts->is_off_ticket || facts->is_kept_ticket ||
	     (!facts->has_ticket && facts->on_disk == HA_PROTECT_OFF))) {
		return (struct ha_protect_verdict){ HA_PROTECT_OFF,
						    HA_PROTECT_POWERED_OFF };
	}
	if (is_away && facts->is_stopped && !facts->is_in_doubt) {
		return (struct ha_protect_verdict){
			HA_PROTECT_OFF, facts->on_disk == HA_PROTECT_OFF ?
						HA_PROTECT_POWERED_OFF :
						HA_PROTECT_OPEN
		};
	}
	/* Under way, in doubt, or stopped with everything else: as it was. */
	return (struct ha_protect_verdict){ facts->on_disk, HA_PROTECT_OPEN };
}

enum ha_protect_shown
ha_protect_show(const struct ha_protect_facts *facts)
{
	struct ha_protect_verdict verdict = ha_protect_judge(facts);

	switch (verdict.gate) {
	case HA_PROTECT_KEPT_OFF:
		return HA_PROTECT_IS_KEPT;
	case HA_PROTECT_POWERED_OFF:
		return HA_PROTECT_IS_OFF;
	case HA_PROTECT_OPEN:
	case HA_PROTECT_GATE_N:
		break;
	}
	if (!facts->is_wanted) {
		return (facts->is_stopped || !facts->is_off) &&
				       !facts->is_somewhere &&
				       !facts->is_in_doubt ?
			       HA_PROTECT_IS_OFF :
			       HA_PROTECT_IS_STOPPING;
	}
	if (!facts->is_managed) {
		return HA_PROTECT_IS_UNMANAGED;
	}
	return facts->on_disk == HA_PROTECT_ON ? HA_PROTECT_IS_PROTECTED :
						 HA_PROTECT_IS_COMING;
}

const char *
ha_protect_shown_name(enum ha_protect_shown shown)
{
	static const char *const NAMES[HA_PROTECT_SHOWN_N] = {
		[HA_PROTECT_IS_PROTECTED] = "protected",
		[HA_PROTECT_IS_COMING] = "being-protected",
		[HA_PROTECT_IS_OFF] = "powered-off",
		[HA_PROTECT_IS_KEPT] = "was-off",
		[HA_PROTECT_IS_STOPPING] = "powering-off",
		[HA_PROTECT_IS_UNMANAGED] = "unmanaged",
		[HA_PROTECT_IS_REFUSED] = "refused",
	};

	return (unsigned int)shown < HA_PROTECT_SHOWN_N ? NAMES[shown] :
							  "invalid";
}
