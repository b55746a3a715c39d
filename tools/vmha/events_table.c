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
	{ MANAGER, "holding", "" },
	{ MANAGER, "lifting", "" },
	{ MANAGER, "held", "" },
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

int
events_page(FILE *out)
{
	struct event_kind kind;

	fputs("# Events\n\n"
	      "What `vmha events` shows: the lines of the daemons' logs that "
	      "tell the story of the\ncluster. This page is printed by `vmha "
	      "--events`. All lines of the daemons:\n[LOGS.md](LOGS.md), "
	      "[LOGS-FDMD.md](LOGS-FDMD.md), also for what the levels mean.\n"
	      "*vSphere* is the event that an administrator of vSphere would "
	      "look for; the\nprefix `com.vmware.vc.` is left out.\n\n"
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
	return fflush(out) == 0 ? 0 : -EIO;
}
