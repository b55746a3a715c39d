/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The catalogue (events.h) and docs/EVENTS.md from it. A row says that a line
 * of a daemon is an event; the daemon's own table says the rest, so that they
 * can't tell different things.
 */
#include <errno.h>
#include <string.h>

#include "events.h"
#include "heartbeat/logs_table.h"

#define HEARTBEAT "vmha-heartbeatd"
#define MANAGER "vmha-fdmd"

static const struct event_row {
	const char *program, *id, *vsphere;
} ROWS[] = {
	{ HEARTBEAT, "serving", "HA.HostDasAgentHealthyEvent" },
	{ HEARTBEAT, "failed", "HA.HostAgentErrorEvent" },
	{ HEARTBEAT, "stopped", "HA.HostStateChangedEvent" },
	{ HEARTBEAT, "stop-with-vms", "HA.HostAgentErrorEvent" },
	{ HEARTBEAT, "stop-failed", "HA.HostAgentErrorEvent" },
	{ HEARTBEAT, "store-ok", "HA.HeartbeatDatastoreChanged" },
	{ HEARTBEAT, "store-failed", "HA.HeartbeatDatastoreChanged" },
	{ HEARTBEAT, "store-slow", "" },
	{ HEARTBEAT, "block", "" },
	{ HEARTBEAT, "conflict", "" },
	{ HEARTBEAT, "ipc-failed", "HA.HostAgentErrorEvent" },
	{ HEARTBEAT, "softdog", "" },
	{ HEARTBEAT, "not-locked", "" },
	{ HEARTBEAT, "not-realtime", "" },
	{ HEARTBEAT, "armed", "" },
	{ HEARTBEAT, "disarmed", "" },
	{ HEARTBEAT, "pet-failed", "HA.HostAgentErrorEvent" },
	{ HEARTBEAT, "no-evidence", "" },
	{ HEARTBEAT, "evidence", "" },
	{ HEARTBEAT, "stood-still", "" },
	{ HEARTBEAT, "ring-mode", "HA.DasHostCompleteDatastoreFailureEvent" },
	{ HEARTBEAT, "host-live", "HA.HostStateChangedEvent" },
	{ HEARTBEAT, "host-silent", "HA.HostStateChangedEvent" },
	{ HEARTBEAT, "host-stopped", "HA.HostStateChangedEvent" },
	{ HEARTBEAT, "host-confirmed", "" },
	{ HEARTBEAT, "host-unguarded", "HA.HostAgentErrorEvent" },
	{ HEARTBEAT, "host-standing-down",
	  "HA.DasHostMonitoringDisabledEvent" },
	{ HEARTBEAT, "host-unknown", "" },
	{ HEARTBEAT, "ring-lost", "" },
	{ HEARTBEAT, "ring-name", "HA.HostAgentErrorEvent" },
	{ HEARTBEAT, "ring-no-slot", "HA.HostAgentErrorEvent" },
	{ HEARTBEAT, "rival", "" },
	{ HEARTBEAT, "not-obeyed", "" },
	{ HEARTBEAT, "order-refused", "" },
	{ HEARTBEAT, "kept", "" },
	{ HEARTBEAT, "restart-needed", "" },
	{ HEARTBEAT, "reload-failed", "" },
	{ HEARTBEAT, "released", "" },
	{ HEARTBEAT, "release-kept", "" },
	{ HEARTBEAT, "members", "HA.HostStateChangedEvent" },
	{ HEARTBEAT, "quorum", "" },
	{ HEARTBEAT, "ordered", "" },
	{ HEARTBEAT, "order", "" },
	{ HEARTBEAT, "braked", "" },
	{ HEARTBEAT, "fenced", "HA.DasHostFailedEvent" },
	{ HEARTBEAT, "cut-off", "HA.HostPartitionedFromMasterEvent" },
	{ HEARTBEAT, "not-fenced", "" },
	{ HEARTBEAT, "disarm", "HA.DasHostMonitoringDisabledEvent" },
	{ HEARTBEAT, "sealed", "" },
	{ HEARTBEAT, "unsealed", "" },
	{ HEARTBEAT, "claim-lost", "" },
	{ HEARTBEAT, "claim-won", "" },
	{ HEARTBEAT, "refused", "" },
	{ HEARTBEAT, "held", "" },
	{ HEARTBEAT, "holds-lifted", "" },
	{ HEARTBEAT, "confirmed-dead", "" },
	{ MANAGER, "failed", "HA.HostAgentErrorEvent" },
	{ MANAGER, "no-cib", "" },
	{ MANAGER, "no-heartbeat", "HA.HostAgentErrorEvent" },
	{ MANAGER, "master", "" },
	{ MANAGER, "not-master", "" },
	{ MANAGER, "master-waits", "HA.VcCannotFindMasterEvent" },
	{ MANAGER, "promoted", "HA.HostStateChangedEvent" },
	{ MANAGER, "demoted", "HA.HostStateChangedEvent" },
	{ MANAGER, "no-candidate", "" },
	{ MANAGER, "holding", "" },
	{ MANAGER, "lifting", "" },
	{ MANAGER, "held", "" },
	{ MANAGER, "waits", "HA.ClusterFailoverInProgressEvent" },
	{ MANAGER, "given-up", "VmMaxRestartCountReached" },
	{ MANAGER, "pending-placement", "VmFailoverFailed" },
	{ MANAGER, "placed", "HA.ClusterFailoverActionInitiatedEvent" },
	{ MANAGER, "restarted",
	  "VmRestartedOnAlternateHostEvent, ha.VmRestartedByHAEvent" },
	{ MANAGER, "admitted", "" },
	{ MANAGER, "not-admitted", "HA.NotEnoughResourcesToStartVmEvent" },
	{ MANAGER, "raise-refused", "" },
	{ MANAGER, "unadmitted", "" },
	{ MANAGER, "ask-admitted", "" },
	{ MANAGER, "ask-refused", "" },
	{ MANAGER, "plan-written", "" },
	{ MANAGER, "plan-incomplete", "" },
	{ MANAGER, "admission-green", "DasAdmissionControlSatisfied" },
	{ MANAGER, "admission-red", "InsufficientFailoverResourcesEvent" },
	{ MANAGER, "degradation", "HA.FailoverResourcesViolationEvent" },
	{ MANAGER, "degradation-end", "" },
	{ MANAGER, "kept-back", "HA.ClusterFailoverActionInitiatedEvent" },
	{ MANAGER, "released", "" },
	{ MANAGER, "restart-policy", "" },
	{ MANAGER, "granted", "HA.ClusterFailoverActionInitiatedEvent" },
	{ MANAGER, "protected", "HA.VmProtectedEvent" },
	{ MANAGER, "unprotected", "HA.VmUnprotectedEvent" },
	{ MANAGER, "off", "" },
	{ MANAGER, "power-on", "" },
	{ MANAGER, "protect-unread", "" },
	{ MANAGER, "protect-failed", "HA.VmNotProtectedEvent" },
	{ MANAGER, "disk-failed", "" },
	{ MANAGER, "cib-failed", "" },
	{ MANAGER, "unseal", "" },
	{ MANAGER, "fence", "" },
	{ MANAGER, "fenced-held", "HA.HostPartitionedFromMasterEvent" },
	{ MANAGER, "fence-refused", "" },
	{ MANAGER, "hand-started", "" },
	{ MANAGER, "duplicate", "HA.LockOwnerUnKnownForDupVms" },
	{ MANAGER, "twin", "HA.LockOwnerUnKnownForDupVms" },
	{ MANAGER, "orphan", "VmOrphanedEvent" },
	{ MANAGER, "found-end", "" },
	{ MANAGER, "listed", "" },
	{ MANAGER, "list-failed", "" },
	{ MANAGER, "cleared", "" },
	{ MANAGER, "clear-failed", "" },
	{ MANAGER, "look-failed", "" },
	{ MANAGER, "state-live", "HA.HostStateChangedEvent" },
	{ MANAGER, "state-isolated", "HA.DasHostIsolatedEvent" },
	{ MANAGER, "state-partitioned", "HA.HostPartitionedFromMasterEvent" },
	{ MANAGER, "state-dead", "HA.DasHostFailedEvent" },
	{ MANAGER, "state-agent-unreachable", "HA.HostStateChangedEvent" },
	{ MANAGER, "state-initialization-error", "HA.HostAgentErrorEvent" },
	{ MANAGER, "state-other", "HA.HostStateChangedEvent" },
	{ MANAGER, "maintenance-begin", "EnteringMaintenanceModeEvent" },
	{ MANAGER, "maintenance", "EnteredMaintenanceModeEvent" },
	{ MANAGER, "maintenance-end", "ExitMaintenanceModeEvent" },
	{ MANAGER, "partitioned", "HA.HostPartitionedFromMasterEvent" },
	{ MANAGER, "isolation-check", "HostIsolationIpPingFailedEvent" },
	{ MANAGER, "isolated", "HA.DasHostIsolatedEvent" },
	{ MANAGER, "connected", "HA.HostStateChangedEvent" },
	{ MANAGER, "no-isolation-address",
	  "HA.HostHasNoIsolationAddrsDefined" },
	{ MANAGER, "ping-failed", "HostIsolationIpPingFailedEvent" },
	{ MANAGER, "response",
	  "VmPowerOffOnIsolationEvent, "
	  "VmShutdownOnIsolationEvent" },
	{ MANAGER, "response-deferred", "HA.VMIsHADisabledIsolationEvent" },
	{ MANAGER, "response-done", "" },
	{ MANAGER, "response-failed", "" },
	{ MANAGER, "response-cancelled", "" },
	{ MANAGER, "bad-policy", "" },
	{ MANAGER, "guest-off", "VmGuestShutdownEvent" },
	{ MANAGER, "guest-off-waits", "" },
	{ MANAGER, "guest-off-failed", "" },
	{ MANAGER, "guest-deaf", "" },
	{ MANAGER, "ready-lost", "" },
	{ MANAGER, "ready-no-channel", "" },
	{ MANAGER, "ready-ask-failed", "" },
	{ MANAGER, "capacity-unknown", "" },
	{ MANAGER, "capacity-failed", "" },
};

