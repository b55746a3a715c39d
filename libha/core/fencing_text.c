/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table: each reason of a fencing verdict, its name for logs and what an
 * operator should read. Names are stable, they stand in logs and JSON. */
#include "ha/fencing.h"

#include <stddef.h>

static const struct {
	const char *name;
	const char *text;
} REASONS[HA_FENCE_WHY_N] = {
	[HA_FENCE_WHY_SILENT] = { "silent",
				  "its heartbeat has stood still long enough: "
				  "its watchdog has reset it" },
	[HA_FENCE_WHY_REPLACED] = { "replaced",
				    "it has booted again: what ran before is "
				    "gone" },
	[HA_FENCE_WHY_STOPPED] = { "stopped",
				   "it stopped cleanly, with no VM left, and "
				   "has not been a member since" },
	[HA_FENCE_WHY_NEVER] = { "never",
				 "it has never used its heartbeat slot and has "
				 "not been a member" },
	[HA_FENCE_WHY_CONFIRMED] = { "confirmed",
				     "an administrator has confirmed that it is "
				     "dead, and it has not beaten since" },
	[HA_FENCE_WHY_REJOINED] = { "rejoined",
				    "it had left and is a member again: there "
				    "is nothing to fence" },
	[HA_FENCE_WHY_SELF] = { "self",
				"a host can't prove its own death: another "
				"host must fence it" },
	[HA_FENCE_WHY_UNKNOWN_HOST] = { "unknown-host",
					"the heartbeat daemon here knows no such "
					"host: \"vmha heartbeat add-host\" "
					"gives it a slot" },
	[HA_FENCE_WHY_NO_QUORUM] = { "no-quorum",
				     "this host is in no quorate membership and "
				     "must not judge others" },
	[HA_FENCE_WHY_STORAGE_LOST] = { "storage-lost",
					"this host can't write and read enough "
					"heartbeat datastores: look at \"vmha "
					"heartbeat status\" here" },
	[HA_FENCE_WHY_UNGUARDED] = { "unguarded",
				     "no armed watchdog guards it: nothing but "
				     "a power switch or a person can tell" },
	[HA_FENCE_WHY_STANDING_DOWN] = { "standing-down",
					 "watchdogs are disarmed for planned "
					 "work: end it with \"vmha arm\"" },
	[HA_FENCE_WHY_BRAKED] = { "braked",
				  "it is alive, and as many hosts as "
				  "fence_limit allows were reset within the "
				  "last hour" },
	[HA_FENCE_WHY_NOT_KNOWABLE] = { "not-knowable",
					"too little can be read or heard to "
					"tell whether it is dead" },
	[HA_FENCE_WHY_ALIVE] = { "alive",
				 "it is alive: it must reset itself first" },
	[HA_FENCE_WHY_RING_LEASE] = { "ring-lease",
				      "it is silent on its datastores, but "
				      "other hosts may have vouched for it "
				      "until now" },
	[HA_FENCE_WHY_COUNTING] = { "counting",
				    "its heartbeat has not stood still for "
				    "long enough yet" },
	[HA_FENCE_WHY_NO_TIME] = { "no-time",
				   "the time of the fence agent ended before "
				   "there was a proof: raise power_timeout if "
				   "this comes again" },
	[HA_FENCE_WHY_HELD] = { "held",
				"it lives, cut off and sealed, and every VM "
				"that it runs is held for it" },
	[HA_FENCE_WHY_UNSEALED] = { "unsealed",
				    "it lives, cut off, and has not sealed its "
				    "VM list yet: it may still start VMs" },
	[HA_FENCE_WHY_UNREAD] = { "unread",
				  "it lives, cut off and sealed, but its VM "
				  "list can't be read yet" },
	[HA_FENCE_WHY_PLACED] = { "placed",
				  "its VMs have just been held: Pacemaker must "
				  "ask once more, with a plan that is not "
				  "older than that" },
};

const char *
ha_fence_reason_name(enum ha_fence_reason reason)
{
	return (unsigned int)reason < HA_FENCE_WHY_N ? REASONS[reason].name :
						       "invalid";
}

const char *
ha_fence_reason_text(enum ha_fence_reason reason)
{
	return (unsigned int)reason < HA_FENCE_WHY_N ? REASONS[reason].text :
						       "invalid reason";
}
