/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list is the lock (SAFETY 12, 13): the judgement about one VM, host by
 * host. An entry of a host that is not proven gone stops everybody else,
 * whatever it says, except the two ends of one migration; a list that can't
 * be read is taken for one that holds the VM, and a hold in a host's name
 * stops everybody like an entry, whatever that host's list says: the master
 * lifts it first. There is no state, no age and no deadline by which an entry
 * or a hold may be passed over.
 */
#include "ha/vmlock.h"

#include <string.h>

/* The end of a migration and its other end: the target may come in while the
 * source has it; it runs there while the source still says outgoing, until
 * the source's stop has proven that nothing is left. The source may call it
 * outgoing, or its own again, while the target holds the place. */
static bool
is_migration(enum ha_listed_state wanted, enum ha_listed_state theirs)
{
	switch (wanted) {
	case HA_LISTED_INCOMING:
		return theirs == HA_LISTED_RUNNING ||
		       theirs == HA_LISTED_OUTGOING;
	case HA_LISTED_RUNNING:
		return theirs == HA_LISTED_INCOMING ||
		       theirs == HA_LISTED_OUTGOING;
	case HA_LISTED_OUTGOING:
		return theirs == HA_LISTED_INCOMING;
	case HA_LISTED_STARTING:
	case HA_LISTED_RELEASED:
	case HA_LISTED_N:
		break;
	}
	return false;
}

static struct ha_vmlock_verdict
judge_host(const char *self, enum ha_listed_state wanted,
	   const struct ha_vmlock_host *host)
{
	if (host->is_gone) {
		return (struct ha_vmlock_verdict){ HA_VMLOCK_GRANT,
						   HA_VMLOCK_WHY_FREE, 0 };
	}
	/* SAFETY 12: before readability, so that nobody waits for a list that
	 * could not free the VM. */
	if (host->is_held) {
		return (struct ha_vmlock_verdict){ HA_VMLOCK_REFUSE,
						   HA_VMLOCK_WHY_HOLD, 0 };
	}
	if (!host->is_readable) {
		return (struct ha_vmlock_verdict){ HA_VMLOCK_WAIT,
						   HA_VMLOCK_WHY_UNREADABLE,
						   0 };
	}
	if (!host->is_listed || host->state == HA_LISTED_RELEASED) {
		return (struct ha_vmlock_verdict){ HA_VMLOCK_GRANT,
						   HA_VMLOCK_WHY_FREE, 0 };
	}
	if (is_migration(wanted, host->state)) {
		return (struct ha_vmlock_verdict){ HA_VMLOCK_GRANT,
						   HA_VMLOCK_WHY_MIGRATION, 0 };
	}
	if (wanted == HA_LISTED_STARTING && host->state == HA_LISTED_STARTING) {
		if (strcmp(self, host->name) < 0) {
			return (struct ha_vmlock_verdict){ HA_VMLOCK_REFUSE,
							   HA_VMLOCK_WHY_YIELD,
							   0 };
		}
		return (struct ha_vmlock_verdict){ HA_VMLOCK_WAIT,
						   HA_VMLOCK_WHY_RIVAL, 0 };
	}
	return (struct ha_vmlock_verdict){ HA_VMLOCK_REFUSE, HA_VMLOCK_WHY_HELD,
					   0 };
}

/* GRANT < WAIT < REFUSE; of two grants the one that has something to tell. */
static int
weight(const struct ha_vmlock_verdict *verdict)
{
	switch (verdict->step) {
	case HA_VMLOCK_GRANT:
		return verdict->why == HA_VMLOCK_WHY_MIGRATION ? 1 : 0;
	case HA_VMLOCK_WAIT:
		return 2;
	case HA_VMLOCK_REFUSE:
		break;
	}
	return 3;
}

struct ha_vmlock_verdict
ha_vmlock_judge(const char *self, enum ha_listed_state wanted,
		const struct ha_vmlock_host *hosts, size_t count)
{
	struct ha_vmlock_verdict worst = { HA_VMLOCK_GRANT, HA_VMLOCK_WHY_FREE,
					   0 };
	size_t pairs = 0;

	for (size_t i = 0; i < count; i++) {
		struct ha_vmlock_verdict one =
			judge_host(self, wanted, &hosts[i]);

		one.host = i;
		if (one.why == HA_VMLOCK_WHY_MIGRATION && ++pairs > 1) {
			/* A migration has two ends: a third is a fault. */
			one.step = HA_VMLOCK_REFUSE;
			one.why = HA_VMLOCK_WHY_HELD;
		}
		if (weight(&one) > weight(&worst)) {
			worst = one;
		}
	}
	return worst;
}