/* Lines of notice and above that are none, and why. */
static const struct plain_row {
	const char *program, *id, *why;
} PLAIN_ROWS[] = {
	{ HEARTBEAT, "begin", "the line serving follows when it is done" },
	{ HEARTBEAT, "stopping", "the line stopped follows, or stop-failed" },
	{ HEARTBEAT, "events-lost", "about the log itself" },
	{ HEARTBEAT, "ring-open", "the line members follows" },
	{ HEARTBEAT, "told", "what was ordered is told by who ordered it" },
	{ HEARTBEAT, "order-acked", "a step of the line order" },
	{ HEARTBEAT, "order-over", "a step of the line order" },
	{ HEARTBEAT, "placed", "a step to the line cut-off" },
	{ HEARTBEAT, "still-sealed", "a step to the line unsealed" },
	{ HEARTBEAT, "master", "the manager tells it, as master" },
	{ HEARTBEAT, "master-over", "the manager tells it, as not-master" },
	{ HEARTBEAT, "reloaded", "somebody has just asked for it" },
	{ MANAGER, "begin", "Pacemaker tells it" },
	{ MANAGER, "end", "Pacemaker tells it" },
	{ MANAGER, "cib", "the end of the line no-cib" },
	{ MANAGER, "heartbeat", "the end of the line no-heartbeat" },
	{ MANAGER, "child-failed", "a tool of Pacemaker's; tried again" },
	{ MANAGER, "unseal-failed", "tried again each second" },
};

/* From the daemon's own table. */
static bool
fill(const struct event_row *row, struct event_kind *kind)
{
	bool is_managers = strcmp(row->program, MANAGER) == 0;

	*kind = (struct event_kind){ row->program, row->id, row->vsphere, NULL,
				     NULL };
	for (size_t i = 0; !is_managers && i < HB_LOG_ROWS_N; i++) {
		if (strcmp(HB_LOG_ROWS[i].id, row->id) == 0) {
			kind->level = hb_log_level_name(HB_LOG_ROWS[i].level);
			kind->meaning = HB_LOG_ROWS[i].meaning;
		}
	}
	for (size_t i = 0; is_managers && FDM_LINES[i].id; i++) {
		if (strcmp(FDM_LINES[i].id, row->id) == 0) {
			kind->level = FDM_LINES[i].level;
			kind->meaning = FDM_LINES[i].meaning;
		}
	}
	return kind->meaning != NULL;
}

bool
event_find(const char *program, const char *id, struct event_kind *ret_kind)
{
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		if (strcmp(ROWS[i].program, program) == 0 &&
		    strcmp(ROWS[i].id, id) == 0) {
			return fill(&ROWS[i], ret_kind);
		}
	}
	return false;
}

static bool
is_classified(const char *program, const char *id, const char *level)
{
	struct event_kind kind;
	bool is_plain = false;

	for (size_t i = 0; i < sizeof(PLAIN_ROWS) / sizeof(PLAIN_ROWS[0]);
	     i++) {
		is_plain = is_plain ||
			   (strcmp(PLAIN_ROWS[i].program, program) == 0 &&
			    strcmp(PLAIN_ROWS[i].id, id) == 0);
	}
	if (strcmp(level, "info") == 0 ||
	    event_find(program, id, &kind) != is_plain) {
		return true;
	}
	fprintf(stderr,
		"vmha: the line \"%s\" of %s is %s: events_table.c needs one "
		"row for it, as an event or as none\n",
		id, program,
		is_plain ? "an event, and none" : "neither an event nor none");
	return false;
}

/* Nothing that an administrator may have to know is forgotten. */
static bool
is_complete(void)
{
	bool is = true;

	for (size_t i = 0; i < HB_LOG_ROWS_N; i++) {
		is = is_classified(HEARTBEAT, HB_LOG_ROWS[i].id,
				   hb_log_level_name(HB_LOG_ROWS[i].level)) &&
		     is;
	}
	for (size_t i = 0; FDM_LINES[i].id; i++) {
		is = is_classified(MANAGER, FDM_LINES[i].id,
				   FDM_LINES[i].level) &&
		     is;
	}
	return is;
}

int
events_page(FILE *out)
{
	struct event_kind kind;

	if (!is_complete()) {
		return -EINVAL;
	}
	fputs("# Events\n\n"
	      "What `vmha events` shows: the lines of the daemons' logs that "
	      "tell the story of the\ncluster. This page is printed by `vmha "
	      "--events`. All lines of the daemons:\n[LOGS.md](LOGS.md), "
	      "[LOGS-FDMD.md](LOGS-FDMD.md), also for what the levels mean.\n"
	      "*vSphere* is the event that an administrator of vSphere would "
	      "look for; the\nprefix `com.vmware.vc.` is left out. Into a "
	      "mail or another system: [ALERTS.md](ALERTS.md).\n\n"
	      "| program | id | level | vSphere | what to understand, and do |\n"
	      "|---|---|---|---|---|\n",
	      out);
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		if (!fill(&ROWS[i], &kind)) {
			fprintf(stderr, "vmha: %s logs no line \"%s\"\n",
				ROWS[i].program, ROWS[i].id);
			return -EINVAL;
		}
		fprintf(out, "| %s | `%s` | %s | %s | %s |\n", kind.program,
			kind.id, kind.level, *kind.vsphere ? kind.vsphere : "-",
			kind.meaning);
	}
	fputs("\n## No events\n\nLines of level notice and above that are "
	      "only in the logs:\n\n| program | id | why |\n|---|---|---|\n",
	      out);
	for (size_t i = 0; i < sizeof(PLAIN_ROWS) / sizeof(PLAIN_ROWS[0]);
	     i++) {
		fprintf(out, "| %s | `%s` | %s |\n", PLAIN_ROWS[i].program,
			PLAIN_ROWS[i].id, PLAIN_ROWS[i].why);
	}
	return fflush(out) == 0 ? 0 : -EIO;
}
